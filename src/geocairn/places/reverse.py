"""Offline reverse geocoding: from coordinates to the nearest city, measured on the sphere."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.members import PlaceTable, Standing

CountryOf = Callable[[NDArray[np.float64]], NDArray[np.str_]]


def nearest_leaves(hierarchy: Hierarchy, latlon_deg: NDArray[np.float64], *, country_of: CountryOf | None = None) -> NDArray[np.int64]:
    """The leaf whose centre is nearest to each point, however far; of equally near ones the first.

    Args:
        hierarchy: its countries have ISO 3166 alpha-2 codes as ids.
        latlon_deg: (N, 2) degrees.
        country_of: from points to ISO codes, empty where none is known, such as `Borders.country`. With it a point takes the nearest leaf of its own country,
            though one across the border may be nearer; where its country has no leaf or is not known, the nearest of all.

    Returns:
        (N,) int64 leaf indices.
    """
    units, leaf_units = unit_from_latlon(latlon_deg), hierarchy.unit[hierarchy.leaves]
    found = _nearest(leaf_units, units)
    if country_of is None:
        return found
    codes, code = np.unique(country_of(latlon_deg), return_inverse=True)
    mine = np.array([hierarchy.country_index.get(iso, -1) for iso in codes.tolist()])[code]
    elsewhere = (mine >= 0) & (mine != hierarchy.ancestor_of_leaves(hierarchy.level_index("country"))[found])
    for country in np.unique(mine[elsewhere]).tolist():
        rows = np.flatnonzero(elsewhere & (mine == country))
        first, stop = int(hierarchy.leaf_start[country]), int(hierarchy.leaf_stop[country])
        found[rows] = first + _nearest(leaf_units[first:stop], units[rows])
    return found


def stand_in_cities(cities: Hierarchy, latlon_deg: NDArray[np.float64], *, country_of: CountryOf | None = None) -> Standing:
    """Where points stand by the nearest city; arguments as for `nearest_leaves`. Places keep the ids and names that they have in `cities`."""
    city = cities.leaves[nearest_leaves(cities, latlon_deg, country_of=country_of)]
    is_held = np.zeros(len(cities) + 1, dtype=bool)
    reached = np.unique(city)
    while len(reached):
        is_held[reached] = True
        reached = np.unique(cities.parent[reached][cities.parent[reached] >= 0])
    held = np.flatnonzero(is_held)
    held = held[np.lexsort((cities.level[held], cities.leaf_start[held]))]
    row = np.full(len(cities) + 1, -1, dtype=np.int64)
    row[held] = np.arange(len(held))
    table = PlaceTable(
        level_names=cities.level_names,
        level=cities.level[held].astype(np.int64),
        parent=row[cities.parent[held]],
        ids=[cities.ids[place] for place in held.tolist()],
        names=[cities.names[place] for place in held.tolist()],
    )
    return Standing(table, row[city])


def _nearest(centres: NDArray[np.float64], units: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) index of the nearest centre, the first of equally near ones: a k-d tree names any of them."""
    tree = cKDTree(centres)
    nearest: NDArray[Any] = np.empty(len(units), dtype=np.int64)
    open_rows, k = np.arange(len(units)), 2
    while len(open_rows):
        distance, index = tree.query(units[open_rows], k=list(range(1, min(k, len(centres)) + 1)), workers=-1)
        tied = distance == distance[:, :1]
        nearest[open_rows] = np.where(tied, index, len(centres)).min(1)
        all_tied = tied.all(1) & (k < len(centres))
        open_rows, k = open_rows[all_tied], 2 * k
    return nearest
