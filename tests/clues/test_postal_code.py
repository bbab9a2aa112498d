"""Postal codes favour the country of their pattern; bare numbers do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.postal_code import postal_code_clues

CODES = [
    ("GB", "London SW1A 1AA"), ("GB", "M1 1AE"), ("CA", "Ottawa K1A 0B1"), ("CA", "H2X1Y4"), ("US", "New York, NY 10001"), ("US", "Austin TX 78701-1234"),
    ("AU", "Sydney NSW 2000"), ("JP", "〒100-0001"), ("BR", "01310-100"), ("PT", "1100-148 Lisboa"), ("PL", "00-950 Warszawa"), ("NL", "1012 AB Amsterdam"),
    ("SE", "111 29 Stockholm"), ("IT", "20121 Milano (MI)"), ("IN", "New Delhi - 110 001"), ("SG", "Singapore 048616"), ("IE", "Dublin D02 X285"),
    ("DE", "D-10117 Berlin"), ("CH", "CH-8001 Zürich"), ("LU", "L-1234 Luxembourg"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), CODES)
def test_codes_favour_their_country(hierarchy, text_of, favours, country, words):
    (clue,) = postal_code_clues(text_of("Hotel", words), hierarchy)
    assert (clue.kind, clue.text, clue.box_px) == ("postal_code", words, (0, 30, 100, 50))
    assert country in favours(clue)[:3]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "10117 Berlin",
        "75008",
        "1908 AD",
        "1066 AD Hastings",
        "GD9233",
        "NA 1 2",
        "10-12-2005",
        "2005.10.22",
        "334-09-99",
        "20 1:01AM",
        "ERN94",
        "SY.33",
        "A4",
    ],
)
def test_other_numbers_say_nothing(hierarchy, text_of, words):
    assert postal_code_clues(text_of(words), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert postal_code_clues(text_of("London SW1A 1AA", confidence=0.7), hierarchy) == []


def test_width_does_not_matter(hierarchy, text_of):
    one, other = (postal_code_clues(text_of(words), hierarchy)[0] for words in ("〒100-0001", "〒１００－０００１"))
    assert (one.ratio == other.ratio).all()


@given(st.text(alphabet="0123456789 -ABCXYZ()〒,", max_size=20))
def test_any_text_gives_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = postal_code_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)
