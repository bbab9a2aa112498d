import json

import pytest
from tests.data.factory import emp16_jsonl, taken_photos

from geocairn.data.emp16 import read_emp16
from geocairn.data.import_settings import ImportSettings
from geocairn.data.positions import positions_from_cells
from geocairn.errors import BadManifest


def values(found):
    latlon, problem = positions_from_cells(found.table["lat_deg"], found.table["lon_deg"])
    return found.table["photo"].to_pylist(), latlon.tolist(), problem.tolist()


def test_a_damaged_line_changes_no_other(tmp_path):
    path = emp16_jsonl(tmp_path / "meta.jsonl", taken_photos())
    clean = read_emp16(path, ImportSettings())
    lines = path.read_text().splitlines()
    path.write_bytes("\n".join([*lines[:5], '{"id": "x", "lat', "", "[1]", *lines[5:]]).encode() + b"\n\xff\n")
    damaged = read_emp16(path, ImportSettings())
    assert values(damaged) == values(clean)
    assert damaged.refused["row"].to_pylist() == [6, 7, 43]
    assert set(damaged.refused["reason"].to_pylist()) == {"line is not a JSON object"}
    assert damaged.n_rows == 43


def test_keys_of_other_types_and_missing_ones(tmp_path):
    path = tmp_path / "meta.jsonl"
    rows = [{"id": 7, "latitude": "48.85", "longitude": 2}, {"id": "b", "latitude": None, "longitude": 1}, {"id": "c"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_emp16(path, ImportSettings())
    names, latlon, problem = values(found)
    assert names == ["7", "b", "c"]
    assert latlon[0] == [48.85, 2.0]
    assert problem == [0, 1, 1]


@pytest.mark.parametrize("text", ["[]", "7\n8", '{"other": 1}\nx', "\n\n", "id,latitude,longitude\na,1,2\n"])
def test_files_of_another_kind_are_refused(tmp_path, text):
    path = tmp_path / "meta.jsonl"
    path.write_text(text)
    if "other" in text:
        assert values(read_emp16(path, ImportSettings()))[2] == [1]  # an object, but nowhere: counted with the rest
        return
    with pytest.raises(BadManifest, match="no line is a JSON object"):
        read_emp16(path, ImportSettings())


@pytest.mark.parametrize("cut", [0.02, 0.5, 0.99])
def test_a_compressed_list_cut_short_is_refused(tmp_path, cut):
    path = emp16_jsonl(tmp_path / "meta.jsonl.bz2", taken_photos())
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(BadManifest, match="damaged or cut short"):
        read_emp16(path, ImportSettings())
    path.write_bytes(data[:40] + bytes(40) + data[80:])
    with pytest.raises(BadManifest, match="damaged or cut short"):
        read_emp16(path, ImportSettings())
