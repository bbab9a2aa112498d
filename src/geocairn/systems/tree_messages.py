"""Gaussian belief propagation on a hierarchy: what observations of leaves say of every leaf, exactly, by one pass up and one pass down."""

import numpy as np
from numpy.typing import NDArray

from geocairn.places.hierarchy import Hierarchy

Array = NDArray[np.float64]


def leaf_posteriors(hierarchy: Hierarchy, level_variance: Array, *, precision: Array, linear: Array) -> tuple[Array, Array]:
    """Posterior of the leaves' sums of effects, where each place adds its own effect N(0, variance of its level) to its parent's sum.

    Args:
        hierarchy: of L leaves; leaves may be of any level.
        level_variance: (number of levels,) > 0.
        precision, linear: (L, D) what was observed of each leaf, dimension by dimension: the likelihood exp(-precision x^2 / 2 + linear x); 0 for nothing.

    Returns:
        (L, D) means and (L, D) variances > 0.

    Source: a Gaussian message (P, L) that passes an effect of variance v becomes (P / (1 + vP), L / (1 + vP)).
    """
    # Of each place: what lies below it says of its sum, and what it tells its parent of the parent's.
    below = np.zeros((2, len(hierarchy), precision.shape[1]))
    below[:, hierarchy.leaves] = precision, linear
    upward, above = np.zeros_like(below), np.zeros_like(below)
    levels = [slice(hierarchy.places_of(level).start, hierarchy.places_of(level).stop) for level in range(len(hierarchy.level_names))]
    for places, variance in reversed(list(zip(levels, level_variance.tolist(), strict=True))):
        upward[:, places] = _passed(below[:, places], variance)
        _add_to_parents(below, upward[:, places], hierarchy.parent[places])
    for places, variance in zip(levels, level_variance.tolist(), strict=True):
        parent = hierarchy.parent[places]
        elsewhere = below[:, parent] + above[:, parent] - upward[:, places]
        above[:, places] = _passed(elsewhere, variance)
        # Above a place without a parent there is nought, for certain.
        above[:, places][:, parent < 0] = np.array([1 / variance, 0.0])[:, None, None]
    total_precision, total_linear = below[:, hierarchy.leaves] + above[:, hierarchy.leaves]
    return total_linear / total_precision, 1 / total_precision


def _passed(message: Array, variance: float) -> Array:
    return np.asarray(message / (1 + variance * message[0]))


def _add_to_parents(below: Array, upward: Array, parent: NDArray[np.int32]) -> None:
    """Add the messages of one level's places to their parents; the children that a place has at a level are contiguous."""
    if not (parent >= 0).any():
        return
    first = np.flatnonzero(np.concatenate([[True], np.diff(parent) != 0]))
    sums = np.add.reduceat(upward, first, axis=1)
    inside = parent[first] >= 0
    below[:, parent[first][inside]] += sums[:, inside]
