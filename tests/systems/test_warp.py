"""The warp: exact both ways, and truly curved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.systems.warp import Warp


def drawn(seed=0, dim=112, strength=0.5):
    return Warp.drawn(np.random.default_rng(seed), dim, strength)


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 6, 112]), st.floats(0, 2), st.floats(0.1, 30))
def test_it_goes_there_and_back(seed, dim, strength, scale):
    latent = scale * np.random.default_rng(seed).standard_normal((7, dim))
    warp = drawn(seed, dim, strength)
    # An error grows by the layers' slope, as any inverse of a curved map does.
    tolerance = 1e-13 * max(1.0, scale) * (1 + 4 * strength * dim**0.5) ** 3
    assert np.abs(warp.latent_from_feature(warp.feature_from_latent(latent)) - latent).max() <= tolerance


def test_it_inverts_to_ten_digits_at_the_default_strength():
    latent = 5 * np.random.default_rng(1).standard_normal((500, 112))
    warp = drawn()
    assert np.abs(warp.latent_from_feature(warp.feature_from_latent(latent)) - latent).max() < 1e-10
    assert np.abs(warp.feature_from_latent(warp.latent_from_feature(latent)) - latent).max() < 1e-10


def test_the_rotation_turns_and_does_not_stretch():
    warp = drawn(strength=0.0)
    np.testing.assert_allclose(warp.rotation @ warp.rotation.T, np.eye(112), atol=1e-12)
    latent = np.random.default_rng(2).standard_normal((5, 112))
    np.testing.assert_allclose(np.linalg.norm(warp.feature_from_latent(latent), axis=1), np.linalg.norm(latent, axis=1), rtol=1e-12)


@pytest.mark.parametrize("part", [slice(0, 56), slice(56, 112)])
def test_both_halves_are_warped(part):
    latent = np.random.default_rng(3).standard_normal((2, 112))
    warp = drawn()
    bent = warp.feature_from_latent(latent.mean(axis=0, keepdims=True)) - warp.feature_from_latent(latent).mean(axis=0, keepdims=True)
    assert np.abs(bent[:, part]).max() > 0.1


def test_it_keeps_volumes():
    """Additive layers do, so likelihoods of latent vectors and of features are the same."""
    warp, point = drawn(dim=6), np.random.default_rng(4).standard_normal((1, 6))
    step = 1e-6
    jacobian = (warp.feature_from_latent(point + step * np.eye(6)) - warp.feature_from_latent(point - step * np.eye(6))) / (2 * step)
    assert abs(np.linalg.det(jacobian)) == pytest.approx(1, rel=1e-6)


def test_it_is_the_same_after_it_was_kept():
    warp = drawn()
    latent = np.random.default_rng(5).standard_normal((3, 112))
    np.testing.assert_array_equal(Warp.of_arrays(warp.to_arrays()).feature_from_latent(latent), warp.feature_from_latent(latent))
