"""The posterior over cities: what summing over all scenes and sharpness classes one by one gives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from geocairn.systems.place_likelihood import PRUNED, PlaceModel


def model(seed=0, *, n_cities=9, dim=6, gates=3, learned=False):
    numbers = np.random.default_rng(seed)
    gate_of_scene = np.arange(16) if gates == 16 else np.array([0] * 6 + [1] * 4 + [2] * 6)
    return PlaceModel(
        mean=2 * numbers.normal(size=(n_cities, dim)),
        variance=numbers.exponential(size=(n_cities, dim)) if learned else None,
        gate=np.stack([numbers.permutation(dim) < 4 for _ in range(gates)]),
        gate_of_scene=gate_of_scene,
        sharpness=np.array([0.3, 0.4, 0.3]),
        sigma=np.array([1.8, 3.0, 7.0]),
        scene_scale=3.0,
    )


def brute_force(known: PlaceModel, latent: np.ndarray) -> np.ndarray:
    """Posterior over cities of one latent vector under an even prior, from products of normal densities."""
    place, scene_block = latent[: known.place_dim], latent[known.place_dim : known.place_dim + 16]
    scene = np.array([norm.pdf(scene_block, known.scene_scale * (np.arange(16) == s), 1.0).prod() for s in range(16)])
    scene = np.where(scene / scene.sum() < PRUNED, 0.0, scene / scene.sum())
    total = np.zeros(len(known.mean))
    for city, s, q in product(range(len(known.mean)), range(16), range(3)):
        gate = known.gate[known.gate_of_scene[s]]
        unsure = 0.0 if known.variance is None else known.variance[city] * gate
        total[city] += scene[s] * known.sharpness[q] * norm.pdf(place, known.mean[city] * gate, np.sqrt(known.sigma[q] ** 2 + unsure)).prod()
    return total / total.sum()


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("gates", [3, 16])
@settings(max_examples=15)
@given(seed=st.integers(0, 2**16))
def test_it_equals_the_sum_over_scenes_and_sharpness_classes(gates, learned, seed):
    known = model(seed, gates=gates, learned=learned)
    latent = 3 * np.random.default_rng(seed + 1).normal(size=(3, 6 + 16 + 2))
    scores = known.log_likelihood(latent)
    mass = np.exp(scores - scores.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(mass, np.stack([brute_force(known, row) for row in latent]), rtol=1e-8, atol=1e-12)


def test_a_mean_known_for_certain_is_the_limit_of_a_variance():
    known = model()
    nearly = PlaceModel(known.mean, np.full(known.mean.shape, 1e-12), known.gate, known.gate_of_scene, known.sharpness, known.sigma, 3.0)
    latent = np.random.default_rng(1).normal(size=(4, 22))
    np.testing.assert_allclose(known.log_likelihood(latent), nearly.log_likelihood(latent), atol=1e-9)


@pytest.mark.parametrize("learned", [False, True])
def test_rows_do_not_know_of_each_other(learned):
    known = model(n_cities=700, dim=64, learned=learned)
    latent = 3 * np.random.default_rng(2).normal(size=(70, 112))
    together = known.log_likelihood(latent)
    np.testing.assert_allclose(np.concatenate([known.log_likelihood(latent[row : row + 1]) for row in range(70)]), together, rtol=1e-12)
    np.testing.assert_array_equal(known.log_likelihood(latent[:0]).shape, (0, 700))


def test_it_is_the_same_after_it_was_kept():
    for learned in (False, True):
        known = model(learned=learned)
        latent = np.random.default_rng(3).normal(size=(2, 22))
        np.testing.assert_array_equal(PlaceModel.of_arrays(known.to_arrays()).log_likelihood(latent), known.log_likelihood(latent))
