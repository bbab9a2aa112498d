"""Credible regions: the smallest sets of whole places that hold a given share of a posterior."""

from pathlib import Path

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
    order = np.argsort(-mass / np.maximum(area, MIN_AREA_KM2), kind="stable")
    held = np.cumsum(mass[order])
    regions = []
    for nominal in NOMINAL:
        # The sum can end a rounding error below 1, and within it below a nominal share that all places together hold.
        n = min(int(np.searchsorted(held, nominal - 1e-12)) + 1, len(order))
        member = np.zeros(len(order), dtype=bool)
        member[order[:n]] = True
        regions.append(
            Region(
                nominal=nominal,
                mass=round(min(float(held[n - 1]), 1.0), 4),
                area_km2=round(float(area[member].sum()), 1),
                members=np.packbits(member).tobytes(),
                territory=str(territory),
            )
        )
    return regions
