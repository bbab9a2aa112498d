"""The invertible map between latent vectors and features of the synthetic Earth: a rotation, then three additive coupling layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadBundle
from geocairn.systems.strictly import check_range, sizes_of

N_LAYERS = 3
# Of the shift that a layer adds, at strength 1.
_REACH = 4.0
# How far a product with the transposed may be from the identity.
_NO_ROTATION = 1e-6

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Warp:
    """Latent z -> feature x, and back exactly.

    Attributes:
        rotation: (F, F) orthogonal; F is even.
        inner, outer: (3, F/2, F/2), the layers' W and V.
        strength: 0 leaves the rotation alone.
    """

    rotation: Array
    inner: Array
    outer: Array
    strength: float

    @classmethod
    def drawn(cls, numbers: np.random.Generator, dim: int, strength: float) -> Self:
        """A warp at random: a rotation uniform over all, and layers with N(0, 1 / (F/2)) entries.

        Args:
            dim: F, even.
        """
        q, r = np.linalg.qr(numbers.standard_normal((dim, dim)))
        half = dim // 2
        inner, outer = numbers.standard_normal((2, N_LAYERS, half, half)) / np.sqrt(half)
        return cls(q * np.sign(np.diag(r)), inner, outer, strength)

    @property
    def dim(self) -> int:
        """F, numbers per feature."""
        return len(self.rotation)

    def feature_from_latent(self, latent: Array) -> Array:
        """(N, F) features of (N, F) latent vectors."""
        rotated = latent @ self.rotation.T
        a, b = rotated[:, : self.dim // 2], rotated[:, self.dim // 2 :]
        for layer in range(N_LAYERS):
            a, b = b + self._shift(layer, a), a
        return np.concatenate([a, b], axis=1)

    def latent_from_feature(self, feature: Array) -> Array:
        """(N, F) latent vectors of (N, F) features."""
        a, b = feature[:, : self.dim // 2], feature[:, self.dim // 2 :]
        for layer in reversed(range(N_LAYERS)):
            a, b = b, a - self._shift(layer, b)
        return np.asarray(np.concatenate([a, b], axis=1) @ self.rotation)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `of_arrays` makes the same warp of."""
        return {"rotation": self.rotation, "inner": self.inner, "outer": self.outer, "strength": np.array(self.strength)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The warp of arrays that `to_arrays` gave.

        Raises:
            KeyError: an array is not there.
            BadBundle: the arrays do not fit together, or are no warp.
        """
        dim = sizes_of(arrays, {"rotation": ("F", "F")})["F"]
        if dim % 2:
            raise BadBundle(f"its array 'rotation' turns {dim} numbers, which have no two halves")
        if (np.abs(arrays["rotation"] @ arrays["rotation"].T - np.eye(dim)) > _NO_ROTATION).any():
            raise BadBundle("its array 'rotation' is no rotation")
        sizes_of(arrays, {"inner": (N_LAYERS, dim // 2, dim // 2), "outer": (N_LAYERS, dim // 2, dim // 2), "strength": ()})
        check_range(arrays["strength"], "strength", least=0)
        return cls(arrays["rotation"], arrays["inner"], arrays["outer"], float(arrays["strength"]))

    def _shift(self, layer: int, half: Array) -> Array:
        return np.asarray(_REACH * self.strength * (np.tanh(half @ self.inner[layer]) @ self.outer[layer]))
