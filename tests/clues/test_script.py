"""Scripts and telling letters favour the countries that write with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.clue import Tier
from geocairn.clues.script import kind_of_han, script_clues

SIGNS = [
    ("TH", "ถนนสุขุมวิท"), ("KR", "부산 식당"), ("JP", "レストラン さくら"), ("GR", "ΟΔΟΣ ΕΡΜΟΥ"), ("IL", "רחוב דיזנגוף"), ("CN", "汉语学习书店"),
    ("HK", "銀行大廈"), ("TW", "臺灣鐵路"), ("JP", "駅前広場"), ("IN", "भारतीय रेल"), ("EG", "شارع الملك"), ("IR", "پارکینگ"),
    ("RU", "Объявление: объезд"), ("UA", "вулиця Київська"), ("BG", "къща"), ("RS", "улица Његошева"), ("MK", "ноќен пазар ѓ"),
    ("BY", "вуліца Якуба ўваход"), ("MN", "өргөн чөлөө"), ("PL", "ulica Długa"), ("HU", "fűtőmű"), ("CZ", "náměstí Míru, Příkopy"),
    ("TR", "Atatürk Bulvarı, çıkış, ağaç"), ("PT", "São João das Lampas"), ("ES", "Plaza de España"), ("DE", "Hauptstraße"),
    ("DK", "Købmagergade"), ("SE", "Gågatan"), ("IS", "Þingvellir þjóðgarður"), ("RO", "Piața Unirii"), ("VN", "đường Trần Phú"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), SIGNS)
def test_signs_favour_their_country(hierarchy, favours, text_of, country, words):
    (clue,) = script_clues(text_of(words), hierarchy)
    assert clue.kind == "script"
    assert clue.box_px == (0, 0, 100, 20)
    assert country in favours(clue)[:4]


@pytest.mark.parametrize("words", ["", "EXIT", "Café de la Paix", "1908", "100 µm", "Ω3", "ł", "OF乳LRE", "日", "BEEE", "…", "★★★"])
def test_common_letters_and_noise_say_nothing(hierarchy, text_of, words):
    assert script_clues(text_of(words), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert script_clues(text_of("ถนนสุขุมวิท", confidence=0.7), hierarchy) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [("汉语书", "simplified Han"), ("漢語書", "traditional Han"), ("東京駅", "Japanese Han"), ("中山大道", "Han"), ("", "Han"), ("汉語书長门東", "Han")],
)
def test_kinds_of_han(text, kind):
    assert kind_of_han(text) == kind


def test_kana_make_han_japanese(hierarchy, text_of, ratio_of):
    (clue,) = script_clues(text_of("東京ラーメン", "大学前"), hierarchy)
    assert ratio_of(clue, "JP") > 10
    assert ratio_of(clue, "CN") < 0.5


def test_several_scripts_have_all_to_be_explained(hierarchy, text_of, favours):
    (clue,) = script_clues(text_of("ถนนเยาวราช", "中山大道"), hierarchy)
    assert favours(clue)[0] == "TH"
    assert clue.text == "ถนนเยาวราช / 中山大道"


def test_a_restaurant_abroad_is_possible(hierarchy, text_of, ratio_of):
    (clue,) = script_clues(text_of("豆花米饭"), hierarchy)
    assert clue.tier == Tier.MEDIUM
    assert ratio_of(clue, "US") > 0.05


def test_the_same_script_twice_is_one_clue(hierarchy, text_of):
    once, twice = (script_clues(text_of(*lines), hierarchy) for lines in (["ทางออก"], ["ทางออก", "ทางออก", "ห้ามเข้า"]))
    assert (once[0].ratio == twice[0].ratio).all()


@pytest.mark.parametrize(("one", "other"), [("ULICA DŁUGA", "ulica długa"), ("ﾗｰﾒﾝ", "ラーメン"), ("STRASSE HAUPTSTRAẞE", "hauptstraße")])
def test_case_and_width_do_not_matter(hierarchy, text_of, one, other):
    assert (script_clues(text_of(one), hierarchy)[0].ratio == script_clues(text_of(other), hierarchy)[0].ratio).all()


@given(st.text(max_size=20))
def test_any_text_gives_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = script_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)
