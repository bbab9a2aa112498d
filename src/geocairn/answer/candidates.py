"""Distinct ranked candidates: the few discs that hold most of a posterior."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geocairn.geo.sphere import EARTH_RADIUS_KM, chord_from_km, distance_km_from_units, geoscore
from geocairn.places.hierarchy import Hierarchy

RADII_KM = (10.0, 25.0, 75.0, 200.0, 500.0, 1000.0)
"""A candidate's radius is the smallest of these whose best disc holds half of the posterior, else the largest."""
ENOUGH_MASS = 0.5
MARGIN_KM = 2.0
"""Centres are farther apart than their radius by this much: told to 0.01 degree, each may move by 0.8 km towards the other."""
FARTHEST_REACH_KM = 200.0
"""No leaf's photos are taken to lie farther than this from its centre."""
ROUNDING = 1e-12
"""Sums of masses that differ by less than this share of them are equal."""
N_POINTS = 2048
N_CENTRES = 192


@dataclass(frozen=True)
class Disc:
    """A candidate before it gets its words: the leaf at its centre, its radius and the probability of being within it."""

    leaf: int
    radius_km: float
    p: float


def best_discs(hierarchy: Hierarchy, mass: NDArray[np.float64], top: int, *, reach: float = 1.0) -> list[Disc]:
    """The discs that hold most of a posterior, by decreasing mass; no disc's centre lies within another.

    Args:
        mass: (L,) posterior over leaves.
        top: at most so many.
        reach: as in `probability_within`; it changes the `p` and their order, not which discs are found.

    Returns:
        1 to `top` discs of one radius. A disc is centred on a leaf, found from coarse to fine: within the best disc of a radius the best disc of the next
        smaller one, down to the leaf. The search looks at the `N_POINTS` heaviest leaves; each `p` is over all.
    """
    order = heaviest(mass, N_POINTS)
    left, unit = mass[order], hierarchy.leaf_unit[order]
    nearness = unit[:N_CENTRES] @ unit.T
    radius, held = _radius_km(left, nearness)
    within: NDArray[np.float64] | None = None
    rows: list[int] = []
    while True:
        rows.append(_coarse_to_fine(left, nearness, radius, held))
        left[nearness[rows[-1]] >= _cosine(radius + MARGIN_KM)] = 0.0
        if len(rows) == top or not left[:N_CENTRES].any():
            break
        # Kept as numbers, for the product is taken once for each disc.
        within = (nearness >= _cosine(radius)).astype(np.float64) if within is None else within
        held = within @ left
    held_within = probabilities_within(hierarchy, mass, unit[rows], radius, reach=reach)
    discs = [Disc(leaf, radius, p) for leaf, p in zip(order[rows].tolist(), held_within, strict=True)]
    return sorted(discs, key=lambda disc: -disc.p)


def probability_within(hierarchy: Hierarchy, mass: NDArray[np.float64], centre: NDArray[np.float64], radius_km: float, *, reach: float = 1.0) -> float:
    """Probability of being within a distance of a point, photos lying evenly over the disc of their leaf.

    Args:
        mass: (L,) posterior over leaves.
        centre: (3,) unit vector.
        reach: radius of those discs in radii of the leaves (`radius_km` of the hierarchy), > 0.

    Returns:
        In [0, 1].
    """
    return probabilities_within(hierarchy, mass, centre[None], radius_km, reach=reach)[0]


def probabilities_within(hierarchy: Hierarchy, mass: NDArray[np.float64], centres: NDArray[np.float64], radius_km: float, *, reach: float = 1.0) -> list[float]:
    """`probability_within` of each of (K, 3) centres, K >= 1."""
    is_near = hierarchy.leaf_unit @ centres.T >= _cosine(min(radius_km + FARTHEST_REACH_KM, np.pi * EARTH_RADIUS_KM))
    near = [np.flatnonzero(column) for column in is_near.T]
    leaves, centre = np.concatenate(near), np.repeat(centres, [len(of_centre) for of_centre in near], axis=0)
    reach_km = np.minimum(reach * hierarchy.radius_km[hierarchy.leaves[leaves]].astype(np.float64), FARTHEST_REACH_KM)
    share = _share_of_disc(distance_km_from_units(hierarchy.leaf_unit[leaves], centre), reach_km, radius_km)
    stops = np.cumsum([len(of_centre) for of_centre in near]).tolist()
    return [min(float(mass[leaves[start:stop]] @ share[start:stop]), 1.0) for start, stop in pairwise([0, *stops])]


def heaviest(mass: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Indices of the `n` largest masses, the largest first, equal ones by index; all of them where there are fewer."""
    least = np.partition(mass, len(mass) - n)[len(mass) - n] if len(mass) > n else -np.inf
    above = np.flatnonzero(mass >= least)
    return above[np.argsort(-mass[above], kind="stable")][:n]


def best_for_geoscore(hierarchy: Hierarchy, mass: NDArray[np.float64]) -> int:
    """The leaf that maximises the expected GeoScore, among the heaviest leaves."""
    order, distance = _distances_from_heaviest(hierarchy, mass)
    return int(order[np.argmax(geoscore(distance) @ mass[order])])


def best_for_median(hierarchy: Hierarchy, mass: NDArray[np.float64]) -> int:
    """The leaf that minimises the expected distance, among the heaviest leaves."""
    order, distance = _distances_from_heaviest(hierarchy, mass)
    return int(order[np.argmin(distance @ mass[order])])


def _distances_from_heaviest(hierarchy: Hierarchy, mass: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    order = heaviest(mass, N_POINTS)
    unit = hierarchy.leaf_unit[order]
    return order, EARTH_RADIUS_KM * np.arccos(np.clip(unit[: 4 * N_CENTRES] @ unit.T, -1, 1))


def _radius_km(left: NDArray[np.float64], nearness: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The smallest radius at which a disc holds half, else the largest, and (C,) what its discs hold.

    A smaller disc holds no more, so only centres whose larger one is enough are tried again; the others are said to hold nothing.
    """
    radius, held = RADII_KM[-1], (nearness >= _cosine(RADII_KM[-1])) @ left
    for smaller in RADII_KM[-2::-1]:
        rows = np.flatnonzero(held >= ENOUGH_MASS * (1 - ROUNDING))
        found = (nearness[rows] >= _cosine(smaller)) @ left
        if not (found >= ENOUGH_MASS * (1 - ROUNDING)).any():
            break
        radius, held = smaller, np.zeros(len(nearness))
        held[rows] = found
    return radius, held


def _coarse_to_fine(left: NDArray[np.float64], nearness: NDArray[np.float64], radius: float, held: NDArray[np.float64]) -> int:
    """Row of the leaf found by going from the best disc of `radius` to the best of each smaller radius within it, and to its heaviest leaf.

    Args:
        left: (P,) masses, the heaviest first and some of the centres' above zero; those of earlier discs are zero.
        nearness: (C, P) cosines between the first C points and all.
        held: (C,) masses of the discs of `radius`.
    """
    rows = np.flatnonzero(left[: len(nearness)])
    held = held[rows]
    for wide, narrow in pairwise([*(step for step in reversed(RADII_KM) if step <= radius), 0.0]):
        best = rows[_first_best(held)]
        rows = rows[nearness[best, rows] >= _cosine(wide)]
        if len(rows) == 1 or not narrow:
            break
        points = np.flatnonzero(nearness[best] >= _cosine(1.01 * (wide + narrow)))
        held = (nearness[np.ix_(rows, points)] >= _cosine(narrow)) @ left[points]
    return int(rows[0])


def _first_best(held: NDArray[np.float64]) -> int:
    """The first of the largest: sums that differ by no more than rounding count as equal, so that the order of summing does not show."""
    return int(np.argmax(held >= held.max() * (1 - ROUNDING)))


@lru_cache(maxsize=256)
def _cosine(km: float) -> float:
    return float(1 - chord_from_km(km) ** 2 / 2)


def _share_of_disc(distance: NDArray[np.float64], reach: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Share of discs of radius `reach` whose centres are `distance` away that lies within `radius`."""
    inside = np.minimum(1.0, (radius / np.maximum(reach, 1e-9)) ** 2)
    share = np.where(distance >= reach + radius, 0.0, inside)
    cut = np.flatnonzero((distance < reach + radius) & (distance > np.maximum(reach, radius) - np.minimum(reach, radius)))
    share[cut] = _lens_of_disc(np.maximum(distance[cut], 1e-9), reach[cut], radius)
    return np.asarray(np.clip(share, 0.0, 1.0))


def _lens_of_disc(apart: NDArray[np.float64], reach: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Share of discs of radius `reach` > 0 that lies within a circle which cuts them: the lens of the two circles over the disc."""
    a = np.arccos(np.clip((apart**2 + reach**2 - radius**2) / (2 * apart * np.maximum(reach, 1e-9)), -1, 1))
    b = np.arccos(np.clip((apart**2 + radius**2 - reach**2) / (2 * apart * radius), -1, 1))
    lens = reach**2 * (a - np.sin(2 * a) / 2) + radius**2 * (b - np.sin(2 * b) / 2)
    return np.asarray(lens / (np.pi * np.maximum(reach, 1e-9) ** 2))
