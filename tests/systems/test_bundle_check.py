"""Bundles whose every hash is right, but whose content would harm whoever works with it."""

import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from tests.places.factory import small_earth
from tests.systems.bundles_made import bundle_at, change_hierarchy, replace_listed

from geocairn.errors import BadBundle, BadHierarchy
from geocairn.places.hierarchy import Strings
from geocairn.places.territory import outline
from geocairn.systems.bundle import load_bundle
from geocairn.systems.bundle_check import bundle_faults
from geocairn.systems.transfer import pull_bundle

EARTH = small_earth()


def changed(name, place, value):
    column = getattr(EARTH, name).copy()
    column[place] = value
    return replace(EARTH, **{name: column})


CRAFTED = {
    "a circle of parents": (changed("parent", 0, 0), r"place 0 \('AQ'\): a parent stands before its children"),
    "leaves beyond the end": (changed("leaf_stop", 0, 10**6), "another has its children's"),
    "a weight that is no number": (changed("weight", -1, np.nan), "a weight is positive"),
    "a centre without end": (changed("unit", -1, np.inf), "centres are unit vectors"),
}


def test_a_whole_bundle_has_no_faults(tmp_path):
    folder = bundle_at(tmp_path / "b")
    change_hierarchy(folder, EARTH)
    assert bundle_faults(folder) == []


@pytest.mark.parametrize(("hierarchy", "law"), CRAFTED.values(), ids=CRAFTED)
def test_a_hierarchy_that_breaks_a_law_is_a_fault_and_never_loaded(tmp_path, hierarchy, law):
    folder = bundle_at(tmp_path / "b")
    change_hierarchy(folder, hierarchy)
    (fault,) = bundle_faults(folder)
    assert fault.path == folder / "hierarchy.npz"
    assert "rebuild the hierarchy" in fault.rule
    with pytest.raises(BadHierarchy, match=law):
        load_bundle(folder)
    with pytest.raises(BadBundle, match=law):
        pull_bundle(str(folder), tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_an_id_borne_twice_is_a_fault(tmp_path):
    folder = bundle_at(tmp_path / "b")
    with np.load(folder / "hierarchy.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    ids = Strings.of(["AQ", "AQ", *EARTH.ids.to_list()[2:]])
    content = BytesIO()
    np.savez(content, **{**arrays, "ids_utf8": ids.utf8, "ids_offset": ids.offsets})
    replace_listed(folder, "hierarchy.npz", content.getvalue())
    change_hierarchy(folder, replace(EARTH, ids=ids))
    (fault,) = bundle_faults(folder)
    assert "an id is unique" in fault.rule


def fingerprints(array):
    content = BytesIO()
    np.save(content, array)
    return content.getvalue()


ORIGINS = {
    "none": (np.zeros(0, np.uint64), "holds fingerprints of 0 photos, but the hierarchy counts 20"),
    "too few": (np.arange(19, dtype=np.uint64), "holds fingerprints of 19 photos"),
    "numbers": (np.zeros(3), "does not hold fingerprints of photos"),
    "out of order": (np.array([3, 1, 2], np.uint64), "does not hold fingerprints of photos"),
}


@pytest.mark.parametrize(("rows", "rule"), ORIGINS.values(), ids=ORIGINS)
def test_fingerprints_by_which_no_leak_would_be_found_are_a_fault(tmp_path, rows, rule):
    folder = bundle_at(tmp_path / "b")
    described = json.loads((folder / "hierarchy.json").read_text()) | {"count_of": "rows", "n_rows": 20}
    replace_listed(folder, "hierarchy.json", json.dumps(described).encode())
    replace_listed(folder, "rows.npy", fingerprints(np.arange(25, dtype=np.uint64)))
    assert bundle_faults(folder) == []
    replace_listed(folder, "rows.npy", fingerprints(rows))
    (fault,) = bundle_faults(folder)
    assert fault.path == folder / "rows.npy"
    assert rule in fault.rule


def test_a_card_that_is_no_text_is_a_fault(tmp_path):
    folder = bundle_at(tmp_path / "b")
    replace_listed(folder, "card.md", b"\xff\xfe\x00")
    (fault,) = bundle_faults(folder)
    assert (fault.path, fault.rule.partition(" (")[0]) == (folder / "card.md", "not readable as .md")


NO_OUTLINES = {
    "corners that are not there": ({"corner": lambda array: array + 10**6}, "are no outlines of places"),
    "corners beyond the Earth": ({"corners_deg": lambda array: array * np.nan}, "are no outlines of places"),
    "leaves beyond the end": ({"offset": lambda array: array * 2}, "are no outlines of places"),
    "numbers for indices": ({"corner": lambda array: array / 2}, "are no outlines of places"),
    "one number for all": ({"offset": lambda array: array[0]}, "are no outlines of places"),
    "other leaves": ({"offset": lambda array: array[[0, *range(len(array) - 3, len(array))]]}, "outlines of 3 places"),
    "an array left out": ({"offset": None}, "not readable as outlines of places"),
}


@pytest.mark.parametrize(("changes", "rule"), NO_OUTLINES.values(), ids=NO_OUTLINES)
def test_territories_that_are_none_are_a_fault_and_never_drawn(tmp_path, changes, rule):
    folder = bundle_at(tmp_path / "b")
    with np.load(folder / "territory.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    content = BytesIO()
    np.savez(content, **{name: changes.get(name, lambda array: array)(array) for name, array in arrays.items() if changes.get(name, True) is not None})
    replace_listed(folder, "territory.npz", content.getvalue())
    (fault,) = bundle_faults(folder)
    assert fault.path == folder / "territory.npz"
    assert rule in fault.rule
    with pytest.raises(BadHierarchy, match=r"territory\.npz: .*; build it anew$"):
        outline(folder / "territory.npz", np.array([EARTH.n_leaves - 1]))


@pytest.mark.parametrize("name", ["hierarchy.npz", "territory.npz"])
def test_arrays_that_would_fill_the_memory_are_a_fault_and_never_unpacked(tmp_path, name):
    folder = bundle_at(tmp_path / "b")
    content = BytesIO()
    np.savez_compressed(content, corner=np.zeros(1 << 24))
    replace_listed(folder, name, content.getvalue())
    (fault,) = bundle_faults(folder)
    assert fault.path == folder / name
    assert f"its arrays need {(1 << 27) + 128} bytes, too many for a file of {len(content.getvalue())}" in fault.rule
