"""From the labels of rows to places of a hierarchy: the class that each row has at each level."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from geocairn.coordinates import Coordinates
from geocairn.errors import BadManifest
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.labels import name_of_label
from geocairn.places.members import Standing

UNKNOWN, ABSENT = -1, -2


def places_of_rows(rows: Coordinates, hierarchy: Hierarchy) -> NDArray[np.int64]:
    """The place that each row is labelled with at each level.

    A label is the id of a place, or a name that one place of the level alone bears in the row's country. What a row does not say of a coarser level
    follows from the finest place it names.

    Args:
        rows: N rows, read with the columns called as the hierarchy's levels.

    Returns:
        (N, L) int64 index of the place among those of its level; -1 where it is not known, -2 where the label names a place that the hierarchy does not have.

    Raises:
        BadManifest: no column of the coarsest level.
    """
    names = hierarchy.level_names
    if names[0] not in rows.columns:
        raise BadManifest(f"{rows.path}: no column {names[0]!r}; label the rows")
    found = np.full((len(rows), len(names)), UNKNOWN, dtype=np.int64)
    country = rows.columns[names[0]]
    for level, name in enumerate(names):
        if name in rows.columns:
            place_of = _place_by_label(hierarchy, level)
            labels = rows.columns[name]
            # One look-up for each pair of country and label, not for each row.
            pairs, inverse = np.unique(np.stack([country.codes, labels.codes], axis=1), axis=0, return_inverse=True)
            place = [_place(place_of, country.values[a] if a >= 0 else "", labels.values[b] if b >= 0 else "") for a, b in pairs.tolist()]
            found[:, level] = np.array(place, dtype=np.int64)[inverse.ravel()]
    return _with_ancestors(found, hierarchy)


def places_of_standing(standing: Standing, hierarchy: Hierarchy) -> NDArray[np.int64]:
    """The place of a hierarchy that each row stands in at each level, found by its id.

    Args:
        standing: of N rows, by the rule that the hierarchy was built by.

    Returns:
        (N, L) int64 as of `places_of_rows`; a level that a row's chain lacks, and all of a row that stands nowhere, is not known.
    """
    table, levels = standing.table, range(len(hierarchy.level_names))
    index = {place_id: place for place, place_id in enumerate(hierarchy.ids.to_list())}
    starts = [hierarchy.places_of(level).start for level in levels]
    # The last row is of the place -1.
    chain = np.full((len(table.level) + 1, len(levels)), UNKNOWN, dtype=np.int64)
    for place, (level, parent, place_id) in enumerate(zip(table.level.tolist(), table.parent.tolist(), table.ids, strict=True)):
        chain[place] = chain[parent]
        chain[place, level] = index[place_id] - starts[level] if place_id in index else ABSENT
    return chain[standing.place]


def _place_by_label(hierarchy: Hierarchy, level: int) -> dict[tuple[str, str], int]:
    """Place of a level by country id and name, and by its id alone; names that several places of a country bear are left out."""
    places = hierarchy.places_of(level)
    keys = [(hierarchy.ids[hierarchy.chain(place)[0]], name_of_label(hierarchy.names[place])) for place in places]
    often = Counter(keys)
    by_name = {key: index for index, key in enumerate(keys) if often[key] == 1}
    return by_name | {("", hierarchy.ids[place]): index for index, place in enumerate(places)}


def _place(place_of: dict[tuple[str, str], int], country: str, label: str) -> int:
    name = name_of_label(label)
    if not name:
        return UNKNOWN
    return place_of.get(("", label), place_of.get((country, name), ABSENT))


def _with_ancestors(found: NDArray[np.int64], hierarchy: Hierarchy) -> NDArray[np.int64]:
    """Fill in what the finest known place says of the coarser levels."""
    starts = np.array([hierarchy.places_of(level).start for level in range(len(hierarchy.level_names))])
    for level in range(len(starts) - 1, 0, -1):
        known = np.flatnonzero(found[:, level] >= 0)
        parent = hierarchy.parent[found[known, level] + starts[level]]
        has_parent = parent >= 0
        rows, parent = known[has_parent], parent[has_parent]
        above = hierarchy.level[parent]
        is_open = found[rows, above] == UNKNOWN
        found[rows[is_open], above[is_open]] = parent[is_open] - starts[above[is_open]]
    return found
