"""Photos of one trip: each photo's places speak for the others', the more the nearer they are to each other.

A trip has a middle, drawn like any photo; a photo of the trip lies about it as e^(-distance / TRIP_KM) has it, or, in `STRAY` of cases, anywhere at all.
The model is a star, so leaving one photo out, summing over the middle and passing the message back is exact on the grid of blocks used here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.clues.clue import Clue, Tier, ratio_from_frequency
from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.places.hierarchy import Hierarchy

TRIP_KM = 150.0
STRAY = 0.1
# Sinkhorn's balancing of a symmetric kernel; each step halves what is out of balance.
BALANCING_STEPS = 25
BLOCKS_PER_RADIAN = 40  # blocks about 160 km wide


def together_clues(posteriors: Sequence[NDArray[np.float64]], hierarchy: Hierarchy) -> list[Clue | None]:
    """For each photo, what the other photos of its trip say of its place.

    Args:
        posteriors: per photo, (L,) posterior over leaves from its own evidence; user limits included.
        hierarchy: the leaves' prior is its weight.

    Returns:
        One clue per photo; None for a photo without others.
    """
    if len(posteriors) < 2:
        return [None] * len(posteriors)
    weight = hierarchy.weight[hierarchy.leaves]
    block, centres = _blocks(hierarchy)
    prior = np.asarray(np.bincount(block, weight), dtype=np.float64)
    kernel = _kernel(centres, prior)
    # How much likelier a photo's evidence is in each block than on Earth at large, then seen from each middle of the trip.
    messages = np.log(np.stack([kernel @ np.bincount(block, posterior) for posterior in posteriors]))
    total = messages.sum(0)
    return [_clue(hierarchy, kernel, prior * _likelihood(total - own), block, len(posteriors) - 1) for own in messages]


def _clue(hierarchy: Hierarchy, kernel: NDArray[np.float64], middle: NDArray[np.float64], block: NDArray[np.int64], n_others: int) -> Clue:
    ratio = ratio_from_frequency(hierarchy, (middle @ kernel)[block])
    countries = hierarchy.places_of(0)
    held = hierarchy.sum_leaves(hierarchy.weight[hierarchy.leaves] * ratio)[countries.start : countries.stop]
    words = f"{n_others} other photo{'s' if n_others > 1 else ''} of the trip"
    return Clue(kind="together", text=words, box_px=None, tier=Tier.STRONG, ratio=ratio, supports=countries.start + int(np.argmax(held)))


def _likelihood(log_likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(log_likelihood - log_likelihood.max()))


def _blocks(hierarchy: Hierarchy) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Block of each leaf and the blocks' centres (B, 3): cubes of a grid through the sphere."""
    unit = hierarchy.unit[hierarchy.leaves]
    cube = np.floor(unit * BLOCKS_PER_RADIAN).astype(np.int64) + BLOCKS_PER_RADIAN
    _, block = np.unique(cube @ [10_000, 100, 1], return_inverse=True)
    sums = np.stack([np.bincount(block, unit[:, axis]) for axis in range(3)], axis=1)
    return block, sums / np.linalg.norm(sums, axis=1, keepdims=True)


def _kernel(centres: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, B) how much likelier a photo lies in block j than the prior has it, given a trip whose middle is in block i.

    Rows and columns have mean 1 under the prior, so that a trip's photo of which nothing is known is drawn like any photo.
    """
    near = np.exp(-EARTH_RADIUS_KM / TRIP_KM * np.arccos(np.clip(centres @ centres.T, -1, 1)))
    scale = np.sqrt(near @ prior)
    for _ in range(BALANCING_STEPS):
        scale = np.sqrt(scale * (near @ (prior / scale)))
    near /= scale[:, None] * scale
    return np.asarray(STRAY + (1 - STRAY) * near)
