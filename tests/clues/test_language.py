"""The language of a text favours its countries; names, brands and inscriptions say nothing."""

import sys

import pytest

from geocairn.clues.clue import Tier
from geocairn.clues.language import NO_LANGUAGE, _detector, language_clues, language_probabilities
from geocairn.clues.text import ReadText
from geocairn.errors import MissingExtra

SIGNS = [
    ("FR", "Fermé le lundi"), ("FR", "SALLE DES SEANCES"), ("DE", "Durchfahrt verboten"), ("IT", "Divieto di sosta"), ("IT", "vendesi appartamento"),
    ("PT", "Proibido estacionar aqui"), ("NL", "verboden toegang"), ("PL", "zakaz wjazdu"), ("CZ", "zákaz vjezdu"), ("HU", "tilos a belépés"),
    ("RO", "intrarea interzisă"), ("SE", "tillträde förbjudet"), ("FI", "pääsy kielletty"), ("HR", "zabranjen ulaz"), ("ID", "dilarang masuk"),
    ("VN", "cấm đỗ xe"), ("BG", "Влизането забранено"), ("UA", "вхід заборонено"), ("IR", "ورود ممنوع است"), ("TR", "GİRİLMEZ park yapılmaz"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), SIGNS)
def test_signs_favour_their_country(hierarchy, text_of, favours, country, words):
    (clue,) = language_clues(text_of(words), hierarchy)
    assert clue.kind == "language"
    assert clue.text == words
    assert clue.box_px == (0, 0, 100, 20)
    assert country in favours(clue)[:3]


@pytest.mark.parametrize(
    "lines",
    [
        *([], [""], ["1234 5678"], ["PRADA"], ["Allianz"], ["Dodgers"], ["HERMAN FRANKS"], ["BEEE"], ["WUNJONA"], ["www.porsche.lu"]),
        *(["PlayStation", "ERN94"], ["BRIGHTDONORN", "SY.33"], ["MARCO ANTON"], ["TOTAL", "TOTAL", "TCTAL", "cargraphic"], ["東京駅"], ["ΑΘΗΝΑ"]),
    ],
)
def test_names_brands_and_noise_say_nothing(hierarchy, text_of, lines):
    assert language_clues(text_of(*lines), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert language_clues(text_of("Fermé le lundi", confidence=0.7), hierarchy) == []


@pytest.mark.parametrize(
    "lines", [["SENATVS POPVLVSQVE ROMANVS"], ["MEMORIAE", "SACRUM"], ["BONARVM·LITTERARVM·STVDIIS", "RATIONIS·HVMANAE·IVRA"], ["IN HOC SIGNO VINCES"]]
)
def test_latin_inscriptions_hardly_speak(hierarchy, text_of, ratio_of, lines):
    assert all(ratio_of(clue, country) < 3 for clue in language_clues(text_of(*lines), hierarchy) for country in ("US", "FR", "ES", "RO"))


def test_english_is_met_everywhere(hierarchy, text_of, ratio_of):
    (clue,) = language_clues(text_of("Danger: do not enter the water"), hierarchy)
    assert 1 < ratio_of(clue, "US") < 4
    assert 0.2 < ratio_of(clue, "CN") < 1


def test_two_languages_on_a_sign_have_both_to_be_explained(hierarchy, text_of, ratio_of):
    (clue,) = language_clues(text_of("Please do not feed the animals", "Ne pas nourrir les animaux"), hierarchy)
    assert ratio_of(clue, "CA") > 3
    assert ratio_of(clue, "US") < 0.7


def test_case_and_width_do_not_matter(hierarchy, text_of):
    ratios = [
        language_clues(text_of(words), hierarchy)[0].ratio for words in ("Zimmer frei ab Montag", "ZIMMER FREI AB MONTAG", "Ｚｉｍｍｅｒ ｆｒｅｉ ab Montag")
    ]
    assert (ratios[0] == ratios[1]).all()
    assert (ratios[0] == ratios[2]).all()


def test_a_long_text_is_trusted_more(hierarchy):
    short, long = "Fermé le lundi", "Fermé le lundi et les jours de fête, ouvert tous les autres jours"
    assert [language_clues(ReadText.of_hint(words), hierarchy)[0].tier for words in (short, long)] == [Tier.MEDIUM, Tier.STRONG]


@pytest.mark.parametrize("words", ["Fermé le lundi", "PRADA", "улица", "", "ทางออก", "Milano 1908"])
def test_probabilities_sum_to_one(words):
    assert sum(language_probabilities(words).values()) == pytest.approx(1)


def test_no_language_is_the_answer_for_noise():
    assert language_probabilities("xqwz BRTKL vvpt")[NO_LANGUAGE] > 0.8


@pytest.mark.parametrize(("library", "words"), [("wordfreq", "Fermé le lundi"), ("lingua", "se vende esta casa")])
def test_a_missing_library_is_named(hierarchy, text_of, monkeypatch, library, words):
    _detector.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    assert language_clues(text_of("1908"), hierarchy) == []
    with pytest.raises(MissingExtra, match=rf"{library}.*pip install geocairn\[text\]"):
        language_clues(text_of(words), hierarchy)


def test_judging_writes_nothing(hierarchy, text_of, capfd):
    language_clues(text_of("zabranjen ulaz", "улица Пушкина дом"), hierarchy)
    assert capfd.readouterr() == ("", "")
