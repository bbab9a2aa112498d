from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.places.factory import LEVELS, Leaf, hierarchies, hierarchy_of, leaf_masses, small_earth

from geocairn.errors import BadHierarchy, UnknownName
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.hierarchy import Strings, check_hierarchy

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=40)


def descendants(hierarchy, place):
    """Leaves below a place, found by walking up from each."""
    return [leaf for leaf, index in enumerate(hierarchy.leaves.tolist()) if place in hierarchy.chain(index)]


@FEW
@given(hierarchies())
def test_what_the_factory_builds_is_a_hierarchy(hierarchy):
    check_hierarchy(hierarchy)


@FEW
@given(hierarchies())
def test_the_weights_of_the_leaves_sum_to_each_places_own(hierarchy):
    assert_allclose(hierarchy.sum_leaves(hierarchy.weight[hierarchy.leaves]), hierarchy.weight, atol=1e-12)
    assert_allclose(np.exp(hierarchy.log_leaf_weight), hierarchy.weight[hierarchy.leaves], rtol=1e-12)
    assert_allclose(hierarchy.leaf_unit, hierarchy.unit[hierarchy.leaves], rtol=0)
    assert_allclose(unit_from_latlon(hierarchy.latlon_deg), hierarchy.unit, atol=1e-14)


@FEW
@given(hierarchies(), SEEDS)
def test_a_childs_mass_never_exceeds_its_parents(hierarchy, seed):
    mass = hierarchy.sum_leaves(leaf_masses(hierarchy, seed))
    child = np.flatnonzero(hierarchy.parent >= 0)
    assert (mass[child] <= mass[hierarchy.parent[child]]).all()
    assert (mass >= 0).all()


@FEW
@given(hierarchies(), SEEDS)
def test_the_mass_of_a_place_is_its_leaves(hierarchy, seed):
    leaf_mass = leaf_masses(hierarchy, seed)
    slow = [sum(leaf_mass[leaf] for leaf in descendants(hierarchy, place)) for place in range(len(hierarchy))]
    assert_allclose(hierarchy.sum_leaves(leaf_mass), slow, atol=1e-12)


@FEW
@given(hierarchies())
def test_the_leaves_of_a_place_are_contiguous(hierarchy):
    for place in range(len(hierarchy)):
        assert descendants(hierarchy, place) == list(range(hierarchy.leaf_start[place], hierarchy.leaf_stop[place]))


@FEW
@given(hierarchies())
def test_ancestors_of_leaves_are_found_by_walking_up(hierarchy):
    for level in range(len(LEVELS)):
        walked = [next((place for place in hierarchy.chain(leaf) if hierarchy.level[place] == level), -1) for leaf in hierarchy.leaves.tolist()]
        assert hierarchy.ancestor_of_leaves(level).tolist() == walked


@FEW
@given(hierarchies())
def test_levels_divide_the_places_and_ids_find_them(hierarchy):
    assert [place for name in LEVELS for place in hierarchy.places_of(name)] == list(range(len(hierarchy)))
    assert [hierarchy.index_of(place_id) for place_id in hierarchy.ids.to_list()] == list(range(len(hierarchy)))
    assert list(hierarchy.country_index.values()) == list(hierarchy.places_of(0))


def test_a_chain_leaves_out_the_levels_that_are_missing():
    earth = small_earth()
    chain = [earth.names[place] for place in earth.chain(earth.index_of("JP/13/Tokyo"))]
    assert chain == ["JP", "13", "Tokyo"]
    assert [earth.names[place] for place in earth.chain(earth.index_of("MC"))] == ["MC"]


def test_one_leaf_without_any_level_above_it_is_a_hierarchy():
    alone = hierarchy_of([Leaf((None, None, None, "Island"), 10.0, 20.0, 1.0)])
    check_hierarchy(alone)
    assert alone.ancestor_of_leaves(0).tolist() == [-1]
    assert alone.country_index == {}


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="place 'XX': no place of this hierarchy"):
        small_earth().index_of("XX")
    with pytest.raises(UnknownName, match="level 'planet': this hierarchy has country, region, subregion, city"):
        small_earth().places_of("planet")


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def broken(name, index, value):
    earth = small_earth()
    return replace(earth, **{name: changed(getattr(earth, name), index, value)})


def swapped(name):
    """The column of the leaf numbers with two cities of different regions exchanged."""
    column = getattr(EARTH, name).copy()
    paris, lyon = EARTH.index_of("FR/11/Paris/Paris"), EARTH.index_of("FR/84/Rhône/Lyon")
    column[[paris, lyon]] = column[[lyon, paris]]
    return column


def one_later():
    """An Earth whose leaves are numbered from 1."""
    return replace(EARTH, leaf_start=EARTH.leaf_start + 1, leaf_stop=EARTH.leaf_stop + 1)


def cut_within(name):
    """The names with a boundary moved into the second byte of a letter."""
    at = EARTH.names.to_list().index(name)
    within = int(EARTH.names.offsets[at]) + name.encode().index(b"\xc3") + 1
    return Strings(EARTH.names.utf8, changed(EARTH.names.offsets, at + 1, within))


EARTH = small_earth()
PARIS = EARTH.index_of("FR/11/Paris/Paris")
FRANCE = EARTH.index_of("FR")
BROKEN = {
    "order of levels": (broken("level", 0, 3), "places are sorted by level"),
    "a parent after its child": (broken("parent", FRANCE, PARIS), "a parent stands before its children"),
    "a parent that is not there": (broken("parent", PARIS, 999), "a parent stands before its children"),
    "its own parent": (broken("parent", FRANCE, FRANCE), "a parent stands before its children"),
    "a parent of the same level": (broken("parent", FRANCE, FRANCE - 1), "a child's level is finer"),
    "no leaves": (broken("leaf_stop", FRANCE, int(EARTH.leaf_start[FRANCE])), "a place covers at least one leaf"),
    "leaves outside the parent": (broken("leaf_stop", EARTH.index_of("FR/84"), EARTH.n_leaves), "a child's leaves lie among"),
    "a centre that is not on the sphere": (broken("unit", PARIS, [2.0, 0.0, 0.0]), "centres are unit vectors"),
    "a centre that is not a number": (broken("unit", PARIS, np.nan), "centres are unit vectors"),
    "a weight of nought": (broken("weight", PARIS, 0.0), "a weight is positive"),
    "a weight that is not a number": (broken("weight", PARIS, np.nan), "a weight is positive"),
    "weights that do not sum to 1": (broken("weight", PARIS, 0.9), "weights sum to"),
    "a parent's weight that is not its leaves'": (broken("weight", FRANCE, 0.01), "a weight is the sum of its leaves'"),
    "leaves in another order": (replace(EARTH, leaf_start=swapped("leaf_start"), leaf_stop=swapped("leaf_stop")), "a child's leaves lie among"),
    "a number left out": (one_later(), "leaves are not numbered"),
    "a leaf of two": (broken("leaf_stop", EARTH.index_of("MC/Monaco"), 10), "a child's leaves lie among"),
    "a country without one of its leaves": (broken("leaf_start", FRANCE, int(EARTH.leaf_start[FRANCE]) - 1), "another has its children's"),
    "an id twice": (replace(EARTH, ids=Strings.of(["AQ", "AQ", *EARTH.ids.to_list()[2:]])), "an id is unique"),
    "a column that is too short": (replace(EARTH, radius_km=EARTH.radius_km[1:]), "radius_km has 28 rows for 29 places"),
    "a level without a name": (replace(EARTH, level_names=LEVELS[:3]), "level"),
    "a radius without end": (broken("radius_km", PARIS, np.inf), "a radius and an area are finite and not negative"),
    "an area that is not a number": (broken("area_km2", PARIS, np.nan), "a radius and an area are finite and not negative"),
    "parents without a sign": (replace(EARTH, parent=EARTH.parent.astype(np.uint32)), r"parent is uint32 of shape \(29,\), which no hierarchy has"),
    "levels that are no whole numbers": (replace(EARTH, level=EARTH.level.astype(np.float32)), "level is float32"),
    "a table of weights": (replace(EARTH, weight=EARTH.weight[:, None]), r"weight is float64 of shape \(29, 1\)"),
    "points of a plane": (replace(EARTH, unit=EARTH.unit[:, :2]), r"unit is float64 of shape \(29, 2\)"),
    "one number for a column": (replace(EARTH, count=np.array(1)), r"count is int64 of shape \(\)"),
    "names that are not UTF-8": (replace(EARTH, names=Strings(EARTH.names.utf8 | 0x80, EARTH.names.offsets)), "names are not strings"),
    "names cut within a character": (replace(EARTH, names=cut_within("Rhône")), "names are not strings"),
    "names that end too late": (replace(EARTH, names=Strings(EARTH.names.utf8[:-1], EARTH.names.offsets)), "names are not strings"),
    "names in no order": (replace(EARTH, names=Strings(EARTH.names.utf8, changed(EARTH.names.offsets, 3, 0))), "names are not strings"),
    "ids for other places": (replace(EARTH, ids=Strings.of(["AQ"])), "ids has 1 rows"),
}


@pytest.mark.parametrize(("hierarchy", "law"), BROKEN.values(), ids=BROKEN)
def test_a_broken_law_is_named_in_one_line(hierarchy, law):
    with pytest.raises(BadHierarchy, match=law) as caught:
        check_hierarchy(hierarchy)
    assert "\n" not in str(caught.value)


@given(st.lists(st.text(max_size=6)))
def test_strings_come_back_whatever_their_script(values):
    column = Strings.of(values)
    assert len(column) == len(values)
    assert column.to_list() == values
    assert [column[index] for index in range(len(column))] == values


def test_strings_beyond_the_basic_plane_and_empty_ones_come_back():
    values = ["", "𠮷野家", "🗿", "Île", "", "\u0000", "北京"]
    assert Strings.of(values).to_list() == values
    assert list(Strings.of(values)) == values
