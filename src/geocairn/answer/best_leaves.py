"""The leaf that is best for a figure, looked for among all: what limits are measured by. For quick answers `candidates` looks among the heaviest alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.places.hierarchy import Hierarchy

FARTHEST_KM = float(np.pi * EARTH_RADIUS_KM)
TIE = 1e-5
"""Expectations that differ by less than this share of them count as equal: they are sums of thousands of float32 numbers."""
HALF = 0.5
MEDIAN_STEP = 1.01
# Centres that are weighed at once: with 60,000 spots an array of distances takes 60 MB.
_CHUNK = 128

Array = NDArray[np.float64]
Worth = Callable[[Array], NDArray[Any]]
"""What answers are worth, by their distances from the photo in km."""


@dataclass(frozen=True)
class Spots:
    """Where the photos of leaves lie: each evenly over the spots of its leaf.

    Attributes:
        unit: (S, 3) unit vectors.
        leaf: (S,) leaf of each spot, ascending; every leaf has one at least.
    """

    unit: Array
    leaf: NDArray[np.int64]

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """(L,) number of spots of each leaf."""
        return np.bincount(self.leaf)


@dataclass(frozen=True)
class Best:
    """The best leaves of N posteriors.

    Attributes:
        leaf: (N,) index of the leaf whose centre is the answer.
        expected: (N,) what it is worth in expectation.
    """

    leaf: NDArray[np.int64]
    expected: Array


def best_leaves(hierarchy: Hierarchy, masses: NDArray[np.floating], worth: Worth, *, spots: Spots | None = None, reach_km: float = FARTHEST_KM) -> Best:
    """The leaves whose centres are worth most in expectation, among all leaves.

    Args:
        masses: (N, L) posteriors over leaves; whole, if anything is worth less than nothing.
        worth: of distances in km.
        spots: where photos lie; None for the centres of the leaves.
        reach_km: nothing farther away is worth anything.

    Returns:
        Of leaves whose worth is equal but for rounding (`TIE`) the heaviest.
    """
    spots = spots or Spots(hierarchy.leaf_unit, np.arange(hierarchy.n_leaves))
    mass = np.ascontiguousarray(masses.T, dtype=np.float32)
    n = mass.shape[1]
    leaf, expected = np.zeros(n, dtype=np.int64), np.full(n, -np.inf)
    highest = expected.copy()
    for start in range(0, hierarchy.n_leaves, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        of_chunk, within_reach = _worth_of_leaves(hierarchy.leaf_unit[chunk], spots, worth, reach_km)
        found = of_chunk @ mass[within_reach]
        highest = np.maximum(highest, found.max(axis=0))
        enough = highest - TIE * np.abs(highest)
        tied = np.where(found >= enough, mass[chunk], -1.0)
        row = tied.argmax(axis=0)
        is_better = tied[row, np.arange(n)] > np.where(expected >= enough, mass[leaf, np.arange(n)], -1.0)
        leaf, expected = np.where(is_better, start + row, leaf), np.where(is_better, found[row, np.arange(n)], expected)
    return Best(leaf, expected)


def best_within(hierarchy: Hierarchy, masses: NDArray[np.floating], radius_km: float, *, spots: Spots | None = None) -> Best:
    """The leaves with most probability within a distance: no others have more hits there in expectation.

    Args:
        masses: (N, L) posteriors over leaves.
        radius_km: of the hits; a photo at this very distance is one.
        spots: where photos lie; None for the centres of the leaves.
    """
    return best_leaves(hierarchy, masses, lambda km: km <= radius_km, spots=spots, reach_km=radius_km)


def best_for_median_over_photos(hierarchy: Hierarchy, masses: NDArray[np.floating], *, spots: Spots | None = None) -> tuple[float, Best]:
    """The leaves for the least median distance over N photos: best within one radius, the least at which half of the photos are expected.

    A median is below a distance where half of the photos are within it; so it is least by hits, not by the least expected distance of each photo.

    Args:
        masses: (N, L) posteriors over leaves.
        spots: where photos lie; None for the centres of the leaves.

    Returns:
        The radius, in km, at most `MEDIAN_STEP` times the least one; and its leaves.
    """
    low, high = 1.0, FARTHEST_KM
    while high > MEDIAN_STEP * low:
        middle = float(np.sqrt(low * high))
        if best_within(hierarchy, masses, middle, spots=spots).expected.mean() < HALF:
            low = middle
        else:
            high = middle
    return high, best_within(hierarchy, masses, high, spots=spots)


def _worth_of_leaves(centres: Array, spots: Spots, worth: Worth, reach_km: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(C, K) mean worth of C centres over the spots of each of K leaves, and (K,) those leaves: all that any centre reaches."""
    cosine = centres @ spots.unit.T
    reached = np.flatnonzero((cosine >= np.cos(reach_km / EARTH_RADIUS_KM) - 1e-12).any(axis=0))
    leaf, first = np.unique(spots.leaf[reached], return_index=True)
    if not len(leaf):
        return np.zeros((len(centres), 0), dtype=np.float32), leaf
    km = cosine[:, reached] if len(reached) < cosine.shape[1] else cosine
    # In place, for there are a billion distances on a whole Earth.
    np.multiply(np.arccos(np.clip(km, -1, 1, out=km), out=km), EARTH_RADIUS_KM, out=km)
    total = np.add.reduceat(worth(km), first, axis=1, dtype=np.float64)
    return (total / spots.count[leaf]).astype(np.float32), leaf
