"""Credible regions: the smallest sets of whole places that hold a given share of a posterior."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.prediction import Region
from geocairn.places.hierarchy import Hierarchy

NOMINAL = (0.5, 0.8, 0.95)
# Territories of crowded city quarters can be smaller than this; their density would be an accident of where GeoNames put its points.
MIN_AREA_KM2 = 1.0


def credible_regions(hierarchy: Hierarchy, mass: NDArray[np.float64], territory: Path) -> list[Region]:
    """The 50, 80 and 95 % credible regions: leaves taken by decreasing mass per area until the nominal share is reached.

    Args:
        mass: (L,) posterior over leaves.
        territory: file with the leaves' outlines, kept by reference for drawing.

    Returns:
        One region per nominal share, each within the next; `mass` is what the whole places really hold.
    """
    area = hierarchy.area_km2[hierarchy.leaves].astype(np.float64)
    density = mass / np.maximum(area, MIN_AREA_KM2)
    order = np.argsort(-density)
    held = np.cumsum(mass[order])
    regions = []
    for nominal in NOMINAL:
        # The sum can end a rounding error below 1, and within it below a nominal share that all places together hold.
        last = order[min(int(np.searchsorted(held, nominal - 1e-12)), len(order) - 1)]
        member = _densest(density, mass, float(density[last]), nominal)
        regions.append(
            Region(
                nominal=nominal,
                mass=round(min(float(mass[member].sum()), 1.0), 4),
                area_km2=round(float(area[member].sum()), 1),
                members=np.packbits(member).tobytes(),
                territory=str(territory),
            )
        )
    return regions


def area_to_leaf_km2(mass: NDArray[np.floating[Any]], area_km2: NDArray[np.floating[Any]], leaf: int) -> float:
    """Area of the leaves that a search by falling density (mass per km2) goes through until it has gone through `leaf`.

    Args:
        mass: (L,) posterior over leaves.
        area_km2: (L,) areas; for the density an area counts as at least 1 km2.
        leaf: that holds the truth; -1 for none.

    Returns:
        Square kilometres; infinite for leaf -1. Leaves just as dense as the true one stand before it, so that an even posterior is not flattered.
    """
    if leaf < 0:
        return float("inf")
    density = mass / np.maximum(area_km2, MIN_AREA_KM2)
    return float(area_km2[density >= density[leaf]].sum(dtype=np.float64))


def _densest(density: NDArray[np.float64], mass: NDArray[np.float64], least: float, nominal: float) -> NDArray[np.bool_]:
    """Leaves denser than `least`, and of those just as dense so many, by index, as reach the nominal share: no sort's way with ties shows."""
    member = density > least
    tied = np.flatnonzero(density == least)
    missing = nominal - float(mass[member].sum()) - 1e-12
    member[tied[: int(np.searchsorted(np.cumsum(mass[tied]), missing)) + 1]] = True
    return member
