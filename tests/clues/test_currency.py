"""Prices favour the countries where one pays so; signs without an amount do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.currency import _table, currency_clues

PRICES = [
    ("DE", "€ 3,50"), ("FR", "Menu 12,90€"), ("GB", "£4.99"), ("GB", "￡20"), ("JP", "¥1,200"), ("JP", "500円"), ("KR", "₩ 5,000"),
    ("IN", "₹ 250"), ("IN", "Rs. 40"), ("TH", "120 ฿"), ("TH", "40 บาท"), ("TR", "₺75"), ("TR", "15,00 TL"), ("RU", "300 ₽"),
    ("RU", "150 руб."), ("PL", "12,99 zł"), ("CZ", "49 Kč"), ("HU", "1 290 Ft"), ("RO", "15 lei"), ("SE", "45 kr"), ("BR", "R$ 9,90"),
    ("MY", "RM5.00"), ("ID", "Rp 15.000"), ("CH", "CHF 24.50"), ("IL", "₪ 30"), ("UA", "80 грн"), ("VN", "50.000 ₫"), ("HK", "HK$ 38"),
    ("SG", "S$12"), ("TW", "NT$ 150"), ("US", "99¢"), ("BG", "5 лв."), ("PE", "S/. 15"), ("CN", "25元"), ("US", "$5.99"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), PRICES)
def test_prices_favour_their_country(hierarchy, text_of, ratio_of, country, words):
    (clue,) = currency_clues(text_of(words), hierarchy)
    assert (clue.kind, clue.text, clue.box_px) == ("currency", words, (0, 0, 100, 20))
    assert ratio_of(clue, country) > 1.5
    assert ratio_of(clue, country) >= max(ratio_of(clue, other) for other in ("CN", "ZA", "MN")) or country == "CN"


@pytest.mark.parametrize(
    "words", ["", "€", "$", "1908", "6 ft", "Ft. Worth 5", "sq ft 200", "5 krone", "RMS 5", "MRS 5", "CHURCH 20", "kr", "lei", "99.99", "A4", "P 75"]
)
def test_other_numbers_say_nothing(hierarchy, text_of, words):
    assert currency_clues(text_of(words), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert currency_clues(text_of("€ 3,50", confidence=0.7), hierarchy) == []


def test_a_dollar_of_one_country_is_none_of_the_others(hierarchy, text_of, ratio_of):
    (clue,) = currency_clues(text_of("HK$ 38"), hierarchy)
    assert ratio_of(clue, "HK") > 10
    assert ratio_of(clue, "US") < 0.5


def test_many_prices_are_one_clue(hierarchy, text_of):
    once, often = (currency_clues(text_of(*lines), hierarchy)[0] for lines in (["€ 3,50"], ["€ 3,50", "€ 4,50", "12,00 €"]))
    assert (once.ratio == often.ratio).all()


@given(st.text(alphabet="0123456789 €$£¥kr.,RMzłFtS/", max_size=20))
def test_any_text_gives_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = currency_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)


def test_the_table_is_sound():
    for _, group in _table():
        assert 0 < group["elsewhere"] < 1
        assert all(len(country) == 2 and 0 < frequency <= 1 for country, frequency in group["countries"].items())
