"""The three spaces that vectors of places live in, and squared distances there: float32 at rest, float64 in every product."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geocairn.config import Config

Metric = Literal["lorentz", "euclidean", "sphere"]
# Rows that are widened at a time: two buffers of them stay in a core's cache.
_ROWS = 256


class Space(Config):
    """What a distance is, and how much of it is a unit of the score."""

    metric: Metric = Field("lorentz", description="lorentz: hyperboloid <x, x> = -1/curv, time first; sphere: x.x = 1/curv; euclidean: any vectors")
    curv: float = Field(1.0, gt=0, description="of the hyperboloid (which bends by -curv) or the sphere; their radius is R = 1/sqrt(curv)")
    in_radii: bool = Field(False, description="distances in units of R, as HierLoc's equation 2 prints them; else along the surface, factor R included")
    tau: tuple[float, ...] = Field(
        (1.0,), min_length=1, description="squared distance that one unit of the score is, for each level, coarse to fine, or for all"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.metric == "euclidean" and (self.curv != 1 or self.in_radii):
            raise ValueError("Euclidean space has no curvature and no radius; leave curv and in_radii out")
        if min(self.tau) <= 0:
            raise ValueError("a tau is > 0")
        return self

    def squared(self, product: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squared distances from products.

        Args:
            product: (...) what `PairScorer` makes of two vectors: Lorentz or inner product, or already the squared distance. Products that only rounding can
                give (nearer than coincident, farther than antipodal) count as the nearest possible ones.

        Returns:
            (...) >= 0.

        Source: HierLoc, equation 2, with arcosh(1 + e) as log1p(e + sqrt(e (e + 2))), which keeps the digits of small e.
        """
        if self.metric == "euclidean":
            return product
        unit = 1.0 if self.in_radii else 1 / self.curv
        if self.metric == "sphere":
            angle = np.arccos(np.clip(self.curv * product, -1, 1))
        else:
            excess = np.maximum(-self.curv * product - 1, 0)
            angle = np.log1p(excess + np.sqrt(excess * (excess + 2)))
        return np.square(angle) * unit


class PairScorer:
    """Squared distances of some queries to some of N places, pair by pair.

    A pair's distance has the same bits whichever pairs are asked for with it: each product is one dot product, never a part of a matrix product.
    """

    def __init__(self, points: NDArray[np.float32], space: Space) -> None:
        """
        Args:
            points: (N, P, D), P prototypes for each place, of which the nearest counts.
            space: what a distance is.
        """
        self.points = points
        self.space = space
        self._narrow = np.empty((_ROWS, *points.shape[1:]), dtype=np.float32)
        self._wide = np.empty(self._narrow.shape)
        self._asked = np.empty((_ROWS, points.shape[2]))

    def oriented(self, queries: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, D) queries as `of_pairs` and `of_all` take them: wide, and with the time flipped where the product is Lorentz's.

        Source: HierLoc, appendix A.8.
        """
        wide = queries.astype(np.float64)
        if self.space.metric == "lorentz":
            wide[:, 0] *= -1
        return wide

    def of_pairs(self, queries: NDArray[np.float64], which: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Squared distances of T pairs.

        Args:
            queries: (B, D) oriented.
            which: (T,) query of each pair.
            places: (T,) place of each pair.

        Returns:
            (T,).
        """
        products = np.empty(len(which))
        for start in range(0, len(which), _ROWS):
            here = slice(start, min(start + _ROWS, len(which)))
            n = here.stop - start
            # Into buffers that live on: fresh memory for each chunk would cost more than all the arithmetic.
            self.points.take(places[here], axis=0, out=self._narrow[:n], mode="clip")
            np.copyto(self._wide[:n], self._narrow[:n])
            queries.take(which[here], axis=0, out=self._asked[:n], mode="clip")
            products[here] = self._nearest(self._asked[:n, None, :], self._wide[:n])
        return self.space.squared(products)

    def of_all(self, queries: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Squared distances of all queries to each of M places.

        Args:
            queries: (B, D) oriented.
            places: (M,).

        Returns:
            (B, M).
        """
        products = np.empty((len(queries), len(places)))
        for start in range(0, len(places), _ROWS):
            here = slice(start, min(start + _ROWS, len(places)))
            n = here.stop - start
            self.points.take(places[here], axis=0, out=self._narrow[:n], mode="clip")
            np.copyto(self._wide[:n], self._narrow[:n])
            products[:, here] = self._nearest(queries[:, None, None, :], self._wide[None, :n])
        return self.space.squared(products)

    def _nearest(self, queries: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Over the last axis the product, over the one before the prototype that is nearest."""
        if self.space.metric == "euclidean":
            gap = points - queries
            found: NDArray[np.float64] = np.vecdot(gap, gap).min(-1)
        else:
            found = np.vecdot(points, queries).max(-1)
        return found
