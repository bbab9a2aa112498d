"""What classification over the leaves needs of labelled rows: the leaf of each, what cannot be used, features' scaling, and how often scores are right."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadFeatures, BadManifest
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.leaf_scorer import Scaling
from geocairn.train.row_labels import ABSENT, UNKNOWN
from geocairn.train.rows import Rows

_BLOCK = 65536


def deepest_places(labels: NDArray[np.int64], hierarchy: Hierarchy) -> NDArray[np.int64]:
    """The finest place that each row is known to lie in.

    Args:
        labels: (N, levels) as `places_of_rows` gives them.

    Returns:
        (N,) place indices; -1 where nothing is known.
    """
    found = np.full(len(labels), -1, dtype=np.int64)
    for level in range(labels.shape[1]):
        known = labels[:, level] >= 0
        found[known] = labels[known, level] + hierarchy.places_of(level).start
    return found


def leaf_of_rows(labels: NDArray[np.int64], hierarchy: Hierarchy) -> NDArray[np.int64]:
    """The leaf that each row is labelled with.

    Returns:
        (N,) leaf indices; -1 where the labels leave several open, or name a place that the hierarchy does not have.
    """
    place = deepest_places(labels, hierarchy)
    is_leaf = (place >= 0) & (hierarchy.leaf_stop[place] - hierarchy.leaf_start[place] == 1) & (labels != ABSENT).all(axis=1)
    return np.where(is_leaf, hierarchy.leaf_start[place].astype(np.int64), -1)


def unknown_labels(rows: Rows, hierarchy: Hierarchy) -> list[str]:
    """How many training rows name places that the hierarchy does not have, by level, in words; nothing where all are known."""
    is_absent = rows.labels == ABSENT
    if not is_absent.any():
        return []
    counts = ", ".join(f"{name}: {n}" for name, n in zip(hierarchy.level_names, is_absent.sum(axis=0).tolist(), strict=True) if n)
    return [f"train.parquet: {is_absent.any(axis=1).sum()} of {len(rows)} rows name places that the hierarchy does not have ({counts})"]


def no_row_used(data: Path, rows: Rows, hierarchy: Hierarchy, why: str) -> BadManifest:
    """What is said of training rows none of which can be used: that they have no labels, or that the hierarchy does not have what they name."""
    unknown = [words.partition(": ")[2] for words in unknown_labels(rows, hierarchy)]
    mend = "label them as it does, or set places.source to rows" if unknown else "label some"
    return BadManifest(f"{data / 'train.parquet'}: {'; '.join([why, *unknown, mend])}")


def feature_scaling(rows: Rows) -> Scaling:
    """Mean and spread of the rows' features.

    Raises:
        BadFeatures: some are not finite.
    """
    dim = rows.features.meta.header.dim
    total, squares = np.zeros(dim), np.zeros(dim)
    for start in range(0, len(rows), _BLOCK):
        features = rows.read(np.arange(start, min(start + _BLOCK, len(rows)))).double().numpy()
        faulty = np.flatnonzero((~np.isfinite(features)).any(axis=1))
        if len(faulty):
            first = rows.features.photos[int(rows.row[start + faulty[0]])]
            raise BadFeatures(
                f"{rows.features.folder}: {len(faulty)} training photos have no finite features, such as {str(first)!r}; take their rows out of the manifest"
            )
        total += features.sum(axis=0)
        squares += (features**2).sum(axis=0)
    mean = total / len(rows)
    std = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0.0))
    return Scaling(mean.astype(np.float32), std.astype(np.float32))


def labelled_levels(labels: NDArray[np.int64], hierarchy: Hierarchy) -> list[str]:
    """The levels that any of (N, levels) labels is known at."""
    return [name for level, name in enumerate(hierarchy.level_names) if (labels[:, level] != UNKNOWN).any()]


def right_pct(is_right: NDArray[np.bool_], labels: NDArray[np.int64], hierarchy: Hierarchy) -> dict[str, float]:
    """For each level with a label the percentage right, of the rows with a label there; all (N, levels)."""
    known = labels != UNKNOWN
    return {name: 100 * float(is_right[known[:, level], level].mean()) for level, name in enumerate(hierarchy.level_names) if known[:, level].any()}


def metric_names(labels: NDArray[np.int64], hierarchy: Hierarchy) -> list[str]:
    """What `leaf_metrics` tells of rows with (N, levels) labels and features."""
    return labelled_levels(labels, hierarchy) + (["nll"] if (leaf_of_rows(labels, hierarchy) >= 0).any() else [])


def leaf_metrics(blocks: Iterable[NDArray[np.float64]], labels: NDArray[np.int64], hierarchy: Hierarchy) -> dict[str, float]:
    """How often the likeliest place is the true one.

    Args:
        blocks: (B, L) log-probabilities of consecutive rows, all of them together; a row of NaN where there are no features.
        labels: (N, levels).

    Returns:
        For each level with a label the percentage right, of the rows with a label there; a place that the hierarchy does not have, and a row without features
        count as wrong. And `nll`, the mean negative log-probability of the leaf, over the rows with features whose labels tell one.
    """
    leaf = leaf_of_rows(labels, hierarchy)
    starts = [hierarchy.places_of(level).start for level in range(1, labels.shape[1])]
    best, log_p, row = np.full_like(labels, UNKNOWN), np.full(len(labels), np.nan), 0
    for block in blocks:
        for index, scores in enumerate(block, start=row):
            if np.isnan(scores).any():
                continue
            of_levels = np.split(hierarchy.sum_leaves(np.exp(scores)), starts)
            best[index] = [level.argmax() if len(level) else UNKNOWN for level in of_levels]
            log_p[index] = scores[leaf[index]] if leaf[index] >= 0 else np.nan
        row += len(block)
    told = log_p[~np.isnan(log_p)]
    return right_pct(best == labels, labels, hierarchy) | ({"nll": -float(told.mean())} if len(told) else {})
