"""How far a leaf's photos lie from its centre, in radii of the leaf: the factor under which half of them lie within half the area of its disc."""

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.candidates import FARTHEST_REACH_KM
from geocairn.answer.decide import LEAST_REACH, MOST_REACH
from geocairn.evaluate.held_scores import HeldScores
from geocairn.geo.sphere import distance_km_from_units
from geocairn.metrics import bootstrap_by_group
from geocairn.places.hierarchy import Hierarchy

MIN_PHOTOS = 30
NOT_FITTED = 1.0

Array = NDArray[np.float64]


def halving_reach(held: HeldScores, hierarchy: Hierarchy) -> Array:
    """For each photo the reach at which the circle through it, around the centre of its leaf, halves the area of the leaf's disc.

    Returns:
        (M,) within the bounds of a reach; the greatest where the photo lies in the outer half of the farthest disc that there is. NaN where the leaf has no
        radius, which no factor mends.
    """
    leaf_km = hierarchy.radius_km[hierarchy.leaves[held.leaf]].astype(np.float64)
    # A circle of radius R / sqrt(2) halves a disc of radius R.
    disc_km = np.sqrt(2) * distance_km_from_units(held.unit, hierarchy.leaf_unit[held.leaf])
    found = np.full(len(held), np.nan)
    np.divide(np.where(disc_km <= FARTHEST_REACH_KM, disc_km, np.inf), leaf_km, out=found, where=leaf_km > 0)
    return np.asarray(np.clip(found, LEAST_REACH, MOST_REACH))


def fit_reach(halving: Array, groups: NDArray[np.int64]) -> float:
    """The reach under which half of the photos lie within half of their discs: a median, which photos far out do not move.

    Args:
        halving: (M,) of `halving_reach`.
        groups: (M,) author.

    Returns:
        1 where fewer than `MIN_PHOTOS` photos, or those of one author alone, lie in leaves with a radius.
    """
    known = np.isfinite(halving)
    return float(np.median(halving[known])) if _is_enough(known, groups) else NOT_FITTED


def reach_error(halving: Array, groups: NDArray[np.int64]) -> float | None:
    """Standard error of a fitted reach by bootstrap of the authors; None where it is not fitted. Args as of `fit_reach`."""
    known = np.isfinite(halving)
    if not _is_enough(known, groups):
        return None
    return float(bootstrap_by_group(halving[known], groups[known], statistic="median").std(ddof=1))


def _is_enough(known: NDArray[np.bool_], groups: NDArray[np.int64]) -> bool:
    return int(known.sum()) >= MIN_PHOTOS and len(np.unique(groups[known])) > 1
