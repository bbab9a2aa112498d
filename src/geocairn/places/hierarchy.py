"""The Hierarchy of places: arrays, the laws they obey, and the questions that every room asks of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy, UnknownName
from geocairn.geo.sphere import latlon_from_unit

# Of each array, signed whole numbers (i) or others (f).
_COLUMNS = {"level": "i", "parent": "i", "unit": "f", "radius_km": "f", "count": "i", "weight": "f", "area_km2": "f", "leaf_start": "i", "leaf_stop": "i"}


class Strings:
    """An immutable column of strings kept as one UTF-8 buffer: loading costs nothing, a string is decoded when it is asked for."""

    def __init__(self, utf8: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.utf8 = utf8
        self.offsets = offsets

    @classmethod
    def of(cls, values: Sequence[str]) -> "Strings":
        """A column that holds `values` in order."""
        encoded = [value.encode() for value in values]
        offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(value) for value in encoded], out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        return self.utf8[self.offsets[index] : self.offsets[index + 1]].tobytes().decode()

    def to_list(self) -> list[str]:
        """All strings, decoded."""
        buffer, offsets = self.utf8.tobytes(), self.offsets.tolist()
        return [buffer[start:stop].decode() for start, stop in pairwise(offsets)]


@dataclass(frozen=True)
class Hierarchy:
    """Places of several levels, coarse to fine, as parallel arrays of N places.

    Places are sorted by level, and within a level so that the children that any one place has there are contiguous; parents stand before children.
    A place may lack some levels: the parent of a city is its subregion, or its region where it has no subregion. A place without children is a *leaf*;
    leaves are numbered 0..L-1 in depth-first order, so that every place covers the contiguous leaves `leaf_start[i]:leaf_stop[i]`.

    Attributes:
        level_names: one name per level, coarse to fine.
        level: (N,) int8, index into `level_names`.
        parent: (N,) int32, index of the parent; -1 for a place without one.
        unit: (N, 3) float64 unit vectors of the places' centres.
        radius_km: (N,) float32, radius of the disc around the centre that holds 90 % of what is in the place.
        count: (N,) int64, what stands behind the place (`meta["count_of"]`: people, or training photos).
        weight: (N,) float64, the share of photos expected there before anything is seen; over leaves it sums to 1, a parent's is the sum of its leaves'.
        area_km2: (N,) float32, area of the territory: points nearer to the place (its leaves) than to any other leaf, open ocean and wilderness left out.
        ids, names: one string per place; an id is unique, a name is not.
        meta: builder, attribution, hash of the rows it was built from.
    """

    level_names: tuple[str, ...]
    level: NDArray[np.int8]
    parent: NDArray[np.int32]
    unit: NDArray[np.float64]
    radius_km: NDArray[np.float32]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]
    area_km2: NDArray[np.float32]
    leaf_start: NDArray[np.int32]
    leaf_stop: NDArray[np.int32]
    ids: Strings
    names: Strings
    meta: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.level)

    @property
    def n_leaves(self) -> int:
        """Number of places without children."""
        return len(self.leaves)

    @cached_property
    def leaves(self) -> NDArray[np.int32]:
        """(L,) int32: place index of each leaf, in leaf order."""
        childless = np.ones(len(self), dtype=bool)
        childless[self.parent[self.parent >= 0]] = False
        places = np.flatnonzero(childless)
        return places[np.argsort(self.leaf_start[places], kind="stable")].astype(np.int32)

    @cached_property
    def leaf_unit(self) -> NDArray[np.float64]:
        """(L, 3) float64: unit vector of each leaf's centre."""
        return self.unit[self.leaves]

    @cached_property
    def latlon_deg(self) -> NDArray[np.float64]:
        """(N, 2) float64: latitude and longitude of the places' centres."""
        return latlon_from_unit(self.unit)

    @cached_property
    def log_leaf_weight(self) -> NDArray[np.float64]:
        """(L,) float64: log of the prior share of each leaf."""
        return np.log(self.weight[self.leaves])

    def places_of(self, level: str | int) -> range:
        """Indices of the places of one level (they are contiguous).

        Raises:
            UnknownName: no level has this name.
        """
        index = self.level_index(level) if isinstance(level, str) else level
        start, stop = np.searchsorted(self.level, [index, index + 1])
        return range(int(start), int(stop))

    def level_index(self, name: str) -> int:
        """Index of the level called `name`.

        Raises:
            UnknownName: no level has this name.
        """
        if name not in self.level_names:
            raise UnknownName(f"level {name!r}: this hierarchy has {', '.join(self.level_names)}")
        return self.level_names.index(name)

    def ancestor_of_leaves(self, level: int) -> NDArray[np.int32]:
        """For each leaf, the place of `level` that it lies in.

        Returns:
            (L,) int32 place indices; -1 where the leaf's chain has no place at this level.
        """
        if level not in self._ancestors:
            found = np.full(self.n_leaves, -1, dtype=np.int32)
            places = self.places_of(level)
            lengths = (self.leaf_stop - self.leaf_start)[places.start : places.stop]
            starts = np.repeat(self.leaf_start[places.start : places.stop], lengths)
            inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            found[starts + inside] = np.repeat(np.arange(places.start, places.stop), lengths)
            self._ancestors[level] = found
        return self._ancestors[level]

    @cached_property
    def _ancestors(self) -> dict[int, NDArray[np.int32]]:
        return {}

    def sum_leaves(self, leaf_mass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mass of every place from the mass of its leaves.

        Args:
            leaf_mass: (L,) non-negative.

        Returns:
            (N,) float64: a child's mass never exceeds its parent's.
        """
        running = np.concatenate([[0.0], np.cumsum(leaf_mass, dtype=np.float64)])
        return np.asarray(np.maximum(running[self.leaf_stop] - running[self.leaf_start], 0.0))

    def chain(self, place: int) -> list[int]:
        """The place and its ancestors, coarse to fine."""
        chain = [place]
        while self.parent[chain[-1]] >= 0:
            chain.append(int(self.parent[chain[-1]]))
        return chain[::-1]

    def index_of(self, place_id: str) -> int:
        """Index of the place with this id.

        Raises:
            UnknownName: no place has this id.
        """
        index = self._index_by_id.get(place_id)
        if index is None:
            raise UnknownName(f"place {place_id!r}: no place of this hierarchy has that id; countries have ISO 3166 codes such as FR, their parts FR/11")
        return index

    @cached_property
    def _index_by_id(self) -> dict[str, int]:
        return {place_id: index for index, place_id in enumerate(self.ids.to_list())}

    @cached_property
    def country_index(self) -> dict[str, int]:
        """Place index of each country by its ISO 3166 alpha-2 code."""
        return {self.ids[index]: index for index in self.places_of("country")}


def check_hierarchy(hierarchy: Hierarchy) -> None:
    """Check all laws of a hierarchy.

    Raises:
        BadHierarchy: naming the first law that is broken and the place that breaks it.
    """
    check_usable(hierarchy)
    if len(hierarchy._index_by_id) < len(hierarchy):
        raise BadHierarchy(f"an id is unique, but {len(hierarchy) - len(hierarchy._index_by_id)} are borne twice; rebuild the hierarchy")


def check_usable(hierarchy: Hierarchy) -> None:
    """Check the laws that whatever works with a hierarchy leans on, lest it fail or go round for ever; fast, for it is asked of each that is read.

    Raises:
        BadHierarchy: naming the first law that is broken and the place that breaks it.
    """
    _check_columns(hierarchy)
    _check_places(hierarchy, laws_of_places(hierarchy))
    if not np.array_equal(hierarchy.leaf_start[hierarchy.leaves], np.arange(hierarchy.n_leaves)):
        raise BadHierarchy("leaves are not numbered 0, 1, 2, ... in depth-first order; rebuild the hierarchy")
    leaf_weight = hierarchy.weight[hierarchy.leaves]
    if not abs(leaf_weight.sum() - 1) <= 1e-6:
        raise BadHierarchy(f"the leaves' weights sum to {leaf_weight.sum():.6f}, not 1; rebuild the hierarchy")
    _check_places(hierarchy, {"a weight is the sum of its leaves'": np.abs(hierarchy.sum_leaves(leaf_weight) - hierarchy.weight) < 1e-9})


def _check_columns(hierarchy: Hierarchy) -> None:
    for column, kind in _COLUMNS.items():
        array: NDArray[Any] = getattr(hierarchy, column)
        shape = (*array.shape[:1], 3) if column == "unit" else array.shape[:1]
        if array.dtype.kind != kind or array.shape != shape or not shape:
            raise BadHierarchy(f"{column} is {array.dtype} of shape {array.shape}, which no hierarchy has; rebuild the hierarchy")
    for column in ("ids", "names"):
        if not _is_readable(getattr(hierarchy, column)):
            raise BadHierarchy(f"{column} are not strings one after the other in UTF-8; rebuild the hierarchy")
    for column in (*_COLUMNS, "ids", "names"):
        n_rows = len(getattr(hierarchy, column))
        if n_rows != len(hierarchy):
            raise BadHierarchy(f"{column} has {n_rows} rows for {len(hierarchy)} places; rebuild the hierarchy")


def _is_readable(strings: Strings) -> bool:
    utf8, offsets = strings.utf8, strings.offsets
    if utf8.dtype != np.uint8 or utf8.ndim != 1 or offsets.dtype.kind != "i" or offsets.ndim != 1 or not len(offsets):
        return False
    if offsets[0] != 0 or offsets[-1] != len(utf8) or (np.diff(offsets) < 0).any():
        return False
    try:
        utf8.tobytes().decode()
    except UnicodeDecodeError:
        return False
    # A byte within a character begins with the bits 10: no string may start there.
    inner = offsets[offsets < len(utf8)]
    return not ((utf8[inner] & 0xC0) == 0x80).any()


def laws_of_places(hierarchy: Hierarchy) -> dict[str, NDArray[np.bool_]]:
    """The laws that each place obeys by itself or with its parent: what each says, and (N,) whether it holds there."""
    has_parent = hierarchy.parent >= 0
    parent = np.minimum(hierarchy.parent[has_parent], len(hierarchy) - 1)
    n_leaves = hierarchy.leaf_stop.astype(np.int64) - hierarchy.leaf_start
    # With the others this law makes the leaves of each place its own: children lie within their parent and leave no room.
    n_leaves_of_children = np.bincount(parent, n_leaves[has_parent], minlength=len(hierarchy))
    return {
        "a level has a name": (hierarchy.level >= 0) & (hierarchy.level < len(hierarchy.level_names)),
        "places are sorted by level": np.concatenate([[True], np.diff(hierarchy.level) >= 0]),
        "a parent stands before its children": hierarchy.parent < np.arange(len(hierarchy)),
        "a place covers at least one leaf": n_leaves > 0,
        "centres are unit vectors": np.abs(np.linalg.norm(hierarchy.unit, axis=1) - 1) < 1e-9,
        "a weight is positive": hierarchy.weight > 0,
        "a radius and an area are finite and not negative": _is_size(hierarchy.radius_km) & _is_size(hierarchy.area_km2),
        "a child's level is finer than its parent's": _scatter(has_parent, hierarchy.level[parent] < hierarchy.level[has_parent]),
        "a child's leaves lie among its parent's": _scatter(
            has_parent, (hierarchy.leaf_start[parent] <= hierarchy.leaf_start[has_parent]) & (hierarchy.leaf_stop[has_parent] <= hierarchy.leaf_stop[parent])
        ),
        "a place without children is one leaf, another has its children's": n_leaves == np.where(n_leaves_of_children > 0, n_leaves_of_children, 1),
    }


def _check_places(hierarchy: Hierarchy, laws: dict[str, NDArray[np.bool_]]) -> None:
    for law, holds in laws.items():
        if not holds.all():
            place = int(np.flatnonzero(~holds)[0])
            raise BadHierarchy(f"place {place} ({hierarchy.ids[place]!r}): {law}, but not here; rebuild the hierarchy")


def _is_size(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((values >= 0) & (values < np.inf))


def _scatter(where: NDArray[np.bool_], values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    holds = np.ones(len(where), dtype=bool)
    holds[where] = values
    return holds
