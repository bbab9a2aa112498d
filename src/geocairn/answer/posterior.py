"""From log-scores and clues to a posterior over the leaves of a hierarchy."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.clues.clue import Clue, Tier
from geocairn.errors import GeocairnError
from geocairn.places.hierarchy import Hierarchy

LevelScores = Sequence[NDArray[np.float64] | None]


def leaf_posterior(
    hierarchy: Hierarchy, scores: LevelScores, clues: Sequence[Clue], reliability: Mapping[Tier, float], *, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Posterior over the leaves: the product of the scores of each leaf's ancestors and of all clues.

    Args:
        scores: per level, (number of places of that level,) log-scores; None for a level that the scorer says nothing of. A leaf whose chain lacks a
            level takes nothing from it.
        clues: log-likelihoods over the same leaves; independent given the place.
        reliability: probability that a clue of each tier tells the truth.
        temperature: the summed log-scores (not the clues) are divided by it, > 0.

    Returns:
        (L,) float64 probabilities that sum to 1.

    Raises:
        GeocairnError: the scores are not finite; or the clues leave no place on Earth, as two regions that exclude each other do.
    """
    total = summed_scores(hierarchy, scores) / temperature
    if not np.isfinite(total.max()):
        raise GeocairnError("its scores are not finite, so that they say nothing of where it was taken; look at its features, or train the bundle anew")
    for clue in clues:
        total += clue.log_likelihood(reliability)
    highest = total.max()
    if not np.isfinite(highest):
        raise GeocairnError("the limits given leave no place on Earth; widen --within")
    mass = np.exp(total - highest)
    return np.asarray(mass / mass.sum())


def summed_scores(hierarchy: Hierarchy, scores: LevelScores) -> NDArray[np.float64]:
    """(L,) sum of the log-scores of each leaf's ancestors, as `leaf_posterior` takes them."""
    total = np.zeros(hierarchy.n_leaves)
    for level, level_scores in enumerate(scores):
        if level_scores is not None:
            ancestor = hierarchy.ancestor_of_leaves(level)
            inside = ancestor >= 0
            total[inside] += level_scores[ancestor[inside] - hierarchy.places_of(level).start]
    return total


def allowed_leaves(hierarchy: Hierarchy, clues: Sequence[Clue], reliability: Mapping[Tier, float]) -> NDArray[np.bool_]:
    """(L,) the leaves that no hard limit excludes: those that every clue of reliability 1 allows for."""
    allowed = np.ones(hierarchy.n_leaves, dtype=bool)
    for clue in clues:
        if reliability[clue.tier] == 1:
            allowed &= clue.ratio > 0
    return allowed


def coarsen(hierarchy: Hierarchy, mass: NDArray[np.float64], level: int, *, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Forget where within the places of `level` the mass lies: it is spread there as the prior would have it within the hard limits.

    Args:
        mass: (L,) posterior over leaves.
        allowed: (L,) leaves that may hold any, all that hold some among them; all leaves by default.

    Returns:
        (L,) with the same mass in every place of `level`, and of the coarser ones; see `holder_of_leaves` for leaves without a place at `level`.
    """
    holder = holder_of_leaves(hierarchy, level)
    weight = hierarchy.weight[hierarchy.leaves] * (1 if allowed is None else allowed)
    inside = np.bincount(holder, mass, minlength=len(hierarchy)) / np.bincount(holder, weight, minlength=len(hierarchy)).clip(min=1e-300)
    return np.asarray(inside[holder] * weight)


def holder_of_leaves(hierarchy: Hierarchy, level: int) -> NDArray[np.int32]:
    """For each leaf the finest place above it that may be told where nothing finer than `level` is.

    Returns:
        (L,) int32 place indices: the place of `level`, or the next coarser one where the chain lacks that level; the leaf itself where it lies in nothing.
    """
    holder = hierarchy.leaves.copy()
    for coarser in range(level + 1):
        ancestor = hierarchy.ancestor_of_leaves(coarser)
        holder = np.where(ancestor >= 0, ancestor, holder)
    return holder


def log_odds_raised(hierarchy: Hierarchy, clue: Clue, reliability: Mapping[Tier, float]) -> float:
    """By how much a clue alone raises the log odds of the place that it supports over the prior's; bounded by +-20."""
    place = clue.supports
    leaves = slice(int(hierarchy.leaf_start[place]), int(hierarchy.leaf_stop[place]))
    weight = hierarchy.weight[hierarchy.leaves[leaves]]
    r = reliability[clue.tier]
    before = float(weight.sum())
    after = (1 - r) * before + r * float(weight @ clue.ratio[leaves])
    return float(np.clip(_log_odds(after) - _log_odds(before), -20, 20))


def _log_odds(p: float) -> float:
    bounded = min(max(p, 1e-12), 1 - 1e-12)
    return float(np.log(bounded) - np.log1p(-bounded))
