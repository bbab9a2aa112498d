"""Leaf cells of points: bit for bit those of s2geometry (Google's C++ library) and of s2sphere, which do not differ from each other on any of these points."""

import os

import numpy as np
import pytest
import s2geometry
import s2sphere
from hypothesis import given
from hypothesis import strategies as st

from geocairn.errors import BadCoordinate
from geocairn.geo import s2, s2_points
from geocairn.geo.sphere import latlon_from_unit

LEVELS = (2, 10, 16)
FLOATS_AWAY = 3
points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def even_on_the_sphere(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=-1)


def even_in_degrees(n):
    rng = np.random.default_rng(1)
    return np.stack([rng.uniform(-90, 90, n), rng.uniform(-180, 180, n)], axis=-1)


def a_few_floats_away(latlon_deg):
    away = np.random.default_rng(2).integers(-FLOATS_AWAY, FLOATS_AWAY + 1, latlon_deg.shape)
    return np.clip(latlon_deg + away * np.spacing(latlon_deg), (-90, -180), (90, 180))


def on_corners_of_cells(n):
    rng = np.random.default_rng(3)
    cells = s2.parents(s2.leaf_ids(even_on_the_sphere(n, seed=3)), rng.integers(1, 31, n))
    return a_few_floats_away(latlon_from_unit(s2.corners(cells)[np.arange(n), rng.integers(0, 4, n)]))


def on_edges_of_faces(n):
    lon = np.random.default_rng(4).uniform(-45, 45, n // 8)
    lat = np.degrees(np.arctan(np.cos(np.radians(lon))))
    slanted = [(sign * lat, lon + turn) for sign in (1, -1) for turn in (-90, 0, 90)]
    upright = [(np.linspace(-36, 36, n // 8), np.full(n // 8, side)) for side in (45.0, -135.0)]
    return a_few_floats_away(np.concatenate([np.stack(pair, axis=-1) for pair in slanted + upright]))


def peculiar_points():
    corner_of_the_cube = np.degrees(np.arctan(np.sqrt(0.5)))
    whole = np.array([0, 30, 45, 60, 90, 135, 180, corner_of_the_cube, 1e-17, 1e-300, 5e-324])
    degrees = np.concatenate([sign * near for sign in (1, -1) for near in (whole, np.nextafter(whole, 0), np.nextafter(whole, 360))])
    return np.array([(lat, lon) for lat in degrees[np.abs(degrees) <= 90] for lon in degrees[np.abs(degrees) <= 180]])


SETS = {
    "even on the sphere": even_on_the_sphere(100_000),
    "even in degrees": even_in_degrees(50_000),
    "corners of cells": on_corners_of_cells(50_000),
    "edges of faces": on_edges_of_faces(16_000),
    "poles, antimeridian, axes": peculiar_points(),
}


@pytest.mark.parametrize("name", SETS)
def test_ids_and_ancestors_equal_both_libraries(name):
    ids = s2.leaf_ids(SETS[name])
    google = [s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(lat, lon)) for lat, lon in SETS[name].tolist()]
    python = [s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat, lon)) for lat, lon in SETS[name].tolist()]
    assert [cell.id() for cell in google] == ids.tolist()
    assert [cell.id() for cell in python] == ids.tolist()
    for level in LEVELS:
        ancestors = s2.parents(ids, level).tolist()
        assert [cell.parent(level).id() for cell in google] == ancestors
        assert [cell.parent(level).id() for cell in python] == ancestors


def test_the_sets_are_as_large_as_they_claim():
    assert sum(map(len, SETS.values())) >= 200_000
    assert (SETS["poles, antimeridian, axes"] == (90, 180)).all(1).any()
    assert np.signbit(SETS["poles, antimeridian, axes"][SETS["poles, antimeridian, axes"] == 0]).any()


@given(points)
def test_any_point_has_the_id_of_both_libraries(point):
    (found,) = s2.leaf_ids([point]).tolist()
    assert found == s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(*point)).id()
    assert found == s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(*point)).id()


def test_sines_of_another_machine_change_nothing(monkeypatch):
    """Vectorised sines and cosines may be off by four units in the last place; here they are, at random, on points where each bit decides."""
    latlon_deg = np.concatenate([SETS["corners of cells"], SETS["edges of faces"]])
    expected = s2.leaf_ids(latlon_deg)
    rng = np.random.default_rng(5)

    def shaken(function):
        return lambda angle: (lambda value: value + rng.integers(-4, 5, value.shape) * np.spacing(value))(function(angle))

    monkeypatch.setattr(np, "sin", shaken(np.sin))
    monkeypatch.setattr(np, "cos", shaken(np.cos))
    assert (s2.leaf_ids(latlon_deg) == expected).all()
    monkeypatch.setattr(s2_points, "_NEAR_AN_EDGE", 0.0)
    assert (s2.leaf_ids(latlon_deg) != expected).any()  # without the care the shaking shows


@pytest.mark.parametrize("cores", [None, 1, 3])
@pytest.mark.parametrize("block", [1, 1000, 1 << 20])
def test_neither_threads_nor_blocks_change_ids(monkeypatch, cores, block):
    latlon_deg = SETS["edges of faces"][::40] if block == 1 else SETS["edges of faces"]
    expected = s2.leaf_ids(latlon_deg)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(s2_points, "_BLOCK", block)
    assert (s2.leaf_ids(latlon_deg) == expected).all()


def test_a_point_near_a_pole_or_the_antimeridian_lies_with_its_neighbours():
    around_the_pole = s2.leaf_ids([(90, lon) for lon in (-180, -77, 0, 13, 180)])
    assert (around_the_pole == around_the_pole[0]).all()
    east, west = s2.leaf_ids([(10, 180), (10, -180)])
    assert east != west  # either side has cells of its own, as in both libraries
    assert west in s2.edge_neighbours([east])


def test_other_kinds_of_numbers_are_the_same_points():
    expected = s2.leaf_ids([(48.0, 2.0), (-33.5, 151.25)])
    assert (s2.leaf_ids(np.array([(48, 2), (-33.5, 151.25)], np.float32)) == expected).all()
    assert (s2.leaf_ids(np.asfortranarray([(48, 2), (-33.5, 151.25)])) == expected).all()
    assert (s2.leaf_ids(np.array([(-33.5, 151.25), (48, 2)])[::-1]) == expected).all()
    assert expected.dtype == np.uint64


def test_no_points_have_no_ids():
    assert s2.leaf_ids(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ((np.nan, 2.0), r"\(nan, 2\.0\) is not a place; leave out"),
        ((2.0, np.nan), r"\(2\.0, nan\) is not a place"),
        ((139.7, 35.7), r"latitude 139\.7 is outside \[-90, 90\]; are the columns swapped\? \(longitude is 35\.7\)"),
        ((-90.00000000000001, 0.0), r"latitude -90\.00000000000001 is outside"),
        ((np.inf, 0.0), "latitude inf is outside"),
        ((0.0, -np.inf), "longitude -inf is outside"),
        ((0.0, 180.00000000000003), r"longitude 180\.00000000000003 is outside \[-180, 180\]; subtract 360"),
        ((10.0, 540.0), r"longitude 540\.0 is outside"),
    ],
)
def test_points_off_the_earth_are_named(point, words):
    latlon_deg = np.zeros((20_000, 2))
    latlon_deg[[17_000, 19_000]] = point
    with pytest.raises(BadCoordinate, match=r"^point 17000 \(counted from 0\): " + words):
        s2.leaf_ids(latlon_deg)


@pytest.mark.parametrize("shape", [(2,), (3, 3), (0,), (1, 2, 2), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(BadCoordinate, match="are not points; give N rows of latitude and longitude"):
        s2.leaf_ids(np.zeros(shape))
