import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.places.factory import small_earth
from tests.places.points import photo_like_points
from tests.places.reference_cells import reference_partition

from geocairn.errors import BadCoordinate, BadHierarchy
from geocairn.geo import s2
from geocairn.geo.sphere import distance_km, distance_km_from_units, latlon_from_unit, mean_on_sphere, unit_from_latlon
from geocairn.places.cell_hierarchy import ancestor_classes, cell_levels, classes_of_points, hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.files import arrays_sha256
from geocairn.places.hierarchy import check_hierarchy

POINTS = photo_like_points(2500)
SETTINGS = CellSettings(t_min=5, t_max=(500, 100, 20))
EARTH = hierarchy_of_cells(POINTS, SETTINGS, meta={"source_sha256": "0" * 64})


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(0, (1,)), (0, (40, 5, 2)), (3, (60, 9)), (8, (30,))]), st.sampled_from(["mean", "medoid"]))
def test_what_is_built_is_a_hierarchy(seed, limits, place):
    t_min, t_max = limits
    asked = CellSettings(t_min=t_min, t_max=t_max, start_level=seed % 3, place=place)
    points = photo_like_points(60, seed)
    built = hierarchy_of_cells(points, asked, meta={"source_sha256": ""})
    check_hierarchy(built)
    assert sum(built.count[built.leaves]) <= len(points)
    for level in range(len(t_max)):
        places = built.places_of(level)
        assert built.count[places.start : places.stop].sum() + built.meta["n_masked"][asked.level_names[level]] == len(points)


def test_a_place_is_its_members():
    for level, t_max in enumerate(SETTINGS.t_max):
        expected = reference_partition(POINTS, SETTINGS.t_min, t_max)
        assert {EARTH.names[place] for place in EARTH.places_of(level)} == set(expected)
        for place in EARTH.places_of(level):
            members = POINTS[sorted(expected[EARTH.names[place]])]
            assert EARTH.ids[place] == f"t{t_max}/{EARTH.names[place]}"
            assert EARTH.count[place] == len(members)
            assert_allclose(EARTH.unit[place], mean_on_sphere(unit_from_latlon(members)), atol=1e-11)
            km = distance_km_from_units(unit_from_latlon(members), EARTH.unit[place])
            assert (km <= EARTH.radius_km[place] * (1 + 1e-6) + 1e-6).mean() >= 0.9
            assert (km < EARTH.radius_km[place] * (1 - 1e-6) - 1e-6).mean() < 0.9


def test_weights_are_shares_of_the_rows_at_leaves_and_areas_the_cells_own():
    leaf_count = EARTH.count[EARTH.leaves]
    assert_allclose(EARTH.weight[EARTH.leaves], leaf_count / leaf_count.sum())
    assert_allclose(EARTH.area_km2, s2.area_km2(s2.ids_from_tokens(EARTH.names.to_list())), rtol=1e-6)


def test_a_coarse_cell_without_a_finer_one_is_a_leaf():
    corners = s2.centres(s2.children(s2.children(s2.ids_from_tokens(["8f"]))).ravel())
    scattered = latlon_from_unit(corners).repeat(2, axis=0)
    built = hierarchy_of_cells(np.concatenate([POINTS, scattered]), CellSettings(t_min=9, t_max=(1000, 20)), meta={})
    check_hierarchy(built)
    alone = built.index_of("t1000/8f")
    assert alone in built.leaves
    assert built.leaf_stop[alone] - built.leaf_start[alone] == 1
    assert built.ancestor_of_leaves(1)[built.leaf_start[alone]] == -1
    assert set(built.level[built.leaves].tolist()) == {0, 1}


def test_the_order_of_the_rows_changes_no_byte():
    for place in ("mean", "medoid"):
        asked = CellSettings(t_min=2, t_max=(100, 7), place=place)
        built = [hierarchy_of_cells(POINTS[rows], asked, meta={}) for rows in (np.arange(len(POINTS)), np.random.default_rng(5).permutation(len(POINTS)))]
        assert arrays_sha256(built[0]) == arrays_sha256(built[1])
        assert built[0].meta == built[1].meta


def test_a_medoid_is_a_photo():
    built = hierarchy_of_cells(POINTS, CellSettings(t_min=5, t_max=(50,), place="medoid"), meta={})
    mean = hierarchy_of_cells(POINTS, CellSettings(t_min=5, t_max=(50,)), meta={})
    units = unit_from_latlon(POINTS)
    nearest = distance_km_from_units(built.unit[:, None], units).min(axis=1)
    assert nearest.max() < 1e-9
    assert (distance_km_from_units(mean.unit[:, None], units).min(axis=1) > 1e-3).any()


def test_members_on_both_sides_of_the_antimeridian_and_on_the_pole():
    fiji = np.column_stack([np.full(20, -17.0), np.tile([180.0, -180.0], 10)])
    pole = np.column_stack([np.full(40, 90.0), np.linspace(-180, 180, 40)])
    built = hierarchy_of_cells(np.concatenate([fiji, pole]), CellSettings(t_min=5, t_max=(100,)), meta={})
    places = latlon_from_unit(built.unit)
    # East and west of the antimeridian are cells of their own.
    assert sorted(built.count.tolist()) == [10, 10, 40]
    assert distance_km(places[built.count == 10], [[-17.0, 180.0]]).max() < 1e-6
    assert distance_km(places[built.count == 40], [[90.0, 0.0]])[0] < 1e-6


def test_classes_of_points_are_positions_in_their_level():
    classes = classes_of_points(EARTH, POINTS)
    levels = cell_levels(EARTH)
    for level, places in enumerate(EARTH.places_of(level) for level in range(3)):
        held = classes[:, level] >= 0
        assert np.bincount(classes[held, level], minlength=len(places)).tolist() == EARTH.count[places.start : places.stop].tolist()
        assert int((~held).sum()) == EARTH.meta["n_masked"][SETTINGS.level_names[level]]
    ancestors = ancestor_classes(EARTH)
    kept = classes[:, 2] >= 0
    assert np.array_equal(ancestors[classes[kept, 2]], classes[kept])
    assert [len(ids) for ids in levels] == [len(EARTH.places_of(level)) for level in range(3)]
    with pytest.raises(BadCoordinate):
        classes_of_points(EARTH, np.array([[np.nan, 0.0]]))


def test_what_it_was_built_of_is_told():
    assert {key: EARTH.meta[key] for key in ("builder", "count_of", "t_min", "t_max", "start_level", "n_rows")} == {
        "builder": "s2",
        "count_of": "rows",
        "t_min": 5,
        "t_max": [500, 100, 20],
        "start_level": 2,
        "n_rows": len(POINTS),
    }
    assert EARTH.meta["settings"] == SETTINGS.model_dump(mode="json")
    assert EARTH.meta["point_masses"]["t100"]["n_cells"] >= 1
    assert EARTH.meta["point_masses"]["t500"] == {"n_cells": 0, "n_rows": 0}


def test_places_of_other_builders_have_no_cells():
    with pytest.raises(BadHierarchy, match="a hierarchy of 'by hand' has no S2 cells"):
        cell_levels(small_earth())
