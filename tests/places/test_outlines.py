from importlib.resources import files

import numpy as np
import pytest
import shapely

from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.places.outlines import load_outlines

OUTLINES = load_outlines()
RINGS = [OUTLINES.ring_deg(ring) for ring in range(len(OUTLINES.is_hole))]
LAND = shapely.union_all([shapely.Polygon(ring) for ring, is_hole in zip(RINGS, OUTLINES.is_hole, strict=True) if not is_hole])


def test_the_file_is_small_and_says_where_it_is_from():
    assert (files("geocairn.places") / "outlines.npz").stat().st_size <= 400_000
    assert "Natural Earth" in OUTLINES.meta["attribution"]
    assert "public domain" in OUTLINES.meta["attribution"]


def test_rings_are_valid_turn_the_right_way_and_stay_on_the_map():
    for ring, is_hole in zip(RINGS, OUTLINES.is_hole, strict=True):
        assert shapely.Polygon(ring).is_valid
        assert shapely.LinearRing(ring).is_ccw != is_hole
    assert np.abs(OUTLINES.points).max(0).tolist() == [18000, 9000]


def test_no_edge_runs_round_the_world():
    for ring in RINGS:
        steps = np.abs(np.diff(ring[:, 0], append=ring[0, 0]))
        along_the_pole = np.minimum(ring[:, 1], np.roll(ring[:, 1], -1)) == -90
        assert steps[~along_the_pole].max(initial=0) < 30


@pytest.mark.parametrize(
    ("place", "lat", "lon", "is_land"),
    [
        ("Chukotka, west of the antimeridian", 67.0, 179.0, True),
        ("Chukotka, east of it", 66.8, -178.0, True),
        ("Vanua Levu", -16.6, 179.2, True),
        ("South Pole", -89.9, 10.0, True),
        ("Lesotho, a hole of South Africa", -29.5, 28.3, True),
        ("Paris", 48.85, 2.35, True),
        ("Gulf of Guinea", 0.0, 0.0, False),
        ("Pacific", 0.0, -179.9, False),
        ("Arctic Ocean", 88.0, 100.0, False),
    ],
)
def test_land_is_land_and_sea_is_sea(place, lat, lon, is_land):
    assert LAND.contains(shapely.Point(lon, lat)) == is_land


def test_the_land_has_the_area_of_land():
    total = 0.0
    for ring in RINGS:
        lon, z = np.radians(ring[:, 0]), np.sin(np.radians(ring[:, 1]))
        total += np.sum((np.roll(lon, -1) - lon) * -(z + np.roll(z, -1)) / 2) * EARTH_RADIUS_KM**2
    assert total == pytest.approx(1.48e8, rel=0.01)
