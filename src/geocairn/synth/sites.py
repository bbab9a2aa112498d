"""Sites: the spots that photos of a city are taken at, each of one split, at least a kilometre from those of another."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn.geo import s2
from geocairn.geo.sphere import EARTH_RADIUS_KM, chord_from_km, distance_km_from_units, latlon_from_unit, unit_from_latlon
from geocairn.synth.draws import numbers_for
from geocairn.synth.settings import SPLITS, SynthSettings

CELL_LEVEL = 12
# The centres of level-12 cells lie at least 1.46 km apart: with the jitter more than a kilometre remains.
# A cell beyond so many rings around a city's lies farther than that in kilometres. The default has fewer, as all Earths that were drawn with it: in the
# tightest cells its sites reach 4.5 km.
_DEFAULT_RINGS, _DEFAULT_RADIUS_KM = 4, 6.0
# Of five sites one is for validation and one for test.
_TURNS = np.array([0, 1, 2, 0, 0])

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sites:
    """All sites, those of a city and split together.

    Attributes:
        latlon_deg: (S, 2).
        start: (C * 3 + 1,) first site of city c and split s at `3 c + s`.
    """

    latlon_deg: Array
    start: NDArray[np.int64]

    def pick(self, city: NDArray[np.int64], split: NDArray[np.int64], uniform: Array) -> NDArray[np.int64]:
        """(N,) a site of each city and split, by numbers in [0, 1)."""
        first, after = self.start[3 * city + split], self.start[3 * city + split + 1]
        return np.asarray(first + np.minimum((uniform * (after - first)).astype(np.int64), after - first - 1))

    def of_split(self, name: str) -> tuple[Array, NDArray[np.int64]]:
        """The sites of one split: (K, 2) where they lie, and (K,) their cities, ascending."""
        city, split = np.divmod(np.repeat(np.arange(len(self.start) - 1), np.diff(self.start)), len(SPLITS))
        mine = split == SPLITS.index(name)
        return self.latlon_deg[mine], city[mine]

    def disc_km(self, unit: Array) -> Array:
        """(C,) radius of the disc around each city, evenly filled, whose points lie as far from the centre as its sites do in the mean of squares.

        Args:
            unit: (C, 3) unit vectors of the cities.
        """
        n_sites = np.diff(self.start).reshape(len(unit), -1).sum(axis=1)
        away_km = distance_km_from_units(unit_from_latlon(self.latlon_deg), np.repeat(unit, n_sites, axis=0))
        return np.asarray(np.sqrt(2 * np.add.reduceat(away_km**2, self.start[: -1 : len(SPLITS)]) / n_sites))


def draw_sites(unit: Array, is_unseen: NDArray[np.bool_], settings: SynthSettings) -> Sites:
    """Find the sites of cities that lie at least 8 km apart, so that each has some in every split.

    Args:
        unit: (C, 3) unit vectors of the cities.
        is_unseen: (C,) which have none for training.
    """
    cells = _cells_around(latlon_from_unit(unit), _n_rings(settings))
    places = _jittered(s2.centres(cells), settings)
    away, city = cKDTree(unit).query(places)
    near = away <= float(chord_from_km(settings.site_radius_km))
    places, city = places[near], city[near]
    split = _splits(city, is_unseen, settings)
    order = np.lexsort((split, city))
    start = np.searchsorted((len(SPLITS) * city + split)[order], np.arange(len(SPLITS) * len(unit) + 1))
    return Sites(latlon_from_unit(places[order]).round(6), start.astype(np.int64))


def _n_rings(settings: SynthSettings) -> int:
    """How many rings of cells around a city's own may hold sites of it."""
    return _DEFAULT_RINGS if settings.site_radius_km <= _DEFAULT_RADIUS_KM else math.ceil(settings.site_radius_km + settings.site_jitter_km)


def _cells_around(latlon_deg: Array, n_rings: int) -> NDArray[np.uint64]:
    cells = np.unique(s2.parents(s2.leaf_ids(latlon_deg), CELL_LEVEL))
    for _ in range(n_rings):
        cells = np.unique(np.concatenate([cells, s2.edge_neighbours(cells).ravel()]))
    return cells


def _jittered(centres: Array, settings: SynthSettings) -> Array:
    """Unit vectors moved in a random direction, evenly over a disc."""
    numbers = numbers_for("sites", settings.seed)
    direction = numbers.standard_normal(centres.shape)
    direction -= centres * (direction * centres).sum(axis=1, keepdims=True)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = settings.site_jitter_km / EARTH_RADIUS_KM * np.sqrt(numbers.random((len(centres), 1)))
    return np.asarray(centres * np.cos(angle) + direction * np.sin(angle))


def _splits(city: NDArray[np.int64], is_unseen: NDArray[np.bool_], settings: SynthSettings) -> NDArray[np.int64]:
    """(S,) split of each site: the sites of a city take turns in random order; one never seen in training has validation and test sites alone."""
    order = np.lexsort((numbers_for("site splits", settings.seed).random(len(city)), city))
    first = np.searchsorted(city[order], city[order])
    turn = np.arange(len(city)) - first
    split = np.empty(len(city), dtype=np.int64)
    split[order] = np.where(is_unseen[city[order]], 1 + turn % 2, _TURNS[turn % len(_TURNS)])
    return split
