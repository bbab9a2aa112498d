import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.places.factory import LEVELS, Leaf, hierarchies, hierarchy_of, leaf_masses, small_earth

from geocairn.answer.posterior import allowed_leaves, coarsen, leaf_posterior, log_odds_raised
from geocairn.clues.clue import Clue, Tier, ratio_from_frequency
from geocairn.errors import GeocairnError

SEEDS = st.integers(0, 2**32 - 1)
RELIABILITY = {Tier.CERTAIN: 1.0, Tier.STRONG: 0.9, Tier.MEDIUM: 0.7, Tier.WEAK: 0.4}
FEW = settings(max_examples=60)


def clue(hierarchy, frequency, tier=Tier.MEDIUM):
    ratio = ratio_from_frequency(hierarchy, np.asarray(frequency, dtype=np.float64))
    return Clue(kind="toponym", text="words", box_px=None, tier=tier, ratio=ratio, supports=0)


def drawn_scores(hierarchy, numbers):
    return [None if numbers.random() < 0.3 else numbers.normal(0, 3, len(hierarchy.places_of(level))) for level in range(len(LEVELS))]


def drawn_clues(hierarchy, numbers):
    tiers = [Tier.STRONG, Tier.MEDIUM, Tier.WEAK]
    return [clue(hierarchy, numbers.exponential(size=hierarchy.n_leaves) + 1e-9, tiers[numbers.integers(3)]) for _ in range(numbers.integers(4))]


def slow_posterior(hierarchy, scores, clues, temperature):
    """One leaf at a time, by walking up from it."""
    total = []
    for leaf, place in enumerate(hierarchy.leaves.tolist()):
        score = 0.0
        for above in hierarchy.chain(place):
            level = int(hierarchy.level[above])
            if scores[level] is not None:
                score += float(scores[level][above - hierarchy.places_of(level).start]) / temperature
        for found in clues:
            r = RELIABILITY[found.tier]
            score += np.log(1 - r + r * float(found.ratio[leaf]))
        total.append(score)
    shares = np.exp(np.array(total) - max(total))
    return shares / shares.sum()


@FEW
@given(hierarchies(), SEEDS, st.floats(0.2, 5))
def test_the_posterior_is_that_of_a_slow_loop_over_the_leaves(hierarchy, seed, temperature):
    numbers = np.random.default_rng(seed)
    scores, clues = drawn_scores(hierarchy, numbers), drawn_clues(hierarchy, numbers)
    found = leaf_posterior(hierarchy, scores, clues, RELIABILITY, temperature=temperature)
    assert_allclose(found, slow_posterior(hierarchy, scores, clues, temperature), rtol=1e-9, atol=1e-300)
    assert found.sum() == pytest.approx(1, abs=1e-12)


@FEW
@given(hierarchies(), SEEDS)
def test_the_prior_alone_gives_the_prior_and_clues_come_in_any_order(hierarchy, seed):
    numbers = np.random.default_rng(seed)
    prior = [None, None, None, hierarchy.log_leaf_weight]
    assert_allclose(leaf_posterior(hierarchy, prior, [], RELIABILITY), hierarchy.weight[hierarchy.leaves], rtol=1e-9)
    clues = drawn_clues(hierarchy, numbers)
    there, back = (leaf_posterior(hierarchy, prior, order, RELIABILITY) for order in (clues, clues[::-1]))
    assert_allclose(there, back, rtol=1e-9)


def test_scores_of_any_size_neither_overflow_nor_vanish():
    earth = small_earth()
    for offset in (-1e6, 1e6):
        found = leaf_posterior(earth, [None, None, None, np.linspace(0, 1, earth.n_leaves) + offset], [], RELIABILITY)
        assert_allclose(found, leaf_posterior(earth, [None, None, None, np.linspace(0, 1, earth.n_leaves)], [], RELIABILITY), rtol=1e-6)


def test_limits_that_exclude_each_other_leave_no_place():
    earth = small_earth()
    halves = [np.arange(earth.n_leaves) < 5, np.arange(earth.n_leaves) >= 5]
    with pytest.raises(GeocairnError, match="leave no place on Earth; widen --within"):
        leaf_posterior(earth, [], [clue(earth, half, Tier.CERTAIN) for half in halves], RELIABILITY)


def holder(hierarchy, place, level):
    """The lowest place above a leaf that is no finer than a level; the leaf where there is none."""
    return next((above for above in reversed(hierarchy.chain(place)) if hierarchy.level[above] <= level), place)


@FEW
@given(hierarchies(), SEEDS, st.integers(0, 3))
def test_coarsening_keeps_the_mass_of_each_place_and_no_more(hierarchy, seed, level):
    mass = leaf_masses(hierarchy, seed)
    coarse = coarsen(hierarchy, mass, level)
    places = hierarchy.places_of(level)
    assert_allclose(hierarchy.sum_leaves(coarse)[places.start : places.stop], hierarchy.sum_leaves(mass)[places.start : places.stop], atol=1e-12)
    assert_allclose(hierarchy.sum_leaves(coarse)[: places.stop], hierarchy.sum_leaves(mass)[: places.stop], atol=1e-12)
    assert_allclose(coarsen(hierarchy, coarse, level), coarse, atol=1e-12)
    weight = hierarchy.weight[hierarchy.leaves]
    holders = [holder(hierarchy, place, level) for place in hierarchy.leaves.tolist()]
    for place in set(holders):
        leaves = [leaf for leaf, above in enumerate(holders) if above == place]
        assert_allclose(coarse[leaves], mass[leaves].sum() * weight[leaves] / weight[leaves].sum(), atol=1e-12)


@FEW
@given(hierarchies(), SEEDS, st.integers(0, 3))
def test_coarsening_within_hard_limits_spreads_nothing_beyond_them(hierarchy, seed, level):
    """The same spread as of a posterior over the allowed leaves alone, and each place keeps its mass."""
    numbers = np.random.default_rng(seed)
    inside = numbers.random(hierarchy.n_leaves) < 0.5
    inside[numbers.integers(hierarchy.n_leaves)] = True
    limits = [clue(hierarchy, inside, Tier.CERTAIN), *drawn_clues(hierarchy, numbers)]
    prior = [None, None, None, hierarchy.log_leaf_weight]
    mass = leaf_posterior(hierarchy, prior, limits, RELIABILITY)
    allowed = allowed_leaves(hierarchy, limits, RELIABILITY)
    assert allowed.tolist() == inside.tolist()
    coarse = coarsen(hierarchy, mass, level, allowed=allowed)
    assert not coarse[~inside].any()
    assert_allclose(hierarchy.sum_leaves(coarse)[hierarchy.level <= level], hierarchy.sum_leaves(mass)[hierarchy.level <= level], atol=1e-12)
    weight = hierarchy.weight[hierarchy.leaves]
    holders = np.array([holder(hierarchy, place, level) for place in hierarchy.leaves.tolist()])
    for place in set(holders[inside].tolist()):
        leaves = np.flatnonzero((holders == place) & inside)
        assert_allclose(coarse[leaves], mass[leaves].sum() * weight[leaves] / weight[leaves].sum(), atol=1e-12)


def test_coarsening_to_the_finest_level_changes_nothing():
    mass = leaf_masses(small_earth(), 3)
    assert_allclose(coarsen(small_earth(), mass, 3), mass, atol=1e-15)


def test_cities_without_a_region_are_told_no_finer_than_their_country():
    hierarchy = hierarchy_of([Leaf(("MC", None, None, name), 43.7, 7.4 + step, 1.0) for step, name in enumerate(["a", "b"])])
    assert_allclose(coarsen(hierarchy, np.array([1.0, 0.0]), 1), [0.5, 0.5])


def test_log_odds_by_hand():
    """Half trusted, four times likelier in places of one fifth of the weight: (0.5 * 0.2 + 0.5 * 0.8) = 0.5 against 0.2."""
    hierarchy = hierarchy_of([Leaf(("A", None, None, "a"), 10.0, 20.0, 1.0), Leaf(("B", None, None, "b"), 10.0, 30.0, 4.0)])
    found = clue(hierarchy, [16.0, 1.0])
    assert found.ratio[0] == pytest.approx(4.0)
    assert log_odds_raised(hierarchy, found, RELIABILITY | {Tier.MEDIUM: 0.5}) == pytest.approx(np.log(4))


def test_log_odds_are_bounded_and_nought_for_a_clue_that_says_nothing():
    earth = small_earth()
    certain = clue(earth, np.arange(earth.n_leaves) == 0, Tier.CERTAIN)
    assert log_odds_raised(earth, certain, RELIABILITY) == 20
    assert log_odds_raised(earth, clue(earth, np.ones(earth.n_leaves)), RELIABILITY) == pytest.approx(0, abs=1e-6)
    assert log_odds_raised(earth, clue(earth, np.arange(earth.n_leaves) != 0, Tier.CERTAIN), RELIABILITY) == -20


def test_negative_scores_of_two_levels_do_not_multiply_to_the_best():
    # A product of raw logits, a known fault of published code, would choose Lyon: (-4) x (-5) = 20 against 2 x 3 = 6 for Paris.
    earth = hierarchy_of([Leaf(("FR", "11", None, "Paris"), 48.85, 2.35, 1.0), Leaf(("FR", "84", None, "Lyon"), 45.76, 4.84, 1.0)])
    scores = [None, np.array([2.0, -4.0]), None, np.array([3.0, -5.0])]
    found = leaf_posterior(earth, scores, [], RELIABILITY)
    assert_allclose(found, [1 / (1 + np.exp(-14.0)), 1 / (1 + np.exp(14.0))], rtol=1e-12)


@FEW
@given(st.integers(1, 8), SEEDS, st.floats(-50, 50), st.floats(-50, 50))
def test_logits_give_what_their_softmax_gives(n, seed, first, second):
    numbers = np.random.default_rng(seed)
    earth = hierarchy_of([Leaf((f"C{index // 2}", None, None, f"c{index}"), 10.0 * index, 20.0 * index, 1.0) for index in range(n)])
    countries, cities = numbers.normal(size=(n + 1) // 2), numbers.normal(size=n)
    plain = leaf_posterior(earth, [countries, None, None, cities], [], RELIABILITY)
    assert_allclose(leaf_posterior(earth, [countries + first, None, None, cities + second], [], RELIABILITY), plain, rtol=1e-9)
