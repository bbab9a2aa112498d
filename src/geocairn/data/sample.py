"""A fair sample of the inhabited Earth: a country by its area, one of its cities at random, a point near the city's centre."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.data.parquet_file import check_parquet_target, write_parquet
from geocairn.errors import BadConfig
from geocairn.geo.sphere import EARTH_RADIUS_KM, latlon_from_unit, unit_from_latlon
from geocairn.places.entities import LEVELS, city_chain
from geocairn.places.geonames import ATTRIBUTION, DISSOLVED_COUNTRIES, City, Country, packaged_versions, read_cities, read_countries

if TYPE_CHECKING:
    import pyarrow as pa

# With a limit per city draws are made anew; so many for each photo tell that cities with room are hardly found.
_DRAWS_PER_PHOTO = 32
# 0.1 m: finer digits would only tell one machine's sine from another's.
_DECIMALS = 6

Array = NDArray[np.float64]
MinPopulation = Literal[500, 1000, 5000, 15000]


class SampleSettings(Config):
    """How photos are spread over the Earth. The defaults are those of Google-World-Streets-15K, but for the list of cities."""

    n: int = Field(default=14955, ge=1, le=1_000_000, description="photos to place")
    seed: int = Field(default=0, ge=0, description="of all draws; of equal seeds the shorter sample is the beginning of the longer")
    radius_km: float = Field(default=5.0, ge=0, le=1000, description="farthest that a photo lies from its city's centre")
    max_per_city: int | None = Field(default=None, ge=1, description="most photos of one city; a draw that would pass it is drawn anew, country and all")
    min_population: MinPopulation = Field(default=15000, description="GeoNames' list of cities: with at least about so many people, and seats of government")


@dataclass(frozen=True)
class Sample:
    """N photos to be taken.

    Attributes:
        settings: what it was drawn by.
        cities: C cities that could be drawn.
        city: (N,) index of each photo's city.
        latlon_deg: (N, 2) degrees, to a tenth of a metre.
        left_out: why a country that there still is could not be drawn, by its ISO code.
        n_draws: draws that it took; more than N where cities were full.
    """

    settings: SampleSettings
    cities: Sequence[City]
    city: NDArray[np.int64]
    latlon_deg: Array
    left_out: Mapping[str, str]
    n_draws: int

    def __len__(self) -> int:
        return len(self.city)

    @cached_property
    def country(self) -> NDArray[np.str_]:
        """(N,) ISO code of the country that each photo was drawn for."""
        return np.array([city.country for city in self.cities])[self.city]


def sample_earth(settings: SampleSettings) -> Sample:
    """Draw a sample from GeoNames' countries and cities.

    Raises:
        BadConfig: `max_per_city` leaves no room for so many photos.
    """
    return draw_sample(settings, read_cities(settings.min_population), read_countries())


def draw_sample(settings: SampleSettings, cities: Sequence[City], countries: Mapping[str, Country]) -> Sample:
    """Draw a country with probability proportional to its area, a city of it uniformly, and a point uniform in area around the city's centre.

    Args:
        settings: what to draw.
        cities: cities in any order; those of a country without area are left out.
        countries: all countries by ISO code; one without any city is left out.

    Raises:
        BadConfig: no city is left, or `max_per_city` leaves no room for so many photos.

    Source: Clark et al., "Where We Are and What We're Looking At" (CVPR 2023), section 4.
    """
    ordered = sorted((city for city in cities if countries[city.country].area_km2 > 0), key=lambda city: (city.country, city.geonameid))
    if not ordered:
        raise BadConfig("no city to draw from: none lies in a country with an area; give a longer list of cities")
    city, uniform, n_draws = _draw_cities(settings, ordered, countries)
    centres_deg = np.array([(place.lat_deg, place.lon_deg) for place in ordered])
    latlon_deg = points_around(centres_deg[city], settings.radius_km, uniform).round(_DECIMALS)
    with_city = {place.country for place in cities}
    there_are = [code for code in countries if code not in DISSOLVED_COUNTRIES]
    left_out = {code: "no city" if code not in with_city else "no area" for code in there_are if code not in with_city or not countries[code].area_km2 > 0}
    return Sample(settings, ordered, city, latlon_deg, left_out, n_draws)


def points_around(centres_deg: ArrayLike, radius_km: float, uniform: ArrayLike) -> Array:
    """Points that are uniform in area within discs on the sphere, those around the poles and on the antimeridian included.

    Args:
        centres_deg: (N, 2) latitude and longitude in degrees.
        radius_km: in [0, 20015.1], along the great circle.
        uniform: (N, 2) in [0, 1): how much of the disc's area lies nearer to its centre than the point, and the part of the full turn at which it lies.

    Returns:
        (N, 2) float64 degrees.

    Source: a disc of angle t has the area 4 pi R^2 sin^2(t / 2), so equal shares of area are equal steps of sin^2(t / 2).
    """
    centre, share = unit_from_latlon(centres_deg), np.asarray(uniform, dtype=np.float64)
    angle = 2 * np.arcsin(np.sqrt(share[:, :1]) * np.sin(radius_km / (2 * EARTH_RADIUS_KM)))
    # Any direction serves as zero, so near the poles one that is not parallel to the axis.
    helper = np.where(np.abs(centre[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    east = np.cross(helper, centre)
    east /= np.linalg.norm(east, axis=1, keepdims=True)
    turn = 2 * np.pi * share[:, 1:]
    outward = np.cos(turn) * east + np.sin(turn) * np.cross(centre, east)
    return latlon_from_unit(np.cos(angle) * centre + np.sin(angle) * outward)


def write_sample(sample: Sample, out: Path) -> None:
    """Write a manifest of the photos to be taken (`.parquet`): a photo gets the name in `photo`, and its labels are those of the city that it was drawn for.

    Raises:
        BadOutput: `out` is no `.parquet`, or cannot be written.
    """
    check_parquet_target(out)
    described = {
        "settings": sample.settings.model_dump(mode="json"),
        "source": packaged_versions(),
        "attribution": ATTRIBUTION,
    }
    write_parquet(sample_table(sample), out, described=described)


def sample_table(sample: Sample) -> "pa.Table":
    """The manifest's columns: photo, lat_deg, lon_deg, country, region, subregion, city (ids of places; null where the city has none there), city_name."""
    import pyarrow as pa

    countries = read_countries()
    chains = [[place and place[0] for place in city_chain(city, countries)] for city in sample.cities]
    labels = {level: pa.array([chain[index] for chain in chains], pa.string()) for index, level in enumerate(LEVELS)}
    columns = {**labels, "city_name": pa.array([city.name for city in sample.cities], pa.string())}
    drawn = {name: column.take(pa.array(sample.city)) for name, column in columns.items()}
    photos = [f"gws-{number:06d}" for number in range(1, len(sample) + 1)]
    return pa.table({"photo": pa.array(photos, pa.string()), "lat_deg": sample.latlon_deg[:, 0], "lon_deg": sample.latlon_deg[:, 1], **drawn})


def _draw_cities(settings: SampleSettings, cities: Sequence[City], countries: Mapping[str, Country]) -> tuple[NDArray[np.int64], Array, int]:
    """The photos' cities, two more uniform numbers for each, and how many draws were made. Every draw takes four numbers of one stream, so n ends it only."""
    codes, start = np.unique([city.country for city in cities], return_index=True)
    n_cities = np.diff(start, append=len(cities))
    area = np.cumsum([countries[code].area_km2 for code in codes.tolist()])
    generator, limit = np.random.default_rng(settings.seed), settings.max_per_city or settings.n
    uniform = np.empty((0, 4))
    while True:
        uniform = np.concatenate([uniform, generator.random((len(uniform) or settings.n, 4))])
        # Rounding may carry the largest numbers to the end of the last country and of its cities.
        country = np.minimum(np.searchsorted(area, uniform[:, 0] * area[-1], side="right"), len(codes) - 1)
        city = start[country] + np.minimum((uniform[:, 1] * n_cities[country]).astype(np.int64), n_cities[country] - 1)
        kept = np.flatnonzero(_earlier_of_same(city) < limit)[: settings.n]
        if len(kept) == settings.n:
            return city[kept], uniform[kept, 2:], int(kept[-1]) + 1
        if len(city) >= _DRAWS_PER_PHOTO * settings.n:
            raise BadConfig(
                f"--max-per-city {limit}: {len(city)} draws found room for {len(kept)} of {settings.n} photos in {len(cities)} cities; "
                "raise it, ask for fewer photos, or lower --min-population"
            )


def _earlier_of_same(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) how many earlier entries are equal to each."""
    order = np.argsort(values, kind="stable")
    is_first = np.diff(values[order], prepend=-1) != 0
    position = np.arange(len(values))
    earlier = np.empty(len(values), dtype=np.int64)
    earlier[order] = position - np.maximum.accumulate(np.where(is_first, position, 0))
    return earlier
