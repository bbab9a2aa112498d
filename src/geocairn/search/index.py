"""The places of a hierarchy as vectors: what every search reads. One copy of the vectors, shared by flat search and beam, and a few numbers for the tree."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadConfig, BadFeatures
from geocairn.places.hierarchy import Hierarchy
from geocairn.search.space import Space

# Rows that are widened or checked at a time.
_ROWS = 1024


@dataclass(frozen=True)
class Found:
    """What a search found for each of B queries, best first.

    Attributes:
        places: (B, K) int32 indices of the hierarchy's places; -1 where a search found fewer than K.
        scores: (B, K) float64, smaller is better; infinite where there is no place.
    """

    places: NDArray[np.int32]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class EntityIndex:
    """Vectors of the N places of a hierarchy, and the way from a place to its children.

    At the size of HierLoc (244,287 places, D = 129) it takes 130 MB, 126 of them vectors.

    Attributes:
        points: (N, P, D) float32 in the order of the hierarchy's places, P prototypes each.
        space: what a distance is; one tau per level.
        level_starts: (levels + 1,) first place of each level, and N.
        parent: (N,) int32, -1 for a place without one.
        is_leaf: (N,) whether a place has no children.
        first_child: per level, for each place of the coarser levels, its first child there; its children are `first_child[level][place]` and as many
            places after it as `n_children[level][place]` says.
        n_children: per level, for each place of the coarser levels.
    """

    points: NDArray[np.float32]
    space: Space
    level_starts: tuple[int, ...]
    parent: NDArray[np.int32]
    is_leaf: NDArray[np.bool_]
    first_child: tuple[NDArray[np.int32], ...]
    n_children: tuple[NDArray[np.int32], ...]

    @classmethod
    def of(cls, points: ArrayLike, hierarchy: Hierarchy, space: Space) -> "EntityIndex":
        """Index the vectors of a hierarchy's places.

        Args:
            points: (N, D) or (N, P, D) finite, in the order of the hierarchy's places (so those of a level are contiguous); on the hyperboloid or sphere of
                `space` where it is one (not checked: rounding decides). C-contiguous float32 is not copied.
            hierarchy: places that may lack levels, and leaves at any level.
            space: with one tau, or one per level.

        Raises:
            BadFeatures: vectors of another number, shape or kind, or not finite.
            BadConfig: not as many taus as levels.
        """
        n_levels = len(hierarchy.level_names)
        if len(space.tau) not in (1, n_levels):
            raise BadConfig(f"{len(space.tau)} values of tau for {n_levels} levels ({', '.join(hierarchy.level_names)}); give one, or one per level")
        vectors = _vectors(points, len(hierarchy))
        is_leaf = np.ones(len(hierarchy), dtype=bool)
        is_leaf[hierarchy.parent[hierarchy.parent >= 0]] = False
        starts = (*(hierarchy.places_of(level).start for level in range(n_levels)), len(hierarchy))
        links = [_links(hierarchy.parent, starts[level], starts[level + 1]) for level in range(n_levels)]
        whole = space if len(space.tau) == n_levels else space.model_copy(update={"tau": space.tau * n_levels})
        return cls(vectors, whole, starts, hierarchy.parent, is_leaf, tuple(first for first, _ in links), tuple(n for _, n in links))

    @classmethod
    def without_tree(cls, points: ArrayLike, space: Space) -> "EntityIndex":
        """Index (N, D) vectors of N things that are no places of a hierarchy, such as photos: one level of leaves.

        Raises:
            BadFeatures: vectors of another shape or kind, or not finite.
            BadConfig: more than one tau.
        """
        vectors = _vectors(points, len(np.asarray(points)))
        n_things = len(vectors)
        if len(space.tau) != 1:
            raise BadConfig(f"{len(space.tau)} values of tau for one level; give one")
        nothing = (np.zeros(0, dtype=np.int32),)
        return cls(vectors, space, (0, n_things), np.full(n_things, -1, dtype=np.int32), np.ones(n_things, dtype=bool), nothing, nothing)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return len(self.level_starts) - 1

    @property
    def nbytes(self) -> int:
        """Memory that the index takes, in bytes."""
        return sum(array.nbytes for array in (self.points, self.parent, self.is_leaf, *self.first_child, *self.n_children))

    @cached_property
    def roots(self) -> tuple[NDArray[np.int64], ...]:
        """Per level, its places without parents."""
        parentless = np.flatnonzero(self.parent < 0)
        return tuple(np.split(parentless, np.searchsorted(parentless, self.level_starts[1:-1])))

    @cached_property
    def longest(self) -> tuple[float, ...]:
        """Per level, the largest Euclidean length of a vector; 0 for a level without places."""
        lengths = np.zeros(len(self))
        for start in range(0, len(self), _ROWS):
            wide = self.points[start : start + _ROWS].astype(np.float64)
            lengths[start : start + _ROWS] = np.sqrt(np.vecdot(wide, wide).max(axis=1))
        return tuple(float(level.max(initial=0)) for level in np.split(lengths, self.level_starts[1:-1]))

    def level_of(self, places: NDArray[Any]) -> NDArray[np.int64]:
        """(...) level of each place."""
        return np.asarray(np.searchsorted(self.level_starts[1:], places, side="right"))

    def chains(self, places: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """The places that each place lies in, and itself, by level.

        Args:
            places: (...) place indices; -1 for no place.

        Returns:
            (..., levels) int32; -1 where the chain has no place at the level.
        """
        flat = np.array(places, dtype=np.int64).ravel()
        chains = np.full((len(flat), self.n_levels), -1, dtype=np.int32)
        for _ in range(self.n_levels):
            rows = np.flatnonzero(flat >= 0)
            chains[rows, self.level_of(flat[rows])] = flat[rows]
            flat[rows] = self.parent[flat[rows]]
        return chains.reshape(*np.shape(places), self.n_levels)

    def checked_queries(self, queries: ArrayLike) -> NDArray[np.float32]:
        """(B, D) float32 queries.

        Raises:
            BadFeatures: another shape, or numbers that are not finite in float32, naming the first such row.
        """
        rows = np.asarray(queries)
        dim = self.points.shape[2]
        if rows.ndim != 2 or rows.shape[1] != dim or rows.dtype.kind not in "fiu":
            raise BadFeatures(f"queries are {rows.dtype} of shape {rows.shape}; this index has vectors of {dim} numbers: give (B, {dim})")
        return _finite(rows, "query")


def _vectors(points: ArrayLike, n_places: int) -> NDArray[np.float32]:
    vectors = np.asarray(points)
    if vectors.ndim == 2:
        vectors = vectors[:, None, :]
    if vectors.ndim != 3 or len(vectors) != n_places or 0 in vectors.shape or vectors.dtype.kind not in "fiu":
        shape = np.shape(points)
        raise BadFeatures(f"points are {vectors.dtype} of shape {shape} for {n_places} places; give numbers of shape (places, D) or (places, prototypes, D)")
    return _finite(vectors, "point")


def _finite(vectors: NDArray[Any], what: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrow = np.ascontiguousarray(vectors, dtype=np.float32)
    for start in range(0, len(narrow), _ROWS):
        finite = np.isfinite(narrow[start : start + _ROWS]).all(axis=tuple(range(1, narrow.ndim)))
        if not finite.all():
            raise BadFeatures(f"{what} {start + int(np.flatnonzero(~finite)[0])}, from 0, is not finite in float32; leave it out or look at the model")
    return narrow


def _links(parent: NDArray[np.int32], start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each place before `start`, its first child among places `start` to `stop`, and how many it has there: they are contiguous."""
    children = np.flatnonzero(parent[start:stop] >= 0).astype(np.int32) + start
    first = np.zeros(start, dtype=np.int32)
    first[parent[children][::-1]] = children[::-1]
    return first, np.bincount(parent[children], minlength=start).astype(np.int32)
