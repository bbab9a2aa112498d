import numpy as np
import pytest

from geocairn.answer.posterior import leaf_posterior
from geocairn.clues.clue import Tier, shipped_reliability
from geocairn.clues.text import Line, ReadText
from geocairn.clues.toponym import MAX_CLUES, toponym_clues

BOX = (10.0, 20.0, 110.0, 40.0)


def read(*lines, confidence=0.95):
    return ReadText(tuple(Line(line, confidence, BOX) for line in lines))


@pytest.fixture
def clues(atlas):
    def of(*lines, **reading):
        return toponym_clues(read(*lines, **reading), atlas.hierarchy, atlas.gazetteer)

    return of


@pytest.fixture
def likeliest(atlas, clues):
    """The most probable country given the names in the lines, and its probability."""

    def of(*lines):
        hierarchy = atlas.hierarchy
        mass = leaf_posterior(hierarchy, [None, None, None, hierarchy.log_leaf_weight], clues(*lines), shipped_reliability())
        countries = hierarchy.sum_leaves(mass)[: len(hierarchy.places_of(0))]
        return hierarchy.ids[int(np.argmax(countries))], float(countries.max())

    return of


@pytest.mark.parametrize(
    ("words", "supports"),
    [
        ("KEY WEST", "US/FL/Monroe County/4160812"),
        ("東京", "JP/40/1850147"),
        ("東京駅", "JP/40/1850147"),
        ("Zürich", "CH/ZH"),
        ("Москва", "RU/48/524901"),
        ("Αθήνα", "GR/ESYE31/Nomarchia Athinas/264371"),
        ("München", "DE/02/Upper Bavaria/2867714"),
        ("서울", "KR/11/1835848"),
        ("القاهرة", "EG/11/360630"),
        ("lansterdam", "NL/07/Gemeente Amsterdam/2759794"),
        ("Amsterdan", "NL/07/Gemeente Amsterdam/2759794"),
    ],
)
def test_names_in_many_scripts_and_with_a_slip_of_the_reader(atlas, clues, words, supports):
    (clue,) = clues(words)
    assert atlas.hierarchy.ids[clue.supports] == supports
    assert (clue.kind, clue.box_px) == ("toponym", BOX)
    assert clue.text in words
    assert atlas.hierarchy.weight[atlas.hierarchy.leaves] @ clue.ratio == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    "words", ["Nice weather", "BOX", "PARK", "EXIT", "Cafe", "STOP", "Hotel", "Restaurant", "Main Street", "TAXI", "Best", "JFK", "12345", "!?", "", "a", "京"]
)
def test_words_are_no_names(clues, words):
    assert clues(words) == []


@pytest.mark.parametrize(
    ("lines", "country"), [(("Paris",), "FR"), (("Paris", "Texas"), "US"), (("Lincoln", "England"), "GB"), (("Москва", "Ленинград"), "RU")]
)
def test_names_that_agree_on_the_hierarchy_decide_together(likeliest, lines, country):
    assert likeliest(*lines)[0] == country


def test_two_names_of_one_country_are_surer_than_one(likeliest):
    assert likeliest("Zürich", "Winterthur")[1] > likeliest("Zürich")[1]


def test_a_doubtful_reading_and_a_word_inside_a_sentence_are_trusted_less(clues):
    (sure,) = clues("KEY WEST")
    (doubtful,) = clues("KEY WEST", confidence=0.65)
    assert (sure.tier, doubtful.tier) == (Tier.MEDIUM, Tier.WEAK)
    for clue in clues("we have been to Zürich many times this year"):
        assert clue.tier is Tier.WEAK


def test_within_a_longer_name_no_shorter_one_is_found(clues):
    assert [clue.text for clue in clues("New York City")] == ["New York City"]


def test_a_name_read_twice_counts_once(clues):
    assert len(clues("Zürich", "ZÜRICH")) == 1


def test_a_menu_of_the_world_gives_only_the_most_telling_names(clues):
    cities = ["Zürich", "東京", "서울", "KEY WEST", "Winterthur", "Stuttgart", "Marseille", "Liverpool", "Valladolid", "Uppsala", "Gdynia", "Bratislava"]
    found = clues(*cities)
    assert len(found) <= MAX_CLUES
    tiers = [[Tier.WEAK, Tier.MEDIUM, Tier.STRONG].index(clue.tier) for clue in found]
    assert tiers == sorted(tiers, reverse=True)


def test_no_text_is_no_clue(atlas):
    assert toponym_clues(ReadText(()), atlas.hierarchy, atlas.gazetteer) == []


def test_a_name_speaks_for_the_surroundings_too_and_excludes_nothing(atlas, clues):
    (clue,) = clues("KEY WEST")
    hierarchy = atlas.hierarchy
    inside = slice(int(hierarchy.leaf_start[clue.supports]), int(hierarchy.leaf_stop[clue.supports]))
    florida = hierarchy.index_of("US/FL")
    in_region = clue.ratio[hierarchy.leaf_start[florida] : hierarchy.leaf_stop[florida]].min()
    assert clue.ratio[inside].min() > in_region > 1 > clue.ratio[hierarchy.leaf_start[hierarchy.index_of("JP")]]
    assert np.isfinite(clue.log_likelihood(shipped_reliability())).all()
