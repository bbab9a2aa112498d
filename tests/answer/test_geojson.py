import json

import numpy as np
import pytest
import shapely
from tests.export.factory import LYON, PARIS, TAVEUNI, VERSAILLES, across_the_antimeridian, album, failed, prediction, region

from geocairn.answer.geojson import feature_collection, region_outline
from geocairn.answer.prediction import Prediction, Region


def features(*predictions, kind):
    return [feature for feature in feature_collection(predictions)["features"] if feature["properties"]["kind"] == kind]


def coordinates(feature):
    return np.array([position for polygon in feature["geometry"]["coordinates"] for ring in polygon for position in ring])


def test_candidates_are_points_longitude_first_with_the_given_precision():
    first, second = features(prediction(), kind="candidate")
    assert first["geometry"] == {"type": "Point", "coordinates": [2.35, 48.85]}
    assert first["properties"] == {
        "kind": "candidate",
        "photo": "p.jpg",
        "abstain": None,
        "rank": 1,
        "p": 0.71,
        "radius_km": 12.0,
        "chain": ["France", "Île-de-France", "Paris", "Paris"],
    }
    assert second["geometry"]["coordinates"] == [4.84, 45.76]


def test_regions_are_multipolygons_with_their_mass():
    drawn = features(prediction(), kind="region")
    assert [feature["geometry"]["type"] for feature in drawn] == ["MultiPolygon"] * 3
    assert drawn[2]["properties"] == {"kind": "region", "photo": "p.jpg", "abstain": None, "nominal": 0.95, "mass": 0.98, "area_km2": 60000.0}


@pytest.mark.parametrize("made", [prediction, across_the_antimeridian])
def test_rings_are_closed_valid_rounded_and_follow_the_right_hand_rule(made):
    for feature in features(made(), kind="region"):
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert all(part.exterior.is_ccw and not any(hole.is_ccw for hole in part.interiors) for part in shape.geoms)
        assert all(ring[0] == ring[-1] for polygon in feature["geometry"]["coordinates"] for ring in polygon)
        assert np.array_equal(coordinates(feature), coordinates(feature).round(3))


def test_a_region_across_the_antimeridian_is_two_polygons_that_stay_on_their_sides():
    (feature, *_) = features(across_the_antimeridian(), kind="region")
    lon = coordinates(feature)[:, 0]
    assert lon.min() == -180
    assert lon.max() == 180
    for polygon in feature["geometry"]["coordinates"]:
        side = np.array(polygon[0])[:, 0]
        assert np.ptp(side) < 10


def test_a_small_region_is_drawn_finer_than_a_large_one():
    fine, coarse = (shapely.get_coordinates(region_outline(region(0.5, [PARIS], area_km2=area))) for area in (500.0, 50000.0))
    assert np.allclose(coarse, coarse.round(2), atol=1e-9)
    assert not np.allclose(fine, fine.round(2), atol=1e-9)
    assert np.allclose(fine, fine.round(3), atol=1e-9)


def test_a_region_too_small_for_the_grid_keeps_its_exact_outline():
    def speck(_territory, _leaves):
        return shapely.MultiPolygon([shapely.box(10, 50, 10.0001, 50.0001)])

    assert region_outline(region(0.5, [PARIS], area_km2=0.01), outline=speck).area == pytest.approx(1e-8)


def test_a_region_of_very_many_places_is_drawn_coarser_and_keeps_its_area():
    def checkered(_territory, _leaves):
        west, south = np.meshgrid(np.arange(0, 40, 0.25), np.arange(0, 40, 0.25))
        keep = (np.arange(west.size) % 3) > 0
        return shapely.union_all(shapely.box(west, south, west + 0.25, south + 0.25).ravel()[keep])

    exact = checkered("", ())
    coarse = region_outline(region(0.95, [PARIS], area_km2=1e7), max_vertices=3000, outline=checkered)
    assert shapely.get_num_coordinates(exact) > 20_000
    assert shapely.get_num_coordinates(coarse) <= 3000
    assert coarse.is_valid
    assert coarse.area == pytest.approx(exact.area, rel=0.2)


def test_neighbouring_territories_merge():
    both = region_outline(region(0.8, [PARIS, VERSAILLES]))
    assert len(both.geoms) == 1
    assert len(region_outline(region(0.8, [LYON, TAVEUNI])).geoms) == 3


def test_read_back_from_json_a_region_has_null_geometry():
    again = Prediction.model_validate_json(prediction().to_json())
    assert [feature["geometry"] for feature in features(again, kind="region")] == [None] * 3
    assert features(again, kind="candidate") == features(prediction(), kind="candidate")
    assert region_outline(Region(nominal=0.5, mass=0.6, area_km2=1.0)).is_empty


def test_a_photo_with_an_error_is_listed_apart():
    collection = feature_collection([failed(), prediction()])
    assert {feature["properties"]["photo"] for feature in collection["features"]} == {"p.jpg"}
    assert collection["errors"] == [{"photo": "broken.jpg", "error": "broken.jpg: is not a photo"}]


def test_no_photos_are_an_empty_collection():
    assert feature_collection([]) == {"type": "FeatureCollection", "features": [], "errors": []}


def test_everything_is_plain_json():
    collection = feature_collection(album())
    assert json.loads(json.dumps(collection, allow_nan=False)) == collection


def test_a_prediction_gives_its_own_collection():
    assert prediction().to_geojson() == feature_collection([prediction()])
