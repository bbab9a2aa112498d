import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import small_earth

from geocairn.errors import BadHierarchy, BadOutput
from geocairn.manifest import Manifest
from geocairn.places.files import save_hierarchy
from geocairn.places.origin import add_to_origin, check_not_built_from, n_shared_photos, photo_fingerprints, save_origin


def manifest_of(*photos):
    return Manifest(Path("test.csv"), "0" * 64, photos, len(photos), {}, np.zeros((len(photos), 2)), {})


@pytest.fixture
def folder(tmp_path):
    """A hierarchy built from a.jpg, b.jpg and c.jpg."""
    save_origin(tmp_path, ["b.jpg", "a.jpg", "c.jpg"])
    hierarchy = small_earth()
    hierarchy.meta["count_of"] = "rows"
    save_hierarchy(hierarchy, tmp_path / "hierarchy.npz")
    return tmp_path


@given(st.lists(st.text(max_size=5)))
def test_fingerprints_are_the_first_eight_bytes_of_the_hash(photos):
    expected = sorted({int.from_bytes(sha256(photo.encode()).digest()[:8], "big") for photo in photos})
    found = photo_fingerprints(photos)
    assert (found.tolist(), found.dtype) == (expected, np.uint64)


def test_one_test_photo_among_the_rows_is_enough(folder):
    check_not_built_from(folder, manifest_of("d.jpg", "A.jpg", "x/a.jpg"))
    with pytest.raises(BadHierarchy, match=r"1 of the 2 photos in test.csv are among the 3 that it was built from or trained on; leave them out"):
        check_not_built_from(folder, manifest_of("d.jpg", "c.jpg"))
    with pytest.raises(BadHierarchy, match="3 of the 3"):
        check_not_built_from(folder, manifest_of("a.jpg", "b.jpg", "c.jpg"))


def test_photos_that_are_learned_from_join_those_of_the_places(folder):
    add_to_origin(folder, ["d.jpg", "a.jpg", "d.jpg"])
    save_origin(folder / "at once", ["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    assert (folder / "rows.npy").read_bytes() == (folder / "at once/rows.npy").read_bytes()
    save_origin(folder, None)
    with pytest.raises(BadHierarchy, match=r"rows\.npy: no such file"):
        add_to_origin(folder, ["d.jpg"])


def test_shared_photos_are_counted(folder, atlas):
    assert n_shared_photos(folder, manifest_of("d.jpg", "c.jpg", "a.jpg")) == 2
    assert n_shared_photos(folder, manifest_of("d.jpg")) == 0
    assert n_shared_photos(atlas.folder, manifest_of("a.jpg")) == 0


def test_places_that_count_people_pass(tmp_path, atlas):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    check_not_built_from(tmp_path, manifest_of("a.jpg"))
    check_not_built_from(atlas.folder, manifest_of("a.jpg"))


def test_where_nobody_can_tell_it_is_refused(folder):
    save_origin(folder, None)
    assert not (folder / "rows.npy").exists()
    save_origin(folder, None)
    with pytest.raises(BadHierarchy, match=r"rows\.npy: no such file, so nobody can tell"):
        check_not_built_from(folder, manifest_of("z.jpg"))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", np.zeros(3), np.array([2, 1], dtype=np.uint64), np.zeros((1, 1), dtype=np.uint64)], ids=repr)
def test_damaged_fingerprints_are_refused_in_one_line(folder, content):
    if isinstance(content, bytes):
        (folder / "rows.npy").write_bytes(content)
    else:
        np.save(folder / "rows.npy", content)
    with pytest.raises(BadHierarchy, match=r"rows\.npy: ") as caught:
        check_not_built_from(folder, manifest_of("z.jpg"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "\ufeff{", None], ids=repr)
def test_a_damaged_description_is_refused_in_one_line(folder, content):
    (folder / "hierarchy.json").unlink()
    if content is not None:
        (folder / "hierarchy.json").write_text(content)
    with pytest.raises(BadHierarchy, match=r"hierarchy\.json: ") as caught:
        check_not_built_from(folder, manifest_of("z.jpg"))
    assert "\n" not in str(caught.value)


def test_what_stands_in_the_file(folder):
    rows = np.load(folder / "rows.npy", allow_pickle=False)
    assert rows.tolist() == photo_fingerprints(["a.jpg", "b.jpg", "c.jpg"]).tolist()
    assert json.loads((folder / "hierarchy.json").read_text())["count_of"] == "rows"


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="cannot be written"):
        save_origin(tmp_path / "file", ["a"])
