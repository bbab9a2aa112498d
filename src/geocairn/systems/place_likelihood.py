"""How likely the place block of a latent vector is in each city, whatever the scene and however sharp the photo: the heart of both limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from geocairn.systems.strictly import check_range, check_shares, sizes_of

Array = NDArray[np.float64]
PRUNED = 1e-6
"""Scenes less probable than this, given the scene block alone, are left out."""
# Products of matrices are made of so many rows at a time at least: an answer must not depend on how many are asked at once.
_ROWS = 16
# A multiple of those; all terms of so many are held at a time.
_ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class PlaceModel:
    """The generator of the place and scene blocks, as far as a limit knows it.

    Attributes:
        mean: (C, D) mean vector of each city; for the learnable limit what is expected of it.
        variance: (C, D) variance of what is known of the mean; None where it is known exactly.
        gate: (G, D) bool, the dimensions that each group of scenes shows.
        gate_of_scene: (S,) index into `gate`.
        sharpness: (Q,) probability of each sharpness class.
        sigma: (Q,) noise of each.
        scene_scale: length of the scene block's vectors.
    """

    mean: Array
    variance: Array | None
    gate: NDArray[np.bool_]
    gate_of_scene: NDArray[np.int64]
    sharpness: Array
    sigma: Array
    scene_scale: float

    @property
    def place_dim(self) -> int:
        """D, numbers of the place block."""
        return int(self.mean.shape[1])

    @property
    def n_scenes(self) -> int:
        """S, scenes."""
        return len(self.gate_of_scene)

    def log_likelihood(self, latent: Array) -> Array:
        """Log-likelihood of each city up to a constant of the photo.

        Args:
            latent: (B, >= D + S) latent vectors: place block, scene block, the rest.

        Returns:
            (B, C) float64.
        """
        blocks = [self._block(latent[start : start + _ROWS_AT_ONCE]) for start in range(0, len(latent), _ROWS_AT_ONCE)]
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self.mean)))

    def _block(self, latent: Array) -> Array:
        """The same of at most `_ROWS_AT_ONCE` rows: the sum over all gates and sharpness classes, about the largest of them."""
        log_gate = self._log_gate_mass(latent[:, self.place_dim : self.place_dim + self.n_scenes])
        place = padded(latent[:, : self.place_dim])
        joint = [term[: len(latent)] for gate in range(len(self.gate)) for term in self._given_gate(place, gate)]
        weight = np.repeat(log_gate, len(self.sharpness), axis=1)
        total = np.empty((len(latent), len(self.mean)))
        for row in range(len(latent)):
            terms = np.stack([term[row] for term in joint])
            terms += weight[row, :, None]
            highest = terms.max(axis=0)
            terms -= highest
            np.add(highest, np.log(np.exp(terms, out=terms).sum(axis=0)), out=total[row])
        return total

    def _log_gate_mass(self, scene_block: Array) -> Array:
        """(B, G) log probability that a photo shows each gate's dimensions, given its scene block; -inf where all its scenes are pruned."""
        log_scene = self.scene_scale * scene_block
        log_scene = log_scene - logsumexp(log_scene, axis=1, keepdims=True)
        log_scene[log_scene < np.log(PRUNED)] = -np.inf
        member = self.gate_of_scene[:, None] == np.arange(len(self.gate))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.exp(log_scene) @ member))

    def _given_gate(self, place: Array, gate: int) -> list[Array]:
        """Per sharpness class, (B, C) log of its probability and of place blocks that show the dimensions of one gate."""
        is_open = self.gate[gate]
        shown, hidden = place[:, is_open], place[:, ~is_open]
        noise = (hidden**2).sum(axis=1)
        distance2 = _distance2(shown, self.mean[:, is_open]) if self.variance is None else None
        found = []
        for sharpness, (p, sigma) in enumerate(zip(self.sharpness.tolist(), self.sigma.tolist(), strict=True)):
            beside = np.log(p) - noise / (2 * sigma**2) - hidden.shape[1] * np.log(sigma)
            if distance2 is not None:
                log_p = distance2 / (-2 * sigma**2) - shown.shape[1] * np.log(sigma)
            else:
                weights, constant = self._gaussians[gate][sharpness]
                log_p = np.hstack([shown, shown**2]) @ weights.T
                log_p += constant
            log_p += beside[:, None]
            found.append(log_p)
        return found

    @cached_property
    def _gaussians(self) -> list[list[tuple[Array, Array]]]:
        """Per gate and sharpness class what `_gaussian` gives: the same for all photos."""
        assert self.variance is not None
        variances = [[self.variance[:, is_open] + sigma**2 for sigma in self.sigma.tolist()] for is_open in self.gate]
        return [[_gaussian(self.mean[:, is_open], variance) for variance in of_gate] for is_open, of_gate in zip(self.gate, variances, strict=True)]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `of_arrays` makes the same model of."""
        known = {"mean": self.mean, "gate": self.gate, "gate_of_scene": self.gate_of_scene, "sharpness": self.sharpness, "sigma": self.sigma}
        return known | {"scene_scale": np.array(self.scene_scale)} | ({} if self.variance is None else {"variance": self.variance})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model of arrays that `to_arrays` gave.

        Raises:
            KeyError: an array is not there.
            BadBundle: the arrays do not fit together, or hold what cannot be.
        """
        axes = {"mean": "CD", "gate": "GD", "gate_of_scene": "S", "sharpness": "Q", "sigma": "Q", "scene_scale": ""}
        sizes = sizes_of(arrays, axes | ({"variance": "CD"} if "variance" in arrays else {}))
        variance = arrays.get("variance")
        if variance is not None:
            check_range(variance, "variance", least=0)
        check_range(arrays["gate_of_scene"], "gate_of_scene", least=0, most=sizes["G"] - 1)
        check_range(arrays["sharpness"], "sharpness", above=0)
        check_shares(arrays["sharpness"], "sharpness")
        check_range(arrays["sigma"], "sigma", above=0)
        check_range(arrays["scene_scale"], "scene_scale", above=0)
        names = ("mean", "gate", "gate_of_scene", "sharpness", "sigma")
        return cls(variance=variance, scene_scale=float(arrays["scene_scale"]), **{name: arrays[name] for name in names})


def _distance2(points: Array, means: Array) -> Array:
    """(B, C) squared distances."""
    product = points @ means.T
    product *= -2
    product += (points**2).sum(axis=1)[:, None]
    product += (means**2).sum(axis=1)
    return np.asarray(product)


def _gaussian(means: Array, variances: Array) -> tuple[Array, Array]:
    """The log density of independent normals, but for the 2 pi, as (C, 2 D) weights of a point's numbers and their squares, and a (C,) constant."""
    precision = 1 / variances
    weighted = means * precision
    constant = (means * weighted).sum(axis=1) + np.log(variances).sum(axis=1)
    return np.hstack([weighted, precision / -2]), constant / -2


def padded(rows: Array) -> Array:
    """Rows with zeros below, up to a multiple of 16."""
    return np.concatenate([rows, np.zeros((-len(rows) % _ROWS, rows.shape[1]))])
