"""Addresses under a country's domain favour the country; domains of the whole world do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.clues.clue import Tier
from geocairn.clues.domain import domain_clues

ADDRESSES = [
    ("LU", "www.porsche.lu"), ("GB", "bbc.co.uk"), ("DE", "WWW.BAHN.DE"), ("CA", "globalresearch.ca"), ("FR", "info@mairie.fr"),
    ("IT", "https://www.comune.it/"), ("AU", "visit www.zoo.com.au"), ("IN", "tourism.gov.in"), ("RU", "музей.рф"), ("CH", "ｗｗｗ.sbb.ch"),
    ("US", "www.nyc.gov"), ("US", "mit.edu"), ("BE", "www.spa.be."),
]  # fmt: skip


@pytest.mark.parametrize(("country", "words"), ADDRESSES)
def test_addresses_favour_their_country(hierarchy, favours, text_of, country, words):
    (clue,) = domain_clues(text_of(words), hierarchy)
    assert (clue.kind, clue.text, clue.box_px) == ("domain", words, (0, 0, 100, 20))
    assert clue.tier == (Tier.MEDIUM if country == "US" else Tier.STRONG)
    assert hierarchy.ids[clue.supports] == country
    assert favours(clue) == [country]


@pytest.mark.parametrize("words", ["", "gnn.tv", "www.solid-airline.com", "bit.ly", "twitch.tv", "last.fm", "U.S.ARMY", "St.Gallen", "the end.In the"])
@pytest.mark.parametrize("around", ["{}", "see {} now"])
def test_other_names_say_nothing(hierarchy, text_of, words, around):
    assert domain_clues(text_of(around.format(words)), hierarchy) == []


@pytest.mark.parametrize("words", ["Minity.if", "No.de", "J.F", "2004.07.12", "cafe.is", "END.IT", "PlayStatior.2", "file.jpg", "a..de", "x@y"])
def test_dots_alone_make_no_address(hierarchy, text_of, words):
    assert domain_clues(text_of(words), hierarchy) == []


def test_unsure_lines_say_nothing(hierarchy, text_of):
    assert domain_clues(text_of("www.bahn.de", confidence=0.7), hierarchy) == []


@given(st.text(alphabet="abcdewuk.@-/: ", max_size=25))
def test_any_text_gives_at_most_one_sound_clue(hierarchy, text_of, favours, words):
    clues = domain_clues(text_of(words), hierarchy)
    assert len(clues) <= 1
    assert all(favours(clue) is not None for clue in clues)
