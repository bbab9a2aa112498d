import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.points import photo_like_points
from tests.places.reference_cells import reference_partition

from geocairn.errors import BadConfig, BadHierarchy
from geocairn.geo import s2
from geocairn.places.cells import CellSettings, adaptive_cells, ancestors_of_finest, classes_of_ids, classes_of_rows, point_masses

FEW = settings(max_examples=30)
POINTS = photo_like_points(2500)


def cut(points, **asked):
    asked = CellSettings(**asked)
    leaf_ids = s2.leaf_ids(points)
    order = np.argsort(leaf_ids)
    return adaptive_cells(leaf_ids[order], asked), order, leaf_ids


def members_by_token(cells, order):
    bounds = zip(s2.tokens(cells.ids), cells.start.tolist(), cells.stop.tolist(), strict=True)
    return {token: set(order[start:stop].tolist()) for token, start, stop in bounds}


@pytest.mark.parametrize(("t_min", "t_max"), [(5, 50), (10, 100), (50, 500), (2, 7)])
def test_cells_and_members_equal_the_plain_implementation(t_min, t_max):
    (cells,), order, _ = cut(POINTS, t_min=t_min, t_max=(t_max,))
    expected = reference_partition(POINTS, t_min, t_max)
    assert members_by_token(cells, order) == expected
    assert cells.count.tolist() == [len(expected[token]) for token in s2.tokens(cells.ids)]
    assert len(expected) > 5


@pytest.mark.parametrize("start_level", [0, 1, 6])
def test_cells_equal_the_plain_implementation_from_other_start_levels(start_level):
    (cells,), order, _ = cut(POINTS, t_min=5, t_max=(50,), start_level=start_level)
    assert members_by_token(cells, order) == reference_partition(POINTS, 5, 50, start_level)


def test_the_start_level_matters():
    levels = [cut(POINTS, t_min=5, t_max=(400,), start_level=level)[0][0] for level in (0, 2)]
    assert s2.level_of(levels[0].ids).min() < 2 <= s2.level_of(levels[1].ids).min()


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(2, 400), st.integers(0, 3))
def test_cells_obey_the_rule(seed, t_min, n, start_level):
    asked = CellSettings(t_min=t_min, t_max=(t_min + 60, t_min + 9, t_min + 1), start_level=start_level)
    leaf_ids = np.sort(s2.leaf_ids(photo_like_points(n + 20, seed)))
    try:
        levels = adaptive_cells(leaf_ids, asked)
    except BadHierarchy:
        return
    for t_max, cells in zip(asked.t_max, levels, strict=True):
        low, high = s2.range_min(cells.ids), s2.range_max(cells.ids)
        assert (low[1:] > high[:-1]).all(), "sorted and disjoint"
        assert cells.start.tolist() == np.searchsorted(leaf_ids, low).tolist()
        assert cells.stop.tolist() == np.searchsorted(leaf_ids, high, side="right").tolist()
        assert (cells.count > t_min).all()
        level = s2.level_of(cells.ids)
        assert (level >= start_level).all()
        assert ((cells.count <= t_max) | (level == 30)).all()
        finer = cells.ids[level > start_level]
        above = s2.parents(finer, level[level > start_level] - 1)
        n_above = np.searchsorted(leaf_ids, s2.range_max(above), side="right") - np.searchsorted(leaf_ids, s2.range_min(above))
        assert (n_above > t_max).all(), "no cell is split that need not be"
    assert (ancestors_of_finest([cells.ids for cells in levels]) >= 0).all()


def test_all_levels_in_one_pass_equal_each_alone():
    t_max = (500, 100, 50, 20, 9)
    together, _, _ = cut(POINTS, t_min=6, t_max=t_max)
    for limit, cells in zip(t_max, together, strict=True):
        (alone,), _, _ = cut(POINTS, t_min=6, t_max=(limit,))
        assert np.array_equal(cells.ids, alone.ids)
        assert np.array_equal(cells.start, alone.start)
        assert np.array_equal(cells.stop, alone.stop)


def test_every_finer_cell_has_exactly_one_parent_in_each_coarser_level():
    levels = [cells.ids for cells in cut(POINTS, t_min=6, t_max=(500, 100, 50, 20, 9))[0]]
    found = ancestors_of_finest(levels)
    assert found.dtype == np.int32
    assert found[:, -1].tolist() == list(range(len(levels[-1])))
    for level, ids in enumerate(levels):
        # By walking up from each cell, not by ranges.
        for cell, at in zip(levels[-1].tolist(), found[:, level].tolist(), strict=True):
            above = {int(s2.parents(np.array([cell], dtype=np.uint64), up)[0]) for up in range(int(s2.level_of([cell])[0]) + 1)}
            assert [index for index, other in enumerate(ids.tolist()) if other in above] == [at]
    assert (s2.level_of(levels[-1]) == 30).any()


def test_1300_photos_on_one_spot_are_one_leaf_cell_and_all_have_its_class():
    points = np.tile([48.8566, 2.3522], (1300, 1))
    (cells,), order, leaf_ids = cut(points, t_max=(500,))
    assert s2.level_of(cells.ids).tolist() == [30]
    assert cells.count.tolist() == [1300]
    assert classes_of_rows([cells], order).tolist() == [[0]] * 1300
    assert classes_of_ids(leaf_ids, [cells.ids]).tolist() == [[0]] * 1300
    assert point_masses(cells, 500) == {"n_cells": 1, "n_rows": 1300}
    assert point_masses(cells, 1300) == {"n_cells": 0, "n_rows": 0}


def test_splitting_stops_at_the_last_level():
    (cells,), _, _ = cut(POINTS, t_min=5, t_max=(9,), max_level=5)
    assert s2.level_of(cells.ids).max() == 5
    assert cells.count.max() > 9


def test_rows_outside_every_kept_cell_are_masked_at_that_level_alone():
    levels, order, leaf_ids = cut(POINTS, t_min=20, t_max=(200, 40))
    classes = classes_of_rows(levels, order)
    assert (classes.shape, classes.dtype) == ((len(POINTS), 2), np.int32)
    for level, cells in enumerate(levels):
        expected = members_by_token(cells, order)
        for index, token in enumerate(s2.tokens(cells.ids)):
            assert set(np.flatnonzero(classes[:, level] == index).tolist()) == expected[token]
        assert int((classes[:, level] >= 0).sum()) == cells.count.sum()
    assert ((classes[:, 0] >= 0) & (classes[:, 1] < 0)).any()
    assert (classes[:, 0][classes[:, 1] >= 0] >= 0).all(), "coverage only shrinks"
    assert np.array_equal(classes_of_ids(leaf_ids, [cells.ids for cells in levels]), classes)


def test_new_points_find_their_cell_or_none():
    (cells,), _, _ = cut(POINTS, t_min=5, t_max=(50,))
    new = s2.leaf_ids(photo_like_points(60, seed=9))
    found = classes_of_ids(new, [cells.ids, cells.ids[:0]])
    for leaf, (at, nowhere) in zip(new.tolist(), found.tolist(), strict=True):
        holders = [index for index, cell in enumerate(cells.ids.tolist()) if s2.parents(np.array([leaf], dtype=np.uint64), s2.level_of([cell]))[0] == cell]
        assert holders == ([at] if at >= 0 else [])
        assert nowhere == -1
    assert {-1} < set(found[:, 0].tolist())


def test_a_level_without_a_cell_is_refused():
    with pytest.raises(BadHierarchy, match="level t60 keeps no cell: none holds more than t_min = 50 of 51 rows; lower t_min"):
        cut(np.concatenate([np.tile([10.0, 10.0], (50, 1)), [[-40.0, 100.0]]]), t_max=(60,))
    with pytest.raises(BadHierarchy, match="of 0 rows"):
        cut(np.empty((0, 2)), t_max=(60,))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"t_max": (10, 10), "t_min": 1}, "t_max = .*fall strictly"),
        ({"t_max": (10, 20), "t_min": 1}, "t_max = .*fall strictly"),
        ({"t_max": (100, 50), "t_min": 50}, "must stay above t_min = 50"),
        ({"t_max": ()}, "t_max = "),
        ({"t_max": ("many",)}, "t_max.0 = 'many'"),
        ({"t_min": -1}, "t_min = -1"),
        ({"start_level": 31}, "start_level = 31"),
        ({"start_level": 5, "max_level": 4}, "must not be less than start_level = 5"),
        ({"place": "centre"}, "place = 'centre'"),
        ({"t_mini": 3}, "known keys: t_min"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(asked, message):
    with pytest.raises(BadConfig, match=message) as caught:
        CellSettings.parse("test", asked)
    assert "\n" not in str(caught.value)


def test_defaults_are_the_seven_levels_of_the_field():
    assert CellSettings().level_names == ("t25000", "t10000", "t5000", "t2000", "t1000", "t750", "t500")
    assert (CellSettings().t_min, CellSettings().start_level, CellSettings().max_level) == (50, 2, 30)
