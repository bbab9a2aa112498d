import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.export.factory import LYON, candidate, prediction

from geocairn.export.words import abstention_line, candidate_line, kilometres, percent, place_name


def test_a_candidate_in_one_line():
    assert candidate_line(prediction().candidates[0]) == "1. Paris, Île-de-France, France: 71 % within 12 km"
    assert place_name(candidate(1, LYON, chain=["France"])) == "France"


def test_an_abstention_in_one_line():
    assert abstention_line(prediction()) is None
    assert abstention_line(prediction(abstain="looks like a screenshot")) == "No answer: looks like a screenshot"


@given(st.floats(0, 1))
def test_certainty_is_never_claimed_by_rounding(p):
    assert (percent(p) == "100 %") == (p == 1)
    assert (percent(p) == "0 %") == (p == 0)


@pytest.mark.parametrize(("km", "words"), [(0.05, "0.05 km"), (1.25, "1.2 km"), (9.96, "10.0 km"), (15000.4, "15,000 km")])
def test_kilometres(km, words):
    assert kilometres(km) == words
