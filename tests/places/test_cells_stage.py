import os

import numpy as np
import pytest
from tests.places.points import photo_like_points

from geocairn.errors import BadHierarchy, BadManifest, BadOutput
from geocairn.places.cells import CellSettings
from geocairn.places.cells_stage import build_cells
from geocairn.places.files import load_hierarchy
from geocairn.places.origin import photo_fingerprints
from geocairn.places.row_tree import build_row_tree
from geocairn.places.tree import TreeSettings

POINTS = photo_like_points(800)
SETTINGS = CellSettings(t_min=5, t_max=(100, 20))


def write(path, points, *, split=None):
    """A manifest of the points; every fifth row is of `split` where one is given, the others are of train."""
    columns = [["photo", "lat_deg", "lon_deg", *(["split"] if split else [])]]
    columns += [[f"{row}.jpg", *map(repr, point), *([split if row % 5 == 0 else "train"] if split else [])] for row, point in enumerate(points.tolist())]
    path.write_text("\n".join(",".join(row) for row in columns))
    return path


def build(coords, out, settings=SETTINGS, **options):
    told = []
    return build_cells(coords, out, settings, tell=told.append, **options), told


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_is_built_once(tmp_path):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    hierarchy, told = build(coords, out)
    assert told == []
    assert sorted(files_of(out)) == ["hierarchy.json", "hierarchy.npz", "rows.npy"]
    assert np.array_equal(np.load(out / "rows.npy"), photo_fingerprints([f"{row}.jpg" for row in range(len(POINTS))]))
    assert load_hierarchy(out / "hierarchy.npz").ids.to_list() == hierarchy.ids.to_list()
    before = [os.stat(out / name).st_mtime_ns for name in files_of(out)]
    again, told = build(coords, out)
    assert told == [f"{out}: holds the cells of these rows and settings already"]
    assert again.ids.to_list() == hierarchy.ids.to_list()
    assert [os.stat(out / name).st_mtime_ns for name in files_of(out)] == before


@pytest.mark.parametrize("change", ["settings", "rows", "damage", "no rows.npy"])
def test_what_is_not_the_same_is_built_anew(tmp_path, change):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    build(coords, out)
    built = files_of(out)
    if change == "damage":
        (out / "hierarchy.npz").write_bytes(b"")
    if change == "no rows.npy":
        (out / "rows.npy").unlink()
    if change == "rows":
        write(coords, POINTS[:-30])
    _, told = build(coords, out, CellSettings(t_min=5, t_max=(100, 30)) if change == "settings" else SETTINGS)
    assert told == []
    assert (files_of(out) == built) == (change in ("damage", "no rows.npy"))


def test_the_order_of_the_rows_gives_the_same_bytes(tmp_path):
    build(write(tmp_path / "a.csv", POINTS), tmp_path / "a")
    np.save(tmp_path / "b.npy", POINTS[::-1])
    build(tmp_path / "b.npy", tmp_path / "b")
    a, b = files_of(tmp_path / "a"), files_of(tmp_path / "b")
    assert a.pop("rows.npy")
    assert a == b


def test_rows_without_names_leave_no_others_fingerprints(tmp_path):
    np.save(tmp_path / "b.npy", POINTS)
    build(write(tmp_path / "a.csv", POINTS), tmp_path / "out")
    build(tmp_path / "b.npy", tmp_path / "out")
    assert sorted(files_of(tmp_path / "out")) == ["hierarchy.json", "hierarchy.npz"]


def test_only_training_rows_are_used(tmp_path):
    coords = write(tmp_path / "rows.csv", POINTS, split="test")
    hierarchy, told = build(coords, tmp_path / "out")
    n_test = len(POINTS[::5])
    assert told == [f"{coords}: {n_test} of {len(POINTS)} rows left out: split test"]
    assert hierarchy.meta["n_rows"] == len(POINTS) - n_test
    assert (hierarchy.meta["split"], hierarchy.meta["rejected"]) == ("train", {"split test": n_test})
    every = build(coords, tmp_path / "all", split="all")[0]
    assert (every.meta["n_rows"], every.meta["split"]) == (len(POINTS), None)


def test_the_split_is_that_of_the_rows_not_that_which_was_asked_for(tmp_path):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    np.save(tmp_path / "rows.npy", POINTS)
    for path in (coords, tmp_path / "rows.npy"):
        assert build(path, out)[0].meta["split"] is None
        for split in ("train", "val"):
            with pytest.raises(BadManifest, match=f"no column 'split', so no row can be told to be of the split '{split}'"):
                build(path, out, split=split)


def test_the_same_rows_under_another_split_are_built_anew(tmp_path):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    build(coords, out)
    coords.write_text("\n".join(f"{line},{'train' if row else 'split'}" for row, line in enumerate(coords.read_text().splitlines())))
    hierarchy, told = build(coords, out)
    assert (hierarchy.meta["split"], told) == ("train", [])


def test_a_folder_of_other_things_is_refused_and_left(tmp_path):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("mine")
    with pytest.raises(BadOutput, match="is not empty and holds no places"):
        build(coords, out)
    assert files_of(out) == {"letter.txt": b"mine"}


def test_fingerprints_are_not_read_as_coordinates_and_overwritten(tmp_path):
    build(write(tmp_path / "rows.csv", POINTS), tmp_path / "out")
    np.save(tmp_path / "out/rows.npy", POINTS)
    with pytest.raises(BadOutput, match=r"rows\.npy: is read and would be overwritten"):
        build(tmp_path / "out/rows.npy", tmp_path / "out")


def test_an_older_tree_goes(tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    build_row_tree(tmp_path / "points.npy", tmp_path / "out", TreeSettings(branches=(2,)))
    assert "tree.npz" in files_of(tmp_path / "out")
    build(tmp_path / "points.npy", tmp_path / "out")
    assert sorted(files_of(tmp_path / "out")) == ["hierarchy.json", "hierarchy.npz"]


def test_a_file_of_test_rows_is_refused(tmp_path):
    coords = write(tmp_path / "rows.csv", POINTS[:1], split="test")
    with pytest.raises(BadManifest, match=r"no row can be used \(split test: 1\)"):
        build(coords, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_refusal_leaves_what_was_there(tmp_path):
    coords, out = write(tmp_path / "rows.csv", POINTS), tmp_path / "out"
    build(coords, out)
    before = files_of(out)
    with pytest.raises(BadHierarchy, match="keeps no cell"):
        build(coords, out, CellSettings(t_min=5000, t_max=(10000,)))
    assert files_of(out) == before
