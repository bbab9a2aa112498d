import json

import numpy as np
import pytest
from tests.places.factory import small_earth
from tests.places.points import photo_like_points

from geocairn.errors import BadHierarchy, BadManifest
from geocairn.geo.sphere import distance_km, latlon_from_unit
from geocairn.places.cell_hierarchy import classes_of_points, hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.cells_csv import export_cells, read_cell_rows, read_label_mapping, write_label_mapping

HEADER = "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean"
ROWS = "0,00994,60,-34.5,-44.8\n1,478e4,70,48.0,11.0\n"
POINTS = photo_like_points(1500)
EARTH = hierarchy_of_cells(POINTS, CellSettings(t_min=5, t_max=(100, 20)), meta={"source_sha256": ""})


def write(path, text):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "first_row"),
    [
        (f"{HEADER}\n{ROWS}", 2),
        (f"num_images: 4723695\nmin_concept_probability: ---\n{HEADER}\n{ROWS}", 4),
        (f"\ufeff{HEADER}\n{ROWS}", 2),
        (f"{HEADER}\n{ROWS}".replace("\n", "\r\n"), 2),
        (f'{HEADER}\n0,"00994",60,-34.5,-44.8\n1,478e4,70,48.0,11.0', 2),
        ("num_images: 7,,,,\n,,,,\n" + f"{HEADER}\n{ROWS}", 4),
        ("name,longitude_mean,latitude_mean,imgs_per_cell,class_label,hex_id\nx,-44.8,-34.5,60,0,00994\n\ny,11.0,48.0,70,1,478e4\n", 2),
    ],
    ids=["plain", "two more lines", "byte order mark", "CRLF", "quotes", "padded", "other order"],
)
def test_the_header_is_found_and_tokens_stay_text(tmp_path, text, first_row):
    cells = read_cell_rows(write(tmp_path / "cells.csv", text))
    assert list(cells.tokens) == ["00994", "478e4"]
    assert cells.rows[0] == first_row
    assert list(cells.columns["imgs_per_cell"]) == ["60", "70"]
    assert cells.n_images == (4723695 if "4723695" in text else 7 if "num_images: 7" in text else None)


def test_rows_of_another_length_are_kept_apart(tmp_path):
    cells = read_cell_rows(write(tmp_path / "cells.csv", f"{HEADER}\n2,9,1\n{ROWS}"))
    assert (cells.rows, cells.misshapen, cells.n_columns) == ([3, 4], [(2, ["2", "9", "1"])], 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header in its first 10 lines"),
        ("a,b\n1,2\n", "no header"),
        ("class_label,hex_id,imgs_per_cell,latitude_mean\n", "no column 'longitude_mean'; its columns are class_label, hex_id"),
        (HEADER.replace("class_label", "hex_id") + "\n", "no column 'class_label'"),
        (HEADER + ",hex_id\n", "more than one column 'hex_id'"),
        (f"{HEADER}\n", "no row below its header"),
    ],
)
def test_what_is_no_csv_of_cells_is_refused(tmp_path, text, message):
    with pytest.raises(BadHierarchy, match=message):
        read_cell_rows(write(tmp_path / "cells.csv", text))


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(BadHierarchy, match="no such file"):
        read_cell_rows(tmp_path / "absent.csv")
    with pytest.raises(BadHierarchy, match="cannot be read as CSV"):
        read_cell_rows(tmp_path)
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\n0,1,1,\xe9,1\n")
    with pytest.raises(BadHierarchy, match="not UTF-8"):
        read_cell_rows(tmp_path / "latin.csv")


def test_cells_are_written_as_the_field_has_them(tmp_path):
    paths = export_cells(EARTH, tmp_path / "out")
    assert [path.name for path in paths] == [f"cells_5_{t_max}_images_{len(POINTS)}.csv" for t_max in (100, 20)]
    for level, path in enumerate(paths):
        places = list(EARTH.places_of(level))
        assert path.read_text().splitlines()[0] == HEADER
        cells = read_cell_rows(path)
        assert list(cells.tokens) == [EARTH.names[place] for place in places]
        assert [int(label) for label in cells.columns["class_label"]] == list(range(len(places)))
        assert [int(count) for count in cells.columns["imgs_per_cell"]] == EARTH.count[places].tolist()
        means = np.array([[float(cell) for cell in cells.columns[name]] for name in ("latitude_mean", "longitude_mean")]).T
        assert distance_km(means, latlon_from_unit(EARTH.unit[places])).max() < 1e-7


def test_only_partitions_are_exported(tmp_path):
    with pytest.raises(BadHierarchy, match="has no S2 cells"):
        export_cells(small_earth(), tmp_path)


def test_labels_come_back(tmp_path):
    classes = classes_of_points(EARTH, POINTS)
    photos = [f'aa/b/{row} é".jpg' for row in range(len(POINTS))]
    assert write_label_mapping(photos, classes, tmp_path / "labels.json") == len(photos)
    names, labels = read_label_mapping(tmp_path / "labels.json", [len(EARTH.places_of(level)) for level in (0, 1)])
    assert names == photos
    assert np.array_equal(labels, classes)
    assert json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))[photos[0]] == classes[0].tolist()


def test_photos_without_a_class_at_some_level_can_be_dropped_as_the_field_does(tmp_path):
    classes = np.array([[0, 1], [2, -1], [-1, -1], [0, 0]], dtype=np.int32)
    assert write_label_mapping(list("abcd"), classes, tmp_path / "labels.json", keep_uncovered=False) == 2
    assert read_label_mapping(tmp_path / "labels.json")[0] == ["a", "d"]


def test_labels_by_level_and_labels_as_floats_are_read(tmp_path):
    path = write(tmp_path / "labels.json", '{"a": {"coarse": 3, "fine": 4.0}, "b": {"coarse": null, "fine": -1}}')
    names, labels = read_label_mapping(path)
    assert (names, labels.tolist()) == (["a", "b"], [[3, 4], [-1, -1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "holds no photos"),
        ("{}", "holds no photos"),
        ("{", "not readable as JSON"),
        ('{"a": [1, 2], "a": [1, 2]}', "photo 'a' stands 2 times"),
        ('{"a": [1, 2], "b": [1]}', r"photo 'b' has \[1\], not a list of 2 labels"),
        ('{"a": 3}', "photo 'a' has 3, not a list of its labels"),
        ('{"a": [1, "2"]}', "label '2'"),
        ('{"a": [1, 2.5]}', "label 2.5"),
        ('{"a": [1, NaN]}', "label nan"),
        ('{"a": [1, true]}', "label True"),
        ('{"a": [1, -2]}', "label -2"),
        ('{"a": [1, 99999999999]}', "label 99999999999"),
        ('{"a": []}', "not a list"),
    ],
)
def test_labels_that_are_none_are_refused(tmp_path, text, message):
    with pytest.raises(BadManifest, match=message):
        read_label_mapping(write(tmp_path / "labels.json", text))


def test_labels_beyond_the_classes_are_refused(tmp_path):
    path = write(tmp_path / "labels.json", '{"a": [1, 2]}')
    with pytest.raises(BadManifest, match="label 2, which is no class; classes are whole numbers from 0 to 1"):
        read_label_mapping(path, [2, 2])
    with pytest.raises(BadManifest, match="not a list of 3 labels"):
        read_label_mapping(path, [2, 2, 9])
    with pytest.raises(BadManifest, match="no such file"):
        read_label_mapping(tmp_path / "absent.json")
