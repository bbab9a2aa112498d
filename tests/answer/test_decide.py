from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import CITIES, Leaf, hierarchies, hierarchy_of, leaf_masses, small_earth

from geocairn.answer.decide import NO_COUNTRY, AnswerSettings, Calibration, decide_answer, likeliest_places, ranked_candidates, rounded, supported_levels
from geocairn.errors import BadConfig
from geocairn.geo.sphere import distance_km, geoscore, latlon_from_unit

SEEDS = st.integers(0, 2**32 - 1)
FINEST = st.sampled_from(["country", "region", "city", "exact"])
FEW = settings(max_examples=40)
NAMES = [leaf.chain[-1] for leaf in CITIES]


def decided(hierarchy, mass, **settings):
    calibration = Calibration(support=settings.pop("support", 0.6), reach=settings.pop("reach", 1.0))
    allowed = settings.pop("allowed", None)
    return decide_answer(hierarchy, mass, territory=Path("t.npz"), calibration=calibration, settings=AnswerSettings(**settings), allowed=allowed)


def mass_on(**shares):
    """A posterior over the small Earth: the shares by name (of the first city of that name), the rest spread evenly."""
    mass = np.full(len(CITIES), (1 - sum(shares.values())) / len(CITIES))
    for name, share in shares.items():
        mass[NAMES.index(name.replace("_", " "))] += share
    return mass


@settings(max_examples=80)
@given(hierarchies(), SEEDS, st.floats(0.501, 0.99), FINEST)
def test_levels_lie_within_each_other_and_are_as_probable_as_asked_for(hierarchy, seed, support, finest):
    place_mass = hierarchy.sum_leaves(leaf_masses(hierarchy, seed))
    levels = supported_levels(likeliest_places(hierarchy, place_mass, finest), support)
    assert all(level.p >= support for level in levels)
    assert [level.p for level in levels] == sorted((level.p for level in levels), reverse=True)
    if levels:
        assert levels[0].level == "country"
        chain = [hierarchy.ids[place] for place in hierarchy.chain(hierarchy.index_of(levels[-1].id))]
        assert [level.id for level in levels] == chain
    for level, place in ((answer, hierarchy.index_of(answer.id)) for answer in levels):
        assert level.p == rounded(place_mass[place])
        assert level.name == hierarchy.names[place]


@settings(max_examples=80)
@given(hierarchies(), SEEDS, FINEST, st.sampled_from(["mode", "geoscore", "median"]), st.integers(1, 6))
def test_no_candidate_lies_within_anothers_radius_as_they_are_told(hierarchy, seed, finest, decide, top):
    found = ranked_candidates(hierarchy, leaf_masses(hierarchy, seed), settings=AnswerSettings(top=top, finest=finest, decide=decide))
    assert 1 <= len(found) <= top
    assert [candidate.rank for candidate in found] == list(range(1, len(found) + 1))
    for one in found:
        for other in found[one.rank :]:
            assert distance_km([one.lat_deg, one.lon_deg], [other.lat_deg, other.lon_deg]) > max(one.radius_km, other.radius_km)
    if decide == "mode":
        assert [candidate.p for candidate in found] == sorted((candidate.p for candidate in found), reverse=True)


def test_cities_just_beyond_the_radius_stay_apart_when_their_coordinates_are_rounded():
    """10.1 km apart, but 9.9 km when rounded to 0.01 degree."""
    hierarchy = hierarchy_of([Leaf(("A", None, None, "a"), 0.0049, 20.0, 1.0, 1.0), Leaf(("A", None, None, "b"), 0.0957, 20.0, 1.0, 1.0)])
    found = ranked_candidates(hierarchy, np.array([0.55, 0.45]), settings=AnswerSettings())
    assert len(found) == 1 or distance_km([found[0].lat_deg, 20.0], [found[1].lat_deg, 20.0]) > found[0].radius_km


@settings(max_examples=60)
@given(hierarchies(), SEEDS, FINEST, st.sampled_from(["mode", "geoscore", "median"]), st.sampled_from([0.25, 1.0, 4.0]))
def test_under_a_reach_candidates_are_those_of_leaves_so_much_wider(hierarchy, seed, finest, decide, reach):
    mass, radius = leaf_masses(hierarchy, seed), hierarchy.radius_km.copy()
    radius[hierarchy.leaves] *= np.float32(reach)
    wider = replace(hierarchy, radius_km=radius)
    assert decided(hierarchy, mass, finest=finest, decide=decide, reach=reach) == decided(wider, mass, finest=finest, decide=decide)


@FEW
@given(hierarchies(), SEEDS, FINEST)
def test_the_likeliest_places_are_told_down_to_the_finest_level_however_improbable(hierarchy, seed, finest):
    place_mass = hierarchy.sum_leaves(leaf_masses(hierarchy, seed))
    finest_level = {"country": 0, "region": 1}.get(finest, 3)
    for answer in likeliest_places(hierarchy, place_mass, finest):
        level = hierarchy.level_index(answer.level)
        assert level <= finest_level
        assert answer.p == rounded(max(place_mass[place] for place in hierarchy.places_of(level)))


def test_an_even_posterior_is_a_wide_answer_and_an_abstention():
    answer = decided(small_earth(), np.full(len(CITIES), 1 / len(CITIES)))
    assert answer.abstain == NO_COUNTRY
    assert answer.levels == []
    assert answer.candidates[0].radius_km == 1000
    assert len(answer.regions) == 3


def test_a_sure_answer_goes_down_to_the_city_and_no_further_than_asked():
    mass = mass_on(Lyon=0.95)
    assert [level.id for level in decided(small_earth(), mass).levels] == ["FR", "FR/84", "FR/84/Rhône", "FR/84/Rhône/Lyon"]
    assert [level.id for level in decided(small_earth(), mass, finest="region").levels] == ["FR", "FR/84"]
    assert [level.id for level in decided(small_earth(), mass, finest="country").levels] == ["FR"]


def test_an_answer_stops_where_support_ends():
    mass = mass_on(Paris=0.35, Lyon=0.4, Versailles=0.2)
    assert [level.id for level in decided(small_earth(), mass).levels] == ["FR"]
    assert [level.id for level in decided(small_earth(), mass, support=0.51).levels] == ["FR", "FR/11"]


def test_a_city_without_a_region_is_answered_below_its_country():
    assert [level.level for level in decided(small_earth(), mass_on(Monaco=0.97)).levels] == ["country", "city"]


@pytest.mark.parametrize("finest", ["country", "region"])
def test_nothing_finer_is_told_than_asked_for(finest):
    """Two posteriors that differ only within the places of the level are told alike."""
    earth = small_earth()
    depth = {"country": 1, "region": 2}[finest]
    paris, versailles = (decided(earth, mass_on(**{name: 0.9}), finest=finest) for name in ("Paris", "Versailles"))
    assert paris == versailles
    for candidate in paris.candidates:
        assert len(candidate.chain) <= depth
    middles = latlon_from_unit(earth.unit[earth.level < depth]).round(2)
    for candidate in paris.candidates:
        assert np.isclose(middles, [candidate.lat_deg, candidate.lon_deg]).all(axis=1).any()


def test_a_place_that_hard_limits_cut_is_told_where_they_leave_it():
    """The middle of the US lies near New York: within Texas that disc holds nothing of the answer."""
    earth = small_earth()
    radius = earth.radius_km.copy()
    radius[earth.index_of("US")] = 500
    earth = replace(earth, radius_km=radius)
    in_texas = np.arange(len(CITIES)) == len(CITIES) - 1
    (texas,) = decided(earth, in_texas.astype(np.float64), finest="country", allowed=in_texas).candidates
    assert (texas.chain, texas.lat_deg, texas.lon_deg) == (["US"], 33.66, -95.56)
    assert texas.radius_km == pytest.approx(float(radius[earth.leaves[-1]]), abs=0.1)
    assert texas.p > 0.99


@pytest.mark.parametrize("finest", ["country", "region"])
def test_within_hard_limits_nothing_finer_is_told_than_they_say(finest):
    """Two posteriors that differ only within what the limits leave of a place are told alike."""
    allowed = np.isin(np.arange(len(CITIES)), [NAMES.index(name) for name in ("Paris", "Versailles", "New York")])
    paris, versailles = (np.eye(len(CITIES))[NAMES.index(name)] for name in ("Paris", "Versailles"))
    assert decided(small_earth(), paris, finest=finest, allowed=allowed) == decided(small_earth(), versailles, finest=finest, allowed=allowed)


def test_countries_without_regions_are_candidates_when_regions_are_the_finest():
    answer = decided(small_earth(), mass_on(Monaco=1.0), finest="region")
    assert [candidate.chain for candidate in answer.candidates] == [["MC"]]
    assert answer.candidates[0].p > 0.5
    assert [level.id for level in answer.levels] == ["MC"]


def test_coordinates_are_told_to_a_hundredth_of_a_degree_unless_exact():
    hierarchy = hierarchy_of([Leaf(("A", None, None, "a"), 48.123456, 2.654321, 1.0)])
    (city,), (exact,) = (decided(hierarchy, np.array([1.0]), finest=finest).candidates for finest in ("city", "exact"))
    assert (city.lat_deg, city.lon_deg) == (48.12, 2.65)
    assert (exact.lat_deg, exact.lon_deg) == (48.123456, 2.654321)


@settings(max_examples=40)
@given(hierarchies(), SEEDS)
def test_the_first_candidate_of_a_rule_beats_the_others_firsts_in_the_rules_own_measure(hierarchy, seed):
    mass = leaf_masses(hierarchy, seed)
    latlon = latlon_from_unit(hierarchy.unit[hierarchy.leaves])

    def expected(rule, measure):
        first = decided(hierarchy, mass, decide=rule, finest="exact").candidates[0]
        return measure(distance_km(latlon, [first.lat_deg, first.lon_deg])) @ mass

    for other in ("mode", "median"):
        assert expected("geoscore", geoscore) >= expected(other, geoscore) - 1e-2
    for other in ("mode", "geoscore"):
        assert expected("median", lambda km: km) <= expected(other, lambda km: km) + 1e-2


def test_top_limits_the_candidates():
    even = np.full(len(CITIES), 1 / len(CITIES))
    for finest in ("country", "region", "city"):
        assert len(decided(small_earth(), even, top=2, finest=finest).candidates) == 2


@pytest.mark.parametrize("support", [0.5, 0.3, 1.0])
def test_support_is_more_than_half_so_that_places_lie_within_each_other(support):
    with pytest.raises(BadConfig, match="support"):
        Calibration.parse("calibration.json", {"support": support})


@pytest.mark.parametrize("reach", [0.0, -1.0, 0.04, 21.0])
def test_a_reach_is_of_the_size_of_the_leaves(reach):
    with pytest.raises(BadConfig, match="reach"):
        Calibration.parse("calibration.json", {"reach": reach})
