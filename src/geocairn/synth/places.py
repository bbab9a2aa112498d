"""The places of a synthetic Earth: real cities apart from each other, their chains, how many photos each draws, and which are never seen in training."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn.errors import BadConfig
from geocairn.geo.sphere import chord_from_km, unit_from_latlon
from geocairn.places.entities import sort_cities, weighted_entities
from geocairn.places.geonames import ATTRIBUTION, City, packaged_versions, read_cities, read_countries
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.territory import build_territories
from geocairn.synth.draws import numbers_for
from geocairn.synth.settings import SynthSettings

Array = NDArray[np.float64]


def draw_places(settings: SynthSettings) -> tuple[list[City], Hierarchy, NDArray[np.bool_]]:
    """Draw the cities of a synthetic Earth and the hierarchy that they stand in.

    Returns:
        The cities in leaf order, with names that are unique within a country; the hierarchy, weighted by the cities' shares of photos; and (C,) which of
        the cities are never seen in training.

    Raises:
        BadConfig: GeoNames has not so many cities so far apart.
    """
    drawn = _draw_apart([city for city in read_cities() if city.population > 0], settings)
    cities = sort_cities(_named_apart(_with_subregions(drawn, settings.cell_deg)))
    unit = unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities])
    with TemporaryDirectory() as folder:
        area_km2 = build_territories(unit, Path(folder) / "territory.npz")
    share = _shares(cities, settings)
    meta = {"attribution": ATTRIBUTION, "source": packaged_versions(), "builder": "synthetic-earth", "settings": settings.model_dump(mode="json")}
    hierarchy = weighted_entities(cities, read_countries(), area_km2=area_km2, weight=share, meta=meta)
    return cities, hierarchy, _unseen(share, settings)


def _draw_apart(cities: Sequence[City], settings: SynthSettings) -> list[City]:
    """Cities drawn by their population, without replacement, passing over those too near to one drawn before."""
    weight = np.array([city.population for city in cities], dtype=np.float64) ** settings.city_power
    # The largest of log weight + Gumbel noise is a draw by weight; all in order are draws without replacement.
    order = np.argsort(-(np.log(weight) + numbers_for("cities", settings.seed).gumbel(size=len(cities))), kind="stable")
    unit = unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities])
    tree = cKDTree(unit)
    is_free = np.ones(len(cities), dtype=bool)
    drawn: list[City] = []
    for row in order.tolist():
        if is_free[row]:
            is_free[tree.query_ball_point(unit[row], float(chord_from_km(settings.gap_km)))] = False
            drawn.append(cities[row])
        if len(drawn) == settings.cities:
            return drawn
    raise BadConfig(f"cities = {settings.cities}: GeoNames has only {len(drawn)} with people that lie {settings.gap_km:g} km apart; ask for fewer")


def _with_subregions(cities: Sequence[City], cell_deg: float) -> list[City]:
    """Cities of a region where GeoNames names no subregion get the cell of a grid of degrees that they lie in."""
    return [replace(city, subregion=_cell_name(city, cell_deg)) if city.region_code and not city.subregion else city for city in cities]


def _cell_name(city: City, cell_deg: float) -> str:
    south, west = (float(np.floor(degrees / cell_deg) * cell_deg) for degrees in (city.lat_deg, city.lon_deg))
    return f"{city.region} {abs(south):g}{'S' if south < 0 else 'N'} {abs(west):g}{'W' if west < 0 else 'E'}"


def _named_apart(cities: Sequence[City]) -> list[City]:
    """Cities whose places have names that no other place of their level bears in the country: labels are compared by name within the country."""
    regions = _told_apart({(city.country, city.region_code): city.region for city in cities}, "{name} ({key[1]})")
    subregions = _told_apart({(city.country, city.region_code, city.subregion): city.subregion for city in cities}, "{name} ({key[0]}-{key[1]})")
    names = _told_apart({(city.country, str(city.geonameid)): city.name for city in cities}, "{name} ({key[1]})")
    return [
        replace(
            city,
            region=regions[city.country, city.region_code],
            subregion=subregions[city.country, city.region_code, city.subregion],
            name=names[city.country, str(city.geonameid)],
        )
        for city in cities
    ]


def _told_apart(names: dict[tuple[str, ...], str], form: str) -> dict[tuple[str, ...], str]:
    """The names by key, whose first part is the country; those borne twice in a country in a longer form. Empty names stay."""
    borne: dict[str, Counter[str]] = defaultdict(Counter)
    for key, name in names.items():
        borne[key[0]][name.casefold().strip()] += 1
    return {key: form.format(name=name, key=key) if name and borne[key[0]][name.casefold().strip()] > 1 else name for key, name in names.items()}


def _shares(cities: Sequence[City], settings: SynthSettings) -> Array:
    """(C,) share of photos of each city: a few hold most."""
    population = np.array([city.population for city in cities], dtype=np.float64)
    share = population**settings.prior_power * numbers_for("prior", settings.seed).lognormal(0.0, settings.prior_spread, len(cities))
    return np.asarray(share / share.sum())


def _unseen(share: Array, settings: SynthSettings) -> NDArray[np.bool_]:
    """(C,) small cities at random until together they reach their share."""
    order = numbers_for("unseen", settings.seed).permutation(len(share))
    small = order[share[order] < settings.unseen_max]
    is_unseen = np.zeros(len(share), dtype=bool)
    is_unseen[small[np.cumsum(share[small]) <= settings.unseen_share]] = True
    return is_unseen
