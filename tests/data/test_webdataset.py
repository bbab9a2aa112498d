import json

import pytest
from tests.data.factory import FLAT_NAMES, JPEG, taken_photos, tar_of, webdataset_tar

from geocairn.data.import_settings import ImportSettings
from geocairn.data.webdataset import read_webdataset
from geocairn.errors import BadManifest

LABEL = json.dumps({"lat": 1.0, "lng": 2.0, "user": None, "id": "not the name"}).encode()


def read(path, *members, **settings):
    return read_webdataset(tar_of(path, members), ImportSettings(**settings))


def test_each_fault_of_a_sample_is_told(tmp_path):
    found = read(
        tmp_path / "0.tar",
        ("a/1.jpg", JPEG), ("a/1.json", LABEL), ("a/1.txt", b"caption"),
        ("2.json", LABEL), ("./2.WEBP", JPEG),
        ("3.jpg", JPEG),
        ("4.json", LABEL),
        ("5.jpg", JPEG), ("5.json", b"{"),
        ("6.jpg", JPEG), ("6.json", b"[1]"),
        ("7.jpg", b""), ("7.json", LABEL),
        ("8.jpg", JPEG), ("8.seg.png", JPEG), ("8.json", LABEL),
    )  # fmt: skip
    assert found.table["photo"].to_pylist() == ["a/1.jpg", "2.WEBP", "8.jpg"]
    assert {row["photo"]: row["reason"] for row in found.refused.to_pylist()} == {
        "3": "no JSON beside the picture",
        "4": "no picture beside the JSON",
        "5": "JSON is damaged",
        "6": "JSON is damaged",
        "7": "no picture beside the JSON",
    }
    assert found.table["lat_deg"].to_pylist() == ["1.0"] * 3
    assert found.n_rows == 8


def test_a_key_that_comes_twice_is_two_rows(tmp_path):
    sample = [("1.jpg", JPEG), ("1.json", LABEL)]
    assert read(tmp_path / "0.tar", *sample, *sample).table["photo"].to_pylist() == ["1.jpg", "1.jpg"]


def test_columns_can_be_chosen_among_the_keys(tmp_path):
    label = json.dumps({"lat": 1.0, "lon": 2.0, "longitude": 3.0, "note": "x"}).encode()
    with pytest.raises(BadManifest, match="'lon', 'longitude' could each be the lon_deg"):
        read(tmp_path / "0.tar", ("1.jpg", JPEG), ("1.json", label))
    found = read(tmp_path / "0.tar", ("1.jpg", JPEG), ("1.json", label), columns={"lon_deg": "longitude"}, keep=("note",))
    assert found.table["lon_deg"].to_pylist() == ["3.0"]
    assert found.table["note"].to_pylist() == ["x"]


def test_a_shard_cut_anywhere_keeps_what_came_before(tmp_path):
    whole = webdataset_tar(tmp_path / "0.tar", taken_photos(FLAT_NAMES)[:4]).read_bytes()
    path = tmp_path / "cut.tar"
    for cut in range(1024 * 2 + 1, 1024 * 8, 512):
        path.write_bytes(whole[:cut])
        found = read_webdataset(path, ImportSettings())
        n_whole = found.table.num_rows
        assert n_whole in (cut // 2048, (cut - 1) // 2048)
        assert found.table["photo"].to_pylist() == [f"{index}.jpg" for index in range(n_whole)]
        assert len(found.unreadable) == 1


def test_shards_without_samples_are_refused(tmp_path):
    for members in ([], [("1.jpg", JPEG)], [("1.json", LABEL)], [("1.txt", b"x")]):
        with pytest.raises(BadManifest, match=r"no key has both a picture and a \.json"):
            read(tmp_path / "0.tar", *members)
    with pytest.raises(BadManifest, match="no column is the lat_deg; its columns are 'photo', 'x'"):
        read(tmp_path / "0.tar", ("1.jpg", JPEG), ("1.json", b'{"x": 1}'))
