import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from tests.places.factory import hierarchies, small_earth

from geocairn.errors import BadHierarchy, BadOutput
from geocairn.places.files import arrays_sha256, load_hierarchy, save_hierarchy
from geocairn.places.hierarchy import Strings, check_hierarchy

ARRAYS = ("level", "parent", "unit", "radius_km", "count", "weight", "area_km2", "leaf_start", "leaf_stop")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "hierarchy.npz"
    save_hierarchy(small_earth(), path)
    return path


def rewritten(path, **changes):
    """The file with some of its arrays changed, or left out where they are None."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def described(path, **changes):
    words = json.loads(path.with_suffix(".json").read_text()) | changes
    path.with_suffix(".json").write_text(json.dumps({key: value for key, value in words.items() if value is not None}))


@settings(max_examples=15)
@given(hierarchies())
def test_a_hierarchy_comes_back_as_it_was(tmp_path_factory, hierarchy):
    path = tmp_path_factory.mktemp("h") / "hierarchy.npz"
    save_hierarchy(hierarchy, path)
    back = load_hierarchy(path)
    check_hierarchy(back)
    for name in ARRAYS:
        assert np.array_equal(getattr(back, name), getattr(hierarchy, name)), name
        assert getattr(back, name).dtype == getattr(hierarchy, name).dtype, name
    assert (back.ids.to_list(), back.names.to_list(), back.level_names) == (hierarchy.ids.to_list(), hierarchy.names.to_list(), hierarchy.level_names)
    assert arrays_sha256(back) == arrays_sha256(hierarchy)
    assert {key: value for key, value in back.meta.items() if key != "arrays_sha256"} == hierarchy.meta


def test_the_hash_tells_hierarchies_apart_and_follows_a_change(saved):
    earth = load_hierarchy(saved)
    assert earth.meta["arrays_sha256"] == arrays_sha256(earth)
    names = ["Antarctica", *earth.names.to_list()[1:]]
    renamed = replace(earth, names=Strings.of(names))
    save_hierarchy(renamed, saved)
    assert load_hierarchy(saved).meta["arrays_sha256"] == arrays_sha256(renamed) != arrays_sha256(earth)


def test_a_broken_hierarchy_is_not_saved(tmp_path):
    with pytest.raises(BadHierarchy, match="weights sum"):
        save_hierarchy(replace(small_earth(), weight=small_earth().weight * 2), tmp_path / "hierarchy.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot be written") as caught:
        save_hierarchy(small_earth(), tmp_path / "file" / "hierarchy.npz")
    assert "\n" not in str(caught.value)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"unit.npy") + 400] ^= 1
    path.write_bytes(bytes(data))


def pickled(path):
    rewritten(path, level=np.array([None, {}], dtype=object))


def compressed_badly(path):
    with np.load(path) as stored:
        np.savez_compressed(path, **{name: stored[name] for name in stored.files})
    data = bytearray(path.read_bytes())
    data[100:140] = bytes(40)
    path.write_bytes(bytes(data))


def array_alone(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def without_members(path):
    with zipfile.ZipFile(path, "w"):
        pass


DAMAGE = {
    "no .npz": (lambda path: path.unlink(), "hierarchy.npz: no such file"),
    "an .npz cut in half": (cut, "hierarchy.npz: not a readable .npz"),
    "an empty .npz": (lambda path: path.write_bytes(b""), "hierarchy.npz: not a readable .npz"),
    "text for an .npz": (lambda path: path.write_text("hello"), "hierarchy.npz: not a readable .npz"),
    "a single array for an .npz": (lambda path: array_alone(path), "hierarchy.npz: not a readable .npz"),
    "a folder for an .npz": (lambda path: (path.unlink(), path.mkdir()), "hierarchy.npz: not a readable .npz"),
    "a bit flipped": (flip, "hierarchy.npz: not a readable .npz"),
    "pickled objects": (pickled, "hierarchy.npz: not a readable .npz"),
    "damaged compression": (compressed_badly, "hierarchy.npz: not a readable .npz"),
    "no arrays at all": (without_members, "lacks the arrays level, parent"),
    "an array left out": (lambda path: rewritten(path, unit=None), "lacks the arrays unit;"),
    "other arrays than described": (lambda path: rewritten(path, weight=small_earth().weight[::-1]), "are not the arrays that .*hierarchy.json describes"),
    "an array of the wrong size": (lambda path: rewritten(path, weight=np.ones(3)), "are not the arrays that .*hierarchy.json describes"),
    "no .json": (lambda path: path.with_suffix(".json").unlink(), "hierarchy.json: no such file; a hierarchy is an .npz with a .json"),
    "a .json that is none": (lambda path: path.with_suffix(".json").write_text("{"), "hierarchy.json: not readable as JSON"),
    "a .json in another encoding": (lambda path: path.with_suffix(".json").write_bytes(b'{"a": "\xff"}'), "hierarchy.json: not readable as JSON"),
    "a .json without end": (lambda path: path.with_suffix(".json").write_text("[" * 100_000), "hierarchy.json: not readable as JSON"),
    "a list for a .json": (lambda path: path.with_suffix(".json").write_text("[]"), "format None is not geocairn-hierarchy-1"),
    "another format": (lambda path: described(path, format="geocairn-hierarchy-9"), "format 'geocairn-hierarchy-9' is not geocairn-hierarchy-1"),
    "no levels": (lambda path: described(path, levels=None), "hierarchy.json: lacks levels"),
    "no hash": (lambda path: described(path, arrays_sha256=None), "hierarchy.json: lacks arrays_sha256"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_one_line(saved, damage, words):
    damage(saved)
    with pytest.raises(BadHierarchy, match=words) as caught:
        load_hierarchy(saved)
    assert "\n" not in str(caught.value)
