from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from geocairn.geo.sphere import EARTH_AREA_KM2, distance_km, distance_km_from_units, latlon_from_unit, mean_on_sphere, unit_from_latlon
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.labels import id_of_chain, table_of_chains
from geocairn.places.members import Standing, hierarchy_of_members, medoid

SEEDS = st.integers(0, 2**32 - 1)
META = {"builder": "entities", "source_sha256": "0" * 64}


def draw_rows(seed, n=None):
    """Chains with levels missing anywhere, some that stop early, some rows in none; points in clumps, some at poles and at the antimeridian."""
    numbers = np.random.default_rng(seed)
    n = n or int(numbers.integers(1, 60))
    chains = [tuple(str(numbers.integers(3)) if numbers.random() < p else "" for p in (1, 0.7, 0.5, 0.6)) if numbers.random() < 0.9 else None for _ in range(n)]
    chains[0] = ("0", "", "", "")
    clumps = np.array([[0.0, 0.0], [90.0, 0.0], [-90.0, 77.0], [-17.0, 180.0], [10.0, -180.0]])
    latlon = clumps[numbers.integers(5, size=n)] + numbers.normal(0, 2, (n, 2)) * (numbers.random((n, 1)) < 0.7)
    return chains, np.stack([np.clip(latlon[:, 0], -90, 90), (latlon[:, 1] + 180) % 360 - 180], axis=1)


def build(chains, latlon, **options):
    table, place = table_of_chains(chains)
    return hierarchy_of_members(Standing(table, place), np.asarray(latlon, dtype=float), meta=META, **options)


def rows_in(hierarchy, chains, place):
    return [row for row, chain in enumerate(chains) if chain and place in hierarchy.chain(hierarchy.index_of(id_of_chain(chain)))]


@settings(max_examples=60)
@given(SEEDS)
def test_it_obeys_the_laws_of_a_hierarchy(seed):
    chains, latlon = draw_rows(seed)
    hierarchy = build(chains, latlon)
    check_hierarchy(hierarchy)
    assert hierarchy.meta["count_of"] == "rows"
    assert hierarchy.meta["n_rows"] == sum(chain is not None for chain in chains)


@settings(max_examples=30)
@given(SEEDS)
def test_places_are_measured_by_the_rows_in_them(seed):
    chains, latlon = draw_rows(seed)
    hierarchy, unit = build(chains, latlon), unit_from_latlon(latlon)
    leaves = set(hierarchy.leaves.tolist())
    for place in range(len(hierarchy)):
        rows = rows_in(hierarchy, chains, place)
        assert hierarchy.count[place] == len(rows)
        mean = mean_on_sphere(unit[rows])
        assert_allclose(hierarchy.unit[place], medoid(unit[rows]) if np.isnan(mean).any() else mean, atol=1e-9)
        reach_km = np.sort(distance_km_from_units(unit[rows], hierarchy.unit[place]))
        assert hierarchy.radius_km[place] == pytest.approx(max(1.0, reach_km[-(-9 * len(rows) // 10) - 1]), rel=1e-4, abs=1e-3)
        if place in leaves:
            assert hierarchy.area_km2[place] == pytest.approx(EARTH_AREA_KM2 * (1 - np.cos(float(hierarchy.radius_km[place]) / 6371)) / 2, rel=1e-3)
    held = Counter(hierarchy.index_of(id_of_chain(chain)) for chain in chains if chain)
    at_leaves = sum(held[leaf] for leaf in leaves)
    assert_allclose([hierarchy.weight[leaf] for leaf in leaves], [held[leaf] / at_leaves for leaf in leaves])
    assert hierarchy.meta["n_rows_above_leaves"] == sum(held.values()) - at_leaves


@settings(max_examples=30)
@given(SEEDS)
def test_the_order_of_the_rows_does_not_show(seed):
    chains, latlon = draw_rows(seed)
    order = np.random.default_rng(seed).permutation(len(chains))
    one, other = build(chains, latlon), build([chains[row] for row in order], latlon[order])
    for name in ("level", "parent", "unit", "radius_km", "count", "weight", "area_km2", "leaf_start", "leaf_stop"):
        assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.ids.to_list() == other.ids.to_list()


def test_the_middle_of_fiji_is_in_fiji():
    hierarchy = build([("FJ", "", "", "")] * 2, [[-17.0, 179.9], [-17.0, -179.9]])
    assert distance_km(latlon_from_unit(hierarchy.unit[0]), [-17.0, 180.0]) < 0.1
    assert hierarchy.radius_km[0] == pytest.approx(10.6, abs=0.1)


def test_the_middle_around_a_pole_is_the_pole():
    hierarchy = build([("AQ", "", "", "")] * 4, [[-89.0, lon] for lon in (0, 90, 180, -90)])
    assert distance_km(latlon_from_unit(hierarchy.unit[0]), [-90.0, 0.0]) < 1e-6


def test_one_row_is_a_place_of_a_kilometre():
    hierarchy = build([("AQ", "", "", "South Pole")], [[-90.0, 123.0]])
    check_hierarchy(hierarchy)
    assert hierarchy.ids.to_list() == ["AQ", "AQ///South Pole"]
    assert hierarchy.radius_km.tolist() == [1.0, 1.0]
    assert_allclose(hierarchy.area_km2, np.pi, rtol=1e-6)
    assert build([("AQ", "", "", "")], [[-90.0, 0.0]], min_radius_km=25).radius_km.tolist() == [25.0]


def test_where_a_mean_cancels_out_the_medoid_stands():
    rows = [[0.0, 0.0], [0.0, 180.0], [0.0, 90.0], [0.0, -90.0]]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        hierarchy = build([("XX", "", "", "")] * 4, [rows[row] for row in order])
        check_hierarchy(hierarchy)
        assert_allclose(latlon_from_unit(hierarchy.unit[0]), [0.0, 180.0], atol=1e-9)  # all are as good: the least x
    assert hierarchy.area_km2[0] <= EARTH_AREA_KM2


def test_the_medoid_is_the_row_nearest_to_the_others():
    unit = unit_from_latlon([[0.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    assert_array_equal(medoid(unit), unit[1])
    many = unit_from_latlon(np.column_stack([np.zeros(5001), np.linspace(-10, 10, 5001)]))
    assert abs(latlon_from_unit(medoid(many))[1]) < 0.05


def test_an_area_is_at_most_the_earths():
    far = [[0.0, 0.0], [0.0, 180.0]]
    hierarchy = build([("XX", "", "", "a"), ("XX", "", "", "a"), ("XX", "", "", "b"), ("XX", "", "", "b")], far * 2)
    assert hierarchy.area_km2.max() == pytest.approx(EARTH_AREA_KM2, rel=1e-6)
