"""The reach: known of photos drawn from the model, it is found, and the p of candidates keep their word under it and not before."""

from pathlib import Path

import numpy as np
import pytest
from tests.answer.test_candidates import scattered
from tests.places.factory import Leaf, hierarchy_of

from geocairn.answer.decide import LEAST_REACH, MOST_REACH
from geocairn.evaluate.held_scores import HeldScores
from geocairn.evaluate.reach import MIN_PHOTOS, fit_reach, halving_reach, reach_error
from geocairn.evaluate.temperature import Fitted, figures_of
from geocairn.geo.sphere import unit_from_latlon

N = 1500


def world(numbers):
    """Forty towns of 3 to 25 km, in crowds of four."""
    middles = np.repeat(np.array([48.0, 5.0]) + numbers.normal(size=(10, 2)) * [8, 14], 4, axis=0)
    points = middles + 0.2 * numbers.normal(size=middles.shape)
    radius_km = numbers.uniform(3, 25, 40)
    leaves = [
        Leaf((f"C{index // 4:02}", None, None, str(index)), *point, 1.0, np.pi * km**2)
        for index, (point, km) in enumerate(zip(points.tolist(), radius_km.tolist(), strict=True))
    ]
    return hierarchy_of(leaves)


def drawn(reach, n=N, seed=0):
    """Photos whose places follow their posteriors, and lie evenly over the discs of their leaves, so much wider: the hierarchy and what is held of them."""
    numbers = np.random.default_rng(seed)
    hierarchy = world(numbers)
    masses = numbers.dirichlet(np.full(hierarchy.n_leaves, 0.03), n) + 1e-12
    masses /= masses.sum(axis=1, keepdims=True)
    leaf = np.array([numbers.choice(hierarchy.n_leaves, p=mass) for mass in masses])
    place = hierarchy.leaves[leaf]
    unit = scattered(numbers, hierarchy.unit[place], reach * hierarchy.radius_km[place].astype(np.float64))
    return hierarchy, HeldScores(np.log(masses).astype(np.float32), None, leaf, unit, np.arange(n) // 2)


@pytest.mark.parametrize("reach", [0.4, 1.0, 2.0])
def test_a_known_reach_is_found_and_p_keep_their_word_under_it_alone(reach):
    hierarchy, held = drawn(reach)
    halving = halving_reach(held, hierarchy)
    found, error = fit_reach(halving, held.groups), reach_error(halving, held.groups)
    assert abs(found - reach) < 3 * error
    before, after = (figures_of(held, Fitted(np.ones(N), np.full(N, one)), hierarchy=hierarchy, territory=Path("t.npz"))[0] for one in (1.0, found))
    assert abs(after.first.difference) < 3 * after.first.standard_error
    if reach != 1:
        assert (before.first.difference > 4 * before.first.standard_error) == (reach < 1)
        assert abs(before.first.difference) > 4 * before.first.standard_error
    assert (before.nll, before.regions, before.levels) == (after.nll, after.regions, after.levels)


def test_the_error_is_that_of_a_median_of_photos_spread_evenly_over_discs():
    """The share of a disc of radius R within r is (r / R)^2: the density of the median is 1 / reach there."""
    hierarchy, held = drawn(2.0, n=3000)
    error = reach_error(halving_reach(held, hierarchy), np.arange(len(held)))
    assert error == pytest.approx(0.5 * 2.0 / np.sqrt(3000), rel=0.2)


def test_photos_in_the_outer_half_may_lie_anywhere_beyond():
    hierarchy, held = drawn(1.5, n=201)
    halving = halving_reach(held, hierarchy)
    plain = fit_reach(halving, held.groups)
    held.unit[halving > plain] *= -1
    assert fit_reach(halving_reach(held, hierarchy), held.groups) == plain


def test_of_single_photos_against_circles_drawn_by_hand():
    km, degree = 10.0, 111.1949
    leaves = [Leaf(("A", None, None, str(index)), 0.0, 10.0 * index, 1.0, area) for index, area in enumerate((np.pi * km**2,) * 4 + (0.0,))]
    away_km = np.array([km / np.sqrt(2), 3 * km / np.sqrt(2), 0.0, 150.0, 5.0])
    unit = unit_from_latlon(np.stack([away_km / degree, 10.0 * np.arange(5)], axis=1))
    held = HeldScores(np.zeros((5, 5), dtype=np.float32), None, np.arange(5), unit, np.arange(5))
    found = halving_reach(held, hierarchy_of(leaves))
    assert found[:4] == pytest.approx([1, 3, LEAST_REACH, MOST_REACH], rel=1e-5)
    assert np.isnan(found[4])


def test_too_few_photos_or_authors_fit_nothing():
    halving = np.full(2 * MIN_PHOTOS, np.nan)
    halving[:MIN_PHOTOS] = 3.0
    by_two = np.arange(2 * MIN_PHOTOS) % 2
    assert (fit_reach(halving, by_two), reach_error(halving, by_two)) == (3, 0)
    assert (fit_reach(halving[1:], by_two[1:]), reach_error(halving[1:], by_two[1:])) == (1, None)
    by_one_of_two = np.arange(2 * MIN_PHOTOS) // MIN_PHOTOS
    assert (fit_reach(halving, by_one_of_two), reach_error(halving, by_one_of_two)) == (1, None)
