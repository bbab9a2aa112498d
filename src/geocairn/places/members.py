"""From rows and the places that they stand in to a hierarchy: counts, spherical means, radii and weights, whatever the order of the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.geo.sphere import EARTH_AREA_KM2, EARTH_RADIUS_KM, distance_km_from_units, unit_from_latlon
from geocairn.places.discs import radii_km, running_sums
from geocairn.places.hierarchy import Hierarchy, Strings

MIN_RADIUS_KM = 1.0
_CANCELLED = 1e-9
_MEDOIDS_TRIED = 1000


@dataclass(frozen=True)
class PlaceTable:
    """Places in depth-first order: a place stands right before all that lies in it.

    Attributes:
        level_names: coarse to fine.
        level: (P,) index into `level_names`.
        parent: (P,) index of the parent, -1 for none.
        ids, names: P strings; an id is unique.
    """

    level_names: tuple[str, ...]
    level: NDArray[np.int64]
    parent: NDArray[np.int64]
    ids: Sequence[str]
    names: Sequence[str]

    def places_of(self, level: int) -> NDArray[np.int64]:
        """Indices of the places of one level."""
        return np.flatnonzero(self.level == level)

    def stops(self) -> NDArray[np.int64]:
        """(P,) index after the last place that lies in each."""
        stop = np.arange(1, len(self.level) + 1)
        for places in self._with_parent_fine_to_coarse():
            np.maximum.at(stop, self.parent[places], stop[places])
        return stop

    def sum_upward(self, leaf_values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P,) sums over the leaves of each place; other places hold nought in `leaf_values`."""
        sums = leaf_values.copy()
        for places in self._with_parent_fine_to_coarse():
            np.add.at(sums, self.parent[places], sums[places])
        return sums

    def _with_parent_fine_to_coarse(self) -> list[NDArray[np.int64]]:
        return [np.flatnonzero((self.level == level) & (self.parent >= 0)) for level in range(len(self.level_names) - 1, 0, -1)]


@dataclass(frozen=True)
class Standing:
    """Where N rows stand: `place` (N,) is the index in `table` of the finest place known of each, -1 where none is, counted by reason in `rejected`.

    Each place of the table holds a row, itself or in what lies in it.
    """

    table: PlaceTable
    place: NDArray[np.int64]
    rejected: Mapping[str, int] = field(default_factory=dict)


def hierarchy_of_members(standing: Standing, latlon_deg: NDArray[np.float64], *, min_radius_km: float = MIN_RADIUS_KM, meta: dict[str, Any]) -> Hierarchy:
    """The hierarchy of the places that rows stand in, measured by these rows.

    Args:
        standing: where the rows stand, at least one of them somewhere; the others are left out.
        latlon_deg: (N, 2) degrees.
        min_radius_km: least radius of a place: one photo says where a place is, not that it is a point.
        meta: kept with the hierarchy, besides `count_of`, `n_rows` and `n_rows_above_leaves`.

    Returns:
        A hierarchy that is the same for any order of the rows. A place counts all rows in it, also those of which nothing finer is known; it stands at their
        mean on the sphere (at their medoid where the mean cancels out), and its radius holds 90 % of them. Weights are shares of the rows at leaves. No
        territory is known: a leaf's area is that of its disc, another place's the sum of its leaves', at most the Earth's.
    """
    table, order = standing.table, np.argsort(standing.place, kind="stable")
    order = order[np.count_nonzero(standing.place < 0) :]
    unit, last = unit_from_latlon(latlon_deg[order]), table.stops()
    start, stop = np.searchsorted(standing.place[order], [np.arange(len(last)), last])
    centre = _centres(unit, start, stop)
    radius_km = np.concatenate([radii_km(unit, start[places], stop[places], centre[places]) for places in map(table.places_of, range(len(table.level_names)))])
    by_level = np.argsort(table.level, kind="stable")
    moved_to = np.append(np.argsort(by_level), -1)
    # So far by level: places of one level share no row.
    radius_km = np.maximum(radius_km, min_radius_km)[moved_to[:-1]]
    is_leaf = last == np.arange(1, len(last) + 1)
    leaves_before, leaf_rows_before = (np.concatenate([[0], np.cumsum(counted)]) for counted in (is_leaf, np.where(is_leaf, stop - start, 0)))
    disc_km2 = EARTH_AREA_KM2 * np.sin(np.minimum(radius_km / EARTH_RADIUS_KM, np.pi) / 2) ** 2
    columns = {
        "level": table.level.astype(np.int8),
        "parent": moved_to[table.parent].astype(np.int32),
        "unit": centre,
        "radius_km": radius_km.astype(np.float32),
        "count": (stop - start).astype(np.int64),
        "weight": (leaf_rows_before[last] - leaf_rows_before[:-1]) / leaf_rows_before[-1],
        "area_km2": np.minimum(table.sum_upward(np.where(is_leaf, disc_km2, 0.0)), EARTH_AREA_KM2).astype(np.float32),
        "leaf_start": leaves_before[:-1].astype(np.int32),
        "leaf_stop": leaves_before[last].astype(np.int32),
    }
    return Hierarchy(
        level_names=table.level_names,
        ids=Strings.of([table.ids[row] for row in by_level.tolist()]),
        names=Strings.of([table.names[row] for row in by_level.tolist()]),
        meta={**meta, "count_of": "rows", "n_rows": len(unit), "n_rows_above_leaves": int(len(unit) - leaf_rows_before[-1])},
        **{name: column[by_level] for name, column in columns.items()},
    )


def medoid(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """The row with the least sum of distances to the others, of equals the one with the least x, y, z; of many rows, 1,000 spread evenly over these are tried.

    Args:
        unit: (N, 3) unit vectors.

    Returns:
        (3,) one of them.
    """
    in_order = unit[np.lexsort(unit.T[::-1])]
    tried = in_order[:: -(-len(unit) // _MEDOIDS_TRIED)]
    # To the metre: in the last digits equals differ.
    sums_km = [distance_km_from_units(in_order, candidate).sum().round(3) for candidate in tried]
    return np.asarray(tried[int(np.argmin(sums_km))])


def _centres(unit: NDArray[np.float64], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean directions of the rows `start:stop`; the medoid where the vectors cancel out, for then every direction is as good a mean."""
    sums = running_sums(unit)
    total, one = ((sums[upto] - sums[start]).astype(np.float64) for upto in (stop, start + 1))
    length, length_of_one = (np.linalg.norm(vectors, axis=1) for vectors in (total, one))
    cancelled = length <= _CANCELLED * (stop - start) * length_of_one
    centre = total / np.where(cancelled, 1.0, length)[:, None]
    for place in np.flatnonzero(cancelled).tolist():
        centre[place] = medoid(unit[start[place] : stop[place]])
    return np.asarray(centre)
