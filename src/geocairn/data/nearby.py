"""Which photos are near each other, for millions of photos: groups linked by short steps, and neighbours in another set. Right at poles and antimeridian."""

from collections.abc import Iterator
from itertools import groupby, product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geocairn.geo.sphere import chord_from_km, unit_from_latlon

# Below this the numbers of the grid's cubes would not fit into 64 bits.
MIN_LINK_KM = 0.02
# Pairs of points compared at once, and how many of one pair of cubes are compared one by one rather than through a tree.
_CHUNK = 2_000_000

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def linked_within(latlon_deg: ArrayLike, km: float) -> Indices:
    """Groups of points that are linked by steps of at most `km`: points of different groups lie farther apart than that.

    Args:
        latlon_deg: (N, 2) degrees.
        km: at least MIN_LINK_KM.

    Returns:
        (N,) int64 group of each point, 0, 1, 2, ...

    Source: single linkage. Points in one cube of a grid, whose diagonal is `km`, are all linked; of two near cubes it takes one pair of points, which is sought
    only where their bounding boxes and those around them leave it open, so that a crowd of n points costs n log n and not n^2.
    """
    points, of_point = _distinct_points(latlon_deg)
    limit = float(chord_from_km(km)) * (1 + 1e-9)  # what rounding might part is linked
    cubes = _Cubes(points, limit)
    group = np.arange(len(cubes), dtype=np.int64)
    open_pairs = [np.empty((2, 0), dtype=np.int64)]
    for _, offsets in groupby(_near_offsets(), key=lambda offset: sum(step * step for step in offset)):
        # Nearest first: most cubes are linked before the many farther pairs are looked at.
        pairs = np.concatenate([cubes.pairs_at(offset) for offset in offsets], axis=1)
        linked, unsure = cubes.linked(pairs[:, group[pairs[0]] != group[pairs[1]]])
        group = merge_groups(group, *linked)
        open_pairs.append(unsure)
    return cubes.settle(group, np.concatenate(open_pairs, axis=1))[cubes.of_point][of_point]


def has_near(latlon_deg: ArrayLike, others_deg: ArrayLike, km: float) -> NDArray[np.bool_]:
    """Whether each point has one of the others nearer than `km`.

    Args:
        latlon_deg: (N, 2) degrees.
        others_deg: (M, 2) degrees; none is near where M is 0.
        km: not negative.

    Returns:
        (N,) booleans.
    """
    points, of_point = _distinct_points(latlon_deg)
    others, _ = _distinct_points(others_deg)
    if not len(points) or not len(others):
        return np.zeros(len(of_point), dtype=bool)
    distance, _ = cKDTree(others).query(points, distance_upper_bound=float(chord_from_km(km)))
    return np.asarray(np.isfinite(distance)[of_point])


def merge_groups(group: Indices, a: Indices, b: Indices) -> Indices:
    """Make one group of any two that are linked, directly or through others.

    Args:
        group: (N,) group of each item, in 0 .. N - 1.
        a, b: (E,) items; a[i] is linked with b[i].

    Returns:
        (N,) group of each item, 0, 1, 2, ...
    """
    n = int(group.max(initial=-1)) + 1
    graph = coo_matrix((np.ones(len(a), dtype=np.int8), (group[a], group[b])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1][group], dtype=np.int64)


class _Cubes:
    """The occupied cubes of a grid around the unit sphere: two points of one cube are at most `limit` apart."""

    def __init__(self, points: Array, limit: float) -> None:
        side = limit / np.sqrt(3)
        # Two cubes of room on either side, so that a neighbour's number never runs into the next row.
        self._per_row = int(2 / side) + 6
        numbers = self._number((np.floor((points + 1) / side).astype(np.int64) + 2).T)
        order = np.argsort(numbers, kind="stable")
        self._numbers, self._start, counts = np.unique(numbers[order], return_index=True, return_counts=True)
        self._stop = self._start + counts
        self._points, self._limit = points[order], limit
        self.of_point = np.empty(len(points), dtype=np.int64)
        self.of_point[order] = np.repeat(np.arange(len(counts)), counts)
        self._low, self._high = np.minimum.reduceat(self._points, self._start), np.maximum.reduceat(self._points, self._start)

    def __len__(self) -> int:
        return len(self._numbers)

    def pairs_at(self, offset: tuple[int, int, int]) -> Indices:
        """(2, E): cubes that are both occupied and `offset` apart."""
        wanted = self._numbers + self._number(np.array(offset))
        found = np.minimum(np.searchsorted(self._numbers, wanted), len(self) - 1)
        here = np.flatnonzero(self._numbers[found] == wanted)
        return np.stack([here, found[here]])

    def linked(self, pairs: Indices) -> tuple[Indices, Indices]:
        """The pairs of cubes (2, E) that hold points within the limit for sure, and those of which it is open."""
        a, b = pairs
        below, above = self._low[b] - self._high[a], self._low[a] - self._high[b]
        nearest2 = (np.maximum(np.maximum(below, above), 0) ** 2).sum(axis=1)
        # Any two points of the cubes are at most this far apart.
        farthest2 = (np.maximum(self._high[b] - self._low[a], self._high[a] - self._low[b]) ** 2).sum(axis=1)
        one_pair2 = ((self._points[self._start[a]] - self._points[self._start[b]]) ** 2).sum(axis=1)
        is_linked = np.minimum(farthest2, one_pair2) <= self._limit**2
        return pairs[:, is_linked], pairs[:, ~is_linked & (nearest2 <= self._limit**2)]

    def settle(self, group: Indices, pairs: Indices) -> Indices:
        """Groups of cubes once those `pairs` are merged that hold points within the limit; the quickest to compare first, for they may settle others."""
        work = self._work(pairs)
        pairs = pairs[:, np.argsort(work, kind="stable")]
        while True:
            pairs = pairs[:, group[pairs[0]] != group[pairs[1]]]
            if not pairs.shape[1]:
                return group
            n = max(1, int(np.searchsorted(np.cumsum(self._work(pairs)), _CHUNK, side="right")))
            now, pairs = pairs[:, :n], pairs[:, n:]
            touching = self._compare(now) if self._work(now).sum() <= _CHUNK else self._compare_by_tree(now)
            group = merge_groups(group, *now[:, touching])

    def _work(self, pairs: Indices) -> Indices:
        return np.asarray((self._stop - self._start)[pairs].prod(axis=0), dtype=np.int64)

    def _compare(self, pairs: Indices) -> Indices:
        """Which pairs hold points within the limit: all points of one with all of the other."""
        work, (a, b) = self._work(pairs), pairs
        pair = np.repeat(np.arange(len(work)), work)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(work) - work, work)
        row, column = np.divmod(within, (self._stop - self._start)[b][pair])
        gap2 = ((self._points[self._start[a][pair] + row] - self._points[self._start[b][pair] + column]) ** 2).sum(axis=1)
        return np.unique(pair[gap2 <= self._limit**2])

    def _compare_by_tree(self, pair: Indices) -> Indices:
        """The same for one pair of crowded cubes."""
        a, b = (self._points[self._start[cube] : self._stop[cube]] for cube in pair[:, 0])
        nearest, _ = cKDTree(a).query(b)
        return np.flatnonzero([nearest.min() <= self._limit])

    def _number(self, ijk: Indices) -> Indices:
        return np.asarray((ijk[0] * self._per_row + ijk[1]) * self._per_row + ijk[2])


def _near_offsets() -> Iterator[tuple[int, int, int]]:
    """Steps in cubes, one of each two opposite ones, to those that may hold a point within a cube's diagonal; nearest first."""
    cube = [(i, j, k) for i, j, k in product(range(-2, 3), repeat=3)]
    steps = [step for step in cube if step > (0, 0, 0) and sum(max(abs(one) - 1, 0) for one in step) < 3]
    yield from sorted(steps, key=lambda step: (sum(one * one for one in step), step))


def _distinct_points(latlon_deg: ArrayLike) -> tuple[Array, Indices]:
    """(M, 3) unit vectors of the different points, and for each of N points which of them it is."""
    latlon = np.asarray(latlon_deg, dtype=np.float64).reshape(-1, 2)
    distinct, of_point = np.unique(latlon[:, 0] + 1j * latlon[:, 1], return_inverse=True)
    return unit_from_latlon(np.stack([distinct.real, distinct.imag], axis=1)), np.asarray(of_point, dtype=np.int64)
