import json

import numpy as np
import pytest


@pytest.fixture
def manifest(tmp_path):
    rows = [f"p{row}.jpg,{row % 70},{row},u{row // 4},{'FR' if row % 5 else 'DE'}" for row in range(100)]
    path = tmp_path / "photos.csv"
    path.write_text("photo,lat_deg,lon_deg,author,country\n" + "\n".join(rows) + "\n")
    return path


def test_split_tells_parts_and_leaks(geocairn, manifest, tmp_path):
    ran = geocairn("data", "split", manifest, "--by", "author,cell", "--fractions", "80,10,10", "--out", tmp_path / "out")
    assert ran.code == 0
    assert "100 rows in 25 groups by author, cell" in ran.out
    assert "train: 80 rows (80 %) in 20 groups" in ran.out
    assert "val shares with train: author 0 rows, a place within 1 km 0 rows" in ran.out
    assert ran.err.splitlines() == [
        "geocairn: val has 8.0 % of the rows, not 10 %: groups are not cut",
        "geocairn: test has 12.0 % of the rows, not 10 %: groups are not cut",
    ]


def test_split_as_json_and_again(geocairn, manifest, tmp_path):
    words = ("data", "split", manifest, "--by", "author", "--out", tmp_path / "out", "--json", "--seed", "3", "--cell-km", "200")
    first, again = geocairn(*words), geocairn(*words)
    assert first == again
    told = json.loads(first.out)
    assert told == json.loads((tmp_path / "out/split.json").read_text(encoding="utf-8"))
    assert told["settings"] == {"by": ["author"], "fractions": [90, 5, 5], "cell_km": 200, "seed": 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--by", "town"), "--by town: 'town' is no key; choose from author, album, sequence, cell, photo, with commas between"),
        (("--by", ""), "--by '': a value is empty; give author, album"),
        (("--by", "author,author_group"), "a key stands there twice"),
        (("--by", "album"), "no column 'album' to split by; it can be split by author, cell, photo"),
        (("--by", "author", "--fractions", "90,5"), "--fractions 90,5: 2 numbers; give percent for train, val, test, like 90,5,5"),
        (("--by", "author", "--fractions", "90,5,x"), "--fractions 90,5,x: 'x' is no number; give percent"),
        (("--by", "author", "--fractions", "90,5,4"), "they sum to 99"),
        (("--by", "author", "--cell-km", "0"), "cell_km = 0.0"),
        (("--by", "author", "--cell-km", "nan"), "cell_km = nan"),
        (("--by", "cell", "--cell-km", "1000"), "photos.csv: 2 groups for 3 parts"),
        (("--by", "author", "--seed", "-1"), "seed = -1"),
    ],
)
def test_bad_splits_are_one_line(geocairn, manifest, tmp_path, words, message):
    assert message in geocairn.refused("data", "split", manifest, *words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_authors_column_may_be_named_as_the_key(geocairn, manifest, tmp_path):
    manifest.write_text(manifest.read_text().replace("author", "author_group", 1))
    for by, out in (("author_group", "a"), ("author", "b")):
        assert geocairn("data", "split", manifest, "--by", by, "--out", tmp_path / out).code == 0
    assert (tmp_path / "a/split.json").read_bytes() == (tmp_path / "b/split.json").read_bytes()


def test_a_split_over_other_files_is_one_line(geocairn, manifest, tmp_path):
    assert "not empty" in geocairn.refused("data", "split", manifest, "--by", "author", "--out", tmp_path)
    assert "no such file" in geocairn.refused("data", "split", tmp_path / "absent.csv", "--by", "author", "--out", tmp_path / "out")
    np.save(tmp_path / "places.npy", np.zeros((3, 2)))
    assert "no column 'photo'" in geocairn.refused("data", "split", tmp_path / "places.npy", "--by", "cell", "--out", tmp_path / "out")
