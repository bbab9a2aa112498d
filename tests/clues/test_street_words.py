"""Street words favour the countries whose signs have them; words that mean something else elsewhere do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.clue import Tier
from geocairn.clues.street_words import _folded, _table, street_word_clues

SIGNS = [
    ("FR", "Rue de Rivoli"), ("FR", "SALLE DES SEANCES"), ("DE", "Hauptstraße 12"), ("AT", "Kärntnerstrasse"), ("AT", "Judengasse"), ("PL", "ulica Długa"),
    ("IT", "Via della Conciliazione"), ("ES", "Calle Mayor"), ("ID", "JALAN THAMRIN"), ("TH", "Soi Cowboy"), ("RU", "улица Ленина"), ("UA", "вулиця Хрещатик"),
    ("DK", "Nørregade"), ("SE", "Drottninggatan"), ("NO", "Storgata 3"), ("FI", "Mannerheiminkatu"), ("HU", "Váci utca"), ("RO", "Strada Lipscani"),
    ("PT", "Rua Augusta"), ("NL", "Kalverstraat"), ("NL", "Prinsengracht"), ("TR", "İstiklal Caddesi"), ("GB", "Car Park"), ("GB", "PUBLIC FOOTPATH"),
    ("GB", "Sraid na h-Alba"), ("US", "DRIVE-IN"), ("US", "U.S. POST OFFICE"), ("US", "Sunset Blvd"), ("IE", "Sráid Uí Chonaill"), ("GR", "ΟΔΟΣ ΕΡΜΟΥ"),
    ("CZ", "Václavské náměstí"), ("MY", "Lorong 3"), ("IN", "Gandhi Marg"), ("HR", "Trg bana Jelačića"), ("CA", "Washrooms"),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), SIGNS)
def test_signs_favour_their_country(hierarchy, favours, text_of, country, words):
    (clue,) = street_word_clues(text_of(words), hierarchy)
    assert clue.kind == "street_word"
    assert clue.tier == Tier.MEDIUM
    assert clue.box_px == (0, 0, 100, 20)
    assert country in favours(clue)[:4]


@pytest.mark.parametrize(
    "words",
    ["", "via email", "Dodgers", "BEEE", "brigade", "renegades", "PRADA", "Marcus", "rues", "1234", "SENATVS POPVLVSQVE", "gate", "place"],
)
def test_other_words_say_nothing(hierarchy, text_of, words):
    assert street_word_clues(text_of(words), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert street_word_clues(text_of("Rue de Rivoli", confidence=0.7), hierarchy) == []


def test_words_of_one_language_do_not_add_up(hierarchy, text_of):
    few, many = (street_word_clues(text_of(*lines), hierarchy)[0] for lines in (["Rue de Rivoli"], ["Rue de Rivoli", "Rue du Bac", "rue"]))
    assert (few.ratio == many.ratio).all()


def test_two_languages_have_both_to_be_explained(hierarchy, text_of, ratio_of):
    (clue,) = street_word_clues(text_of("Elgin Street", "Rue Elgin"), hierarchy)
    assert ratio_of(clue, "CA") > 3
    assert ratio_of(clue, "US") < 1
    assert clue.text == "Elgin Street / Rue Elgin"


@pytest.mark.parametrize(("one", "other"), [("HAUPTSTRASSE", "hauptstraße"), ("FERME", "fermé"), ("ｒｕｅ", "RUE"), ("GİRİŞ", "giriş")])
def test_case_accents_and_width_do_not_matter(hierarchy, text_of, one, other):
    assert (street_word_clues(text_of(one), hierarchy)[0].ratio == street_word_clues(text_of(other), hierarchy)[0].ratio).all()


@given(st.text(max_size=30))
def test_any_text_gives_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = street_word_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)


def test_the_table_is_sound():
    groups, by_phrase, suffixes = _table()
    assert all(0 < group["elsewhere"] < max(group["countries"].values()) <= 1 for group in groups)
    assert all(len(country) == 2 for group in groups for country in group["countries"])
    assert all(len(phrase) >= 2 and len(phrase.split()) <= 5 for phrase in by_phrase)
    assert all(_folded(suffix) == suffix for suffix, _ in suffixes)
