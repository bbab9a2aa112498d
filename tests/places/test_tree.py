import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pydantic import ValidationError

from geocairn.errors import BadConfig, BadHierarchy, MissingExtra
from geocairn.places.tree import Tree, TreeSettings, spherical_tree

SEEDS = st.integers(0, 2**32 - 1)


def draw_vectors(seed):
    """Clumps, equal vectors, opposite ones and nearly equal ones, of any length."""
    numbers = np.random.default_rng(seed)
    n, d = int(numbers.integers(2, 120)), int(numbers.integers(2, 6))
    centres = numbers.normal(size=(4, d))
    vectors = centres[numbers.integers(4, size=n)] + numbers.normal(size=(n, d)) * 10.0 ** numbers.integers(-9, 1, size=(n, 1))
    vectors[: n // 4] = vectors[0]
    vectors[n // 4 : n // 3] = -vectors[0]
    return vectors * 10.0 ** numbers.uniform(-200, 100, size=(n, 1))


def n_different(vectors):
    longest = np.abs(vectors).max(1, keepdims=True)
    unit = vectors / longest / np.linalg.norm(vectors / longest, axis=1, keepdims=True)
    return len(np.unique(unit.astype(np.float32) + np.float32(0), axis=0)), unit


def draw_branches(seed, n):
    numbers = np.random.default_rng(seed)
    branches, left = [], n
    for _ in range(3):
        branches.append(int(numbers.integers(1, left + 1)))
        left //= branches[-1]
    return tuple(branches)


@settings(max_examples=60)
@given(SEEDS)
def test_clusters_nest_are_not_empty_and_hold_what_is_nearest_to_them(seed):
    vectors = draw_vectors(seed)
    n, unit = n_different(vectors)
    branches = draw_branches(seed, n)
    tree = spherical_tree(vectors, TreeSettings(branches=branches, n_iterations=5))
    assert tree.labels.shape == (len(vectors), len(branches))
    for level, n_clusters in enumerate(np.cumprod(branches)):
        label, centroids, parents = tree.labels[:, level], tree.centroids[level], tree.parents[level]
        assert_array_equal(np.unique(label), np.arange(n_clusters))
        assert centroids.shape == (n_clusters, vectors.shape[1])
        assert np.abs(np.linalg.norm(centroids.astype(float), axis=1) - 1).max() < 1e-6
        above = tree.labels[:, level - 1] if level else np.full(len(vectors), -1)
        assert_array_equal(parents[label], above)
        assert (np.diff(parents) >= 0).all()
        direction = centroids / np.linalg.norm(centroids.astype(float), axis=1, keepdims=True)
        cosine = np.where(parents == above[:, None], unit.astype(np.float32).astype(float) @ direction.T, -2)
        assert (cosine[np.arange(len(vectors)), label] >= cosine.max(1) - 1e-13).all()


@settings(max_examples=25)
@given(SEEDS)
def test_neither_the_run_nor_the_order_of_the_rows_shows(seed):
    vectors = draw_vectors(seed)
    cut = TreeSettings(branches=draw_branches(seed, n_different(vectors)[0]), n_iterations=3)
    tree, again = spherical_tree(vectors, cut), spherical_tree(vectors, cut)
    order = np.random.default_rng(seed).permutation(len(vectors))
    shuffled = spherical_tree(vectors[order], cut)
    for other, labels in ((again, tree.labels), (shuffled, tree.labels[order])):
        assert_array_equal(other.labels, labels)
        for one, two in zip((*tree.centroids, *tree.parents), (*other.centroids, *other.parents), strict=True):
            assert_array_equal(one, two)


def many(n=3000, d=4):
    return np.random.default_rng(5).normal(size=(n, d))


@pytest.mark.parametrize("change", [{"seed": 1}, {"n_iterations": 1}, {"max_points_per_cluster": 20}, {"branches": (6, 4)}])
def test_every_setting_makes_a_difference(change):
    base = {"branches": (4, 6), "seed": 0}
    one, other = (spherical_tree(many(), TreeSettings(**asked)).labels for asked in (base, base | change))
    assert not np.array_equal(one, other)


def test_large_clusters_have_more_children():
    vectors = np.concatenate([np.array([1.0, 0, 0]) + many(900, 3) * 0.05, np.array([-1.0, 0, 0]) + many(100, 3) * 0.05])
    tree = spherical_tree(vectors, TreeSettings(branches=(2, 10)))
    assert sorted(np.bincount(tree.parents[1]).tolist()) == [2, 18]


def test_equal_vectors_weigh_as_many_as_they_are():
    vectors = np.concatenate([np.tile([1.0, 0.0], (98, 1)), [[0.0, 1.0], [1.0, 1.0]]])
    tree = spherical_tree(vectors, TreeSettings(branches=(1, 2)))
    assert tree.centroids[0][0] @ [1.0, 0.0] > 0.99
    assert np.bincount(tree.labels[:, 1]).min() in (1, 2)


def test_as_many_clusters_as_vectors_is_one_each():
    tree = spherical_tree(many(20), TreeSettings(branches=(4, 5)))
    assert sorted(tree.labels[:, 1].tolist()) == list(range(20))


def test_vectors_that_cancel_out_have_a_tree():
    tree = spherical_tree(np.concatenate([np.eye(3), -np.eye(3)]), TreeSettings(branches=(1, 2, 3)))
    assert np.isfinite(np.concatenate(tree.centroids)).all()
    assert len(np.unique(tree.labels[:, 2])) == 6


def test_points_a_metre_apart_on_earth_are_told_apart():
    angle = np.arange(64) / 6.371e6
    tree = spherical_tree(np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1), TreeSettings(branches=(8,)))
    assert len(np.unique(tree.labels)) == 8
    assert (np.diff(tree.labels[:, 0]) != 0).sum() == 7  # each cluster is one stretch of the line


@pytest.mark.parametrize(
    ("vectors", "words"),
    {
        "more clusters than vectors": (many(24), "25 clusters of 24 different vectors; choose fewer"),
        "more clusters than different vectors": (np.concatenate([many(24), many(24) * 2]), "25 clusters of 24 different"),
        "a zero vector": (np.concatenate([many(30), np.zeros((1, 4))]), "vector 30, from 0, is nought"),
        "not a number": (np.where(np.arange(30)[:, None] == 7, np.nan, many(30)), "vector 7, from 0"),
        "infinite": (np.where(np.arange(30)[:, None] == 8, np.inf, many(30)), "vector 8, from 0"),
        "no rows": (np.zeros((0, 3)), r"shape \(0, 3\)"),
        "no columns": (np.zeros((3, 0)), r"shape \(3, 0\)"),
        "one row of numbers": (np.ones(3), r"shape \(3,\)"),
        "words": (np.array([["a", "b"]]), "give numbers"),
        "complex numbers": (np.ones((30, 2), dtype=complex), "complex128"),
    }.values(),
)
def test_what_has_no_tree_is_refused(vectors, words):
    with pytest.raises(BadHierarchy, match=words) as caught:
        spherical_tree(vectors, TreeSettings(branches=(5, 5)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [{"branches": ()}, {"branches": (0,)}, {"branches": (4, -1)}, {"seed": -1}, {"n_iterations": 0}, {"branch": (3,)}])
def test_bad_settings(bad):
    with pytest.raises(BadConfig):
        TreeSettings.parse("here", bad)
    with pytest.raises(ValidationError):
        TreeSettings(**bad)


def test_without_faiss_the_mend_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtra, match=r"pip install geocairn\[search\]"):
        spherical_tree(many(30), TreeSettings(branches=(5,)))


def test_the_number_of_threads_is_as_before():
    import faiss

    faiss.omp_set_num_threads(2)
    assert isinstance(spherical_tree(many(50), TreeSettings(branches=(3,))), Tree)
    assert faiss.omp_get_max_threads() == 2
