"""Is the place of a level the right one? Two rules, each defined once: `corrected`, and `osv5m_compat`, which repeats what published OSV-5M figures do.

corrected
    A photo without a true label at a level leaves that level. Places with ids are compared by id. A name is compared together with the names that it lies in,
    down from the country, at the levels that the manifest labels; a part that both lack is equal, a part that one lacks is not. What counts as lacking is said
    by `places.labels.name_of_label`: neither the country NA nor the town of Nan. Where only a point is answered, its names are those that OSV-5M's
    labels would have there, so that the true point is always right.

osv5m_compat
    The keys `city_subregion_region_country` of the answered point and of the label are compared as strings, at coarser levels shorter ones. The answered
    point's names are made as the labels' were, but an empty part stays empty, while in a label a missing part is `NaN`. So what was taken in a place without a
    subregion is never right at the subregion and at the city, and a photo without a label counts, always as wrong. The manifest's own keys are used where it
    has them (`unique_city`, ...). A level that it labels with ids is compared by id, unlabelled photos wrong. These figures are floors.

Source: the evaluation code of OSV-5M (CVPR 2024) and the package reverse_geocoder that made its labels: a table of cities, the nearest in degrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import UnknownName
from geocairn.evaluate.guess import Label
from geocairn.evaluate.truth import Labels, Places, Truth, folded
from geocairn.places.entities import LEVELS
from geocairn.places.geonames import read_admin_rows

Array = NDArray[np.float64]
Parts = tuple[Label | None, ...]


@dataclass(frozen=True)
class AdminTable:
    """The cities of the table with what they lie in.

    Attributes:
        latlon_deg: (M, 2) degrees.
        names: for each level, M names, the country's being its ISO code; empty where the table has none.
    """

    latlon_deg: NDArray[np.float64]
    names: Mapping[str, tuple[str, ...]]

    def nearest(self, latlon_deg: NDArray[np.float64]) -> NDArray[np.int64]:
        """(N,) row of the city nearest to each of (N, 2) points in degrees; -1 for a NaN point.

        Nearest on a flat map of degrees, where a degree of longitude is as long everywhere and the antimeridian is an edge: so the labels were made.
        """
        known = np.isfinite(latlon_deg).all(axis=1)
        rows = np.full(len(latlon_deg), -1, dtype=np.int64)
        if known.any():
            rows[known] = self._tree.query(latlon_deg[known])[1]
        return rows

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.latlon_deg)


@cache
def load_admin_table() -> AdminTable:
    """The table that OSV-5M's labels were made from; read once in a process."""
    rows = read_admin_rows()
    columns = dict(zip(LEVELS, ("cc", "admin1", "admin2", "name"), strict=True))
    latlon = np.array([(row["lat"], row["lon"]) for row in rows], dtype=np.float64)
    return AdminTable(latlon, {level: tuple(row[column] for row in rows) for level, column in columns.items()})


def has_names(truth: Truth) -> bool:
    """The manifest labels some level below the country with names, as OSV-5M does, and not with ids of the hierarchy."""
    return any(is_named(truth, level) for level in truth.labels)


def is_named(truth: Truth, level: str) -> bool:
    """The manifest labels this level with names."""
    return level in LEVELS[1:] and truth.source[level] == "manifest" and any(label is not None and label.id is None for label in truth.labels[level])


def nearest_labels(latlon_deg: NDArray[np.float64], truth: Truth, places: Places) -> dict[str, Labels]:
    """For each level the place of each point; None for a NaN point and where there is none.

    Of the hierarchy; but where the truth has names, of the table at those levels and at the country: what is labelled and what is answered are named alike.
    """
    found = places.labels_at(latlon_deg)
    named = [level for level in truth.labels if is_named(truth, level)]
    if named:
        table = load_admin_table()
        rows = table.nearest(latlon_deg).tolist()
        found |= {level: tuple(Label(None, name) if row >= 0 and (name := table.names[level][row]) else None for row in rows) for level in named}
        countries = {code: places.label_from_text("country", code) for code in set(table.names["country"])}
        found["country"] = tuple(countries[table.names["country"][row]] if row >= 0 else None for row in rows)
    return found


def corrected_right(truth: Truth, guessed: Mapping[str, Labels], places: Places) -> dict[str, Array]:
    """Whether each guessed place is the true one.

    Args:
        truth: of N photos.
        guessed: for each level, N labels; None for no guess.
        places: the hierarchy that the labels' ids are of.

    Returns:
        For each level (N,) float64: 1 right, 0 wrong or no guess, NaN where the truth is not known.
    """
    above = [level for level, source in truth.source.items() if source == "manifest" or level == "country"]
    names = _Names(places)
    return {level: _level_right(level, above, truth.labels, guessed, names) for level in truth.labels}


def osv5m_compat_right(truth: Truth, guessed_latlon_deg: NDArray[np.float64], corrected: Mapping[str, Array]) -> dict[str, Array]:
    """Whether the key of the city nearest to each guessed point is the label's, as a string.

    Args:
        truth: of N photos.
        guessed_latlon_deg: (N, 2) degrees; NaN for a failed photo, which is wrong.
        corrected: what `corrected_right` says, for levels that are labelled with ids.

    Returns:
        For each level (N,) float64: 1 right, 0 wrong; no photo is left out.
    """
    table = load_admin_table()
    rows = table.nearest(guessed_latlon_deg)
    right = {}
    for level in truth.labels:
        if level in truth.osv5m_keys and (level == "country" or is_named(truth, level)):
            parts = LEVELS[: LEVELS.index(level) + 1][::-1]
            guessed = ["_".join(table.names[part][row] for part in parts) if row >= 0 else None for row in rows.tolist()]
            right[level] = np.array([a == b for a, b in zip(guessed, truth.osv5m_keys[level], strict=True)], dtype=np.float64)
        else:
            right[level] = np.nan_to_num(corrected[level])
    return right


def polygon_country_right(truth_latlon_deg: NDArray[np.float64], guessed_latlon_deg: NDArray[np.float64]) -> Array:
    """Whether each guessed point lies in the polygon of the true point's country; a point outside all polygons is truly of the nearest one's.

    Args:
        truth_latlon_deg: (N, 2) degrees.
        guessed_latlon_deg: (N, 2) degrees; NaN for a failed photo.

    Returns:
        (N,) float64: 1 right, 0 wrong, which a guess at sea always is; no photo is left out.

    Source: the evaluation code of PIGEON (CVPR 2024), there with other polygons.
    """
    from geocairn.places.borders import load_borders

    borders, right = load_borders(), np.zeros(len(truth_latlon_deg))
    answered = np.flatnonzero(np.isfinite(guessed_latlon_deg).all(axis=1))
    guessed = borders.country(guessed_latlon_deg[answered])
    right[answered] = (guessed != "") & (guessed == borders.nearest_country(truth_latlon_deg[answered]))
    return right


class _Names:
    """The names that a place lies in: those of its own chain where it has an id, else those guessed or labelled beside it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._chains: dict[str, dict[str, Label]] = {}

    def parts(self, level: str, above: Sequence[str], labels: Mapping[str, Labels], row: int) -> Parts:
        """The labels of a place and of the levels above it, coarse to fine."""
        own = labels[level][row]
        chain = self._chain(own.id) if own is not None and own.id is not None else {}
        return tuple(chain.get(part) if chain else labels[part][row] for part in above)

    def _chain(self, place_id: str) -> dict[str, Label]:
        if place_id not in self._chains:
            hierarchy = self._places.hierarchy
            try:
                chain = hierarchy.chain(hierarchy.index_of(place_id))
            except UnknownName:  # a country's code that the hierarchy does not have
                chain = []
            self._chains[place_id] = {hierarchy.level_names[hierarchy.level[place]]: self._places.label_of_place(place) for place in chain}
        return self._chains[place_id]


def _level_right(level: str, above: Sequence[str], true: Mapping[str, Labels], guessed: Mapping[str, Labels], names: _Names) -> Array:
    coarser = [part for part in above if list(true).index(part) < list(true).index(level)]
    right = np.full(len(true[level]), np.nan)
    for row, (a, b) in enumerate(zip(true[level], guessed[level], strict=True)):
        if a is None:
            continue
        if b is None or (a.id is not None and b.id is not None):
            right[row] = b is not None and a.id == b.id
        else:
            parts = zip(coarser, names.parts(level, coarser, true, row), names.parts(level, coarser, guessed, row), strict=True)
            # A country that the manifest does not say is not known; any other part that it does not say is not there.
            right[row] = _is_same(a, b) and all(_is_same(x, y) for part, x, y in parts if x is not None or part != "country")
    return right


def _is_same(a: Label | None, b: Label | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.id == b.id if a.id is not None and b.id is not None else folded(a.name) == folded(b.name)
