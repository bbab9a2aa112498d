"""Tables: no photo is lost, groups add up to the whole, and the intervals are those of authors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.evaluate.groups import MIN_AUTHORS, group_rows
from geocairn.evaluate.guess import Guess, Spot
from geocairn.evaluate.protocol import protocol_named
from geocairn.evaluate.score import Noise, score_guesses, within_by_name
from geocairn.evaluate.truth import Truth
from geocairn.metrics import bootstrap_by_group, percentile_interval

PARIS, LYON, TOKYO = (48.85, 2.35), (45.76, 4.84), (35.69, 139.69)
OCEAN = (-40.0, -120.0)
SPOTS = (PARIS, LYON, TOKYO, OCEAN, None)


def scored(places, true, answered):
    """Scores of answers; None for a photo that failed."""
    latlon = np.array(true, dtype=np.float64)
    leaf = places.leaves_at(latlon)
    labels = places.labels_of_leaves(leaf)
    guesses = [Guess((Spot(*point, None, None),)) if point else Guess(error="torn") for point in answered]
    return score_guesses(guesses, Truth(latlon, leaf, labels, dict.fromkeys(labels, "nearest place")), places=places, protocol=protocol_named("geoestimation"))


def noise(authors, n_resamples=50):
    return Noise(np.asarray(authors), n_resamples, 0)


photos = st.lists(
    st.tuples(st.sampled_from(SPOTS[:4]), st.sampled_from(SPOTS), st.sampled_from(["a", "b", "NA", None]), st.integers(0, 30)), min_size=1, max_size=60
)


@given(photos)
def test_no_photo_is_lost_and_groups_weighted_by_n_are_the_whole(places, drawn):
    true, answered, cells, authors = zip(*drawn, strict=True)
    scores = scored(places, true, answered)
    rows = group_rows(cells, scores, noise(authors))
    assert sum(row.n for row in rows) == len(drawn)
    assert {row.value: row.n for row in rows} == {value: cells.count(value) for value in cells}
    assert sum(row.n_failed for row in rows) == answered.count(None)
    whole = {"geoscore": scores.geoscore.mean(), **within_by_name(scores)}
    for name, figure in whole.items():
        parts = [row.n * (row.geoscore if name == "geoscore" else row.within_pct[name]) for row in rows]
        assert sum(parts) / len(drawn) == pytest.approx(figure, abs=1e-4)


@given(photos)
def test_an_interval_holds_only_what_its_group_can_be(places, drawn):
    true, answered, cells, authors = zip(*drawn, strict=True)
    rows = group_rows(cells, scored(places, true, answered), noise(authors))
    for row in rows:
        n_authors = len({author for cell, author in zip(cells, authors, strict=True) if cell == row.value})
        low, high = row.ci95.geoscore
        assert (low is None) == (high is None) == (n_authors < MIN_AUTHORS)
        assert set(row.ci95.within_pct) == {"25", "750"}
        if low is not None:
            assert 0 <= low <= high <= 5000
            assert all(0 <= ends[0] <= ends[1] <= 100 for ends in row.ci95.within_pct.values())


def test_the_interval_of_a_group_of_all_is_that_of_the_whole(places):
    numbers = np.random.default_rng(1)
    true = [SPOTS[index] for index in numbers.integers(0, 3, 200)]
    answered = [SPOTS[index] for index in numbers.integers(0, 5, 200)]
    authors = numbers.integers(0, 40, 200)
    scores = scored(places, true, answered)
    (row,) = group_rows(["all"] * 200, scores, noise(authors, 300))
    expected = percentile_interval(bootstrap_by_group(np.column_stack([scores.geoscore, scores.hits_pct[:, [1, 3]]]), authors, n_resamples=300, seed=0))
    found = [row.ci95.geoscore, *row.ci95.within_pct.values()]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_interval_of_a_part_is_that_of_a_column_without_the_others(places):
    numbers = np.random.default_rng(2)
    true, answered = [PARIS] * 120, [SPOTS[index] for index in numbers.integers(0, 5, 120)]
    authors, cells = numbers.integers(0, 30, 120), numbers.choice(["in", "out"], 120).tolist()
    scores = scored(places, true, answered)
    inside = np.where(np.array(cells) == "in", scores.geoscore, np.nan)
    expected = percentile_interval(bootstrap_by_group(inside, authors, n_resamples=200, seed=0))
    rows = {row.value: row for row in group_rows(cells, scores, noise(authors, 200))}
    np.testing.assert_allclose(rows["in"].ci95.geoscore, expected, atol=1e-5)


def test_many_groups_are_told_in_blocks(places, monkeypatch):
    true, authors = [PARIS] * 60, list(range(60))
    cells = [str(index % 6) for index in range(60)]
    scores = scored(places, true, [SPOTS[index % 5] for index in range(60)])
    whole = group_rows(cells, scores, noise(authors))
    monkeypatch.setattr("geocairn.evaluate.groups._BLOCK", 2)
    assert group_rows(cells, scores, noise(authors)) == whole


def test_rows_stand_by_their_number_or_in_the_order_given(places):
    cells = ["b", "c", "a", "b", None, None, None]
    scores = scored(places, [PARIS] * 7, [PARIS] * 7)
    assert [row.value for row in group_rows(cells, scores, noise(range(7)))] == [None, "b", "a", "c"]
    assert [row.value for row in group_rows(cells, scores, noise(range(7)), order=["c", "b", "x", "a"])] == ["c", "b", "a", None]


def test_a_failed_photo_is_wrong_in_its_group(places):
    rows = group_rows(["x", "x", "y"], scored(places, [PARIS, PARIS, TOKYO], [PARIS, None, None]), noise(range(3)))
    x, y = rows
    assert (x.n, x.n_failed, x.within_pct["2500"], x.geoscore, x.median_km, x.country_pct) == (2, 1, 50.0, 2500.0, None, 50.0)
    assert (y.n, y.n_failed, y.geoscore, y.country_pct) == (1, 1, 0.0, 0.0)
