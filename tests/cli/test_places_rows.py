import json

import numpy as np
import pytest
from tests.places.test_row_entities import OSV5M, ROWS


@pytest.fixture
def rows(tmp_path):
    """A manifest of training rows with a few test rows among them."""
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def test_build_entities(geocairn, rows, tmp_path):
    ran = geocairn("places", "build", "entities", "--manifest", rows, "--out", tmp_path / "places")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "country: 4 places hold 8 of 8 rows",
        "region: 2 places hold 5 of 8 rows",
        "subregion: 1 places hold 1 of 8 rows",
        "city: 4 places hold 6 of 8 rows",
    ]
    assert f"geocairn: {rows}: 1 of 11 rows left out: no country" in ran.err
    described = json.loads(geocairn("places", "show", tmp_path / "places", "--json").out)
    assert (described["builder"], described["split"], described["n_rows"]) == ("entities", "train", 8)
    assert described["levels"][3] == {"name": "city", "n_places": 4, "n_rows": 6}
    assert json.loads(geocairn("places", "show", tmp_path / "places", "--place", "NA", "--json").out)["rows"] == 2


def test_build_entities_of_a_split_says_so(geocairn, rows, tmp_path):
    assert geocairn("places", "build", "entities", "--manifest", rows, "--split", "test", "--out", tmp_path / "places").code == 0
    assert "split: test" in geocairn("places", "show", tmp_path / "places").out


def test_every_builder_takes_all_splits_or_one(geocairn, rows, tmp_path):
    builders = {
        "entities": (["--manifest"], []),
        "s2": (["--coords"], ["--t-min", "0", "--t-max", "1"]),
        "tree": (["--coords"], ["--branches", "2"]),
    }
    unsplit = tmp_path / "unsplit.csv"
    unsplit.write_text("photo,lat_deg,lon_deg,country\na,1,1,FR\nb,2,2,FR\n")
    for builder, (source, more) in builders.items():
        out = tmp_path / builder
        for split, recorded in (("auto", "train"), ("train", "train"), ("test", "test"), ("all", None)):
            if (builder, split) != ("tree", "test"):
                assert geocairn("places", "build", builder, *source, rows, *more, "--split", split, "--out", out).code == 0
                assert json.loads((out / "hierarchy.json").read_text())["split"] == recorded
        for split in ("auto", "all"):
            assert geocairn("places", "build", builder, *source, unsplit, *more, "--split", split, "--out", out).code == 0
            assert json.loads((out / "hierarchy.json").read_text())["split"] is None
        refused = geocairn.refused("places", "build", builder, *source, unsplit, *more, "--split", "train", "--out", out)
        assert "no column 'split', so no row can be told to be of the split 'train'; leave --split out" in refused
        refused = geocairn.refused("places", "build", builder, *source, rows, *more, "--split", "al", "--out", out)
        assert "no row can be used (split train: 9, split test: 1, split val: 1); each needs" in refused
        assert "the split 'al'; all takes every row" in refused


def test_a_folder_of_other_things_is_refused_by_every_builder(geocairn, rows, tmp_path):
    for builder, source in (("entities", "--manifest"), ("s2", "--coords"), ("tree", "--coords")):
        assert "is not empty and holds no places" in geocairn.refused("places", "build", builder, source, rows, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_build_entities_of_osv5m(geocairn, tmp_path):
    (tmp_path / "osv.csv").write_text(OSV5M)
    ran = geocairn("places", "build", "entities", "--manifest", tmp_path / "osv.csv", "--labels", "osv5m", "--out", tmp_path / "places")
    assert ran.out.splitlines()[0] == "country: 3 places hold 3 of 3 rows"
    assert "1 of 4 rows left out: a key that does not end with the key above it" in ran.err


def test_build_entities_from_coordinates(geocairn, rows, tmp_path):
    ran = geocairn("places", "build", "entities", "--manifest", rows, "--labels", "coordinates", "--polygons", "--out", tmp_path / "places")
    assert ran.code == 0, ran.err
    place = json.loads(geocairn("places", "show", tmp_path / "places", "--place", "FR/11/Paris/2988507", "--json").out)
    assert place["chain"] == ["France", "Ile-de-France", "Paris", "Paris"]
    assert json.loads(geocairn("places", "show", tmp_path / "places", "--place", "FJ", "--json").out)["rows"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--labels", "names"], "labels = 'names'"),
        (
            ["--polygons"],
            "command line: --polygons (in a recipe places.rows.polygons) goes with the labels coordinates, not with columns; leave it out or choose those",
        ),
        (["--split", "dev"], "no row can be used (split train: 9, split test: 1, split val: 1)"),
        (["--labels", "osv5m"], "no column 'sub-region'; labels are read from the columns country, region, sub-region, city"),
    ],
)
def test_build_entities_refused(geocairn, rows, tmp_path, words, said):
    assert said in geocairn.refused("places", "build", "entities", "--manifest", rows, "--out", tmp_path / "places", *words)
    assert not (tmp_path / "places").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"photo;lat_deg;lon_deg\na;1;1\n", b"photo,lat_deg,lon_deg,country\na,x,1,FR\n", b'photo,lat_deg,lon_deg,country\n"a,1'],
    ids=repr,
)
def test_damaged_manifests_are_one_line(geocairn, tmp_path, content):
    (tmp_path / "rows.csv").write_bytes(content)
    assert str(tmp_path / "rows.csv") in geocairn.refused("places", "build", "entities", "--manifest", tmp_path / "rows.csv", "--out", tmp_path / "places")


def test_paths_that_are_none(geocairn, rows, tmp_path):
    entities = ("places", "build", "entities", "--manifest")
    assert "no such file" in geocairn.refused(*entities, tmp_path / "absent.csv", "--out", tmp_path / "places")
    (tmp_path / "folder.csv").mkdir()
    assert "not a plain file" in geocairn.refused(*entities, tmp_path / "folder.csv", "--out", tmp_path / "places")
    assert "cannot be written" in geocairn.refused(*entities, rows, "--out", rows / "places")
    assert "rename or convert" in geocairn.refused(*entities, tmp_path / "rows.txt", "--out", tmp_path / "places")


def test_build_tree(geocairn, rows, tmp_path):
    ran = geocairn("places", "build", "tree", "--coords", rows, "--branches", "2, 2", "--seed", "3", "--out", tmp_path / "places")
    assert ran.code == 0
    assert ran.out.splitlines() == ["cluster1: 2 places hold 9 of 9 rows", "cluster2: 4 places hold 9 of 9 rows"]
    described = json.loads(geocairn("places", "show", tmp_path / "places", "--json").out)
    assert (described["builder"], described["split"]) == ("tree", "train")
    assert (tmp_path / "places/tree.npz").exists()


def test_build_tree_of_vectors(geocairn, rows, tmp_path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(11, 8)))
    words = ("places", "build", "tree", "--coords", rows, "--vectors", tmp_path / "vectors.npy", "--branches", "3", "--out", tmp_path / "places")
    assert geocairn(*words).out.splitlines() == ["cluster1: 3 places hold 9 of 9 rows"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--branches", "3,x"], "--branches 3,x: 'x' is no whole number; give whole numbers, like 32,32"),
        (["--branches", ""], "--branches '': a value is empty; give whole numbers"),
        (["--branches", "0"], "at least 1"),
        (["--branches", "9,9"], "81 clusters of 9 different vectors"),
        (["--seed", "-1", "--branches", "2"], "seed = -1"),
        (["--vectors", "absent.npy", "--branches", "2"], "absent.npy: no such file"),
        (["--branches", "1" + "0" * 30], "clusters of 9 different vectors"),
    ],
)
def test_build_tree_refused(geocairn, rows, tmp_path, words, said):
    assert said in geocairn.refused("places", "build", "tree", "--coords", rows, "--out", tmp_path / "places", *words)
    assert not (tmp_path / "places").exists()
