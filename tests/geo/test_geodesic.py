"""Geodesics on WGS 84 against geographiclib, asked live: poles, the antimeridian and near-antipodes, where simpler methods fail."""

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from geocairn.geo.geodesic import geodesic_km
from geocairn.geo.sphere import distance_km

points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def by_geographiclib(a, b):
    return Geodesic.WGS84.Inverse(*a, *b, Geodesic.DISTANCE)["s12"] / 1000


def telling_pairs():
    generator = np.random.default_rng(0)
    drawn = np.stack([generator.uniform(-90, 90, 100), generator.uniform(-180, 180, 100)], axis=1)
    there = np.roll(drawn, 1, axis=0)
    near = drawn + generator.normal(scale=1e-5, size=drawn.shape)
    antipodes = drawn * [-1, 1] + [0, 180]
    yield from zip(drawn, there, strict=True)
    yield from zip(drawn, np.clip(near, [-90, -np.inf], [90, np.inf]), strict=True)
    yield from zip(drawn, antipodes, strict=True)
    yield from zip(drawn, np.clip(antipodes + generator.normal(scale=0.3, size=drawn.shape), [-90, -np.inf], [90, np.inf]), strict=True)
    yield from [
        ((90, 0), (-90, 77)),
        ((90, 10), (90, -170)),
        ((0, 0), (0, 180)),
        ((0, 0), (0.5, 179.7)),
        ((0, 179.9), (0, -179.9)),
        ((-16.5, 180), (-16.5, -180)),
    ]


def test_distances_equal_geographiclib():
    a, b = (np.array(side, dtype=float) for side in zip(*telling_pairs(), strict=True))
    assert_allclose(geodesic_km(a, b), [by_geographiclib(x, y) for x, y in zip(a, b, strict=True)], rtol=1e-12, atol=1e-10)


@given(points, points)
def test_a_geodesic_is_symmetric_bounded_and_near_the_great_circle(a, b):
    there, back = float(geodesic_km(a, b)), float(geodesic_km(b, a))
    assert there == pytest.approx(back, rel=1e-12, abs=1e-10)
    assert 0 <= there <= 20003.9315
    assert there == pytest.approx(float(distance_km(a, b)), rel=0.0057, abs=1e-9)


def test_an_unknown_point_is_nowhere_and_shapes_broadcast():
    assert np.isnan(geodesic_km((np.nan, 0.0), (0.0, 0.0)))
    assert np.isnan(geodesic_km([(0.0, 0.0), (0.0, 1.0)], (0.0, np.nan))).all()
    assert geodesic_km(np.zeros((3, 1, 2)), np.ones((4, 2))).shape == (3, 4)
    assert geodesic_km(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0,)
    assert geodesic_km((0, 370), (0, 10)) == 0
