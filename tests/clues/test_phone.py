"""Phone numbers favour their countries; other digits do not."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.clue import Tier
from geocairn.clues.phone import phone_clues
from geocairn.errors import MissingExtra

NUMBERS = [
    ("DE", "Tel. +49 30 901820", Tier.STRONG), ("GB", "+44 (0)20 7946 0958", Tier.STRONG), ("LU", "+352 27 123 456", Tier.STRONG),
    ("IT", "tel 0039 02 88465000", Tier.STRONG), ("US", "+1 212-736-3100", Tier.STRONG), ("CA", "+1 514-872-0311", Tier.STRONG),
    ("JP", "＋81 3-3211-4411", Tier.STRONG), ("US", "(212) 736-3100", Tier.MEDIUM), ("CA", "Call 514-872-0311", Tier.MEDIUM),
    ("US", "1-800-446-5400", Tier.MEDIUM), ("FR", "01 42 76 40 40", Tier.MEDIUM), ("GB", "020 7219 3000", Tier.MEDIUM), ("JP", "03-3211-4411", Tier.MEDIUM),
    ("AU", "(02) 9265 9333", Tier.MEDIUM), ("RU", "8 (495) 777-77-77", Tier.MEDIUM), ("BR", "(11) 3113-9000", Tier.MEDIUM),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words", "tier"), NUMBERS)
def test_numbers_favour_their_country(hierarchy, favours, text_of, country, words, tier):
    (clue,) = phone_clues(text_of("Hotel", words), hierarchy)
    assert (clue.kind, clue.tier, clue.text, clue.box_px) == ("phone", tier, words, (0, 30, 100, 50))
    assert country in favours(clue)[:3]


@pytest.mark.parametrize(
    "words", ["", "1339385112", "000-446-5400", "334-09-99", "2005.10.22", "03.06.2007 13:18", "W 09112001", "12345-6789", "1 234 567", "87-485-400", "0017352"]
)
def test_other_digits_say_nothing(hierarchy, text_of, words):
    assert phone_clues(text_of(words), hierarchy) == []


def test_unsure_digits_say_nothing(hierarchy, text_of):
    assert phone_clues(text_of("+49 30 901820", confidence=0.7), hierarchy) == []


def test_the_same_country_twice_is_one_clue(hierarchy, text_of):
    once, twice = (phone_clues(text_of(*lines), hierarchy)[0] for lines in (["+49 30 901820"], ["+49 30 901820", "Fax +49 30 901821"]))
    assert (once.ratio == twice.ratio).all()


@given(st.text(alphabet="0123456789+-() /.", max_size=25))
def test_any_digits_give_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = phone_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)


def test_a_missing_library_is_named(hierarchy, text_of, monkeypatch):
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert phone_clues(text_of("Hotel 1908"), hierarchy) == []
    with pytest.raises(MissingExtra, match=r"phonenumbers.*pip install geocairn\[text\]"):
        phone_clues(text_of("+49 30 901820"), hierarchy)
