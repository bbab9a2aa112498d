from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import CITIES, Leaf, hierarchies, hierarchy_of, leaf_masses, small_earth

from geocairn.answer import candidates
from geocairn.answer.candidates import RADII_KM, best_discs, best_for_geoscore, best_for_median, heaviest, probability_within
from geocairn.geo.sphere import EARTH_RADIUS_KM, distance_km_from_units, geoscore, unit_from_latlon

SEEDS = st.integers(0, 2**32 - 1)
REACHES = st.sampled_from([0.25, 1.0, 2.0])


@st.composite
def crowded(draw):
    """A hierarchy whose cities lie a few to a few hundred kilometres apart, and a posterior over them."""
    numbers = np.random.default_rng(draw(SEEDS))
    n = draw(st.integers(1, 40))
    spread_deg = 10 ** numbers.uniform(-1.5, 1)
    points = np.array([48.0, 179.5]) + spread_deg * numbers.normal(size=(n, 2))
    leaves = [Leaf(("A", None, None, str(index)), *point, 1.0, float(numbers.uniform(1, 3000))) for index, point in enumerate(points.tolist())]
    return hierarchy_of(leaves), leaf_masses(hierarchy_of(leaves), int(numbers.integers(2**32)))


@settings(max_examples=60)
@given(crowded(), st.integers(1, 8))
def test_candidates_are_distinct_ranked_and_no_more_than_asked_for(world, top):
    hierarchy, mass = world
    discs = best_discs(hierarchy, mass, top)
    assert 1 <= len(discs) <= top
    assert len({disc.radius_km for disc in discs}) == 1
    assert discs[0].radius_km in RADII_KM
    centres = hierarchy.unit[hierarchy.leaves[[disc.leaf for disc in discs]]]
    apart = distance_km_from_units(centres[:, None], centres[None])
    assert (apart[~np.eye(len(discs), dtype=bool)] > discs[0].radius_km).all()
    assert [disc.p for disc in discs] == sorted((disc.p for disc in discs), reverse=True)
    assert all(0 <= disc.p <= 1 for disc in discs)
    assert best_discs(hierarchy, mass, top) == discs


@settings(max_examples=60)
@given(crowded(), st.integers(1, 6))
def test_discs_are_those_of_trying_every_centre_at_every_radius(world, top):
    hierarchy, mass = world
    assert {(disc.leaf, disc.radius_km) for disc in best_discs(hierarchy, mass, top)} == discs_plainly(hierarchy, mass, top)


def discs_plainly(hierarchy, mass, top):
    """Leaf and radius of each disc, by masses of all discs of all radii, in kilometres."""
    left, units = mass.copy(), hierarchy.unit[hierarchy.leaves]
    apart = distance_km_from_units(units[:, None], units[None])
    heaviest_first = np.argsort(-mass, kind="stable")
    radius = next((radius for radius in RADII_KM if ((apart <= radius) @ mass).max() >= 0.5 - 1e-12), RADII_KM[-1])
    found = set()
    while len(found) < top and left.any():
        centres = [leaf for leaf in heaviest_first if left[leaf] > 0]
        for step in [step for step in reversed(RADII_KM) if step <= radius]:
            held = (apart[centres] <= step) @ left
            best = centres[int(np.argmax(held >= held.max() * (1 - 1e-12)))]
            centres = [leaf for leaf in centres if apart[best, leaf] <= step]
        found.add((int(centres[0]), radius))
        left[apart[centres[0]] <= radius + candidates.MARGIN_KM] = 0
    return found


def test_of_centres_with_equal_discs_the_heaviest_is_taken_whatever_the_rounding():
    """Thirty leaves in one place: each disc holds all, in another order of summing."""
    numbers = np.random.default_rng(5)
    hierarchy = hierarchy_of([Leaf(("A", None, None, str(index)), 48.0 + 1e-4 * index, 2.0, 1.0) for index in range(30)])
    for _ in range(20):
        mass = numbers.dirichlet(np.ones(30))
        (disc,) = best_discs(hierarchy, mass, 5)
        assert disc.leaf == int(np.argmax(mass))


@settings(max_examples=25)
@given(crowded(), SEEDS, st.sampled_from(RADII_KM), REACHES)
def test_p_is_the_share_of_photos_drawn_from_the_posterior_that_lie_within_the_radius(world, seed, radius_km, reach):
    """Monte Carlo: a photo lies in a leaf by its mass, anywhere on the disc around the leaf."""
    hierarchy, mass = world
    numbers, n = np.random.default_rng(seed), 20_000
    centre = hierarchy.unit[hierarchy.leaves[numbers.integers(hierarchy.n_leaves)]]
    places = hierarchy.leaves[numbers.choice(hierarchy.n_leaves, size=n, p=mass)]
    drawn = scattered(numbers, hierarchy.unit[places], reach * hierarchy.radius_km[places])
    share = (distance_km_from_units(drawn, centre) <= radius_km).mean()
    p = probability_within(hierarchy, mass, centre, radius_km, reach=reach)
    assert abs(p - share) <= 4 * np.sqrt(0.25 / n) + 1e-3


def scattered(numbers, unit, reach_km):
    """A point drawn evenly from the disc around each unit vector."""
    helper = np.array([0.6, 0.8, 0.0])
    east = np.cross(unit, helper)
    east /= np.linalg.norm(east, axis=1, keepdims=True)
    north = np.cross(unit, east)
    angle, away = numbers.uniform(0, 2 * np.pi, len(unit)), reach_km * np.sqrt(numbers.uniform(0, 1, len(unit))) / EARTH_RADIUS_KM
    direction = np.cos(angle)[:, None] * east + np.sin(angle)[:, None] * north
    return np.cos(away)[:, None] * unit + np.sin(away)[:, None] * direction


@settings(max_examples=60)
@given(hierarchies(), SEEDS, REACHES)
def test_p_grows_with_the_radius_up_to_certainty(hierarchy, seed, reach):
    mass = leaf_masses(hierarchy, seed)
    centre = hierarchy.unit[hierarchy.leaves[0]]
    found = [probability_within(hierarchy, mass, centre, radius, reach=reach) for radius in (1, 10, 100, 1000, 10_000, 20_100)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(1)


@settings(max_examples=60)
@given(crowded(), REACHES)
def test_a_reach_is_a_factor_on_the_radii_of_leaves_and_finds_the_same_discs(world, reach):
    hierarchy, mass = world
    wider = replace(hierarchy, radius_km=(reach * hierarchy.radius_km).astype(np.float32))
    found = best_discs(hierarchy, mass, 5, reach=reach)
    assert found == best_discs(wider, mass, 5)
    assert {disc.leaf for disc in found} == {disc.leaf for disc in best_discs(hierarchy, mass, 5)}


def test_no_reach_takes_photos_farther_than_the_farthest():
    hierarchy = hierarchy_of([Leaf(("A", None, None, "a"), 48.0, 2.0, 1.0, np.pi * 50**2)])
    within = [probability_within(hierarchy, np.ones(1), hierarchy.leaf_unit[0], 100, reach=reach) for reach in (1, 3, 4, 20)]
    assert within == pytest.approx([1, (100 / 150) ** 2, 0.25, 0.25], rel=1e-6)


def test_a_certain_posterior_has_one_small_candidate():
    earth = small_earth()
    mass = np.zeros(earth.n_leaves)
    mass[3] = 1.0
    (disc,) = best_discs(earth, mass, 5)
    assert (disc.leaf, disc.radius_km) == (3, RADII_KM[0])
    assert disc.p == pytest.approx(100 / (400 / np.pi), rel=1e-6)  # a disc of 10 km on a leaf of 400 km2


def test_a_wide_posterior_has_wide_candidates():
    earth = small_earth()
    discs = best_discs(earth, np.full(earth.n_leaves, 1 / earth.n_leaves), 5)
    assert discs[0].radius_km == RADII_KM[-1]
    assert len(discs) == 5


def test_a_crowd_of_suburbs_outweighs_a_lonely_rival():
    """Ten suburbs of 6 % within 10 km of each other hold more than one village of 10 %."""
    suburbs = [Leaf(("A", None, None, f"s{index}"), 48.8 + 0.01 * index, 2.3, 1.0) for index in range(10)]
    hierarchy = hierarchy_of([*suburbs, Leaf(("B", None, None, "far"), -30.0, 20.0, 1.0)])
    first, second = best_discs(hierarchy, np.array([0.09] * 10 + [0.1]), 2)
    assert first.leaf < 10
    assert first.radius_km == 10
    assert second.leaf == 10


@settings(max_examples=60)
@given(hierarchies(), SEEDS)
def test_the_decision_rules_are_the_best_of_all_leaves_in_their_own_measure(hierarchy, seed):
    mass = leaf_masses(hierarchy, seed)
    units = hierarchy.unit[hierarchy.leaves]
    distance = distance_km_from_units(units[:, None], units[None])
    in_expectation = {"geoscore": geoscore(distance) @ mass, "km": distance @ mass}
    held = np.flatnonzero(mass > 0)
    assert in_expectation["geoscore"][best_for_geoscore(hierarchy, mass)] >= in_expectation["geoscore"][held].max() - 1e-4
    assert in_expectation["km"][best_for_median(hierarchy, mass)] <= in_expectation["km"][held].min() + 1e-3


def test_the_rules_differ_where_they_should():
    """Two near cities of 30 % each against a far one of 40 %: the mode is the far one, the expected GeoScore is higher between the two."""
    hierarchy = hierarchy_of(
        [
            Leaf(("A", None, None, "one"), 48.0, 2.0, 1.0),
            Leaf(("A", None, None, "two"), 48.0, 4.5, 1.0),
            Leaf(("B", None, None, "far"), -30.0, 140.0, 1.0),
        ]
    )
    mass = np.array([0.29, 0.31, 0.4])
    assert best_for_geoscore(hierarchy, mass) == 1
    assert best_for_median(hierarchy, mass) == 1


def test_the_search_beyond_the_heaviest_leaves_still_counts_all_the_mass(monkeypatch):
    monkeypatch.setattr(candidates, "N_POINTS", 2)
    monkeypatch.setattr(candidates, "N_CENTRES", 2)
    earth = small_earth()
    paris = [leaf.chain[-1] for leaf in CITIES].index("Paris")
    mass = np.full(earth.n_leaves, 0.02)
    mass[paris] += 1 - mass.sum()
    first, *_ = best_discs(earth, mass, 3)
    assert first.leaf == paris
    assert first.p == pytest.approx(probability_within(earth, mass, unit_from_latlon([48.85, 2.35]), first.radius_km))


def test_the_heaviest_are_those_of_a_full_sort_with_ties_by_index():
    rng = np.random.default_rng(3)
    for n, size in ((1, 1), (3, 5), (7, 5), (40, 400)):
        mass = rng.integers(0, 6, size) / 10
        assert heaviest(mass, n).tolist() == np.argsort(-mass, kind="stable")[:n].tolist()
