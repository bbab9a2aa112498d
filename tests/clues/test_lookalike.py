"""Latin capitals become Cyrillic ones only where that alone makes a word."""

import numpy as np
import pytest

from geocairn.clues.lookalike import spelt_in_own_script
from geocairn.clues.raw_lines import RawLine


def respelt(text: str) -> str:
    return spelt_in_own_script([RawLine(text, 1.0, np.zeros((4, 2)))])[0].text


@pytest.mark.parametrize(("latin", "own"), [("PECTOPAH", "РЕСТОРАН"), ("MOCKBA", "МОСКВА"), ("PECTOPAH 24", "РЕСТОРАН 24")])
def test_words_in_another_script_are_spelt_back(latin, own):
    assert respelt(latin) == own


@pytest.mark.parametrize("text", ["", "HOME", "COMETA", "BOAT TOP", "TOKYO", "AAAA", "BT", "Home", "STOP", "TAXI", "1234"])
def test_other_lines_are_unchanged(text):
    assert respelt(text) == text
