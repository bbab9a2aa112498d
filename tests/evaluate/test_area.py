"""Recall vs Area: monotone, blind to what failed, and right by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geocairn.evaluate.area import GRID_KM2, cap_area_km2, recall_vs_area
from geocairn.evaluate.guess import ABSENT, Guess, Spot, guess_from_prediction
from geocairn.evaluate.score import Noise
from geocairn.geo.sphere import EARTH_AREA_KM2, distance_km

PARIS, LYON, TOKYO = (48.85, 2.35), (45.76, 4.84), (35.69, 139.69)
degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def noise(n):
    return Noise(np.arange(n), 20, 0)


def curve_of_areas(areas):
    guesses = [Guess((Spot(0, 0, None, None),), area_to_truth_km2=area) for area in areas]
    nowhere = np.zeros((len(areas), 2))
    return recall_vs_area(guesses, nowhere, nowhere, noise(len(areas)))


@given(st.lists(st.tuples(degrees, degrees, st.booleans()), min_size=1, max_size=30))
def test_recall_rises_with_the_area_up_to_what_has_an_answer(drawn):
    true, answered, is_failed = (np.array(column) for column in zip(*drawn, strict=True))
    answered = np.where(is_failed[:, None], np.nan, answered)
    guesses = [ABSENT if failed else Guess((Spot(*point, None, None),)) for point, failed in zip(answered.tolist(), is_failed, strict=True)]
    curve = recall_vs_area(guesses, answered, true, noise(len(drawn)))
    recall = [point.recall_pct for point in curve.points]
    assert curve.method == "point"
    assert recall == sorted(recall)
    assert recall[-1] == pytest.approx(100 * (~is_failed).mean(), abs=1e-5)
    stated = [area for area in curve.area_km2_at_recall.values() if area is not None]
    assert stated == sorted(stated)


@given(degrees, degrees)
def test_a_cap_is_as_large_as_its_radius_says(a, b):
    km, area = float(distance_km(a, b)), float(cap_area_km2(np.array([a]), np.array([b]))[0])
    assert area == pytest.approx(2 * np.pi * 6371.0**2 * (1 - np.cos(km / 6371.0)), rel=1e-6, abs=0.1)
    assert 0 <= area <= EARTH_AREA_KM2


def test_caps_by_hand():
    found = cap_area_km2(np.array([(0.0, 0.0), (0.0, 0.0), (90.0, 0.0), (np.nan, np.nan)]), np.array([(0.0, 180.0), (0.0, 90.0), (90.0, 77.0), PARIS]))
    np.testing.assert_allclose(found, [EARTH_AREA_KM2, EARTH_AREA_KM2 / 2, 0, np.inf], atol=1e-6)
    metre = float(cap_area_km2(np.array([(0.0, 0.0)]), np.array([(0.0, np.degrees(0.001 / 6371))]))[0])
    assert metre == pytest.approx(np.pi * 1e-6, rel=1e-6)  # a metre away, where 1 - cos has no digit left


def test_the_curve_by_hand():
    curve = curve_of_areas([0.5, 100.0, 1e9, np.inf])
    assert curve.method == "posterior"
    assert curve.area_km2_at_recall == {"25": 0.5, "50": 100.0, "75": 1e9}
    reached = {point.area_km2: point.recall_pct for point in curve.points}
    assert (reached[1.0], reached[10.0], reached[100.0], reached[round(EARTH_AREA_KM2, 6)]) == (25, 25, 50, 50)
    assert curve_of_areas([np.inf]).area_km2_at_recall == {"25": None, "50": None, "75": None}
    assert len(curve.points) == len(GRID_KM2)
    assert curve.points[0].ci95[0] <= 25 <= curve.points[0].ci95[1]


def test_a_failed_photo_among_posteriors_is_never_reached(answer):
    guesses = [Guess((Spot(0, 0, None, None),), area_to_truth_km2=1.0), Guess(error="torn")]
    curve = recall_vs_area(guesses, np.zeros((2, 2)), np.zeros((2, 2)), noise(2))
    assert [point.recall_pct for point in curve.points] == [50.0] * len(GRID_KM2)


@given(arrays(np.float32, 3, elements=st.floats(0, 1, width=32)), st.integers(0, 2))
def test_a_prediction_that_carries_its_posterior_says_the_area(answer, mass, leaf):
    prediction = answer("a.jpg").model_copy(update={"leaf_mass": mass.tobytes()})
    area = np.array([10.0, 20.0, 40.0], dtype=np.float32)
    found = guess_from_prediction(prediction, leaf, area).area_to_truth_km2
    density = mass / area
    assert found == sum(area[other] for other in range(3) if density[other] >= density[leaf])
    assert guess_from_prediction(prediction, -1, area).area_to_truth_km2 == np.inf
    assert guess_from_prediction(prediction, leaf).area_to_truth_km2 is None
    assert guess_from_prediction(answer("a.jpg"), leaf, area).area_to_truth_km2 is None
