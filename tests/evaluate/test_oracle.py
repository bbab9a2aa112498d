"""The best that places could score: cells answer by their own place, other places by the nearest, galleries by the nearest coordinate."""

import json

import numpy as np
import pytest
from tests.places.factory import CITIES, small_earth

from geocairn.errors import BadConfig, BadHierarchy, BadManifest, UnknownName
from geocairn.evaluate.answers import Source
from geocairn.evaluate.oracle import right_places
from geocairn.evaluate.protocol import PROTOCOLS
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.geo.sphere import distance_km, latlon_from_unit
from geocairn.places.cell_hierarchy import hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.files import save_hierarchy
from geocairn.places.origin import save_origin

# Two cities of three photos each, on two faces of S2; the third face holds a single photo, too few for a cell.
ROWS = np.array([(48.0, 2.0), (48.2, 2.0), (48.4, 2.0), (35.0, 139.0), (35.2, 139.0), (35.4, 139.0), (-20.0, -60.0)])
SETTINGS = CellSettings(t_min=2, t_max=(6, 3), start_level=2)


@pytest.fixture
def cells(tmp_path):
    folder = tmp_path / "cells"
    save_origin(folder, [f"train{row}.jpg" for row in range(len(ROWS))])
    save_hierarchy(hierarchy_of_cells(ROWS, SETTINGS, meta={"source_sha256": "0" * 64}), folder / "hierarchy.npz")
    return folder


@pytest.fixture
def cities(tmp_path):
    save_hierarchy(small_earth(), tmp_path / "cities" / "hierarchy.npz")
    return tmp_path / "cities"


@pytest.fixture
def score(places, write):
    def run(oracle, *points, **settings):
        rows = "".join(f"{index}.jpg,{lat},{lon}\n" for index, (lat, lon) in enumerate(points))
        manifest = write("m.csv", "photo,lat_deg,lon_deg\n" + rows)
        return run_evaluation(manifest, EvaluationSettings(oracle=oracle, **settings), opener=lambda settings, tell: Source(places))

    return run


def test_a_cell_answers_with_its_own_place(cells, score):
    report = score(cells, (48.2, 2.0), (48.4, 2.0), (35.0, 139.0))
    km = sorted([0.0, float(distance_km((48.2, 2), (48.4, 2))), float(distance_km((35.2, 139), (35, 139)))])
    assert report.median_km == pytest.approx(km[1], abs=0.01)
    assert report.mean_km == pytest.approx(np.mean(km), abs=0.01)
    assert (report.n_failed, report.within_pct["1"]) == (0, pytest.approx(100 / 3, abs=1e-6))
    assert report.system.oracle == "cells, t3"
    assert not any("no cell of" in note or "flatter itself" in note for note in report.notes)
    assert {row.value: row.n for row in report.tables["training_count"]} == {"1-9": 3}


def test_what_no_cell_holds_takes_the_nearest_place_and_is_said(cells, score):
    report = score(cells, (-20.0, -60.0), (48.2, 2.0))
    assert report.mean_km == pytest.approx(float(distance_km((-20, -60), (48.2, 2))) / 2, abs=0.01)
    assert "1 photos lie in no cell of t3 and are answered by the nearest place of a cell." in report.notes
    assert [(row.value, row.n) for row in report.tables["training_count"]] == [("0", 1), ("1-9", 1)]


def test_the_cell_that_holds_a_point_is_right_though_another_place_is_nearer():
    # Faces of S2 end at 45 E: the photos of one lie far to the west in it, those of the next just across the edge.
    rows = np.array([(10.0, 0.0), (10.0, 0.1), (10.0, 0.2), (10.0, 45.5), (10.0, 45.6), (10.0, 45.7)])
    hierarchy = hierarchy_of_cells(rows, CellSettings(t_min=0, t_max=(3,), start_level=0), meta={})
    right, is_nowhere = right_places(hierarchy, np.array([(10.0, 44.5), (10.0, 45.5), (10.0, -170.0)]), "t3")
    assert latlon_from_unit(hierarchy.unit[right])[:2, 1].round(1).tolist() == [0.1, 45.6]
    assert is_nowhere.tolist() == [False, False, True]


def test_the_level_is_connected(cells, cities, score):
    coarse = score(cells, (48.4, 2.0), oracle_level="t6")
    assert coarse.system.oracle == "cells, t6"
    by_country, by_city = score(cities, (45.76, 4.84), oracle_level="country"), score(cities, (45.76, 4.84))
    assert by_city.median_km == pytest.approx(0, abs=1e-6)
    assert by_country.median_km > 100
    assert by_city.system.oracle == "cities, leaves"


def test_places_that_are_no_cells_answer_with_the_nearest_leaf(cities, score):
    points = [(43.0, 7.0), (-17.0, -179.9), (-89.0, 120.0)]
    report = score(cities, *points)
    leaves = np.array([(leaf.lat_deg, leaf.lon_deg) for leaf in CITIES])
    assert report.mean_km == pytest.approx(np.mean([distance_km(point, leaves).min() for point in points]), abs=1e-4)


@pytest.mark.parametrize("suffix", [".csv", ".npy"])
def test_a_gallery_answers_with_the_nearest_coordinate(suffix, score, tmp_path):
    gallery = np.array([(0.0, 179.9), (0.0, 0.0), (90.0, 0.0)])
    path = tmp_path / f"gallery{suffix}"
    if suffix == ".npy":
        np.save(path, gallery)
    else:
        path.write_text("lat_deg,lon_deg\n" + "".join(f"{lat},{lon}\n" for lat, lon in gallery) + ",\n")
    points = [(0.0, -179.9), (89.0, 77.0), (0.5, 0.0)]
    report = score(path, *points)
    assert report.mean_km == pytest.approx(np.mean([distance_km(point, gallery).min() for point in points]), abs=1e-4)
    assert report.system.oracle == path.name
    assert ("1 rows of the gallery were left out." in report.notes) == (suffix == ".csv")


def test_more_places_never_make_an_oracle_of_a_gallery_worse(score, tmp_path):
    numbers = np.random.default_rng(0)
    gallery = np.column_stack([numbers.uniform(-90, 90, 50), numbers.uniform(-180, 180, 50)])
    points = np.column_stack([numbers.uniform(-90, 90, 20), numbers.uniform(-180, 180, 20)]).round(6)
    means = []
    for n in (5, 20, 50):
        np.save(tmp_path / "g.npy", gallery[:n])
        means.append(score(tmp_path / "g.npy", *points).mean_km)
    assert means[0] > means[1] > means[2]


def test_against_a_file_no_system_beats_its_oracle(cities, score, write):
    predictions = write("p.csv", "photo,lat_deg,lon_deg\n0.jpg,45.76,4.84\n1.jpg,48.85,2.35\n")
    report = score(cities, (48.9, 2.4), (48.8, 2.1), against=predictions)
    assert report.against.geoscore.difference > 0
    assert report.against.within_pct["25"].difference == 50
    assert report.against.n_failed == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_scores_the_oracle_and_what_it_is_compared_with(protocol, cities, score, write):
    predictions = write("p.csv", "photo,lat_deg,lon_deg\n0.jpg,45.76,4.84\n")
    report = score(cities, (48.9, 2.4), (35.7, 139.7), protocol=protocol, against=predictions)
    assert report.protocol == protocol
    assert report.within_pct["25"] == 100
    assert report.against.within_pct["25"].difference == 100
    assert (report.against.n_failed, report.against.geoscore.difference > 2500) == (1, True)
    assert all(sum(row.n for row in rows) == 2 for rows in report.tables.values())
    assert [row.geoscore for row in report.tables["country"]] == pytest.approx([5000, 5000], abs=40)
    # The area is that of the house's own sphere, whatever measures distances.
    by_default = score(cities, (48.9, 2.4), (35.7, 139.7))
    assert report.recall_vs_area == by_default.recall_vs_area


def test_a_hierarchy_built_from_the_photos_it_is_tried_on_says_so(cells, score):
    save_origin(cells, ["0.jpg"])
    assert any("flatter itself" in note for note in score(cells, (48.2, 2.0)).notes)
    (cells / "rows.npy").unlink()
    assert any("flatter itself" in note for note in score(cells, (48.2, 2.0)).notes)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"oracle": "nowhere"}, BadHierarchy, r"nowhere: no such folder or file; name a folder with hierarchy.npz, or a gallery"),
        ({"oracle": "."}, BadHierarchy, r"hierarchy.json: no such file"),
        ({"oracle": "m.csv", "oracle_level": "city"}, BadConfig, r"--oracle-level city: m.csv is a gallery of coordinates, which has no levels"),
        ({"oracle": "cities", "oracle_level": "t500"}, UnknownName, r"level 't500': this hierarchy has country, region, subregion, city"),
        ({"oracle": "g.txt"}, BadManifest, r"g.txt: coordinates are read from .csv, .parquet, .npy files"),
        ({"oracle": "cities", "decide": "median"}, BadConfig, r"--decide median: the points of cities are decided already"),
        ({"oracle": "cities", "bundle": "prior"}, BadConfig, r"--bundle and --oracle are given"),
        ({"predictions": "p.csv", "oracle_level": "city"}, BadConfig, r"--oracle-level city: there is no --oracle"),
    ],
)
def test_refusals(settings, error, words, places, cities, write, monkeypatch):
    monkeypatch.chdir(cities.parent)
    write("g.txt", "")
    manifest = write("m.csv", "photo,lat_deg,lon_deg\na,1,2\n")
    with pytest.raises(error, match=words) as refusal:
        run_evaluation(manifest, EvaluationSettings(**settings), opener=lambda settings, tell: Source(places))
    assert "\n" not in str(refusal.value)


def test_a_damaged_hierarchy_is_one_line(cells, score):
    described = json.loads((cells / "hierarchy.json").read_text())
    (cells / "hierarchy.json").write_text(json.dumps(described | {"arrays_sha256": "0"}))
    with pytest.raises(BadHierarchy, match="these are not the arrays"):
        score(cells, (48.2, 2.0))
