"""Which rows a step trains on: a permutation of each epoch, drawn from the seed and the epoch's number alone."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@lru_cache(maxsize=2)
def epoch_order(seed: int, epoch: int, n_rows: int) -> Rows:
    """The rows of an epoch, each once, in the order in which they are trained on."""
    return np.random.default_rng([seed, epoch]).permutation(n_rows)


def batch_rows(step: int, *, seed: int, n_rows: int, batch_size: int) -> Rows:
    """Rows of a step, counted from 0 over all epochs.

    Returns:
        (batch_size,) rows; fewer in the last step of an epoch.
    """
    per_epoch = -(-n_rows // batch_size)
    epoch, within = divmod(step, per_epoch)
    return epoch_order(seed, epoch, n_rows)[within * batch_size : (within + 1) * batch_size]


def share_of_rank(rows: Rows, *, rank: int, world_size: int) -> Rows:
    """The rows of a batch that one of several processes trains on: equally many for each, the first ones twice where they do not divide."""
    each = -(-len(rows) // world_size)
    return np.resize(rows, each * world_size)[rank::world_size]
