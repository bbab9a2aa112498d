import numpy as np
import pytest
from tests.places.factory import Leaf, hierarchy_of

from geocairn.coordinates import read_coordinates
from geocairn.errors import BadManifest
from geocairn.train.row_labels import ABSENT, UNKNOWN, places_of_rows

# Ids are the ways down: FR, FR/11, FR/11/Paris, ...
EARTH = hierarchy_of(
    [
        Leaf(("FR", "11", "Seine", "Paris"), 48.85, 2.35, 5.0),
        Leaf(("FR", "11", "Yvelines", "Versailles"), 48.80, 2.13, 1.0),
        Leaf(("FR", "84", "Rhône", "Saint-Denis"), 45.76, 4.84, 2.0),
        Leaf(("FR", "93", "Nord", "Saint-Denis"), 48.93, 2.35, 2.0),
        Leaf(("MC", None, None, "Monaco"), 43.73, 7.42, 1.0),
        Leaf(("NA", "21", None, "Windhoek"), -22.56, 17.08, 1.0),
    ]
)


def labelled(tmp_path, *rows):
    path = tmp_path / "m.csv"
    lines = ["photo,lat_deg,lon_deg,country,region,subregion,city", *(f"p{index}.jpg,1.0,2.0,{row}" for index, row in enumerate(rows))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return places_of_rows(read_coordinates(path, columns=EARTH.level_names), EARTH)


def names(row):
    return [EARTH.names[EARTH.places_of(level).start + place] if place >= 0 else int(place) for level, place in enumerate(row)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("FR,11,Seine,Paris", ["FR", "11", "Seine", "Paris"]),
        ("FR,FR/11,FR/11/Seine,FR/11/Seine/Paris", ["FR", "11", "Seine", "Paris"]),
        ("FR,,,Paris", ["FR", "11", "Seine", "Paris"]),
        ("FR,,Seine,", ["FR", "11", "Seine", UNKNOWN]),
        ("FR,NaN,nan,Versailles", ["FR", "11", "Yvelines", "Versailles"]),
        ("FR,84,,Saint-Denis", ["FR", "84", UNKNOWN, ABSENT]),
        ("FR,,,Lyon", ["FR", UNKNOWN, UNKNOWN, ABSENT]),
        ("XX,,,Paris", [ABSENT, UNKNOWN, UNKNOWN, ABSENT]),
        ("MC,,,Monaco", ["MC", UNKNOWN, UNKNOWN, "Monaco"]),
        ("NA,21,,Windhoek", ["NA", "21", UNKNOWN, "Windhoek"]),
        (",,,", [UNKNOWN] * 4),
    ],
)
def test_labels_mean_places(tmp_path, row, expected):
    assert names(labelled(tmp_path, row)[0]) == expected


def test_rows_do_not_depend_on_each_other(tmp_path):
    rows = ["FR,11,Seine,Paris", "FR,,,Lyon", "MC,,,Monaco", ",,,", "FR,,Seine,"]
    together = labelled(tmp_path, *rows)
    np.testing.assert_array_equal(together, np.concatenate([labelled(tmp_path, row) for row in rows]))
    assert together.dtype == np.int64


def test_rows_without_a_column_of_countries_are_refused(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("photo,lat_deg,lon_deg\na.jpg,1.0,2.0\n", encoding="utf-8")
    with pytest.raises(BadManifest, match="no column 'country'; label the rows"):
        places_of_rows(read_coordinates(path, columns=EARTH.level_names), EARTH)
