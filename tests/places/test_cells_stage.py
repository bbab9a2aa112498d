import os

import numpy as np
import pytest
from tests.places.points import photo_like_points

from geocairn.errors import BadHierarchy, BadManifest
from geocairn.places.cells import CellSettings
from geocairn.places.cells_stage import build_cells
from geocairn.places.files import load_hierarchy
from geocairn.places.origin import photo_fingerprints

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
    assert build(coords, tmp_path / "all", split=None)[0].meta["n_rows"] == len(POINTS)


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
