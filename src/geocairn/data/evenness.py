"""How evenly a set of photos is spread over the Earth: Lorenz curves and Gini coefficients by city, by area and by people."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.spatial import cKDTree

from geocairn.config import Config
from geocairn.data.sample import MinPopulation
from geocairn.geo import s2
from geocairn.geo.sphere import latlon_from_unit, unit_from_latlon
from geocairn.places.borders import load_borders
from geocairn.places.geonames import read_cities

# A cell's land is asked for at the centres of its descendants so many levels down: 64 parts of about the same area.
_LAND_LEVELS = 3
_STEPS = 200

Array = NDArray[np.float64]


class EvennessSettings(Config):
    """What a set's photos are counted by."""

    min_population: MinPopulation = Field(default=15000, description="GeoNames' list of cities: with at least about so many people, and seats of government")
    cell_level: int = Field(default=5, ge=0, le=7, description="level of the S2 cells that land is counted by; at level 5 a cell is some 290 km wide")


class Evenness(Config):
    """How evenly N photos are spread.

    Photos are counted in four ways, each with a Gini coefficient (0 where all have alike, nearly 1 where one has all) and a Lorenz curve:
    `city_seen`, over the cities with at least one photo; `city`, over all cities of the list; `area`, over land (S2 cells in order of photos per km2 of land);
    `people`, over the people of the list's cities (in order of photos per person). A photo belongs to the nearest city, however far.
    """

    n: int = Field(description="photos")
    n_countries: int = Field(description="countries of the nearest cities")
    n_cities_seen: int
    n_cities: int = Field(description="of the list")
    gini: dict[str, float]
    top_1_pct_cities_hold_pct: float = Field(description="percent of the photos that lie in the richest hundredth of the cities with a photo, at least one")
    top_10_pct_cities_hold_pct: float
    curves: dict[str, list[float]] = Field(description="share of the photos at equal steps, from 0 to 1, of the share of what they are counted by")


@dataclass(frozen=True)
class Ground:
    """What photos are counted by: C cities and K cells that cover the Earth.

    Attributes:
        city_unit: (C, 3) unit vectors.
        people: (C,) inhabitants.
        country: (C,) ISO codes.
        cell: (K,) uint64 S2 ids of one level, rising.
        land_km2: (K,) land area of each cell.
    """

    city_unit: Array
    people: NDArray[np.int64]
    country: NDArray[np.str_]
    cell: NDArray[np.uint64]
    land_km2: Array

    def cities_of(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        """(N,) the city nearest to each of (N, 2) points in degrees."""
        return np.asarray(self._tree.query(unit_from_latlon(latlon_deg))[1], dtype=np.int64)

    def cells_of(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        """(N,) index of the cell that each of (N, 2) points in degrees lies in."""
        level = int(s2.level_of(self.cell[:1])[0])
        return np.searchsorted(self.cell, s2.parents(s2.leaf_ids(latlon_deg), level))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.city_unit)


@cache
def load_ground(settings: EvennessSettings) -> Ground:
    """GeoNames' cities and Natural Earth's land, Antarctica included; read once in a process."""
    cities = read_cities(settings.min_population)
    cell = _cells(settings.cell_level)
    parts = s2.children(cell)
    for _ in range(_LAND_LEVELS - 1):
        parts = s2.children(parts.ravel())
    parts = parts.reshape(len(cell), -1)
    land = s2.area_km2(parts.ravel()) * load_borders().is_on_land(latlon_from_unit(s2.centres(parts.ravel())))
    return Ground(
        city_unit=unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities]),
        people=np.array([city.population for city in cities], dtype=np.int64),
        country=np.array([city.country for city in cities]),
        cell=cell,
        land_km2=land.reshape(parts.shape).sum(axis=1),
    )


def measure_evenness(latlon_deg: ArrayLike, ground: Ground) -> Evenness:
    """Count photos by city, land and people.

    Args:
        latlon_deg: (N, 2) degrees, N >= 1.
        ground: cities and cells.
    """
    city = ground.cities_of(latlon_deg)
    by_city = np.bincount(city, minlength=len(ground.people))
    by_cell = np.bincount(ground.cells_of(latlon_deg), minlength=len(ground.cell))
    seen = by_city[by_city > 0]
    counted: Mapping[str, tuple[NDArray[np.int64], ArrayLike | None]] = {
        "city_seen": (seen, None),
        "city": (by_city, None),
        "area": (by_cell, ground.land_km2),
        "people": (by_city, ground.people),
    }
    return Evenness(
        n=len(city),
        n_countries=len(np.unique(ground.country[city])),
        n_cities_seen=len(seen),
        n_cities=len(by_city),
        gini={by: gini(*held) for by, held in counted.items()},
        top_1_pct_cities_hold_pct=100 * top_share(seen, 0.01),
        top_10_pct_cities_hold_pct=100 * top_share(seen, 0.1),
        curves={by: np.interp(curve_steps(), *lorenz(*held)).round(6).tolist() for by, held in counted.items()},
    )


def curve_steps() -> Array:
    """(201,) where on x the curves of `Evenness` are kept."""
    return np.linspace(0, 1, _STEPS + 1)


def lorenz(counts: ArrayLike, sizes: ArrayLike | None = None) -> tuple[Array, Array]:
    """Lorenz curve: the share of all photos that the poorest share of holders has.

    Args:
        counts: (N,) photos of each holder (city, cell), not negative, N >= 1, not all 0.
        sizes: (N,) what each holder weighs (area, people), not negative; None for alike. Holders are put in rising order of photos per size; what has photos
            but no size comes last.

    Returns:
        x: (N + 1,) float64, cumulative share of size, from 0 to 1.
        y: (N + 1,) float64, cumulative share of photos, from 0 to 1; never above x.

    >>> [shares.round(2).tolist() for shares in lorenz([3, 1, 0])]
    [[0.0, 0.33, 0.67, 1.0], [0.0, 0.0, 0.25, 1.0]]
    """
    held = np.asarray(counts, dtype=np.float64)
    size = np.ones(len(held)) if sizes is None else np.asarray(sizes, dtype=np.float64)
    density = np.divide(held, size, out=np.where(held > 0, np.inf, 0.0), where=size > 0)
    order = np.argsort(density, kind="stable")
    x, y = (np.concatenate([[0.0], np.cumsum(values[order])]) for values in (size, held))
    return x / x[-1], y / y[-1]


def gini(counts: ArrayLike, sizes: ArrayLike | None = None) -> float:
    """Gini coefficient: twice the area between the Lorenz curve and perfect equality.

    Args:
        counts, sizes: as in `lorenz`.

    Returns:
        In [0, 1): sum_ij s_i s_j |c_i/s_i - c_j/s_j| / (2 sum(s) sum(c)), which for equal sizes is sum_ij |c_i - c_j| / (2 N^2 mean(c)).

    Source: Clark et al. (CVPR 2023), equation 7, in the closed form over sorted holders; no correction for small N.

    >>> gini([1, 1, 1]), round(gini([3, 1, 0]), 6)
    (0.0, 0.5)
    """
    x, y = lorenz(counts, sizes)
    # Rounding leaves -1e-17 of perfect equality.
    return max(0.0, float(1 - np.sum(np.diff(x) * (y[1:] + y[:-1]))))


def top_share(counts: ArrayLike, share: float) -> float:
    """Share of all photos that the richest holders have.

    Args:
        counts: (N,) photos of each holder, N >= 1, not all 0.
        share: of the holders, in (0, 1]; at least one holder.

    Returns:
        In [0, 1].

    >>> top_share([6, 2, 1, 1], 0.25)
    0.6
    """
    held = np.sort(np.asarray(counts, dtype=np.float64))[::-1]
    # A hair less before it is rounded up, so that 10 % of 30 is 3.
    return float(held[: max(1, int(np.ceil(share * len(held) - 1e-9)))].sum() / held.sum())


def _cells(level: int) -> NDArray[np.uint64]:
    """All S2 cells of a level, rising."""
    lowest = np.uint64(1) << np.uint64(2 * (30 - level))
    return np.arange(6 * 4**level, dtype=np.uint64) * (lowest << np.uint64(1)) + lowest
