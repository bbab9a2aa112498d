"""True places: the manifest's labels as places of a hierarchy, and the nearest place where it has none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from unicodedata import normalize

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadManifest, UnknownName
from geocairn.evaluate.guess import Label
from geocairn.manifest import Cells, Manifest
from geocairn.places.entities import LEVELS
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.labels import NAMIBIA, name_of_label

Labels = tuple[Label | None, ...]


class LeafFinder(Protocol):
    """Says in which leaf of a hierarchy points lie, as `places.nearest.NearestPlace` does."""

    def leaf(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        """(N,) leaf of each of (N, 2) points in degrees; -1 for one that lies in none."""


@dataclass(frozen=True)
class Places:
    """A hierarchy with a level called country, and the way from coordinates to its leaves."""

    hierarchy: Hierarchy
    nearest: LeafFinder

    def labels_at(self, latlon_deg: NDArray[np.float64]) -> dict[str, Labels]:
        """For each level, the place that each point lies in; None where it lies in none or the point is NaN.

        Args:
            latlon_deg: (N, 2) degrees, NaN for a point that is not known.
        """
        return self.labels_of_leaves(self.leaves_at(latlon_deg))

    def leaves_at(self, latlon_deg: NDArray[np.float64]) -> NDArray[np.int64]:
        """(N,) leaf of each point; -1 where it lies in none or the point is NaN."""
        known = np.isfinite(latlon_deg).all(axis=1)
        leaves = np.full(len(latlon_deg), -1, dtype=np.int64)
        if known.any():
            leaves[known] = self.nearest.leaf(latlon_deg[known])
        return leaves

    def labels_of_leaves(self, leaves: NDArray[np.int64]) -> dict[str, Labels]:
        """For each level, the place that each leaf lies in; None for leaf -1 and where its chain has no place at the level."""
        found: dict[str, Labels] = {}
        for level, name in enumerate(self.hierarchy.level_names):
            # The place -1 appended for the leaf -1.
            places = np.append(self.hierarchy.ancestor_of_leaves(level), -1)[leaves].tolist()
            found[name] = tuple(self.label_of_place(place) if place >= 0 else None for place in places)
        return found

    def label_of_place(self, place: int) -> Label:
        """Id and name of a place."""
        return Label(self.hierarchy.ids[place], self.hierarchy.names[place])

    def label_from_text(self, level: str, text: str) -> Label:
        """The place of a level that a text means: by its id, a country also by its name. Its id is None where the hierarchy does not know the text.

        A country's code that the hierarchy does not have (a country without a city) stays a code.
        """
        text = text.strip()
        text = NAMIBIA.get(text, text) if level == "country" else text
        for candidate in (text, text.upper()) if level == "country" else (text,):
            try:
                place = self.hierarchy.index_of(candidate)
            except UnknownName:
                continue
            if self.hierarchy.level_names[self.hierarchy.level[place]] == level:
                return self.label_of_place(place)
        if level == "country" and folded(text) in self._country_by_name:
            return self.label_of_place(self._country_by_name[folded(text)])
        is_code = level == "country" and len(text) == 2 and text.isascii() and text.isalpha()
        return Label(text.upper() if is_code else None, text)

    @cached_property
    def _country_by_name(self) -> dict[str, int]:
        return {folded(self.hierarchy.names[place]): place for place in self.hierarchy.places_of("country")}


@dataclass(frozen=True)
class Truth:
    """Where N photos were truly taken.

    Attributes:
        latlon_deg: (N, 2) degrees.
        leaf: (N,) leaf of the hierarchy; -1 where the photo lies in none.
        labels: for each level, the true place of each photo; None where it is not known.
        source: for each level, "manifest" or "nearest place".
        osv5m_keys: for each level that the manifest labels, the key of each photo's place as OSV-5M writes it.
    """

    latlon_deg: NDArray[np.float64]
    leaf: NDArray[np.int64]
    labels: Mapping[str, Labels]
    source: Mapping[str, str]
    osv5m_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def true_places(manifest: Manifest, places: Places) -> Truth:
    """The manifest's labels, level by level; a level of which it has none is taken from the place nearest to the coordinates.

    Raises:
        BadManifest: a country that is neither an ISO 3166 alpha-2 code nor the name of a country.
    """
    leaf = places.leaves_at(manifest.latlon_deg)
    labels = places.labels_of_leaves(leaf)
    source = dict.fromkeys(labels, "nearest place")
    for level in labels:
        cells = _present(manifest, level)
        if any(cells):
            labels[level] = tuple(None if cell is None else places.label_from_text(level, cell) for cell in cells)
            source[level] = "manifest"
    unknown = next((label for label in labels["country"] if label is not None and label.id is None), None)
    if unknown is not None:
        raise BadManifest(f"{manifest.path}: country {unknown.name!r} is not known; write countries as ISO 3166 alpha-2 codes such as FR")
    return Truth(manifest.latlon_deg, leaf, labels, source, _osv5m_keys(manifest, labels["country"]))


def folded(name: str) -> str:
    """A name for comparison: composed alike, without case and outer blanks."""
    return normalize("NFKC", name).casefold().strip()


def _present(manifest: Manifest, column: str) -> Cells:
    return tuple(cell if name_of_label(cell) else None for cell in manifest.columns.get(column, ()))


def _osv5m_keys(manifest: Manifest, countries: Labels) -> dict[str, tuple[str, ...]]:
    """The manifest's own keys (`unique_city`, ...), else those made of its labels: the names of a place and of what it lies in, `NaN` for what is missing."""
    parts: dict[str, Cells] = {level: _present(manifest, level) or (None,) * len(manifest) for level in LEVELS}
    parts["country"] = tuple(None if label is None else label.id for label in countries)
    keys = {}
    for depth, level in enumerate(LEVELS):
        own = next((cells for name in (level, level.replace("subregion", "sub-region")) if (cells := _present(manifest, f"unique_{name}"))), None)
        if own is not None:
            keys[level] = tuple(key or "NaN" for key in own)
        elif any(parts[level]):
            rows = zip(*(parts[part] for part in LEVELS[depth::-1]), strict=True)
            keys[level] = tuple("_".join(part or "NaN" for part in row) for row in rows)
    return keys
