import json

import pytest
from tests.data.factory import FLAT_NAMES, info_txt, taken_photos

from geocairn.data.import_settings import ImportSettings
from geocairn.data.info_lists import read_info_json, read_info_txt
from geocairn.errors import BadManifest


def read_json(path, text):
    path.write_text(text, encoding="utf-8")
    return read_info_json(path, ImportSettings())


def labels(path, **strings):
    found = read_json(path, json.dumps(strings))
    return found.table.to_pylist(), [(row["row"], row["photo"], row["reason"]) for row in found.refused.to_pylist()]


def test_labels_count_from_the_end(tmp_path):
    rows, refused = labels(
        tmp_path / "info.json",
        a=["one", "two", "latitude: 48.85", "longitude: 2.35", "x", "y"],
        b=[],
        c=["Latitude : 1", "LONGITUDE:  -2 ", "", ""],
        d=["longitude: 2.35", "latitude: 48.85", "x", "y"],
        e=["latitude: 1", "longitude: 2"],
        f=[1, 2, 3, 4],
    )
    assert rows == [{"photo": "a", "lat_deg": "48.85", "lon_deg": "2.35"}, {"photo": "c", "lat_deg": "1", "lon_deg": "-2"}]
    odd = "label does not say latitude and longitude"
    assert refused == [(2, "b", "no label"), (4, "d", odd), (5, "e", odd), (6, "f", odd)]


def test_a_file_named_twice_is_seen_twice(tmp_path):
    label = '["latitude: 1", "longitude: 2", "", ""]'
    found = read_json(tmp_path / "info.json", f'{{"a": {label}, "a": {label}}}')
    assert found.table["photo"].to_pylist() == ["a", "a"]


@pytest.mark.parametrize("text", ["[1, 2]", '{"a": 1}', '{"a": {"b": 1}}', "7", "{", "", "[" * 100_000, '"a"', "null"])
def test_other_json_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(BadManifest, match=r"not JSON|not a list of labels") as refused:
        read_json(tmp_path / "info.json", text)
    assert "\n" not in str(refused.value)


def test_yfcc_lists_are_read_by_column_number(tmp_path):
    photos = taken_photos(FLAT_NAMES)
    path = info_txt(tmp_path / "info.txt", photos)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace(photos[1].user, "someone")
    lines[2] = "\t".join(lines[2].split("\t")[:5])
    path.write_text("\n".join(lines) + "\n")
    found = read_info_txt(path, ImportSettings())
    rows = found.table.to_pylist()
    assert rows[0] == {"photo": "0.jpg", "lat_deg": "48.85", "lon_deg": "2.35", "author": photos[0].user}
    assert rows[1]["author"] is None
    assert [row["reason"] for row in found.refused.to_pylist()] == ["wrong number of cells"]
    assert found.refused["row"].to_pylist() == [3]
    assert found.row_numbers.tolist()[:4] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("data", "words"), [(b"a\tb\n", "2 columns; a list of YFCC has at least 14"), (b"\n", "0 columns"), (b"\t".join([b"\xff"] * 14) + b"\n", "not UTF-8")]
)
def test_other_text_is_refused(tmp_path, data, words):
    path = tmp_path / "info.txt"
    path.write_bytes(data)
    with pytest.raises(BadManifest, match=words):
        read_info_txt(path, ImportSettings())
