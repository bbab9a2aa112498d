"""Means and prototypes of entities: laws of means, k-means against its own definition, and what is refused."""

import numpy as np
import pytest

from geocairn.data.feature_store import StoreHeader
from geocairn.data.feature_writer import write_store
from geocairn.errors import BadFeatures
from geocairn.systems.leaf_scorer import Scaling
from geocairn.train.entity_means import PrototypeSettings, entity_means, entity_prototypes
from geocairn.train.rows import Rows

F = 3
PLAIN = Scaling(np.zeros(F, dtype=np.float32), np.ones(F, dtype=np.float32))


def rows_of(folder, features, labels):
    features = np.asarray(features, dtype=np.float32)
    store = write_store(folder, StoreHeader(encoder="e", dim=F), [f"p{row}" for row in range(len(features))], lambda rows: features[rows.start : rows.stop])
    return Rows(store, np.arange(len(features)), np.asarray(labels, dtype=np.int64), np.zeros((len(features), 3)), np.full(len(features), -1))


@pytest.fixture(scope="module")
def blobs(tmp_path_factory):
    """Three entities of 40, 30 and 1 photos and a fourth of none: the first in four far blobs, the second in two; 5 rows that are nowhere."""
    numbers = np.random.default_rng(0)
    blob = np.concatenate([np.repeat(np.arange(4), 10), 4 + np.repeat([0, 1], 15), [6], np.full(5, 7)])
    label = np.array([0] * 40 + [1] * 30 + [2] + [-1, -2] * 2 + [-1])
    order = numbers.permutation(len(blob))
    features = (30 * numbers.normal(size=(8, F)))[blob] + numbers.normal(size=(len(blob), F))
    features = features.astype(np.float16).astype(np.float32)
    rows = rows_of(tmp_path_factory.mktemp("blobs") / "s", features[order], label[order, None])
    return rows, features[order], label[order], blob[order]


def made(rows, n=4, scaling=PLAIN, seed=0, **settings):
    means = entity_means([rows], [n])[0]
    return means, entity_prototypes(means, [rows], 0, scaling, PrototypeSettings(**settings), seed=seed)


def n_prototypes(found):
    present = ~np.isnan(found.image)
    assert (present.all(axis=2) == present.any(axis=2)).all()
    present = present.all(axis=2)
    assert (present[:, :-1] >= present[:, 1:]).all()  # first ones first
    return present.sum(axis=1).tolist()


def test_means_are_of_the_rows_of_each_entity(blobs):
    rows, features, label, _ = blobs
    means = entity_means([rows], [4])[0]
    assert means.count.tolist() == [40, 30, 1, 0]
    expected = np.stack([features[label == entity].astype(np.float64).mean(axis=0) for entity in range(3)])
    np.testing.assert_allclose(means.image[:3], expected, rtol=1e-6)
    assert np.isnan(means.image[3]).all()


def test_parts_count_as_one(blobs, tmp_path):
    rows, *_ = blobs
    halves = [Rows(rows.features, rows.row[part], rows.labels[part], rows.unit[part], rows.author[part]) for part in (slice(0, 20), slice(20, None))]
    one, two = entity_means([rows], [4])[0], entity_means(halves, [4])[0]
    np.testing.assert_allclose(one.image, two.image, rtol=1e-6)
    settings = PrototypeSettings(per_entity=4, min_photos=5)
    np.testing.assert_array_equal(
        entity_prototypes(one, [rows], 0, PLAIN, settings, seed=1).image, entity_prototypes(one, halves, 0, PLAIN, settings, seed=1).image
    )


def test_groups_that_lie_apart_are_found(blobs):
    rows, features, _, blob = blobs
    _, found = made(rows, per_entity=4, min_photos=10)
    assert n_prototypes(found) == [4, 3, 1, 0]
    _, found = made(rows, per_entity=4, min_photos=15)
    assert n_prototypes(found) == [2, 2, 1, 0]
    _, found = made(rows, per_entity=4, min_photos=9)
    expected = np.stack([features[blob == index].mean(axis=0) for index in range(4)])
    # In whatever order.
    np.testing.assert_allclose(found.image[0][np.lexsort(found.image[0].T)], expected[np.lexsort(expected.T)], rtol=1e-4)


def test_prototypes_are_means_of_the_photos_nearest_to_them(blobs):
    rows, features, label, _ = blobs
    means, found = made(rows, per_entity=3, min_photos=2)
    for entity in (0, 1):
        own = features[label == entity].astype(np.float64)
        nearest = ((own[:, None] - found.image[entity]) ** 2).sum(axis=2).argmin(axis=1)
        for group in range(3):
            np.testing.assert_allclose(found.image[entity, group], own[nearest == group].mean(axis=0), rtol=1e-4)
        share = np.bincount(nearest) / len(own)
        np.testing.assert_allclose(share @ found.image[entity], means.image[entity], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.image[2, 0], means.image[2])
    np.testing.assert_array_equal(found.count, means.count)


def test_nearness_is_judged_by_standardised_features(tmp_path):
    # Two groups by the second feature, which is small; noise by the first, which is large.
    numbers = np.random.default_rng(1)
    side = np.arange(60) % 2
    features = np.stack([1000 * numbers.normal(size=60), side + 0.01 * numbers.normal(size=60), np.zeros(60)], axis=1)
    rows = rows_of(tmp_path / "s", features, np.zeros((60, 1)))
    scaling = Scaling(np.zeros(F, dtype=np.float32), np.array([1e6, 1, 0], dtype=np.float32))
    _, found = made(rows, 1, scaling, per_entity=2)
    assert sorted(found.image[0, :, 1].round().tolist()) == [0, 1]
    _, found = made(rows, 1, PLAIN, per_entity=2)
    assert sorted(found.image[0, :, 1].round(1).tolist()) != [0, 1]


def test_one_seed_gives_one_answer(blobs):
    rows, *_ = blobs
    first, again = (made(rows, per_entity=4, min_photos=3, max_photos=64, seed=5)[1].image for _ in range(2))
    np.testing.assert_array_equal(first, again)
    images = {made(rows, per_entity=3, min_photos=3, seed=seed)[1].image.tobytes() for seed in range(6)}
    assert len(images) > 1


def test_groups_move_for_as_many_rounds_as_asked(tmp_path):
    features = np.random.default_rng(4).normal(size=(400, F)).astype(np.float16)
    rows = rows_of(tmp_path / "s", features, np.zeros((400, 1)))
    once, more, longest = (made(rows, 1, per_entity=8, min_photos=2, n_iterations=n)[1].image for n in (1, 5, 1000))

    def spread(image):
        """Mean squared distance of photos from their nearest prototypes."""
        return ((features[:, None].astype(np.float64) - image[0]) ** 2).sum(axis=2).min(axis=1).mean()

    assert spread(longest) < spread(more) < spread(once)


def test_equal_photos_are_one_prototype(tmp_path):
    rows = rows_of(tmp_path / "s", np.repeat([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]], 20, axis=0), [[0]] * 20 + [[0]] * 20)
    _, found = made(rows, 1, per_entity=4, min_photos=1)
    assert n_prototypes(found) == [2]
    assert sorted(found.image[0, :2].tolist()) == [[1, 2, 3], [5, 5, 5]]
    rows = rows_of(tmp_path / "t", np.ones((30, F)), [[0]] * 30)
    assert n_prototypes(made(rows, 1, per_entity=4, min_photos=1)[1]) == [1]


def test_a_sample_stands_for_a_large_entity(tmp_path):
    numbers = np.random.default_rng(2)
    group = numbers.integers(2, size=1500)
    rows = rows_of(tmp_path / "s", 20 * group[:, None] + numbers.normal(size=(1500, F)), np.zeros((1500, 1)))
    _, found = made(rows, 1, per_entity=2, max_photos=64)
    assert n_prototypes(found) == [2]
    np.testing.assert_allclose(np.sort(found.image[0, :, 0]), [0, 20], atol=1)


def test_a_level_without_entities_or_to_be_cut_is_no_fault(blobs):
    rows, *_ = blobs
    nowhere = Rows(rows.features, rows.row, np.full_like(rows.labels, -1), rows.unit, rows.author)
    means, found = made(nowhere, 0, per_entity=2)
    assert (means.image.shape, found.image.shape) == ((0, F), (0, 2, F))
    means, found = made(nowhere, 2, per_entity=2)
    assert np.isnan(means.image).all()
    assert n_prototypes(found) == [0, 0]


def test_features_that_are_not_finite_are_refused(tmp_path):
    features = np.ones((4, F))
    features[1, 2] = np.nan
    with pytest.raises(BadFeatures, match="1 photos that entities are made of have no finite features; leave them out"):
        entity_means([rows_of(tmp_path / "s", features, np.zeros((4, 1)))], [1])
