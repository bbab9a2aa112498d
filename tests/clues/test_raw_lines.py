"""What is a word and what a texture, and in which order lines are read."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.raw_lines import RawLine, reading_order, without_noise

edges = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 60))
boxes = edges.map(lambda e: (float(e[0]), float(e[1]), float(e[0] + e[2]), float(e[1] + e[3])))


def raw(text: str, confidence: float = 0.99, left: float = 0.0, top: float = 0.0) -> RawLine:
    right, bottom = left + 20.0 * len(text), top + 30.0
    return RawLine(text, confidence, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))


@given(st.lists(boxes, max_size=8))
def test_reading_order_is_a_permutation(some_boxes):
    assert sorted(reading_order(some_boxes)) == list(range(len(some_boxes)))


def test_reading_order_goes_by_rows():
    assert reading_order([(200, 12, 300, 40), (10, 60, 100, 90), (10, 10, 100, 40)]) == [2, 0, 1]


def test_noise_is_left_out():
    noise = [raw("口", 0.98), raw("8", 0.98), raw("年年年年年年年", 0.97), raw("BEEE", 0.54), raw("—", 0.9), raw("★★★★★", 0.9), raw("", 0.0)]
    assert without_noise(noise) == []


def test_words_stay():
    words = [raw("Fermé le Lundi"), raw("豆花米饭"), raw("334-09-99", 0.9), raw("Rue")]
    assert without_noise(words) == words


def test_short_words_stay_beside_longer_ones():
    beside, far, weak = raw("St", left=150), raw("St", left=1500), raw("St", 0.8, left=150)
    assert without_noise([raw("Market"), beside, far, weak])[1:] == [beside]
