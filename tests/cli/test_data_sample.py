import json

import numpy as np
import pytest

from geocairn.manifest import read_manifest


@pytest.fixture
def towns(tmp_path):
    path = tmp_path / "towns.csv"
    path.write_text("photo,lat_deg,lon_deg\n" + "".join(f"p{row},48.85,{2 + row / 1000}\n" for row in range(50)) + "q,,\n")
    return path


def test_sample_writes_a_manifest_and_tells_how_even_it_is(geocairn, towns, tmp_path):
    ran = geocairn("data", "sample", "--n", 200, "--seed", 4, "--out", tmp_path / "fair.parquet", "--beside", towns)
    assert (ran.code, ran.err) == (0, "")
    assert "200 places in" in ran.out
    assert "no place in countries without a city in the list or an area: AQ" in ran.out
    assert "the table counts each place at the nearest city" in ran.out
    assert "VA (no area)" in ran.out
    rows = [line.split() for line in ran.out.splitlines()]
    assert next(row for row in rows if row[:1] == ["sample"])[1] == "200"
    assert next(row for row in rows if row[:1] == ["towns"])[1:3] == ["50", "1"]
    assert len(read_manifest(tmp_path / "fair.parquet")) == 200


def test_a_file_that_is_measured_is_not_overwritten(geocairn, tmp_path):
    precious = tmp_path / "precious.parquet"
    assert geocairn("data", "sample", "--n", 20, "--out", precious).code == 0
    before = precious.read_bytes()
    assert "is read and would be overwritten" in geocairn.refused("data", "sample", "--n", 30, "--beside", precious, "--out", precious)
    assert precious.read_bytes() == before


def test_equal_seeds_write_equal_bytes(geocairn, tmp_path):
    for name in ("a.parquet", "b.parquet"):
        assert geocairn("data", "sample", "--n", 30, "--seed", 1, "--max-per-city", 1, "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--n", "0"), "command line: n = 0"),
        (("--radius-km", "-3"), "command line: radius_km = -3.0"),
        (("--min-population", "7"), "command line: min_population = 7: Input should be 500, 1000, 5000 or 15000"),
        (("--max-per-city", "0"), "command line: max_per_city = 0"),
        (("--n", "40000", "--max-per-city", "1"), "--max-per-city 1: 1280000 draws found room for"),
        (("--n", "3", "--out", "fair.csv"), "fair.csv: a manifest is written as Parquet"),
        (("--n", "3", "--beside", "absent.csv"), "absent.csv: no such file"),
        (("--n", "many"), "Invalid value for '--n'"),
    ],
)
def test_bad_samples_are_one_line(geocairn, words, message):
    assert message in geocairn.refused("data", "sample", *words)


def test_lorenz_tells_and_writes(geocairn, towns, tmp_path):
    np.save(tmp_path / "few.npy", [(0.0, 20.0), (-30.0, 150.0)])
    ran = geocairn("data", "lorenz", towns, tmp_path / "few.npy", "--out", tmp_path / "out")
    assert ran.code == 0
    assert ran.err == "geocairn: towns: rows left out, no coordinates: 1\n"
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    assert next(line.split() for line in ran.out.splitlines() if line.startswith("few"))[1:4] == ["2", "2", "2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["lorenz.json", "lorenz.png"]
    told = json.loads(geocairn("data", "lorenz", towns, tmp_path / "few.npy", "--json").out)
    assert told == json.loads((tmp_path / "out/lorenz.json").read_text(encoding="utf-8"))
    assert told["sets"]["towns"]["evenness"]["n"] == 50


def test_a_set_is_named_once(geocairn, towns, tmp_path):
    other_way = tmp_path / "." / "deeper" / ".." / "towns.csv"
    (tmp_path / "deeper").mkdir()
    for again in (towns, other_way):
        assert geocairn.refused("data", "lorenz", towns, again) == f"{again}: named twice; name each set once"
        assert "named twice" in geocairn.refused("data", "sample", "--n", "5", "--beside", towns, "--beside", again)


def test_bad_sets_are_one_line(geocairn, towns, tmp_path):
    assert "coordinates are read from" in geocairn.refused("data", "lorenz", tmp_path)
    assert "cell_level = 9" in geocairn.refused("data", "lorenz", towns, "--cell-level", "9")
    assert "is a file" in geocairn.refused("data", "lorenz", towns, "--out", towns)
