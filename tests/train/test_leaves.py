"""The leaf of a labelled row, features' mean and spread, and how often scores are right."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import hierarchies, small_earth

from geocairn.errors import BadFeatures
from geocairn.train.leaves import deepest_places, feature_scaling, leaf_metrics, leaf_of_rows

EARTH = small_earth()


def labels_of(hierarchy, place):
    """The labels of a row that names a place and all that it lies in."""
    labels = np.full(len(hierarchy.level_names), -1)
    for above in hierarchy.chain(place):
        level = int(hierarchy.level[above])
        labels[level] = above - hierarchy.places_of(level).start
    return labels


@given(hierarchies(), st.data())
def test_the_finest_place_that_is_named_is_found_again(hierarchy, data):
    places = data.draw(st.lists(st.integers(0, len(hierarchy) - 1), min_size=1))
    labels = np.stack([labels_of(hierarchy, place) for place in places])
    assert deepest_places(labels, hierarchy).tolist() == places
    below = [range(hierarchy.leaf_start[place], hierarchy.leaf_stop[place]) for place in places]
    assert leaf_of_rows(labels, hierarchy).tolist() == [leaves[0] if len(leaves) == 1 else -1 for leaves in below]


def test_rows_without_labels_or_of_places_unseen_have_no_leaf():
    unseen = labels_of(EARTH, EARTH.index_of("MC"))
    unseen[3] = -2
    labels = np.stack([np.full(4, -1), unseen])
    assert leaf_of_rows(labels, EARTH).tolist() == [-1, -1]
    assert deepest_places(labels, EARTH).tolist() == [-1, EARTH.index_of("MC")]


@given(hierarchies(), st.integers(0, 2**32 - 1))
def test_metrics_are_those_of_a_slow_count(hierarchy, seed):
    numbers = np.random.default_rng(seed)
    scores = np.log(numbers.dirichlet(np.full(hierarchy.n_leaves, 0.5), 9) + 1e-9)
    leaves = numbers.integers(hierarchy.n_leaves, size=9)
    labels = np.stack([labels_of(hierarchy, int(hierarchy.leaves[leaf])) for leaf in leaves])
    metrics = leaf_metrics([scores[:4], scores[4:]], labels, hierarchy)
    assert metrics["nll"] == pytest.approx(-np.mean([row[leaf] for row, leaf in zip(scores, leaves, strict=True)]))
    for level, name in enumerate(hierarchy.level_names):
        hits = []
        for row, label in zip(scores, labels[:, level], strict=True):
            mass = [np.exp(row[hierarchy.leaf_start[place] : hierarchy.leaf_stop[place]]).sum() for place in hierarchy.places_of(level)]
            hits += [np.argmax(mass) == label] if label >= 0 else []
        assert metrics.get(name) == (pytest.approx(100 * np.mean(hits)) if hits else None)


def test_rows_without_features_and_places_unseen_are_wrong_and_rows_without_labels_do_not_count():
    place = EARTH.index_of("JP/13/Tokyo")
    right = np.log(np.where(EARTH.leaves == place, 0.9, 0.01))
    labels = np.stack([labels_of(EARTH, place), labels_of(EARTH, place), labels_of(EARTH, place), np.full(4, -1)])
    labels[2, 3] = -2
    metrics = leaf_metrics([np.stack([right, np.full(EARTH.n_leaves, np.nan), right, right])], labels, EARTH)
    assert metrics == pytest.approx({"country": 200 / 3, "region": 200 / 3, "city": 100 / 3, "nll": -np.log(0.9)})
    assert leaf_metrics([], labels[:0], EARTH) == {}


@dataclass
class Numbers:
    """Rows whose features lie in memory."""

    numbers: np.ndarray

    @property
    def features(self):
        header = type("Header", (), {"dim": self.numbers.shape[1]})
        photos = [f"{row}.jpg" for row in range(len(self.numbers))]
        return type("Store", (), {"folder": Path("store"), "photos": photos, "meta": type("Meta", (), {"header": header})})

    @property
    def row(self):
        return np.arange(len(self.numbers))

    def __len__(self):
        return len(self.numbers)

    def read(self, rows):
        return torch.from_numpy(self.numbers[rows].astype(np.float32))


def test_standardised_features_have_mean_0_and_spread_1(monkeypatch):
    monkeypatch.setattr("geocairn.train.leaves._BLOCK", 7)
    numbers = np.random.default_rng(0).normal(3, 2, size=(50, 4)).astype(np.float32)
    numbers[:, 2] = 5
    seen = feature_scaling(Numbers(numbers))(numbers)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(seen.std(axis=0), [1, 1, 0, 1], atol=1e-5)


def test_training_photos_without_features_are_counted_and_refused():
    numbers = np.zeros((9, 3))
    numbers[[2, 5], 1] = np.nan
    with pytest.raises(BadFeatures, match=r"store: 2 training photos have no finite features, such as '2.jpg'; take their rows out"):
        feature_scaling(Numbers(numbers))
