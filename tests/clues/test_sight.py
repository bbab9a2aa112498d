"""Sights of one kind become one clue, however often they are met."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.clue import Tier
from geocairn.clues.sight import Sight, clue_of_sights, elsewhere_at_most
from geocairn.clues.text import Line

LINE, OTHER = Line("a", 1.0, (0.0, 0.0, 1.0, 1.0)), Line("b", 1.0, None)
GERMAN = Sight(LINE, {"DE": 1.0}, 0.01, Tier.MEDIUM)

frequencies = st.dictionaries(st.sampled_from(["US", "DE", "LU", "CN", "ZZ"]), st.floats(0.1, 1), min_size=1)


def test_no_sights_are_no_clue(hierarchy):
    assert clue_of_sights("phone", [], hierarchy) == []


def test_equal_sights_count_once(hierarchy):
    once, thrice = (clue_of_sights("phone", [GERMAN] * n, hierarchy)[0] for n in (1, 3))
    assert (once.ratio == thrice.ratio).all()
    assert thrice.text == "a"


def test_two_sights_have_both_to_be_explained(hierarchy, ratio_of):
    french = Sight(OTHER, {"FR": 1.0, "CH": 1.0}, 0.01, Tier.STRONG)
    german = Sight(LINE, {"DE": 1.0, "CH": 1.0}, 0.01, Tier.WEAK)
    (clue,) = clue_of_sights("domain", [german, french], hierarchy)
    assert hierarchy.ids[clue.supports] == "CH"
    assert ratio_of(clue, "DE") == pytest.approx(ratio_of(clue, "FR"))
    assert (clue.text, clue.box_px, clue.tier) == ("a / b", LINE.box_px, Tier.STRONG)


def test_a_small_country_is_favoured_by_what_is_its_own(hierarchy):
    (clue,) = clue_of_sights("domain", [Sight(LINE, {"IO": 1.0}, 0.02, Tier.STRONG)], hierarchy)
    assert hierarchy.ids[clue.supports] == "IO"


def test_what_is_met_everywhere_stays_so(hierarchy):
    assert elsewhere_at_most(0.2, {"IO": 1.0}, hierarchy) == 0.2
    assert elsewhere_at_most(0.02, {"IO": 1.0}, hierarchy) < 0.001
    assert elsewhere_at_most(0.02, {"US": 1.0}, hierarchy) == 0.02


@given(st.lists(st.tuples(frequencies, st.floats(0.001, 0.09)), min_size=1, max_size=4))
def test_any_sights_give_a_sound_clue(hierarchy, favours, sights):
    for clue in clue_of_sights("phone", [Sight(LINE, countries, elsewhere, Tier.WEAK) for countries, elsewhere in sights], hierarchy):
        favours(clue)
        assert (clue.ratio > 0).all()
