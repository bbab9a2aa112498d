from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import CITIES, hierarchies, hierarchy_of, small_earth

from geocairn.clues.carried import Carrier, favoured_place, nearest_leaves
from geocairn.clues.clue import Clue, Tier, country_clue, ratio_from_frequency
from geocairn.geo.sphere import distance_km

EARTH = small_earth()
NAMES = [EARTH.ids[place] for place in EARTH.leaves]
# What a bundle may know: fewer cities, a little off, of other weights; none of Japan, of Monaco or of the pole.
FEW = hierarchy_of(
    [
        replace(city, lat_deg=city.lat_deg + 0.05, weight=1 / (1 + index))
        for index, city in enumerate(CITIES)
        if city.chain[-1] in ("Suva", "Versailles", "Lyon", "New York")
    ]
)
SUVA, VERSAILLES, LYON, NEW_YORK = range(4)


def clue_of(hierarchy, frequency):
    return Clue("toponym", "words", None, Tier.STRONG, ratio_from_frequency(hierarchy, np.asarray(frequency, dtype=np.float64)), 0)


def of(*names):
    return [float(name in names) for name in NAMES]


@given(hierarchies(), st.integers(0, 1000))
def test_carried_onto_its_own_places_a_clue_says_what_it_said(hierarchy, seed):
    clue = clue_of(hierarchy, np.random.default_rng(seed).random(hierarchy.n_leaves) + 1e-3)
    np.testing.assert_allclose(Carrier(hierarchy, hierarchy).carried(clue).ratio, clue.ratio, rtol=1e-5)


@given(hierarchies(), hierarchies())
def test_a_leaf_lies_in_the_nearest_of_its_own_country_where_that_is_there(one, other):
    found = nearest_leaves(one, other)
    countries = [[hierarchy.ids[hierarchy.chain(int(place))[0]] for place in hierarchy.leaves] for hierarchy in (one, other)]
    for leaf, place in enumerate(one.leaves.tolist()):
        its = countries[0][leaf]
        allowed = [index for index, country in enumerate(countries[1]) if country == its and its.startswith("C")] or range(other.n_leaves)
        away = distance_km(one.latlon_deg[place], other.latlon_deg[other.leaves])
        assert away[found[leaf]] <= min(away[index] for index in allowed) + 1e-6
        assert found[leaf] in allowed


def test_words_are_as_likely_as_in_the_photos_of_its_country_that_lie_in_a_leaf_and_likelier_for_those_of_unknown_countries():
    frequency = np.random.default_rng(1).random(EARTH.n_leaves)
    own = {SUVA: (1, 2), VERSAILLES: (3, 4), LYON: (5,), NEW_YORK: (9, 10)}
    # For want of any nearer place the pole and Japan lie in Suva, Monaco in Lyon.
    foreign = {SUVA: (0, 6, 7), LYON: (8,)}
    weight = EARTH.weight[EARTH.leaves]
    ratio = Carrier(EARTH, FEW).carried(clue_of(EARTH, frequency)).ratio
    assert FEW.weight[FEW.leaves] @ ratio == pytest.approx(1)
    said = []
    for leaf, rows in own.items():
        others = foreign.get(leaf, ())
        mass, of_others = sum(weight[row] * frequency[row] for row in rows), sum(weight[row] * frequency[row] for row in others)
        said.append(mass / sum(weight[row] for row in rows) + of_others / sum(weight[row] for row in (*rows, *others)))
    np.testing.assert_allclose(ratio / ratio[SUVA], np.array(said) / said[SUVA], rtol=1e-5)


def test_a_large_unknown_country_makes_its_neighbours_no_less_of_a_place():
    near = hierarchy_of([city for city in CITIES if city.chain[-1] in ("Lyon", "Versailles")])
    alone, beside = (Carrier(earth, near).carried(clue_of(earth, [name.endswith("Lyon") for name in names])) for earth, names in _with_and_without_neighbours())
    np.testing.assert_allclose(alone.ratio, beside.ratio, rtol=1e-5)


def _with_and_without_neighbours():
    france = hierarchy_of([city for city in CITIES if city.chain[0] == "FR"])
    for earth in (france, EARTH):
        yield earth, [earth.ids[place] for place in earth.leaves]


def test_a_leaf_in_which_none_lies_says_what_the_nearest_says():
    ratio = Carrier(FEW, EARTH).carried(clue_of(FEW, [1, 2, 5, 1])).ratio
    by_name = dict(zip(NAMES, ratio / ratio[NAMES.index("FR/84/Rhône/Lyon")], strict=True))
    assert by_name["FR/11/Paris/Paris"] == pytest.approx(0.4)
    assert by_name["MC/Monaco"] == pytest.approx(1)
    assert by_name["US/TX/Lamar/Paris"] == pytest.approx(0.2)


def test_what_is_of_no_place_there_says_nothing():
    pole = hierarchy_of([city for city in CITIES if city.chain[-1] == "Lyon"])
    # Of the photos in France's only leaf none shows it; the other places lie in that leaf too, for want of another.
    assert Carrier(EARTH, pole).carried(clue_of(EARTH, of("JP/13/Tokyo"))).ratio == pytest.approx(1)
    only = replace(clue_of(EARTH, of("FR/84/Rhône/Lyon")), ratio=np.zeros(EARTH.n_leaves, dtype=np.float32))
    assert Carrier(EARTH, pole).carried(only) is None


@pytest.mark.parametrize(
    ("names", "level", "favoured"),
    [
        (("FR/84/Rhône/Lyon",), "city", "FR/84/Rhône/Lyon"),
        (("FR/84/Rhône/Lyon", "US/NY/New York"), "region", "US/NY"),
        (("FR/84/Rhône/Lyon",), "cell", "FR/84"),
        (("FR/11/Paris/Paris", "FR/11/Yvelines/Versailles"), "cell", "FR/11"),
        (("FR/11/Paris/Paris", "US/TX/Lamar/Paris"), "cell", "FR/11/Paris"),
        # No place of this level has it: a pole lies in no region.
        (("AQ/South Pole",), "region", "AQ"),
    ],
)
def test_what_a_clue_favours_is_of_its_level_or_the_largest_place_throughout_which_it_holds(names, level, favoured):
    assert EARTH.ids[favoured_place(EARTH, clue_of(EARTH, of(*names)).ratio, level)] == favoured


def test_a_clue_of_a_country_favours_that_country():
    clue = country_clue(EARTH, {"FR": 3.0, "JP": 1.0}, kind="phone", text="+33", tier=Tier.STRONG)
    assert EARTH.ids[Carrier(EARTH, EARTH).carried(clue).supports] == "FR"
    assert FEW.ids[Carrier(EARTH, FEW).carried(clue).supports] == "FR"
