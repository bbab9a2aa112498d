from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import Leaf, hierarchies, hierarchy_of, leaf_masses

from geocairn.answer import best_leaves as room
from geocairn.answer.best_leaves import FARTHEST_KM, MEDIAN_STEP, TIE, Spots, best_for_median_over_photos, best_leaves, best_within
from geocairn.answer.candidates import best_discs, best_for_geoscore, best_for_median
from geocairn.geo.sphere import distance_km_from_units, geoscore, unit_from_latlon

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def worlds(draw, max_leaves=30):
    """A hierarchy whose cities lie a few to a few thousand kilometres apart, posteriors of some photos, and where photos are taken."""
    numbers = np.random.default_rng(draw(SEEDS))
    n, spread_deg = int(numbers.integers(1, max_leaves + 1)), 10 ** numbers.uniform(-1.5, 1.3)
    points = np.array([48.0, 179.5]) + spread_deg * numbers.normal(size=(n, 2))
    hierarchy = hierarchy_of([Leaf(("A", None, None, str(index)), *point, 1.0) for index, point in enumerate(points.tolist())])
    masses = np.stack([leaf_masses(hierarchy, int(numbers.integers(2**32))) for _ in range(int(numbers.integers(1, 5)))])
    leaf = np.sort(np.concatenate([np.arange(n), numbers.integers(n, size=2 * n)]))
    spots = Spots(moved(hierarchy.leaf_unit[leaf], 0.001 * numbers.normal(size=(len(leaf), 3))), leaf)
    return hierarchy, masses, spots


def moved(unit, by):
    return (unit + by) / np.linalg.norm(unit + by, axis=1, keepdims=True)


def worth_plainly(hierarchy, spots, worth):
    """(L, L) mean worth of each leaf's centre where the truth is a spot of each leaf, pair by pair."""
    found = np.zeros((hierarchy.n_leaves, hierarchy.n_leaves))
    for answer, truth in product(range(hierarchy.n_leaves), repeat=2):
        found[answer, truth] = worth(distance_km_from_units(hierarchy.leaf_unit[answer], spots.unit[spots.leaf == truth])).mean()
    return found


@settings(max_examples=60)
@given(worlds(), st.floats(1, 3000))
def test_no_other_leaf_has_more_probability_within_the_radius(world, radius_km):
    hierarchy, masses, spots = world
    held = worth_plainly(hierarchy, spots, lambda km: km <= radius_km) @ masses.T
    best = best_within(hierarchy, masses, radius_km, spots=spots)
    np.testing.assert_allclose(best.expected, held.max(axis=0), rtol=2 * TIE, atol=1e-6)
    np.testing.assert_allclose(held[best.leaf, np.arange(len(masses))], best.expected, rtol=TIE, atol=1e-6)


@settings(max_examples=60)
@given(worlds(), st.sampled_from([geoscore, np.negative, np.square]))
def test_no_other_leaf_is_worth_more_whatever_the_worth(world, worth):
    hierarchy, masses, spots = world
    expected = worth_plainly(hierarchy, spots, worth) @ masses.T
    best = best_leaves(hierarchy, masses, worth, spots=spots)
    np.testing.assert_allclose(best.expected, expected.max(axis=0), rtol=2 * TIE)
    np.testing.assert_allclose(expected[best.leaf, np.arange(len(masses))], best.expected, rtol=TIE)


@settings(max_examples=30)
@given(worlds(), st.floats(1, 3000), SEEDS)
def test_on_drawn_photos_no_rule_has_more_hits_than_chance_gives(world, radius_km, seed):
    """Truths are drawn from the posterior, spots evenly; the hits of the rule are what it expects, those of every other answer no more."""
    hierarchy, masses, spots = world
    numbers, n, mass = np.random.default_rng(seed), 20_000, masses[0]
    truth = numbers.choice(hierarchy.n_leaves, size=n, p=mass)
    first = np.searchsorted(spots.leaf, truth)
    drawn = spots.unit[first + (numbers.random(n) * spots.count[truth]).astype(int)]
    hits = (distance_km_from_units(hierarchy.leaf_unit[:, None], drawn) <= radius_km).mean(axis=1)
    best, noise = best_within(hierarchy, mass[None], radius_km, spots=spots), 4 * np.sqrt(0.25 / n)
    assert abs(hits[best.leaf[0]] - best.expected[0]) <= noise
    rules = {"mode": best_discs(hierarchy, mass, 1)[0].leaf, "geoscore": best_for_geoscore(hierarchy, mass), "km": best_for_median(hierarchy, mass)}
    assert all(hits[leaf] <= best.expected[0] + noise for leaf in (*rules.values(), *range(hierarchy.n_leaves)))


def test_a_likely_city_is_better_within_25_km_than_the_middle_of_a_wide_crowd():
    """The fault that this rule mends: the best wide disc leads to a leaf that holds less within 25 km than the likeliest city."""
    crowd = [Leaf(("A", None, None, f"a{index}"), 48.0 + 0.8 * index, 2.0, 1.0) for index in range(12)]
    hierarchy = hierarchy_of([*crowd, Leaf(("B", None, None, "lonely"), -30.0, 140.0, 1.0)])
    mass = np.array([0.076] * 12 + [0.088])
    rules = [best_discs(hierarchy, mass, 1)[0].leaf, best_for_geoscore(hierarchy, mass), best_for_median(hierarchy, mass)]
    assert 12 not in rules
    (leaf,) = best_within(hierarchy, mass[None], 25).leaf
    assert leaf == 12
    (wide,) = best_within(hierarchy, mass[None], 750).leaf
    assert wide < 12


def test_where_photos_are_taken_counts_and_not_the_centre_alone():
    """Within 25 km of the western city lie its own photos and the near half of its neighbour's, 26 km away."""
    hierarchy = hierarchy_of([Leaf(("A", None, None, name), 0.0, lon_deg, 1.0) for name, lon_deg in (("west", 0.0), ("east", 26 / 111.195), ("far", 90.0))])
    east = 26 / 111.195
    spots = Spots(unit_from_latlon([(0.0, 0.0), (0.0, east - 0.03), (0.0, east + 0.03), (0.0, 90.0)]), np.array([0, 1, 1, 2]))
    mass = np.array([[0.26, 0.34, 0.4]])
    assert best_within(hierarchy, mass, 25).leaf.tolist() == [2]
    found = best_within(hierarchy, mass, 25, spots=spots)
    assert found.leaf.tolist() == [0]
    assert found.expected.tolist() == pytest.approx([0.26 + 0.34 / 2])


def test_a_photo_at_the_very_radius_is_a_hit():
    hierarchy = hierarchy_of([Leaf(("A", None, None, str(index)), 0.0, 90.0 * index, 1.0) for index in range(2)])
    quarter_km = float(distance_km_from_units(*hierarchy.leaf_unit))
    assert best_within(hierarchy, np.array([[0.4, 0.6]]), quarter_km).expected.tolist() == pytest.approx([1.0])
    assert best_within(hierarchy, np.array([[0.4, 0.6]]), quarter_km - 0.001).expected.tolist() == pytest.approx([0.6])


def test_of_equal_leaves_the_heaviest_is_taken_whatever_the_rounding(monkeypatch):
    """Three hundred leaves in one place: each disc holds all, summed in another order for each chunk."""
    hierarchy = hierarchy_of([Leaf(("A", None, None, str(index)), 48.0 + 1e-5 * index, 2.0, 1.0) for index in range(300)])
    masses = np.random.default_rng(5).dirichlet(np.ones(300), size=20)
    for chunk in (7, 128, 1000):
        monkeypatch.setattr(room, "_CHUNK", chunk)
        assert best_within(hierarchy, masses, 25).leaf.tolist() == masses.argmax(axis=1).tolist()


@settings(max_examples=20)
@given(worlds(), st.floats(1, 3000))
def test_how_many_leaves_are_weighed_at_once_changes_nothing(world, radius_km):
    hierarchy, masses, spots = world
    whole = best_within(hierarchy, masses, radius_km, spots=spots)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_CHUNK", 2)
        found = best_within(hierarchy, masses, radius_km, spots=spots)
    np.testing.assert_array_equal(found.leaf, whole.leaf)
    np.testing.assert_allclose(found.expected, whole.expected, rtol=TIE)


def test_nothing_within_reach_is_worth_nothing():
    hierarchy = hierarchy_of([Leaf(("A", None, None, "one"), 0.0, 0.0, 1.0)])
    far = Spots(unit_from_latlon([(0.0, 1.0)]), np.array([0]))
    assert best_within(hierarchy, np.ones((1, 1)), 5, spots=far).expected.tolist() == [0]


@settings(max_examples=30)
@given(hierarchies(max_leaves=5), SEEDS)
def test_no_answers_have_a_lower_median_over_photos(hierarchy, seed):
    """All ways to answer three photos are tried; of each the least distance that half of the truths are within, in expectation."""
    masses = np.stack([leaf_masses(hierarchy, seed + photo) for photo in range(3)])
    apart = distance_km_from_units(hierarchy.leaf_unit[:, None], hierarchy.leaf_unit)
    least = min(median_of(apart[list(leaves)].ravel(), masses.ravel() / 3) for leaves in product(range(hierarchy.n_leaves), repeat=3))
    radius_km, best = best_for_median_over_photos(hierarchy, masses)
    assert median_of(apart[best.leaf].ravel(), masses.ravel() / 3) <= radius_km
    assert max(least, 1.0) <= radius_km * (1 + 1e-6)
    assert radius_km <= max(least, 1.0) * MEDIAN_STEP * (1 + 1e-6)
    assert best.expected.mean() >= 0.5 - 1e-6 or radius_km == FARTHEST_KM


def median_of(km, mass):
    """The least distance that half of the mass is within."""
    order = np.argsort(km)
    return float(km[order][np.searchsorted(np.cumsum(mass[order]), 0.5 - 1e-6)])


def test_the_least_median_is_not_that_of_the_least_expected_distances():
    """The city between two likely ones is nearest to both in expectation, but half of two photos are found where one of the two is named."""
    hierarchy = hierarchy_of([Leaf(("A", None, None, str(index)), 0.0, 2.0 * index, 1.0) for index in range(3)])
    masses = np.array([[0.9, 0.1, 0.0], [0.47, 0.05, 0.48]])
    assert best_leaves(hierarchy, masses, np.negative).leaf.tolist() == [0, 1]
    radius_km, best = best_for_median_over_photos(hierarchy, masses)
    assert best.leaf.tolist() == [0, 2]
    assert radius_km <= MEDIAN_STEP
