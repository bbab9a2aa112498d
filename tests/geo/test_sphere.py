"""Laws of the sphere, and goldens computed by geographiclib (tests/goldens/make_sphere.py)."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from geocairn.geo.sphere import (
    EARTH_AREA_KM2,
    EARTH_RADIUS_KM,
    chord_from_km,
    distance_km,
    distance_km_from_units,
    geoscore,
    latlon_from_unit,
    mean_on_sphere,
    unit_from_latlon,
)

HALF_AROUND_KM = np.pi * 6371.0
points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.fixture(scope="module")
def goldens():
    pairs = json.loads((Path(__file__).parents[1] / "goldens" / "sphere.json").read_text())["pairs"]
    return {name: np.array([pair[name] for pair in pairs]) for name in ("a", "b", "km", "middle")}


def test_distance_equals_geographiclib_on_a_sphere(goldens):
    # Degrees near 180 are rounded to 3e-14, which is 3e-12 km on the ground: over short distances only that remains.
    assert_allclose(distance_km(goldens["a"], goldens["b"]), goldens["km"], rtol=1e-12, atol=1e-11)


def test_the_mean_of_two_points_is_their_midpoint_by_geographiclib(goldens):
    for a, b, km, middle in zip(goldens["a"], goldens["b"], goldens["km"], goldens["middle"], strict=True):
        if km < 20_000:  # antipodes have no midpoint
            found = mean_on_sphere(unit_from_latlon([a, b]))
            assert distance_km_from_units(found, unit_from_latlon(middle)) == pytest.approx(0, abs=1e-8)


@given(points, points)
def test_distance_is_symmetric_and_bounded(a, b):
    there, back = float(distance_km(a, b)), float(distance_km(b, a))
    assert there == back
    assert 0 <= there <= HALF_AROUND_KM * (1 + 1e-15)


@given(points, points, points)
def test_distance_obeys_the_triangle(a, b, c):
    assert distance_km(a, c) <= distance_km(a, b) + distance_km(b, c) + 1e-9


@given(points, st.integers(-3, 3))
def test_a_whole_turn_of_longitude_changes_nothing(point, turns):
    lat, lon = point
    assert distance_km(point, (lat, lon + 360 * turns)) == pytest.approx(0, abs=1e-8)


@given(points)
def test_antipodes_are_half_way_around(point):
    lat, lon = point
    assert distance_km(point, (-lat, lon + 180)) == pytest.approx(HALF_AROUND_KM, rel=1e-12)


def test_a_distance_that_is_not_known_is_nan():
    assert np.isnan(distance_km((np.nan, 0.0), (0.0, 0.0)))
    assert np.isnan(distance_km([(0.0, 0.0), (0.0, 1.0)], (0.0, np.nan))).all()


def test_shapes_broadcast():
    assert distance_km(np.zeros((3, 1, 2)), np.ones((4, 2))).shape == (3, 4)
    assert unit_from_latlon(np.zeros((5, 2))).shape == (5, 3)


@given(points)
def test_degrees_survive_the_way_to_unit_vectors_and_back(point):
    unit = unit_from_latlon(point)
    assert np.linalg.norm(unit) == pytest.approx(1, abs=1e-15)
    lat, lon = latlon_from_unit(3 * unit)
    assert -90 <= lat <= 90
    assert -180 <= lon <= 180
    assert distance_km(point, (lat, lon)) == pytest.approx(0, abs=1e-8)


def test_the_axes_point_where_they_should():
    assert_allclose(unit_from_latlon([(0, 0), (0, 90), (90, 0)]), np.eye(3), atol=1e-15)


def test_a_vector_without_direction_has_no_place():
    assert np.isnan(latlon_from_unit([0.0, 0.0, 0.0])).all()
    assert np.isnan(latlon_from_unit([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])).tolist() == [[True, True], [False, False]]


@given(st.floats(0, 20015.0))
def test_the_chord_is_what_unit_vectors_measure(km):
    along_the_equator = unit_from_latlon([0.0, np.degrees(km / EARTH_RADIUS_KM)])
    assert np.linalg.norm(along_the_equator - [1, 0, 0]) == pytest.approx(float(chord_from_km(km)), abs=1e-12)


def test_means_are_right_where_means_of_degrees_are_not():
    across = latlon_from_unit(mean_on_sphere(unit_from_latlon([(10, 179), (10, -179)])))
    assert abs(across[1]) == pytest.approx(180)
    polar = latlon_from_unit(mean_on_sphere(unit_from_latlon([(80, lon) for lon in range(0, 360, 30)])))
    assert polar[0] == pytest.approx(90)


@given(st.lists(points, min_size=1, max_size=8), st.integers(1, 4))
def test_weights_count_like_copies(some, copies):
    unit = unit_from_latlon(some)
    weights = np.arange(1, len(some) + 1) % (copies + 1)
    weighted, written_out = mean_on_sphere(unit, weights), mean_on_sphere(np.repeat(unit, weights, axis=0)) if weights.any() else np.full(3, np.nan)
    if np.isfinite(weighted).all() and np.isfinite(written_out).all():
        assert_allclose(weighted, written_out, atol=1e-9)


def test_antipodes_have_no_mean():
    assert np.isnan(mean_on_sphere([[1.0, 0, 0], [-1.0, 0, 0]])).all()


def test_the_earth_is_as_large_as_said():
    assert EARTH_RADIUS_KM == 6371.0
    assert pytest.approx(510_064_472, rel=1e-6) == EARTH_AREA_KM2


@given(st.lists(st.floats(0, 20015.0), min_size=2, max_size=10))
def test_geoscore_falls_with_distance(km):
    scores = geoscore(np.sort(km))
    assert (np.diff(scores) <= 0).all()
    assert ((scores > 0) & (scores <= 5000)).all()


# Worked by hand with a table of exponentials: 5000 / e, 5000 / e^2, and the point where half of the score is lost.
@pytest.mark.parametrize(("km", "score"), [(0, 5000), (1492.7, 1839.397), (2985.4, 676.676), (1492.7 * np.log(2), 2500), (np.inf, 0)])
def test_geoscore_at_known_distances(km, score):
    assert geoscore(km) == pytest.approx(score, abs=1e-3)
