"""The entity builder: cities -> the hierarchy country > region > subregion > city."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.geo.sphere import distance_km_from_units, mean_on_sphere, unit_from_latlon
from geocairn.places.discs import weighted_radius_km
from geocairn.places.geonames import City, Country
from geocairn.places.hierarchy import Hierarchy, Strings
from geocairn.places.prior import PhotoPrior, city_shares

LEVELS = ("country", "region", "subregion", "city")


def build_entities(
    cities: Sequence[City], countries: dict[str, Country], *, area_km2: NDArray[np.float64], prior: PhotoPrior, meta: dict[str, Any]
) -> Hierarchy:
    """The hierarchy of the cities' countries, regions, subregions and the cities themselves.

    Args:
        cities: L cities, sorted by `sort_cities`.
        countries: by ISO code.
        area_km2: (L,) areas of the cities' territories.
        prior: how photos are shared out among cities.
        meta: kept with the hierarchy.

    Returns:
        A hierarchy whose leaves are the cities in the order given. Centres are means weighted by expected photos; a city's radius is that of a disc of its
        territory's area, another place's holds 90 % of its expected photos; `count` is people.
    """
    weight = city_shares(
        prior,
        people=np.array([city.population for city in cities], dtype=np.int64),
        names=np.array([len(city.other_names) for city in cities], dtype=np.int64),
        area_km2=area_km2,
        country=np.array([city.country for city in cities]),
    )
    return weighted_entities(cities, countries, area_km2=area_km2, weight=weight, meta=meta)


def weighted_entities(
    cities: Sequence[City], countries: dict[str, Country], *, area_km2: NDArray[np.float64], weight: NDArray[np.float64], meta: dict[str, Any]
) -> Hierarchy:
    """The hierarchy of cities whose shares of photos are known; as `build_entities`.

    Args:
        weight: (L,) expected share of photos of each city, positive, summing to 1.
    """
    people = np.array([city.population for city in cities], dtype=np.int64)
    unit = unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities])
    chains = [city_chain(city, countries) for city in cities]
    blocks = [_level_block(chains, level) for level in range(len(LEVELS))]
    index = {place_id: position for position, place_id in enumerate(place_id for block in blocks for place_id, _, _, _ in block)}
    start, stop = (np.array([row[column] for block in blocks for row in block], dtype=np.int32) for column in (2, 3))
    parent = np.array([_parent(chains[row[2]], level, index) for level, block in enumerate(blocks) for row in block], dtype=np.int32)
    hierarchy = Hierarchy(
        level_names=LEVELS,
        level=np.repeat(np.arange(len(LEVELS)), [len(block) for block in blocks]).astype(np.int8),
        parent=parent,
        unit=np.stack([_centre(unit, weight, slice(*ends)) for ends in zip(start.tolist(), stop.tolist(), strict=True)]),
        radius_km=np.zeros(len(start), dtype=np.float32),
        count=_block_sums(people, start, stop).astype(np.int64),
        weight=_block_sums(weight, start, stop),
        area_km2=_block_sums(area_km2, start, stop).astype(np.float32),
        leaf_start=start,
        leaf_stop=stop,
        ids=Strings.of(list(index)),
        names=Strings.of([name for block in blocks for _, name, _, _ in block]),
        meta={"builder": "entities", "count_of": "people", **meta},
    )
    return replace(hierarchy, radius_km=entity_radii_km(hierarchy, disc_km=np.sqrt(np.maximum(area_km2, 1.0) / np.pi)))


def sort_cities(cities: Sequence[City]) -> list[City]:
    """Cities in depth-first order: by country, region, subregion (cities without one first), then by their GeoNames id."""
    return sorted(cities, key=lambda city: (city.country, city.region_code, city.subregion, city.geonameid))


def city_chain(city: City, countries: dict[str, Country]) -> tuple[tuple[str, str] | None, ...]:
    """(id, name) of the city's place at each of `LEVELS`, None where it has none there: how hierarchies and manifests call its places.

    Args:
        countries: by ISO code.
    """
    region = f"{city.country}/{city.region_code}"
    subregion = f"{region}/{city.subregion}"
    lowest = subregion if city.subregion else region if city.region_code else city.country
    return (
        (city.country, countries[city.country].name),
        (region, city.region) if city.region_code else None,
        (subregion, city.subregion) if city.subregion else None,
        (f"{lowest}/{city.geonameid}", city.name),
    )


def _level_block(chains: Sequence[tuple[tuple[str, str] | None, ...]], level: int) -> list[tuple[str, str, int, int]]:
    """(id, name, first leaf, leaf after the last) of the places of one level, in leaf order."""
    block: list[tuple[str, str, int, int]] = []
    previous = None
    for leaf, chain in enumerate(chains):
        place = chain[level]
        if place is not None and place == previous:
            block[-1] = (*block[-1][:3], leaf + 1)
        elif place is not None:
            block.append((*place, leaf, leaf + 1))
        previous = place
    return block


def _parent(chain: tuple[tuple[str, str] | None, ...], level: int, index: dict[str, int]) -> int:
    above = [place for place in chain[:level] if place is not None]
    return index[above[-1][0]] if above else -1


def _block_sums(values: NDArray[Any], start: NDArray[np.int32], stop: NDArray[np.int32]) -> NDArray[Any]:
    running = np.concatenate([[0], np.cumsum(values)])
    sums = running[stop] - running[start]
    single = stop - start == 1
    sums[single] = values[start[single]]
    return np.asarray(sums)


def _centre(unit: NDArray[np.float64], weight: NDArray[np.float64], leaves: slice) -> NDArray[np.float64]:
    return unit[leaves.start] if leaves.stop - leaves.start == 1 else mean_on_sphere(unit[leaves], weight[leaves])


def entity_radii_km(hierarchy: Hierarchy, *, disc_km: NDArray[np.float64]) -> NDArray[np.float32]:
    """Radii that hold 90 % of what is expected in each place.

    Args:
        disc_km: (L,) radius of the disc that each leaf's photos lie in: its own radius.

    Returns:
        (N,) float32.
    """
    unit, weight = hierarchy.unit[hierarchy.leaves], hierarchy.weight[hierarchy.leaves]
    radius = np.zeros(len(hierarchy))
    for place, (start, stop) in enumerate(zip(hierarchy.leaf_start.tolist(), hierarchy.leaf_stop.tolist(), strict=True)):
        if stop - start == 1:
            radius[place] = disc_km[start]
            continue
        reach = distance_km_from_units(unit[start:stop], hierarchy.unit[place]) + disc_km[start:stop]
        radius[place] = weighted_radius_km(reach, weight[start:stop])
    return radius.astype(np.float32)
