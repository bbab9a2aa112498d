"""How likely a map of classes (what a segmentation would say) is in each city of the synthetic Earth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MapModel:
    """What a limit knows of the shares of classes in each region.

    Attributes:
        shares: (R, K) of each region, where they are known; else None.
        concentration: (R, K) parameters of the Dirichlet posterior of each region's shares, where they are learned; else None.
        region_of_city: (C,) index of each city's region.
    """

    shares: Array | None
    concentration: Array | None
    region_of_city: NDArray[np.int64]

    def log_likelihood(self, cells: NDArray[np.integer[Any]]) -> Array:
        """Log-likelihood of each city.

        Args:
            cells: (B, M) class of every cell of B maps.

        Returns:
            (B, C) float64: product of the shares, or the Dirichlet-multinomial of the map as a whole.
        """
        shares = self.shares if self.shares is not None else self.concentration
        assert shares is not None
        n_classes = shares.shape[1]
        counts = np.stack([np.bincount(row, minlength=n_classes) for row in cells.astype(np.int64)]).reshape(-1, n_classes)
        by_region = counts @ np.log(shares).T if self.shares is not None else self._dirichlet_multinomial(counts)
        return np.asarray(by_region[:, self.region_of_city])

    def _dirichlet_multinomial(self, counts: NDArray[np.int64]) -> Array:
        """(B, R) log probability of the cells in their order: rising factorials of the concentrations over that of their sum."""
        assert self.concentration is not None
        n_cells = int(counts.sum(axis=1).max(initial=0))
        total = -np.log(self.concentration.sum(axis=1)[:, None] + np.arange(n_cells)).sum(axis=1)
        found = np.broadcast_to(total, (len(counts), len(total))).copy()
        for step in range(int(counts.max(initial=0))):
            found += (counts > step).astype(np.float64) @ np.log(self.concentration + step).T
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `of_arrays` makes the same model of."""
        known = {"map_shares": self.shares, "map_concentration": self.concentration, "map_region_of_city": self.region_of_city}
        return {name: array for name, array in known.items() if array is not None}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The model of arrays that `to_arrays` gave; None where there are none."""
        if "map_region_of_city" not in arrays:
            return None
        return cls(arrays.get("map_shares"), arrays.get("map_concentration"), arrays["map_region_of_city"])
