"""Nearest neighbours: what is near, and how the near ones vote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import hierarchies, small_earth

from geocairn.systems.neighbours import Gallery, Nearest, NeighbourSettings, gallery_vectors, smoothed_log, vote

EARTH = small_earth()
LEAVES = EARTH.leaves.astype(np.int64)


def settings(**values):
    return NeighbourSettings(**{"k": 3, "weights": "equal", **values})


def features(n, dim=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_distances_are_the_metrics_and_1_between_random_photos(metric):
    one, other = features(400, 64), features(400, 64, seed=1)
    vectors = [gallery_vectors(rows, metric).astype(np.float64) for rows in (one, other)]
    found = ((vectors[0] - vectors[1]) ** 2).sum(axis=1)
    if metric == "euclidean":
        wanted = ((one - other) ** 2).sum(axis=1) / 128
    else:
        wanted = 1 - (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    np.testing.assert_allclose(found, wanted, atol=3e-3)
    assert found.mean() == pytest.approx(1, abs=0.03)


def test_a_photo_like_the_average_has_a_direction_of_nothing():
    assert gallery_vectors(np.zeros((1, 3), dtype=np.float32), "cosine").tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 5, 60])
def test_the_nearest_are_those_of_a_slow_search(metric, k):
    own, asked = gallery_vectors(features(50), metric), gallery_vectors(features(9, seed=2), metric)
    place = np.random.default_rng(3).choice(LEAVES, 50)
    nearest = Gallery.of(own, place).nearest(asked, k)
    distance2 = ((asked[:, None].astype(np.float64) - own.astype(np.float64)) ** 2).sum(axis=2)
    order = np.argsort(distance2, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(nearest.place[:, :50], place[order])
    np.testing.assert_allclose(nearest.distance2[:, :50], np.take_along_axis(distance2, order, axis=1), rtol=1e-12)
    assert (nearest.place[:, 50:] == -1).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_one_neighbour_of_a_training_photo_is_the_photo_itself(metric):
    own = gallery_vectors(features(80), metric)
    place = np.random.default_rng(4).choice(LEAVES, 80)
    nearest = Gallery.of(own, place).nearest(own, 1)
    assert (nearest.distance2 == 0).all()
    votes = vote(nearest, EARTH, settings(k=1))
    np.testing.assert_array_equal(votes, (place[:, None] == LEAVES).astype(float))


def test_of_equally_near_photos_the_first_counts():
    own = np.repeat(gallery_vectors(features(1), "euclidean"), 30, axis=0)
    assert Gallery.of(own, LEAVES[np.arange(30) % 11]).nearest(own[:1], 3).place.tolist() == [LEAVES[:3].tolist()]


@given(hierarchies(), st.integers(1, 8), st.integers(1, 12), st.sampled_from(["equal", "distance"]), st.integers(0, 2**32 - 1))
def test_votes_are_those_of_a_slow_count(hierarchy, k, n_found, weights, seed):
    numbers = np.random.default_rng(seed)
    place = numbers.integers(len(hierarchy), size=(4, n_found))
    distance2 = np.sort(numbers.uniform(0, 2, (4, n_found)), axis=1)
    place[:, 1:][numbers.random((4, n_found - 1)) < 0.1] = -1
    distance2[place < 0] = np.inf
    given_settings = settings(k=k, weights=weights, temperature=0.3)
    votes = vote(Nearest(place, distance2), hierarchy, given_settings)
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    leaf_weight = hierarchy.weight[hierarchy.leaves]
    for row in range(4):
        wanted = np.zeros(hierarchy.n_leaves)
        for one, gap in zip(place[row, :k].tolist(), distance2[row, :k].tolist(), strict=True):
            if one >= 0:
                below = slice(hierarchy.leaf_start[one], hierarchy.leaf_stop[one])
                wanted[below] += (np.exp(-gap / 0.3) if weights == "distance" else 1) * leaf_weight[below] / leaf_weight[below].sum()
        np.testing.assert_allclose(votes[row], wanted / wanted.sum(), atol=1e-12)


def test_nearer_photos_count_for_more_the_lower_the_temperature():
    nearest = Nearest(LEAVES[None, [0, 5]], np.array([[0.1, 0.3]]))
    shares = [vote(nearest, EARTH, settings(weights="distance", temperature=temperature))[0, 0] for temperature in (10.0, 0.5, 0.1, 1e-300)]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert vote(nearest, EARTH, settings())[0, [0, 5]].tolist() == [0.5, 0.5]


@given(hierarchies(), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
def test_smoothing_spreads_a_share_over_the_places_around(hierarchy, smoothing, seed):
    numbers = np.random.default_rng(seed)
    votes = numbers.dirichlet(np.full(hierarchy.n_leaves, 0.5), 3)
    votes[0] = np.eye(hierarchy.n_leaves)[numbers.integers(hierarchy.n_leaves)]
    p = np.exp(smoothed_log(votes, hierarchy, smoothing))
    weight, n_levels = hierarchy.weight[hierarchy.leaves], len(hierarchy.level_names)
    wanted = (1 - smoothing) * votes + smoothing / n_levels * weight
    for row in range(3):
        for leaf, vote_of_leaf in enumerate(votes[row]):
            chain = {int(hierarchy.level[place]): place for place in hierarchy.chain(int(hierarchy.leaves[leaf]))}
            for level in range(n_levels - 1):
                place = chain.get(level, int(hierarchy.leaves[leaf]))
                below = slice(hierarchy.leaf_start[place], hierarchy.leaf_stop[place])
                wanted[row, below] += smoothing / n_levels * vote_of_leaf * weight[below] / weight[below].sum()
    np.testing.assert_allclose(p, wanted, atol=1e-12)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (p > 0).all()
