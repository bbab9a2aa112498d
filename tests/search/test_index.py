import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from tests.places.factory import hierarchies, small_earth

from geocairn.errors import BadConfig, BadFeatures
from geocairn.search.flat import nearest_leaves
from geocairn.search.index import EntityIndex
from geocairn.search.space import Space


@given(hierarchies())
def test_links_lead_to_the_children_of_each_level_and_to_nothing_else(hierarchy):
    index = EntityIndex.of(np.ones((len(hierarchy), 2)), hierarchy, Space(metric="euclidean"))
    found = []
    for level in range(index.n_levels):
        for place, (first, n) in enumerate(zip(index.first_child[level], index.n_children[level], strict=True)):
            found += [(place, child) for child in range(first, first + n)]
            assert all(hierarchy.level[child] == level for child in range(first, first + n))
    assert sorted(found) == sorted((int(parent), place) for place, parent in enumerate(hierarchy.parent) if parent >= 0)
    assert np.flatnonzero(index.is_leaf).tolist() == sorted(hierarchy.leaves.tolist())
    assert np.concatenate(index.roots).tolist() == np.flatnonzero(hierarchy.parent < 0).tolist()


@given(hierarchies())
def test_chains_are_those_of_the_hierarchy(hierarchy):
    index = EntityIndex.of(np.ones((len(hierarchy), 2)), hierarchy, Space(metric="euclidean"))
    chains = index.chains(np.arange(len(hierarchy)))
    assert [[place for place in chain if place >= 0] for chain in chains.tolist()] == [hierarchy.chain(place) for place in range(len(hierarchy))]
    for place, level in enumerate(hierarchy.level):
        assert chains[place, level] == place
    assert index.chains(np.array([[-1]])).tolist() == [[[-1] * 4]]


def test_vectors_in_float32_are_not_copied_and_are_most_of_the_memory():
    hierarchy = small_earth()
    points = np.ones((len(hierarchy), 2, 129), dtype=np.float32)
    index = EntityIndex.of(points, hierarchy, Space())
    assert np.shares_memory(index.points, points)
    assert points.nbytes < index.nbytes < points.nbytes * 1.1
    assert index.space.tau == (1.0,) * 4


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.ones((3, 2)), r"points are float64 of shape \(3, 2\) for 29 places; give numbers of shape"),
        (np.ones(29), r"shape \(29,\)"),
        (np.ones((29, 0)), r"shape \(29, 0\)"),
        (np.array([["x"]] * 29), "points are <U1"),
        (np.where(np.arange(29)[:, None] == 7, np.nan, 1.0), "point 7, from 0, is not finite"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(points, said):
    assert len(small_earth()) == 29
    with pytest.raises(BadFeatures, match=said):
        EntityIndex.of(points, small_earth(), Space())


def test_taus_are_one_or_one_per_level():
    with pytest.raises(BadConfig, match=r"2 values of tau for 4 levels \(country, region, subregion, city\)"):
        EntityIndex.of(np.ones((29, 4)), small_earth(), Space(tau=(1.0, 2.0)))


def test_search_is_imported_without_torch_and_without_faiss():
    code = "import sys, geocairn.search.beam, geocairn.search.flat; print([name for name in ('torch', 'faiss') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_things_without_a_tree_are_leaves_of_one_level():
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    index = EntityIndex.without_tree(points, Space(metric="euclidean"))
    assert (len(index), index.n_levels, index.level_starts) == (40, 1, (0, 40))
    found = nearest_leaves(points[:9], index, top=40)
    np.testing.assert_array_equal(found.places[:, 0], np.arange(9))
    np.testing.assert_allclose(found.scores[:, 1:], np.sort(((points[:9, None] - points) ** 2).sum(2), axis=1)[:, 1:], rtol=1e-5)
    assert index.chains(np.array([3, -1])).tolist() == [[3], [-1]]
    with pytest.raises(BadConfig, match="2 values of tau for one level"):
        EntityIndex.without_tree(points, Space(metric="euclidean", tau=(1.0, 2.0)))
    with pytest.raises(BadFeatures, match="point 7, from 0, is not finite"):
        EntityIndex.without_tree(np.where(np.arange(40)[:, None] == 7, np.nan, points), Space(metric="euclidean"))
