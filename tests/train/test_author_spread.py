import numpy as np
import pytest
import torch

from geocairn.errors import BadManifest
from geocairn.places.files import load_hierarchy
from geocairn.systems.leaf_scorer import Scaling
from geocairn.train.author_spread import AugmentSettings, author_spread
from geocairn.train.hierloc import HierLocTask
from geocairn.train.kinds import KINDS
from geocairn.train.leaves import feature_scaling
from geocairn.train.recipe import parse_recipe
from geocairn.train.rows import Rows

DIM = 6


class Drawn:
    """Features in memory, where a store's would be on disk."""

    def __init__(self, features: np.ndarray) -> None:
        self._features = features

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self._features[rows]


def drawn_rows(earth, spread: np.ndarray, noise: float) -> tuple[Rows, object]:
    """12 photos each of 30 authors in each of 40 cities; authors differ by `spread` g, photos by noise."""
    hierarchy = load_hierarchy(earth / "hierarchy.npz")
    rng = np.random.default_rng(0)
    n_cities, n_authors, n_photos = 40, 30, 12
    mean = rng.normal(size=(n_cities, 1, 1, DIM)) * 5
    own = rng.normal(size=(n_cities, n_authors, 1, DIM)) @ spread.T
    features = (mean + own + noise * rng.normal(size=(n_cities, n_authors, n_photos, DIM))).reshape(-1, DIM).astype(np.float32)
    city, author = np.divmod(np.repeat(np.arange(n_cities * n_authors), n_photos), n_authors)
    labels = np.full((len(features), len(hierarchy.level_names)), -1)
    labels[:, -1] = city
    return Rows(Drawn(features), np.arange(len(features)), labels, np.zeros((len(features), 3)), author), hierarchy


def test_what_authors_add_is_found_and_the_noise_of_photos_is_not(small_synth):
    spread = np.diag([2.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    spread[1, 0] = 0.7
    rows, hierarchy = drawn_rows(small_synth, spread, noise=1.5)
    scaling = Scaling(np.zeros(DIM, dtype=np.float32), np.full(DIM, 2.0, dtype=np.float32))
    found = author_spread(rows, hierarchy, scaling, AugmentSettings(author_spread=1.0), seed=0)
    np.testing.assert_allclose((found @ found.T).numpy(), spread @ spread.T / 4, atol=0.06)
    assert found.equal(author_spread(rows, hierarchy, scaling, AugmentSettings(author_spread=1.0), seed=0))


def test_it_is_learned_from_so_many_photos_as_asked(small_synth):
    rows, hierarchy = drawn_rows(small_synth, np.eye(DIM), noise=1.0)
    scaling = Scaling(np.zeros(DIM, dtype=np.float32), np.ones(DIM, dtype=np.float32))
    some, most, every = (
        author_spread(rows, hierarchy, scaling, AugmentSettings(author_spread=1.0, max_photos=n), seed=0) for n in (9000, len(rows), 2 * len(rows))
    )
    assert most.equal(every)
    assert not some.equal(every)
    np.testing.assert_allclose((some @ some.T).numpy(), np.eye(DIM), atol=0.2)


def test_rows_without_authors_are_refused(small_synth):
    rows, hierarchy = drawn_rows(small_synth, np.eye(DIM), noise=1.0)
    alone = Rows(rows.features, rows.row, rows.labels, rows.unit, np.full(len(rows), -1))
    lonely = Rows(rows.features, rows.row, rows.labels, rows.unit, rows.labels[:, -1])
    scaling = Scaling(np.zeros(DIM, dtype=np.float32), np.ones(DIM, dtype=np.float32))
    for each in (alone, lonely):
        with pytest.raises(BadManifest, match="no place has two authors"):
            author_spread(each, hierarchy, scaling, AugmentSettings(author_spread=1.0), seed=0)


def task_of(earth, folder, spread: float) -> HierLocTask:
    values = {"system": "hierloc", "data": {"dir": str(earth)}, "augment": {"author_spread": spread}, "text": {"dim": 8}}
    values["model"] = {
        "dim": 8,
        "image": {"hidden": 8, "width": 8},
        "attention": {"heads": 2, "fuse_hidden": 8},
        "entities": {"hidden": 8, "leave_out": "photos"},
    }
    return HierLocTask(parse_recipe(KINDS["hierloc"].recipe, values, source="test"), folder)


def test_features_are_altered_in_training_and_not_in_validation(small_synth, tmp_path):
    torch.manual_seed(0)
    task = task_of(small_synth, tmp_path / "a", 2.0)
    rows = torch.arange(8)
    task.model.eval()
    first, again = (task.loss(rows, 0)[0].item() for _ in range(2))
    assert first != again
    assert task.validate() == task.validate()
    plain = task_of(small_synth, tmp_path / "b", 0.0)
    plain.model.eval()
    assert plain.loss(rows, 0)[0].item() == plain.loss(rows, 0)[0].item()


def test_the_spread_is_drawn_in_the_units_of_the_features(small_synth, tmp_path):
    task = task_of(small_synth, tmp_path, 1.5)
    torch.manual_seed(1)
    features = torch.zeros(20000, task.model.d_img)
    drawn = task._altered(features)
    scaling = feature_scaling(task.train)
    expected = author_spread(task.train, task.hierarchy, scaling, AugmentSettings(author_spread=1.5), seed=0)
    found = torch.cov((drawn / torch.as_tensor(scaling.std)).T)
    torch.testing.assert_close(found, 1.5**2 * expected @ expected.T, rtol=0.1, atol=0.1)
