from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import hierarchies, leaf_masses, small_earth

from geocairn.answer.regions import NOMINAL, area_to_leaf_km2, credible_regions

SEEDS = st.integers(0, 2**32 - 1)
FILE = Path("territory.npz")


def densities(hierarchy, mass):
    return mass / np.maximum(hierarchy.area_km2[hierarchy.leaves], 1.0)


@settings(max_examples=80)
@given(hierarchies(), SEEDS)
def test_regions_are_nested_hold_what_they_say_and_no_member_can_be_spared(hierarchy, seed):
    mass = leaf_masses(hierarchy, seed)
    regions = credible_regions(hierarchy, mass, FILE)
    assert [region.nominal for region in regions] == list(NOMINAL)
    inner = set()
    for region in regions:
        leaves = region.member_leaves()
        assert inner <= set(leaves.tolist())
        inner = set(leaves.tolist())
        held = mass[leaves].sum()
        assert held >= region.nominal - 1e-9
        assert abs(region.mass - held) <= 0.51e-4
        dropped = leaves[np.argmin(densities(hierarchy, mass)[leaves])]
        assert held - mass[dropped] < region.nominal
        assert densities(hierarchy, mass)[leaves].min() >= np.delete(densities(hierarchy, mass), leaves).max(initial=0.0)
        assert abs(region.area_km2 - hierarchy.area_km2[hierarchy.leaves[leaves]].astype(float).sum()) <= 0.06
        assert region.territory == str(FILE)


@settings(max_examples=15)
@given(hierarchies(), SEEDS)
def test_of_truths_drawn_from_the_posterior_a_region_holds_its_mass(hierarchy, seed):
    """The law that makes a region honest: what it says it holds is how often the truth is in it."""
    mass, n = leaf_masses(hierarchy, seed), 4000
    truths = np.random.default_rng(seed).choice(hierarchy.n_leaves, size=n, p=mass)
    for region in credible_regions(hierarchy, mass, FILE):
        inside = np.isin(truths, region.member_leaves()).mean()
        standard_error = np.sqrt(max(region.mass * (1 - region.mass), 1e-4) / n)
        assert abs(inside - region.mass) <= 4 * standard_error + 0.51e-4


def test_ties_are_settled_by_the_order_of_the_leaves():
    earth = small_earth()
    even = earth.area_km2[earth.leaves] / earth.area_km2[earth.leaves].sum()
    first, *_ = credible_regions(earth, even.astype(np.float64), FILE)
    assert first.member_leaves().tolist() == list(range(len(first.member_leaves())))


def test_a_sum_that_ends_a_rounding_below_one_still_fills_its_regions():
    earth = small_earth()
    mass = np.full(earth.n_leaves, (1 - 1e-13) / earth.n_leaves)
    assert credible_regions(earth, mass, FILE)[-1].mass >= 0.95


@settings(max_examples=80)
@given(hierarchies(), SEEDS)
def test_a_leaf_is_reached_within_the_region_that_just_holds_it(hierarchy, seed):
    mass, area = leaf_masses(hierarchy, seed), hierarchy.area_km2[hierarchy.leaves]
    found = np.array([area_to_leaf_km2(mass, area, leaf) for leaf in range(hierarchy.n_leaves)])
    order = np.argsort(-densities(hierarchy, mass), kind="stable")
    assert (np.diff(found[order]) >= 0).all()  # a less dense leaf is never reached earlier
    assert (found >= area).all()
    assert found[order[-1]] == pytest.approx(float(area.sum(dtype=float)))
    for region in credible_regions(hierarchy, mass, FILE):
        inside = np.isin(np.arange(hierarchy.n_leaves), region.member_leaves())
        assert found[~inside].min(initial=np.inf) >= region.area_km2 - 0.06
    assert area_to_leaf_km2(mass, area, -1) == np.inf


def test_equally_dense_leaves_stand_before_the_true_one():
    area = np.array([3.0, 1.0, 2.0])
    assert [area_to_leaf_km2(np.array([0.375, 0.125, 0.25]), area, leaf) for leaf in range(3)] == [6.0, 6.0, 6.0]
    assert [area_to_leaf_km2(np.array([0.9, 0.1, 0.0]), area, leaf) for leaf in range(3)] == [3.0, 4.0, 6.0]
