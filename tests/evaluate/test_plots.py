"""Plots: each from an evaluation, or none where there is nothing to show; the same bytes each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.evaluate.answers import Answers
from geocairn.evaluate.guess import ABSENT, Guess, Spot
from geocairn.evaluate.maps import MAX_LINES, great_circle_deg, sampled_rows
from geocairn.evaluate.plots import PLOTS
from geocairn.evaluate.report import SystemRecord
from geocairn.evaluate.run import evaluate_answers
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.truth import true_places
from geocairn.geo.sphere import distance_km, unit_from_latlon
from geocairn.manifest import read_manifest

PARIS, LYON, TOKYO, FIJI, HAWAII = (48.85, 2.35), (45.76, 4.84), (35.69, 139.69), (-17.8, 178.0), (21.3, -157.8)
degrees = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.fixture
def evaluation(write, places):
    def make(*spots):
        manifest = read_manifest(write("m.csv", "photo,lat_deg,lon_deg\n" + "".join(f"{row},48.85,2.35\n" for row in range(len(spots)))))
        guesses = [Guess((Spot(*spot, 10.0, 0.5),)) if spot else ABSENT for spot in spots]
        system = SystemRecord(bundle=None, predictions="p.csv", sha256="", settings_sha256=None, hierarchy_sha256=None, version="0")
        settings = EvaluationSettings(predictions="p.csv", n_resamples=20)
        truth = true_places(manifest, places)
        return evaluate_answers(Answers(guesses, system, []), manifest, truth=truth, places=places, other=None, settings=settings)

    return make


def drawn(evaluation):
    return {name for name, draw in PLOTS.items() if draw(evaluation) is not None}


def test_a_file_of_points_has_all_plots_but_those_of_stated_probabilities(evaluation):
    assert drawn(evaluation(PARIS, TOKYO, None)) == set(PLOTS) - {"coverage_precision"}


def test_where_all_failed_only_what_can_be_said_is_drawn(evaluation):
    assert drawn(evaluation(None, None)) == {"thresholds", "recall_vs_area", "continents", "answers"}


def test_the_answers_are_told_apart_with_their_number(evaluation):
    figure = PLOTS["answers"](evaluation(PARIS, LYON, TOKYO, None))
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["country right (2)", "country wrong (1)", "failed (1)"]
    assert len(axes.lines) == 3
    assert "3 of 4 photos" in axes.get_title()


def test_a_continent_stands_with_its_number(evaluation):
    figure = PLOTS["continents"](evaluation(PARIS, TOKYO, None))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Europe\nn = 3"]


@given(st.integers(0, 1000))
def test_a_sample_is_in_order_without_repeats_and_small(n):
    rows = sampled_rows(np.arange(n))
    assert len(rows) == min(n, MAX_LINES)
    assert (np.diff(rows) > 0).all()
    assert n == 0 or (rows[0], rows[-1]) == (0, n - 1)


@given(degrees, degrees)
def test_a_line_is_the_shortest_way_and_no_step_crosses_the_map(a, b):
    way = great_circle_deg(np.array(a), np.array(b))
    points = way[np.isfinite(way).all(axis=1)]
    np.testing.assert_allclose(unit_from_latlon(points[[0, -1]]), unit_from_latlon([a, b]), atol=1e-7)
    assert distance_km(points[:-1], points[1:]).sum() == pytest.approx(float(distance_km(a, b)), abs=0.01)
    steps = np.abs(np.diff(way[:, 1]))
    assert (steps[np.isfinite(steps)] <= 180).all()


def test_a_line_across_the_antimeridian_is_cut_once():
    way = great_circle_deg(np.array(FIJI), np.array(HAWAII))
    assert np.isnan(way).any(axis=1).sum() == 1
    assert not np.isnan(great_circle_deg(np.array(PARIS), np.array(TOKYO))).any()
