import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.places.factory import hierarchies, small_earth

from geocairn.clues.clue import Clue, Tier, country_clue, ratio_from_frequency, shipped_reliability, shipped_word_law

EARTH = small_earth()


@settings(max_examples=50)
@given(hierarchies(), st.integers(0, 2**32 - 1))
def test_a_ratio_has_mean_one_under_the_weights_and_any_scale_will_do(hierarchy, seed):
    frequency = np.random.default_rng(seed).exponential(size=hierarchy.n_leaves)
    ratio = ratio_from_frequency(hierarchy, frequency)
    assert ratio.dtype == np.float32
    assert hierarchy.weight[hierarchy.leaves] @ ratio == pytest.approx(1, rel=1e-5)
    assert_allclose(ratio_from_frequency(hierarchy, 7 * frequency), ratio, rtol=1e-6)
    assert_allclose(ratio / ratio.max(), frequency / frequency.max(), rtol=1e-5)


def test_likelihoods_mix_truth_with_silence():
    clue = Clue("script", "x", None, Tier.WEAK, np.array([0.0, 1.0, 3.0], dtype=np.float32), 0)
    assert_allclose(clue.log_likelihood({Tier.WEAK: 0.4}), np.log([0.6, 1.0, 1.8]), rtol=1e-6)
    assert_allclose(clue.log_likelihood({Tier.WEAK: 0.0}), 0)


def test_only_a_certain_clue_excludes():
    clue = Clue("within", "x", None, Tier.CERTAIN, np.array([0.0, 2.0], dtype=np.float32), 0)
    assert clue.log_likelihood(shipped_reliability()).tolist() == [-np.inf, pytest.approx(np.log(2))]


def test_a_country_clue_tells_countries_apart_and_nothing_finer():
    clue = country_clue(EARTH, {"FR": 2.0, "JP": 1.0, "ZZ": 9.0, "US": 0.0}, kind="phone", text="+33", tier=Tier.STRONG)
    country = EARTH.ancestor_of_leaves(0)
    of = {code: set(clue.ratio[country == EARTH.index_of(code)].tolist()) for code in ("FR", "JP", "US", "FJ")}
    assert len(of["FR"]) == len(of["JP"]) == 1
    assert of["FR"].pop() == pytest.approx(2 * of["JP"].pop())
    assert of["US"] == of["FJ"] == {0.0}
    assert EARTH.weight[EARTH.leaves] @ clue.ratio == pytest.approx(1)
    assert EARTH.ids[clue.supports] == "FR"


def test_a_country_clue_supports_the_country_that_it_leaves_likeliest():
    """France draws twice the photos of Japan here, so the same frequency speaks for France."""
    assert EARTH.ids[country_clue(EARTH, {"JP": 1.0, "FR": 1.0}, kind="phone", text="", tier=Tier.WEAK).supports] == "FR"
    assert EARTH.ids[country_clue(EARTH, {"MC": 9.0, "FR": 0.1}, kind="phone", text="", tier=Tier.WEAK).supports] == "MC"


def test_no_known_country_is_no_clue():
    assert country_clue(EARTH, {"ZZ": 1.0}, kind="phone", text="", tier=Tier.WEAK) is None
    assert country_clue(EARTH, {"FR": 0.0}, kind="phone", text="", tier=Tier.WEAK) is None
    assert country_clue(EARTH, {}, kind="phone", text="", tier=Tier.WEAK) is None


def test_shipped_reliabilities_are_ordered_probabilities():
    reliability = shipped_reliability()
    assert set(reliability) == set(Tier)
    assert 1 == reliability[Tier.CERTAIN] > reliability[Tier.STRONG] >= reliability[Tier.MEDIUM] >= reliability[Tier.WEAK] > 0
    assert all(law["slope"] > 0 for law in shipped_word_law().values())
