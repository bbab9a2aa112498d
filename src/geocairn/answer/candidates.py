"""Distinct ranked candidates: the few discs that hold most of a posterior."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geocairn.geo.sphere import EARTH_RADIUS_KM, chord_from_km, distance_km_from_units, geoscore
from geocairn.places.hierarchy import Hierarchy

RADII_KM = (10.0, 25.0, 75.0, 200.0, 500.0, 1000.0)
"""A candidate's radius is the smallest of these whose best disc holds half of the posterior, else the largest."""
ENOUGH_MASS = 0.5
MARGIN_KM = 2.0
"""Centres are farther apart than their radius by this much: told to 0.01 degree, each may move by 0.8 km towards the other."""
N_POINTS = 2048
N_CENTRES = 192


@dataclass(frozen=True)
class Disc:
    """A candidate before it gets its words: the leaf at its centre, its radius and the probability of being within it."""

    leaf: int
    radius_km: float
    p: float


def best_discs(hierarchy: Hierarchy, mass: NDArray[np.float64], top: int) -> list[Disc]:
    """The discs that hold most of a posterior, by decreasing mass; no disc's centre lies within another.

    Args:
        mass: (L,) posterior over leaves.
        top: at most so many.

    Returns:
        1 to `top` discs of one radius. A disc is centred on a leaf, found from coarse to fine: within the best disc of a radius the best disc of the next
        smaller one, down to the leaf. The search looks at the `N_POINTS` heaviest leaves; each `p` is over all.
    """
    order = heaviest(mass, N_POINTS)
    left, unit = mass[order].copy(), hierarchy.unit[hierarchy.leaves[order]]
    nearness = unit[:N_CENTRES] @ unit.T
    radius = _radius_km(left, nearness)
    discs: list[Disc] = []
    while len(discs) < top and left[:N_CENTRES].any():
        row = _coarse_to_fine(left, nearness, radius)
        if row is None:
            break
        discs.append(Disc(int(order[row]), radius, probability_within(hierarchy, mass, unit[row], radius)))
        left[nearness[row] >= _cosine(radius + MARGIN_KM)] = 0.0
    return sorted(discs, key=lambda disc: -disc.p)


def probability_within(hierarchy: Hierarchy, mass: NDArray[np.float64], centre: NDArray[np.float64], radius_km: float) -> float:
    """Probability of being within a distance of a point, photos lying evenly over the disc of their leaf (`radius_km` of the hierarchy).

    Args:
        mass: (L,) posterior over leaves.
        centre: (3,) unit vector.

    Returns:
        In [0, 1].
    """
    leaves = hierarchy.leaves
    reach = np.minimum(hierarchy.radius_km[leaves], 200.0)
    near = np.flatnonzero(hierarchy.unit[leaves] @ centre >= _cosine(min(radius_km + 200.0, np.pi * EARTH_RADIUS_KM)))
    distance = distance_km_from_units(hierarchy.unit[leaves[near]], centre)
    held = float(mass[near] @ _share_of_disc(distance, reach[near].astype(np.float64), radius_km))
    return min(held, 1.0)


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
    unit = hierarchy.unit[hierarchy.leaves[order]]
    return order, EARTH_RADIUS_KM * np.arccos(np.clip(unit[: 4 * N_CENTRES] @ unit.T, -1, 1))


def _radius_km(left: NDArray[np.float64], nearness: NDArray[np.float64]) -> float:
    for radius in RADII_KM:
        if np.max((nearness >= _cosine(radius)) @ left) >= ENOUGH_MASS:
            return radius
    return RADII_KM[-1]


def _coarse_to_fine(left: NDArray[np.float64], nearness: NDArray[np.float64], radius: float) -> int | None:
    """Row of the leaf found by going from the best disc of `radius` to the best of each smaller radius within it; None where nothing is left."""
    allowed = left[: len(nearness)] > 0
    row = None
    for step in [step for step in reversed(RADII_KM) if step <= radius]:
        held = np.where(allowed, (nearness >= _cosine(step)) @ left, 0.0)
        if held.max() <= 0:
            return row
        row = int(np.argmax(held))
        allowed &= nearness[row, : len(nearness)] >= _cosine(step)
    return int(np.argmax(np.where(allowed, left[: len(nearness)], 0.0)))


def _cosine(km: float) -> float:
    return float(1 - chord_from_km(km) ** 2 / 2)


def _share_of_disc(distance: NDArray[np.float64], reach: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Share of discs of radius `reach` whose centres are `distance` away that lies within `radius`: the lens of two circles over the disc."""
    smaller = np.minimum(reach, radius)
    inside = np.minimum(1.0, (radius / np.maximum(reach, 1e-9)) ** 2)
    apart = np.maximum(distance, 1e-9)
    with np.errstate(invalid="ignore"):
        a = np.arccos(np.clip((apart**2 + reach**2 - radius**2) / (2 * apart * np.maximum(reach, 1e-9)), -1, 1))
        b = np.arccos(np.clip((apart**2 + radius**2 - reach**2) / (2 * apart * radius), -1, 1))
        lens = reach**2 * (a - np.sin(2 * a) / 2) + radius**2 * (b - np.sin(2 * b) / 2)
    share = np.where(
        distance >= reach + radius, 0.0, np.where(distance <= np.maximum(reach, radius) - smaller, inside, lens / (np.pi * np.maximum(reach, 1e-9) ** 2))
    )
    return np.asarray(np.clip(share, 0.0, 1.0))
