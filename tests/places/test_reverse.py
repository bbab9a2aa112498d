import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import Leaf, hierarchy_of, small_earth

from geocairn.geo.sphere import distance_km, latlon_from_unit
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.members import hierarchy_of_members
from geocairn.places.reverse import nearest_leaves, stand_in_cities

EARTH = small_earth()
SEEDS = st.integers(0, 2**32 - 1)


def names(hierarchy, leaves):
    return [hierarchy.names[hierarchy.leaves[leaf]] for leaf in leaves.tolist()]


def draw_points(seed, n=50):
    numbers = np.random.default_rng(seed)
    return np.degrees(np.stack([np.arcsin(numbers.uniform(-1, 1, n)), numbers.uniform(-np.pi, np.pi, n)], axis=1))


@settings(max_examples=30)
@given(SEEDS)
def test_the_nearest_is_the_nearest(seed):
    points = draw_points(seed)
    found = nearest_leaves(EARTH, points)
    km = distance_km(points[:, None], latlon_from_unit(EARTH.unit[EARTH.leaves]))
    assert (km[np.arange(len(points)), found] <= km.min(1) + 1e-6).all()


def test_fiji_has_two_sides_and_the_pole_has_every_longitude():
    points = np.array([[-16.8, -179.99], [-16.8, 179.99], [-89.9, 170.0], [-90.0, -12.0]])
    assert names(EARTH, nearest_leaves(EARTH, points)) == ["Taveuni", "Taveuni", "South Pole", "South Pole"]


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_of_equally_near_cities_the_first_is_taken(n):
    ring = hierarchy_of([Leaf(("AQ", None, None, f"c{number}"), 0.0, 0.0, 1.0) for number in range(n)])
    assert nearest_leaves(ring, np.array([[10.0, 20.0], [0.0, 0.0]])).tolist() == [0, 0]


def test_a_point_in_a_country_takes_a_city_of_that_country():
    points = np.array([[43.8, 7.4], [43.8, 7.4], [43.8, 7.4], [43.8, 7.4]])
    told = nearest_leaves(EARTH, points, country_of=lambda asked: np.array(["FR", "MC", "", "DE"])[: len(asked)])
    assert names(EARTH, told) == ["Lyon", "Monaco", "Monaco", "Monaco"]  # without a country, or with one that has no city: the nearest of all
    assert names(EARTH, nearest_leaves(EARTH, points)) == ["Monaco"] * 4


def test_places_keep_their_ids_and_names():
    points = np.array([[-16.8, -179.99], [48.9, 2.4], [48.9, 2.4], [43.7, 7.4]])
    standing = stand_in_cities(EARTH, points)
    hierarchy = hierarchy_of_members(standing, points, meta={"builder": "entities", "source_sha256": ""})
    check_hierarchy(hierarchy)
    assert hierarchy.ids.to_list() == ["FJ", "FR", "MC", "FJ/02", "FR/11", "FR/11/Paris", "FJ/02/Taveuni", "FR/11/Paris/Paris", "MC/Monaco"]
    assert hierarchy.names.to_list() == ["FJ", "FR", "MC", "02", "11", "Paris", "Taveuni", "Paris", "Monaco"]
    assert hierarchy.count[hierarchy.index_of("FR/11/Paris")] == 2


@settings(max_examples=20)
@given(SEEDS)
def test_every_row_stands_in_its_city_and_in_all_that_the_city_lies_in(seed):
    points = draw_points(seed, 20)
    standing = stand_in_cities(EARTH, points)
    hierarchy = hierarchy_of_members(standing, points, meta={"builder": "entities", "source_sha256": ""})
    for leaf, place in zip(nearest_leaves(EARTH, points).tolist(), standing.place.tolist(), strict=True):
        chain = [EARTH.ids[above] for above in EARTH.chain(int(EARTH.leaves[leaf]))]
        assert [hierarchy.ids[above] for above in hierarchy.chain(hierarchy.index_of(standing.table.ids[place]))] == chain


def test_the_whole_earth(atlas):
    points = np.array([[48.8534, 2.3488], [-16.85, -179.99], [-22.56, 17.08]])
    chains = [atlas.hierarchy.chain(int(atlas.hierarchy.leaves[leaf])) for leaf in nearest_leaves(atlas.hierarchy, points).tolist()]
    assert [atlas.hierarchy.ids[chain[0]] for chain in chains] == ["FR", "FJ", "NA"]
    assert atlas.hierarchy.ids[chains[0][-1]] == "FR/11/Paris/2988507"
