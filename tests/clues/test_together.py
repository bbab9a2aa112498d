from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import root
from tests.places.factory import CITIES, hierarchies, leaf_masses, small_earth

from geocairn.clues.clue import Tier
from geocairn.clues.together import together_clues
from geocairn.geo.sphere import distance_km

EARTH = small_earth()
WEIGHT = EARTH.weight[EARTH.leaves]
NAMES = [leaf.chain[-1] for leaf in CITIES]
FRENCH = [index for index, leaf in enumerate(CITIES) if leaf.chain[0] == "FR"]


def sure_of(name, share=0.97):
    posterior = (1 - share) * WEIGHT
    posterior[NAMES.index(name)] += share
    return posterior


def slow_ratio(posteriors, which):
    """The model once more, by summing over the trip's middle and over where each of the other photos was taken.

    A middle is drawn like a photo; given the middle, a photo lies in a block as the prior has it in one case of ten, else nearer by e^(-km / 150), scaled so
    that photos as well as middles are drawn as the prior has it.
    """
    blocks = sorted({tuple(np.floor(unit * 40).tolist()) for unit in EARTH.unit[EARTH.leaves]})
    of_leaf = [blocks.index(tuple(np.floor(unit * 40).tolist())) for unit in EARTH.unit[EARTH.leaves]]
    members = [[leaf for leaf, block in enumerate(of_leaf) if block == index] for index in range(len(blocks))]
    prior = [sum(WEIGHT[leaf] for leaf in inside) for inside in members]
    centre = []
    for inside in members:
        total = EARTH.unit[EARTH.leaves[inside]].sum(0)
        x, y, z = total / np.linalg.norm(total)
        centre.append((np.degrees(np.arcsin(z)), np.degrees(np.arctan2(y, x))))
    near = [[np.exp(-float(distance_km(one, other)) / 150) for other in centre] for one in centre]

    scale = balanced(np.array(near), np.array(prior))

    def photo_given_middle(block, middle):
        return prior[block] * (0.1 + 0.9 * near[middle][block] * scale[middle] * scale[block])

    def evidence(posterior, block):
        return sum(posterior[leaf] for leaf in members[block]) / prior[block]

    others = [posterior for index, posterior in enumerate(posteriors) if index != which]
    found = np.zeros(len(blocks))
    for middle, *places in product(range(len(blocks)), repeat=1 + len(others)):
        joint = prior[middle]
        for posterior, place in zip(others, places, strict=True):
            joint *= photo_given_middle(place, middle) * evidence(posterior, place)
        found += joint * np.array([photo_given_middle(block, middle) / prior[block] for block in range(len(blocks))])
    ratio = found[of_leaf]
    return ratio / (WEIGHT @ ratio)


def balanced(near, prior):
    """Factors s with s_i sum_j near_ij s_j prior_j = 1 for every i, by another library's solver."""
    return np.exp(root(lambda logs: np.exp(logs) * (near @ (np.exp(logs) * prior)) - 1, -np.log(near @ prior) / 2, tol=1e-12).x)


@settings(max_examples=4)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3))
def test_it_is_the_sum_over_all_middles_and_all_places_of_the_others(seed, n):
    posteriors = [leaf_masses(EARTH, seed + index) for index in range(n)]
    for which, clue in enumerate(together_clues(posteriors, EARTH)):
        assert_allclose(clue.ratio, slow_ratio(posteriors, which), rtol=2e-5)


@settings(max_examples=30)
@given(hierarchies(), st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_ratios_have_mean_one_and_leave_the_photo_itself_out(hierarchy, seed, n):
    posteriors = [leaf_masses(hierarchy, seed + index) for index in range(n)]
    clues = together_clues(posteriors, hierarchy)
    assert len(clues) == n
    for clue in clues:
        assert hierarchy.weight[hierarchy.leaves] @ clue.ratio == pytest.approx(1, rel=1e-4)
        assert (clue.ratio > 0).all()
    changed = together_clues([leaf_masses(hierarchy, seed + 99), *posteriors[1:]], hierarchy)
    assert_allclose(changed[0].ratio, clues[0].ratio, rtol=1e-5)


@settings(max_examples=20)
@given(st.permutations(range(4)))
def test_the_order_of_the_photos_does_not_matter(order):
    posteriors = [sure_of("Paris"), sure_of("Lyon"), WEIGHT, sure_of("Tokyo", 0.5)]
    clues = together_clues(posteriors, EARTH)
    for row, clue in zip(order, together_clues([posteriors[row] for row in order], EARTH), strict=True):
        assert_allclose(clue.ratio, clues[row].ratio, rtol=1e-5)


def test_a_photo_alone_hears_nothing():
    assert together_clues([WEIGHT], EARTH) == [None]
    assert together_clues([], EARTH) == []


def test_two_sure_photos_of_paris_pull_a_third_to_france():
    clue = together_clues([sure_of("Paris"), sure_of("Versailles"), WEIGHT], EARTH)[2]
    pulled = WEIGHT * clue.ratio
    assert pulled[FRENCH].sum() > 0.85 > 0.5 > WEIGHT[FRENCH].sum()
    assert EARTH.ids[clue.supports] == "FR"
    assert (clue.kind, clue.tier, clue.box_px, clue.text) == ("together", Tier.STRONG, None, "2 other photos of the trip")
    assert together_clues([sure_of("Paris"), WEIGHT], EARTH)[1].text == "1 other photo of the trip"


def test_photos_that_say_nothing_move_nothing():
    for clue in together_clues([WEIGHT, WEIGHT, WEIGHT], EARTH):
        assert_allclose(clue.ratio, 1, rtol=1e-5)


def test_photos_that_say_nothing_move_nothing_on_the_whole_earth(atlas):
    weight = atlas.hierarchy.weight[atlas.hierarchy.leaves]
    clue, _ = together_clues([weight, weight], atlas.hierarchy)
    assert_allclose(clue.ratio, 1, rtol=1e-4)


def test_a_photo_that_is_sure_of_another_continent_keeps_its_word():
    posterior = sure_of("Tokyo", 0.999)
    clue = together_clues([sure_of("Paris"), sure_of("Lyon"), posterior], EARTH)[2]
    pulled = posterior * (0.1 + 0.9 * clue.ratio)
    assert (pulled / pulled.sum())[NAMES.index("Tokyo")] > 0.9


def test_a_hundred_photos_neither_overflow_nor_vanish():
    clues = together_clues([sure_of("Paris")] * 100 + [WEIGHT], EARTH)
    assert np.isfinite(clues[-1].ratio).all()
    assert EARTH.ids[clues[-1].supports] == "FR"
