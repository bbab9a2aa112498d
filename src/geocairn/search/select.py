"""The smallest numbers of each row, ties by index: what numpy's partition leaves open."""

import numpy as np
from numpy.typing import NDArray


def keep_smallest(scores: NDArray[np.float64], places: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
    """Which of each row's candidates are its `width` best.

    Args:
        scores: (B, C); infinite where there is no candidate.
        places: (B, C); of equal scores the lower place wins.
        width: >= 1.

    Returns:
        (B, C), at most `width` true in a row.
    """
    if scores.shape[1] <= width:
        return scores < np.inf
    worst = np.partition(scores, width - 1, axis=1)[:, width - 1 : width]
    keep = (scores <= worst) & (scores < np.inf)
    crowded = np.flatnonzero(np.count_nonzero(keep, axis=1) > width)
    if len(crowded):
        order = np.lexsort((places[crowded], scores[crowded]))[:, :width]
        keep[crowded] = False
        keep[crowded[:, None], order] = True
    return keep


def ranked(
    rows: NDArray[np.int64], places: NDArray[np.int64], scores: NDArray[np.float64], n_rows: int, top: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The `top` best of each row, best first.

    Args:
        rows, places, scores: (T,) candidates in any order, each place once in a row.
        n_rows: B.
        top: >= 1.

    Returns:
        (B, top) places and scores; -1 and infinite where a row has fewer.
    """
    order = np.lexsort((places, scores, rows))
    rows, places, scores = rows[order], places[order], scores[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    first = rank < top
    best = np.full((n_rows, top), -1, dtype=np.int32), np.full((n_rows, top), np.inf)
    best[0][rows[first], rank[first]] = places[first]
    best[1][rows[first], rank[first]] = scores[first]
    return best
