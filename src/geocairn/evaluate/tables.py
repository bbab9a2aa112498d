"""The tables of every report: where on Earth, in what kind of place and for what kind of scene the figures are good or bad."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.regions import MIN_AREA_KM2
from geocairn.errors import UnknownName
from geocairn.evaluate.groups import Cells, group_rows
from geocairn.evaluate.report import GroupRow
from geocairn.evaluate.score import Noise, Scores
from geocairn.evaluate.truth import Truth, folded
from geocairn.geo.sphere import unit_from_latlon
from geocairn.manifest import Manifest
from geocairn.places.borders import load_borders
from geocairn.places.geonames import read_countries
from geocairn.places.hierarchy import Hierarchy

CONTINENTS = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}
QUARTERS = ("sparsest quarter", "second quarter", "third quarter", "densest quarter")
NOWHERE = "outside every place"
# The scene columns of a manifest, and what the field's own lists call them.
SCENES = {"scene3": "s3_label", "scene16": "s16_label", "scene365": "s365_label"}
# A point well inside Australia: the smallest mainland, so that a landmass less than its own is an island.
_AUSTRALIA_DEG = (-25.0, 134.0)

Table = tuple[Cells, Sequence[str] | None]  # the value of each photo, and the order of the values (None: the commonest first)


def report_tables(
    manifest: Manifest, truth: Truth, scores: Scores, noise: Noise, *, hierarchy: Hierarchy, training_count: NDArray[np.int64] | None = None
) -> dict[str, list[GroupRow]]:
    """The main figures by what is true of the photos: continent, country, island, photo_density, and where known training_count and the scenes.

    Args:
        manifest, truth, scores, noise: of the same N photos.
        hierarchy: that the truths are leaves of.
        training_count: (N,) training photos of each photo's true place; by default the hierarchy's, where it counts training rows.

    Returns:
        Rows by the name of the table; the `n` of each table's rows sum to N. A table of which nothing is known is left out.
    """
    country = [None if label is None else label.id for label in truth.labels["country"]]
    counted = training_count if training_count is not None else trained_on(truth, hierarchy)
    tables: dict[str, Table] = {
        "continent": ([continent_of(code) for code in country], None),
        "country": (country, None),
        "island": (landmass_kinds(truth.latlon_deg), None),
        "photo_density": (density_quarters(truth.leaf, hierarchy), (*QUARTERS, NOWHERE)),
        **({"training_count": count_bins(counted)} if counted is not None else {}),
        **{name: (cells, None) for name, cells in scene_columns(manifest).items()},
    }
    return {name: group_rows(cells, scores, noise, order=order) for name, (cells, order) in tables.items()}


def continent_of(country: str | None) -> str | None:
    """GeoNames' continent of a country (ISO 3166 alpha-2); None where it knows neither.

    >>> continent_of("NA"), continent_of("XX")
    ('Africa', None)
    """
    known = read_countries().get(country or "")
    return CONTINENTS.get(known.continent) if known is not None else None


def landmass_kinds(latlon_deg: NDArray[np.float64]) -> list[str]:
    """Whether each point lies on, or nearest to, an island or a mainland: a landmass smaller than Australia's mainland is an island.

    Args:
        latlon_deg: (N, 2) degrees.
    """
    area_km2 = load_borders().landmass_km2(np.vstack([latlon_deg, _AUSTRALIA_DEG]))
    return ["island" if is_smaller else "mainland" for is_smaller in (area_km2[:-1] < area_km2[-1]).tolist()]


def density_quarters(leaf: NDArray[np.int64], hierarchy: Hierarchy) -> list[str]:
    """The quarter of the Earth's expected photos that each photo's true place belongs to.

    Leaves are ordered by expected photos per km2 (weight over area, an area counting as at least 1 km2) and cut where a quarter, a half and three quarters of
    all expected photos lie in sparser places; a leaf across a cut goes where its middle lies, and leaves of one density stay together. The cuts belong to the
    hierarchy, not to the manifest, so that tables of two manifests can be compared.

    Args:
        leaf: (N,) leaves of the hierarchy; -1 for none.
    """
    weight = hierarchy.weight[hierarchy.leaves]
    densities, rank = np.unique(weight / np.maximum(hierarchy.area_km2[hierarchy.leaves], MIN_AREA_KM2), return_inverse=True)
    held = np.bincount(rank, weight, minlength=len(densities))
    middle = np.cumsum(held) - held / 2
    quarter = np.searchsorted([0.25, 0.5, 0.75], middle / held.sum(), side="right")[rank]
    names = (*QUARTERS, NOWHERE)
    return [names[index] for index in np.where(leaf >= 0, quarter[leaf], len(QUARTERS)).tolist()]


def trained_on(truth: Truth, hierarchy: Hierarchy) -> NDArray[np.int64] | None:
    """How many training photos each photo's true place has: the place of the finest level, or the leaf where the truth has none there.

    A label that is no id but a name means the place of that name in the photo's country; of several the one that is nearest to the photo.

    Returns:
        (N,) int64, 0 for a place that the hierarchy does not have; None where it does not count training photos.
    """
    if hierarchy.meta.get("count_of") != "rows":
        return None
    leaves = np.append(hierarchy.leaves, -1)[truth.leaf]
    labels, unit = truth.labels[hierarchy.level_names[-1]], unit_from_latlon(truth.latlon_deg)
    has_names = any(label is not None and label.id is None for label in labels)
    by_name = _finest_by_name(hierarchy) if has_names else {}
    places = []
    for row, (label, country) in enumerate(zip(labels, truth.labels["country"], strict=True)):
        if label is None:
            places.append(int(leaves[row]))
        elif label.id is not None:
            places.append(_place(hierarchy, label.id))
        else:
            named = by_name.get((None if country is None else country.id, folded(label.name)), [])
            places.append(max(named, key=lambda place: float(hierarchy.unit[place] @ unit[row]), default=-1))
    return np.append(hierarchy.count, 0)[places]


def _finest_by_name(hierarchy: Hierarchy) -> dict[tuple[str | None, str], list[int]]:
    """Places of the finest level by the id of their country and their name; under None by their name alone."""
    country, found = hierarchy.ancestor_of_leaves(0), defaultdict(list)
    for place in hierarchy.places_of(len(hierarchy.level_names) - 1):
        above, name = int(country[hierarchy.leaf_start[place]]), folded(hierarchy.names[place])
        for key in {None, hierarchy.ids[above] if above >= 0 else None}:
            found[key, name].append(place)
    return found


def count_bins(counts: NDArray[np.int64]) -> Table:
    """Counts by powers of ten: "0", "1-9", "10-99", ...

    >>> count_bins(np.array([0, 9, 10, 1234]))[0]
    ['0', '1-9', '10-99', '1000-9999']
    """
    digits = [len(str(count)) if count else 0 for count in counts.tolist()]
    names = ["0", *(f"{10 ** (n - 1)}-{10**n - 1}" for n in range(1, max(digits, default=0) + 1))]
    return [names[n] for n in digits], names


def scene_columns(manifest: Manifest) -> dict[str, Cells]:
    """The manifest's scene labels by the name of their table: scene3, scene16, scene365, or as the field's lists call them, S3_Label and so on."""
    by_name = {name.casefold(): cells for name, cells in manifest.columns.items() if any(cells)}
    found: Mapping[str, Cells | None] = {name: by_name.get(name, by_name.get(other)) for name, other in SCENES.items()}
    return {name: cells for name, cells in found.items() if cells is not None}


def _place(hierarchy: Hierarchy, place_id: str | None) -> int:
    try:
        return -1 if place_id is None else hierarchy.index_of(place_id)
    except UnknownName:
        return -1
