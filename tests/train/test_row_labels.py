import numpy as np
import pytest
from tests.places.factory import Leaf, hierarchy_of

from geocairn.coordinates import read_coordinates
from geocairn.errors import BadManifest
from geocairn.places.row_entities import LABEL_COLUMNS, EntitySettings, build_row_entities, stand_rows
from geocairn.train.row_labels import ABSENT, UNKNOWN, places_of_rows, places_of_standing

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


LABELLED = """photo,lat_deg,lon_deg,country,region,subregion,city
a,45.8,4.8,FR,84,,Saint-Denis
b,48.9,2.3,FR,93,,Saint-Denis
c,48.8,2.3,FR,93,,
d,-22.5,17.0,NA,,,Windhoek
e,1.0,2.0,,,,Nowhere
"""
KEYS = """photo,lat_deg,lon_deg,unique_country,unique_region,unique_sub-region,unique_city
a,-43.9,-176.5,NZ,Chatham Islands_NZ,NaN,Waitangi_NaN_Chatham Islands_NZ
b,-35.2,174.0,NZ,Northland_NZ,NaN,Waitangi_NaN_Northland_NZ
"""


@pytest.mark.parametrize(
    ("labels", "train", "rows", "expected"),
    {
        "columns": ("columns", LABELLED, LABELLED, ["FR/84//Saint-Denis", "FR/93//Saint-Denis", "FR/93", "NA///Windhoek", None]),
        "keys": ("osv5m", KEYS, KEYS, ["NZ/Chatham Islands//Waitangi", "NZ/Northland//Waitangi"]),
        "elsewhere": (
            "columns",
            LABELLED,
            "photo,lat_deg,lon_deg,country,region,subregion,city\nz,1,2,FR,93,,Bondy\ny,1,2,XX,,,Bondy\n",
            ["FR/93", None],
        ),
    }.values(),
)
def test_rows_stand_in_places_that_share_their_names(tmp_path, labels, train, rows, expected):
    settings = EntitySettings(labels=labels)
    for name, text in (("train.csv", train), ("rows.csv", rows)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    hierarchy = build_row_entities(tmp_path / "train.csv", tmp_path / "places", settings)
    table = read_coordinates(tmp_path / "rows.csv", columns=LABEL_COLUMNS[labels])
    found = places_of_standing(stand_rows(table, settings), hierarchy)
    starts = np.array([hierarchy.places_of(level).start for level in range(4)])
    for row, place_id in zip(found, expected, strict=True):
        chain = [] if place_id is None else hierarchy.chain(hierarchy.index_of(place_id))
        assert (row[row >= 0] + starts[row >= 0]).tolist() == chain
    if rows != train:
        assert (found[0].tolist()[2:], found[1].tolist()) == ([UNKNOWN, ABSENT], [ABSENT, UNKNOWN, UNKNOWN, ABSENT])


def test_rows_stand_in_the_nearest_city_of_the_training_rows_if_it_is_theirs(tmp_path):
    text = "photo,lat_deg,lon_deg\n"
    (tmp_path / "train.csv").write_text(text + "a,48.86,2.34\nb,43.7,7.4\n", encoding="utf-8")
    (tmp_path / "rows.csv").write_text(text + "c,48.80,2.12\nd,43.73,7.41\n", encoding="utf-8")
    settings = EntitySettings(labels="coordinates")
    hierarchy = build_row_entities(tmp_path / "train.csv", tmp_path / "places", settings, cities=EARTH)
    found = places_of_standing(stand_rows(read_coordinates(tmp_path / "rows.csv"), settings, cities=EARTH), hierarchy)
    # Versailles, in a subregion of its own, is not among the training rows.
    assert found[0].tolist()[2:] == [ABSENT, ABSENT]
    assert hierarchy.ids[hierarchy.places_of(3).start + int(found[1, 3])] == "MC/Monaco"
