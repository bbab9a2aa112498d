"""What the tables of a report divide photos by."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import hierarchies, small_earth

from geocairn.evaluate.answers import Source
from geocairn.evaluate.guess import Label
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.tables import NOWHERE, QUARTERS, continent_of, count_bins, density_quarters, landmass_kinds, trained_on
from geocairn.evaluate.truth import Places, Truth

MANIFEST = """photo,lat_deg,lon_deg,author,S3_Label,scene16
a,48.85,2.35,x,urban,15
b,45.76,4.84,x,natural,
c,35.69,139.69,y,urban,15
d,-40.0,-120.0,z,,
"""
ANSWERS = "photo,lat_deg,lon_deg\na,48.85,2.35\nb,48.85,2.35\nc,48.85,2.35\n"
ISLANDS = {"Hobart": (-42.88, 147.33), "Reykjavik": (64.15, -21.94), "London": (51.51, -0.13), "Nuuk": (64.18, -51.72), "Suva": (-18.14, 178.44)}
MAINLANDS = {"Melbourne": (-37.81, 144.96), "Paris": (48.85, 2.35), "Cape Town": (-33.92, 18.42), "Lima": (-12.05, -77.04), "South Pole": (-89.9, 0.0)}


@pytest.fixture
def evaluate(places, write):
    def run(hierarchy=None, **settings):
        world = places if hierarchy is None else Places(hierarchy, places.nearest)
        files = {"predictions": write("p.csv", ANSWERS), **settings}
        return run_evaluation(write("m.csv", MANIFEST), EvaluationSettings(**files), opener=lambda settings, tell: Source(world))

    return run


def test_the_tables_of_the_three_cities(evaluate):
    tables = evaluate().tables
    assert list(tables) == ["continent", "country", "island", "photo_density", "scene3", "scene16"]
    told = {name: [(row.value, row.n, row.n_failed, row.within_pct["750"]) for row in rows] for name, rows in tables.items()}
    assert told["continent"] == [("Europe", 2, 0, 100.0), ("Asia", 1, 0, 0.0), (None, 1, 1, 0.0)]
    assert told["country"] == [("FR", 2, 0, 100.0), ("JP", 1, 0, 0.0), (None, 1, 1, 0.0)]
    # Tokyo lies on Honshu. The ocean's point counts where the nearest land does.
    assert sum(row.n for row in tables["island"]) == 4
    assert {value for value, *_ in told["island"]} == {"island", "mainland"}
    assert told["photo_density"] == [("sparsest quarter", 1, 0, 0.0), ("second quarter", 1, 0, 100.0), ("densest quarter", 1, 0, 100.0), (NOWHERE, 1, 1, 0.0)]
    assert told["scene3"] == [("urban", 2, 0, 50.0), ("natural", 1, 0, 100.0), (None, 1, 1, 0.0)]
    assert told["scene16"] == [("15", 2, 0, 50.0), (None, 2, 1, 50.0)]


@pytest.mark.parametrize(("points", "kind"), [(ISLANDS, "island"), (MAINLANDS, "mainland")])
def test_islands_are_smaller_than_australia(points, kind):
    assert dict(zip(points, landmass_kinds(np.array(list(points.values()))), strict=True)) == dict.fromkeys(points, kind)


def test_continents_are_geonames_and_namibia_is_in_africa():
    assert [continent_of(code) for code in ("FR", "NA", "US", "AQ", "XK", "AU", "BR", "JP")] == [
        *("Europe", "Africa", "North America", "Antarctica", "Europe", "Oceania", "South America", "Asia")
    ]
    assert (continent_of(None), continent_of(""), continent_of("XX")) == (None, None, None)


@given(hierarchies())
def test_denser_places_lie_in_denser_quarters(hierarchy):
    leaves = np.arange(hierarchy.n_leaves)
    quarters = np.array([QUARTERS.index(name) for name in density_quarters(leaves, hierarchy)])
    weight = hierarchy.weight[hierarchy.leaves]
    density = weight / np.maximum(hierarchy.area_km2[hierarchy.leaves], 1.0)
    assert (np.diff(quarters[np.argsort(density, kind="stable")]) >= 0).all()
    # At most what a leaf across the cut adds lies on the wrong side of it.
    for quarter in range(4):
        assert weight[quarters < quarter].sum() <= quarter / 4 + weight.max() / 2 + 1e-9
        assert weight[quarters >= quarter].sum() <= 1 - quarter / 4 + weight.max() / 2 + 1e-9


def test_equally_dense_places_stay_together_and_nowhere_is_a_row_of_its_own():
    hierarchy = small_earth()
    even = replace(hierarchy, weight=np.full(len(hierarchy), 1 / 11))  # all areas are 400 km2
    assert len(set(density_quarters(np.arange(11), even))) == 1
    assert density_quarters(np.array([-1]), even) == [NOWHERE]


def test_the_training_count_is_the_true_places_where_rows_were_counted(evaluate, places):
    assert "training_count" not in evaluate().tables
    counted = replace(places.hierarchy, count=np.array([1, 1, 1, 1, 1, 0, 9, 1234]), meta={"count_of": "rows"})
    rows = evaluate(counted).tables["training_count"]
    assert [(row.value, row.n) for row in rows] == [("0", 2), ("1-9", 1), ("1000-9999", 1)]  # Paris and the ocean, Lyon, Tokyo


def test_a_label_that_was_never_trained_counts_nothing(places):
    counted = replace(places.hierarchy, count=np.arange(8) + 1, meta={"count_of": "rows"})
    labels = {"country": (None,) * 3, "region": (None,) * 3, "city": (Label("JP/13/3", "Tokyo"), Label(None, "Atlantis"), None)}
    truth = Truth(np.zeros((3, 2)), np.array([0, 0, 1]), labels, {})
    assert trained_on(truth, counted).tolist() == [8, 0, 7]


def test_a_label_by_name_counts_the_nearest_place_of_that_name_in_its_country():
    hierarchy = small_earth()
    counted = replace(hierarchy, count=np.arange(len(hierarchy)) + 1, meta={"count_of": "rows"})
    cities = [("FR", "Paris"), ("US", " PARIS"), (None, "Paris"), (None, "Paris"), ("FR", "Tokyo"), ("MC", "Monaco")]
    labels = {
        "country": tuple(None if country is None else Label(country, country) for country, _ in cities),
        "city": tuple(Label(None, name) for _, name in cities),
    }
    latlon = np.array([(48.8, 2.3), (48.8, 2.3), (48.8, 2.3), (33.0, -95.0), (35.7, 139.7), (43.7, 7.4)])
    found = trained_on(Truth(latlon, np.zeros(6, dtype=np.int64), labels, {}), counted).tolist()
    ids = ["FR/11/Paris/Paris", "US/TX/Lamar/Paris", "FR/11/Paris/Paris", "US/TX/Lamar/Paris", None, "MC/Monaco"]
    assert found == [0 if place is None else hierarchy.index_of(place) + 1 for place in ids]


@given(st.lists(st.integers(0, 10**7), max_size=30))
def test_a_count_lies_in_its_bin(counts):
    cells, order = count_bins(np.array(counts, dtype=np.int64))
    for count, cell in zip(counts, cells, strict=True):
        low, high = (int(end) for end in (cell.split("-") * 2)[:2])
        assert low <= count <= high
        assert cell in order
    assert order is None or order[0] == "0"


def test_the_markdown_has_the_tables_and_the_twenty_largest_countries(evaluate, places, write, tmp_path):
    rows = "".join(f"p{index},48.85,2.35,{code}\n" for index, code in enumerate(f"{first}{second}" for first in "ABCDEF" for second in "EFGLM"))
    manifest = write("many.csv", "photo,lat_deg,lon_deg,country\n" + rows)
    settings = EvaluationSettings(predictions=write("p.csv", "photo,lat_deg,lon_deg\np1,1,1\n"))
    report = run_evaluation(manifest, settings, out=tmp_path / "out", opener=lambda settings, tell: Source(places))
    words = (tmp_path / "out" / "report.md").read_text()
    assert len(report.tables["country"]) == 30
    assert "## By country\n" in words
    assert "10 more values are in report.json." in words
    for title in ("## By continent", "## By island", "## By photo density", "## Area that must be searched"):
        assert title in words
