import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geocairn.export.mercator import circle_on_sphere, mercator_from_lonlat, near_meridian, polygons_near_meridian
from geocairn.geo.sphere import distance_km

lats, lons = st.floats(-90, 90), st.floats(-180, 180)


def test_mercator_equals_the_values_of_epsg_3857():
    # Test point of the EPSG Guidance Note 7-2, section 3.2.1.3 (Popular Visualisation Pseudo Mercator).
    assert mercator_from_lonlat([-(100 + 20 / 60), 24 + 22 / 60 + 54.433 / 3600]) == pytest.approx([-11169055.58, 2800000.00], abs=0.02)


def test_mercator_stops_at_85_degrees():
    assert np.isfinite(mercator_from_lonlat([[0, 90], [0, -90]])).all()
    assert mercator_from_lonlat([0, 90])[1] == mercator_from_lonlat([0, 85])[1]


@given(st.floats(-720, 720), lons)
def test_near_meridian_keeps_the_place_and_stays_near(lon, meridian):
    moved = float(near_meridian(lon, meridian))
    assert abs(moved - meridian) <= 180 + 1e-9
    assert (moved - lon) / 360 == pytest.approx(round((moved - lon) / 360), abs=1e-9)


@given(lats, lons, st.floats(1, 20010), lats, lons)
def test_a_circle_holds_exactly_what_is_within_its_radius(lat, lon, radius_km, other_lat, other_lon):
    disc = circle_on_sphere(lat, lon, radius_km=radius_km, n_corners=360)
    assert disc.is_valid
    km = float(distance_km([lat, lon], [other_lat, other_lon]))
    point = shapely.Point(float(near_meridian(other_lon, lon)), other_lat)
    # Edges between corners are straight on the map, not on the sphere: near the edge, and near a pole, a point may fall on either side.
    if abs(km - radius_km) > 0.03 * min(radius_km, 20015 - radius_km) + 1 and abs(other_lat) < 85 and abs(point.x - lon) < 179:
        assert disc.covers(point) == (km < radius_km)


def test_a_circle_across_the_antimeridian_is_in_one_piece():
    disc = circle_on_sphere(-16.8, 179.97, radius_km=60.0)
    west, _, east, _ = disc.bounds
    assert len(disc.geoms) == 1
    assert west < 180 < east


@pytest.mark.parametrize("lat", [90.0, -90.0, 89.9])
def test_a_circle_round_a_pole_is_a_cap(lat):
    west, south, east, north = circle_on_sphere(lat, 10.0, radius_km=500).bounds
    assert (west, east) == (-170, 190)
    assert max(abs(south), abs(north)) == 90


def test_the_whole_earth_is_the_whole_map():
    assert circle_on_sphere(10.0, 20.0, radius_km=20016).equals(shapely.box(-160, -90, 200, 90))


def test_polygons_join_where_the_antimeridian_cut_them():
    cut = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1), shapely.box(10, 0, 11, 1)])
    joined = polygons_near_meridian(cut, 178.0)
    assert sorted(part.bounds for part in joined.geoms) == [(10, 0, 11, 1), (179, 0, 181, 1)]
    assert polygons_near_meridian(shapely.MultiPolygon(), 0.0).is_empty


def test_polygons_end_at_85_degrees():
    assert polygons_near_meridian(shapely.MultiPolygon([shapely.box(0, -90, 10, 90)]), 0.0).bounds == (0, -85, 10, 85)
