import json

import numpy as np
import pytest
from tests.cli.command import Command
from tests.places.factory import small_earth
from tests.places.points import photo_like_points
from tests.places.reference_cells import reference_partition

from geocairn.coordinates import coordinates_sha256
from geocairn.places.cells_csv import read_label_mapping
from geocairn.places.files import save_hierarchy

POINTS = photo_like_points(1500)


@pytest.fixture
def geocairn(monkeypatch, capsys):
    """The command; none of what is tested here needs the built places."""
    return Command(monkeypatch, capsys)


@pytest.fixture
def coords(tmp_path):
    """A manifest of the points; every fifth row is a test row."""
    rows = [f"{row}.jpg,{lat!r},{lon!r},{'test' if row % 5 == 0 else 'train'}" for row, (lat, lon) in enumerate(POINTS.tolist())]
    (tmp_path / "rows.csv").write_text("\n".join(["photo,lat_deg,lon_deg,split", *rows]))
    return tmp_path / "rows.csv"


def build(geocairn, coords, out, *more):
    return geocairn("places", "build", "s2", "--coords", coords, "--t-min", 5, "--t-max", "100,20", "--out", out, *more)


def test_build_and_show(geocairn, coords, tmp_path):
    ran = build(geocairn, coords, tmp_path / "out")
    training = POINTS[np.arange(len(POINTS)) % 5 != 0]
    cells = [reference_partition(training, 5, t_max) for t_max in (100, 20)]
    n_rows = [sum(map(len, level.values())) for level in cells]
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"t100: {len(cells[0])} cells hold {n_rows[0]} of {len(training)} rows",
        f"t20: {len(cells[1])} cells hold {n_rows[1]} of {len(training)} rows",
    ]
    assert f"{len(POINTS[::5])} of {len(POINTS)} rows left out: split test" in ran.err
    assert "level t100: " in ran.err
    assert "photos lie on one spot with more than t_max each" in ran.err
    described = json.loads(geocairn("places", "show", tmp_path / "out", "--json").out)
    assert described["builder"] == "s2"
    assert described["source_sha256"] == coordinates_sha256(training)
    assert described["levels"] == [{"name": f"t{t_max}", "n_places": len(level), "n_rows": n} for t_max, level, n in zip((100, 20), cells, n_rows, strict=True)]


def test_levels_that_are_the_same_are_told(geocairn, coords, tmp_path):
    ran = build(geocairn, coords, tmp_path / "out", "--t-max", "9000,8000,7000,100")
    n_rows = len(POINTS) - len(POINTS[::5])
    assert f"geocairn: t8000, t7000: the same cells as one level coarser; give a --t-max that suits {n_rows} rows\n" in ran.err
    assert "same cells" not in build(geocairn, coords, tmp_path / "out", "--t-max", "100,20").err


def test_every_option_changes_what_is_built(geocairn, coords, tmp_path):
    def built(name, *more):
        assert build(geocairn, coords, tmp_path / name, *more).code == 0
        return (tmp_path / name / "hierarchy.npz").read_bytes()

    plain = built("plain")
    for at, more in enumerate((["--start-level", 4], ["--place", "medoid"], ["--split", "all"], ["--split", "test"], ["--t-min", 9], ["--t-max", "100,30"])):
        assert built(str(at), *more) != plain, more


def test_built_again_is_told_and_left(geocairn, coords, tmp_path):
    first = build(geocairn, coords, tmp_path / "out")
    again = build(geocairn, coords, tmp_path / "out")
    assert again.out == first.out
    assert "holds the cells of these rows and settings already" in again.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--t-max", "20,20"], "t_max"),
        (["--t-max", "100,x"], "--t-max 100,x: 'x' is no whole number; give whole numbers that fall"),
        (["--t-max", ""], "--t-max '': a value is empty"),
        (["--t-max", "5"], "above t_min = 5"),
        (["--t-min", 4000, "--t-max", 9000], "level t9000 keeps no cell"),
        (["--split", "val"], "no row can be used (split test: "),
        (["--place", "centre"], "centre"),
        (["--start-level", 31], "start_level = 31"),
    ],
)
def test_what_cannot_be_built_is_one_line(geocairn, coords, tmp_path, more, message):
    build_words = ["places", "build", "s2", "--coords", coords, "--t-min", 5, "--t-max", "100,20", "--out", tmp_path / "out", *more]
    ran = geocairn(*build_words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_read_are_one_line(geocairn, tmp_path):
    assert "no such file" in geocairn.refused("places", "build", "s2", "--coords", tmp_path / "absent.csv", "--out", tmp_path / "out")
    assert "no such file" in geocairn.refused("places", "build", "cells", tmp_path / "absent.csv", "--out", tmp_path / "out")
    for words in (["verify", tmp_path / "absent"], ["plot", tmp_path, "--out", tmp_path / "a.png"], ["export", tmp_path, "--out", tmp_path / "out"]):
        assert "no such file" in geocairn.refused("places", *words)


def test_export_verify_and_build_from_cells(geocairn, coords, tmp_path):
    build(geocairn, coords, tmp_path / "out")
    ran = geocairn("places", "export", tmp_path / "out", "--out", tmp_path / "csv", "--coords", coords)
    *files, labels = ran.out.splitlines()
    n_rows = len(POINTS) - len(POINTS[::5])
    assert [file.rsplit("/", 1)[1] for file in (*files, labels)] == [f"cells_5_100_images_{n_rows}.csv", f"cells_5_20_images_{n_rows}.csv", "labels.json"]
    photos, classes = read_label_mapping(tmp_path / "csv/labels.json")
    assert len(photos) == len(POINTS)
    assert f"{len(POINTS)} of {len(POINTS)} rows written; {(classes < 0).any(axis=1).sum()} of" in ran.err
    geocairn("places", "export", tmp_path / "out", "--out", tmp_path / "fewer", "--coords", coords, "--drop-uncovered", "--split", "test")
    fewer, covered = read_label_mapping(tmp_path / "fewer/labels.json")
    assert set(fewer) == {photo for row, photo in enumerate(photos) if row % 5 == 0 and (classes[row] >= 0).all()}
    assert (covered >= 0).all()
    for sound in (tmp_path / "out", tmp_path / "csv", *files):
        assert geocairn("places", "verify", sound).out == f"{sound}: sound\n"
    assert geocairn("places", "build", "cells", *files, "--out", tmp_path / "read").code == 0
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/letter.txt").write_text("mine")
    assert "holds no places" in geocairn.refused("places", "build", "cells", *files, "--out", tmp_path / "foreign")
    shown = [json.loads(geocairn("places", "show", tmp_path / folder, "--json").out)["levels"] for folder in ("out", "read")]
    assert shown[0] == shown[1]


def test_cells_from_files_keep_no_older_fingerprints(geocairn, coords, tmp_path):
    build(geocairn, coords, tmp_path / "out")
    geocairn("places", "export", tmp_path / "out", "--out", tmp_path / "csv")
    assert (tmp_path / "out/rows.npy").exists()
    assert geocairn("places", "build", "cells", *(tmp_path / "csv").iterdir(), "--out", tmp_path / "out").code == 0
    assert not (tmp_path / "out/rows.npy").exists()


def test_labels_need_names(geocairn, coords, tmp_path):
    build(geocairn, coords, tmp_path / "out")
    np.save(tmp_path / "points.npy", POINTS)
    refused = geocairn.refused("places", "export", tmp_path / "out", "--out", tmp_path / "csv", "--coords", tmp_path / "points.npy")
    assert "has no column 'photo'" in refused
    assert not (tmp_path / "csv").exists()


def test_verify_lists_each_bad_row_and_exits_1(geocairn, tmp_path):
    header = "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean"
    path = tmp_path / "cells.csv"
    path.write_text(f"{header}\n0,47e6,60,48.85,2.35\n1,4.7E+064,60,48.0,11.0\n2,4780000,60,48.0,11.0\n")
    ran = geocairn("places", "verify", path)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"{path}, row 2: '47e6': the token is no S2 cell",
        f"{path}, row 3: '4.7E+064': the token is not 1 to 16 of the characters 0-9 and a-f",
        f"{path}, row 4: '4780000': the token ends in 0",
    ]
    assert ran.err == f"geocairn: {path}: bad rows: 3\n"
    path.write_text(f"{header}\n0,1,60,10.0,10.0\n")
    assert geocairn("places", "verify", path).code == 1
    assert geocairn("places", "verify", path, "--start-level", 0).code == 0
    path.write_text("what\n")
    assert "no header" in geocairn.refused("places", "verify", path)


def test_plot(geocairn, coords, tmp_path):
    build(geocairn, coords, tmp_path / "out")
    for level in (["--level", "t100"], []):
        ran = geocairn("places", "plot", tmp_path / "out", *level, "--out", tmp_path / "map.png")
        assert (ran.code, ran.out) == (0, f"{tmp_path / 'map.png'}\n")
        assert (tmp_path / "map.png").stat().st_size > 10000
    assert "level 't7'" in geocairn.refused("places", "plot", tmp_path / "out", "--level", "t7", "--out", tmp_path / "map.png")
    save_hierarchy(small_earth(), tmp_path / "cities/hierarchy.npz")
    assert geocairn("places", "plot", tmp_path / "cities", "--level", "city", "--out", tmp_path / "cities.png").code == 0
