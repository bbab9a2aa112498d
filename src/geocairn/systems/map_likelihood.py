"""How likely a map of classes (what a segmentation would say) is in each city of the synthetic Earth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadBundle, BadFeatures
from geocairn.systems.strictly import check_range, check_shares, sizes_of

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

    def log_likelihood(self, cells: NDArray[np.number[Any]]) -> Array:
        """Log-likelihood of each city.

        Args:
            cells: (B, M) class of every cell of B maps.

        Returns:
            (B, C) float64: product of the shares, or the Dirichlet-multinomial of the map as a whole; minus infinity where a class has no share at all.

        Raises:
            BadFeatures: a cell holds no class that is known.
        """
        counts = self._counts(cells)
        by_region = _weighted_logs(counts, self.shares) if self.shares is not None else self._dirichlet_multinomial(counts)
        return np.asarray(by_region[:, self.region_of_city])

    def _counts(self, cells: NDArray[np.number[Any]]) -> NDArray[np.int64]:
        """(B, K) cells of each class."""
        shares = self.shares if self.shares is not None else self.concentration
        assert shares is not None
        n_classes = shares.shape[1]
        is_known = ((cells >= 0) & (cells < n_classes) & (cells == np.floor(cells))).all(axis=1)
        if not is_known.all():
            n_strange = int((~is_known).sum())
            raise BadFeatures(f"{n_strange} of {len(cells)} maps hold cells that are none of the classes 0 to {n_classes - 1} of the bundle; write them anew")
        of_row = n_classes * np.arange(len(cells))[:, None] + cells.astype(np.int64)
        return np.bincount(of_row.ravel(), minlength=len(cells) * n_classes).reshape(-1, n_classes)

    def _dirichlet_multinomial(self, counts: NDArray[np.int64]) -> Array:
        """(B, R) log probability of the cells in their order: rising factorials of the concentrations over that of their sum."""
        assert self.concentration is not None
        n_cells = int(counts.sum(axis=1).max(initial=0))
        total = -np.log(self.concentration.sum(axis=1)[:, None] + np.arange(n_cells)).sum(axis=1)
        found = np.broadcast_to(total, (len(counts), len(total))).copy()
        for step in range(int(counts.max(initial=0))):
            found += _weighted_logs((counts > step).astype(np.float64), self.concentration + step)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that `of_arrays` makes the same model of."""
        known = {"map_shares": self.shares, "map_concentration": self.concentration, "map_region_of_city": self.region_of_city}
        return {name: array for name, array in known.items() if array is not None}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The model of arrays that `to_arrays` gave; None where there are none.

        Raises:
            KeyError: an array is not there.
            BadBundle: the arrays do not fit together, or hold what cannot be.
        """
        given = [name for name in ("map_shares", "map_concentration") if name in arrays]
        if not given and "map_region_of_city" not in arrays:
            return None
        if len(given) == 2:
            raise BadBundle("its arrays 'map_shares' and 'map_concentration' are two ways to say one thing, of which it holds both")
        (name,) = given or ["map_shares"]
        sizes = sizes_of(arrays, {name: "RK", "map_region_of_city": "C"})
        check_range(arrays["map_region_of_city"], "map_region_of_city", least=0, most=sizes["R"] - 1)
        if name == "map_shares":
            check_shares(arrays[name], name)
        else:
            check_range(arrays[name], name, least=0)
            check_range(arrays[name].sum(axis=1), f"{name}, summed by region", above=0)
        return cls(arrays.get("map_shares"), arrays.get("map_concentration"), arrays["map_region_of_city"])


def _weighted_logs(counts: NDArray[np.number[Any]], shares: Array) -> Array:
    """(B, R) sums of counts (B, K) times the logs of shares (R, K); what is not there counts nothing, however small its share."""
    is_there = shares > 0
    found = np.asarray(counts @ np.log(np.where(is_there, shares, 1)).T, dtype=np.float64)
    if not is_there.all():
        found[counts @ (~is_there).T.astype(np.float64) > 0] = -np.inf
    return found
