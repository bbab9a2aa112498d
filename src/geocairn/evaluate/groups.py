"""The main figures of groups of photos: by the values of a column, each with its intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from geocairn.evaluate.report import GroupIntervals, GroupRow, finite, interval, number
from geocairn.evaluate.score import Noise, Scores, mean_right_pct, within_by_name
from geocairn.metrics import median_km, percentile_interval, resampled_counts

MIN_AUTHORS = 5
"""Fewer authors than these say nothing of noise: their resamples are a handful of different ones."""
INTERVAL_THRESHOLDS = ("25", "750")
_BLOCK = 1024  # groups whose resamples are held at once: 1,024 x 3 figures x 1,000 resamples take 25 MB

Cells = Sequence[str | None]
Rows = NDArray[np.int64]


def group_rows(cells: Cells, scores: Scores, noise: Noise, *, order: Sequence[str] | None = None) -> list[GroupRow]:
    """The main figures by the values of a column; every value has its row, however few photos bear it, and failed photos count as wrong in it.

    Args:
        cells: the value of each of N photos; None (nothing is known) is a value of its own.
        scores, noise: of the same photos.
        order: the values in the order of their rows, None last; by default the commonest first, equally common ones by name.

    Returns:
        One row per value that occurs; their `n` sum to N.
    """
    rows_of: dict[str | None, list[int]] = {}
    for row, cell in enumerate(cells):
        rows_of.setdefault(cell, []).append(row)
    if order is None:
        values = sorted(rows_of, key=lambda value: (-len(rows_of[value]), value is None, value or ""))
    else:
        values = [value for value in (*order, None) if value in rows_of]
    rows = [np.array(rows_of[value]) for value in values]
    ends = _intervals(rows, scores, noise)
    return [_group_row(value, members, scores, intervals) for value, members, intervals in zip(values, rows, ends, strict=True)]


def _group_row(value: str | None, rows: Rows, scores: Scores, ci95: GroupIntervals) -> GroupRow:
    return GroupRow(
        value=value,
        n=len(rows),
        n_failed=int(scores.is_failed[rows].sum()),
        within_pct=within_by_name(scores, rows),
        median_km=number(median_km(scores.km[rows])),
        geoscore=finite(scores.geoscore[rows].mean()),
        country_pct=mean_right_pct(scores.right["country"][rows]),
        ci95=ci95,
    )


def _intervals(groups: Sequence[Rows], scores: Scores, noise: Noise) -> list[GroupIntervals]:
    """95 % intervals of each group's GeoScore and @25 and @750 km; without ends where fewer than five authors took its photos."""
    names = [name for name in INTERVAL_THRESHOLDS if name in scores.threshold_names]
    hits = scores.hits_pct[:, [scores.threshold_names.index(name) for name in names]]
    columns = np.column_stack([scores.geoscore, hits])
    authors = np.unique(noise.groups, return_inverse=True)[1]
    told = [index for index, rows in enumerate(groups) if len(np.unique(authors[rows])) >= MIN_AUTHORS]
    ends = np.full((len(groups), columns.shape[1], 2), np.nan)
    for start in range(0, len(told), _BLOCK):
        block = told[start : start + _BLOCK]
        ends[block] = _block_intervals([groups[index] for index in block], columns, authors, noise)
    return [
        GroupIntervals(geoscore=interval(*score), within_pct={name: interval(*pair) for name, pair in zip(names, within, strict=True)})
        for score, *within in ends.tolist()
    ]


def _block_intervals(groups: Sequence[Rows], columns: NDArray[np.float64], authors: Rows, noise: Noise) -> NDArray[np.float64]:
    """(G, K, 2) ends for G groups and K columns: authors are drawn from all, the same for every group, and a group has those of its photos that come."""
    n_groups, n_columns = len(groups), columns.shape[1]
    rows, group = np.concatenate(groups), np.repeat(np.arange(n_groups), [len(members) for members in groups])
    # One sparse product gives every group's sums in a resample: rows are never copied, and an author adds only to the groups that have photos of theirs.
    sums = [csr_matrix((column[rows], (group, authors[rows])), shape=(n_groups, authors.max() + 1)) for column in (np.ones(len(columns)), *columns.T)]
    resampled = []
    for counts in resampled_counts(authors.max() + 1, noise.n_resamples, noise.seed):
        drawn = np.ascontiguousarray(counts.T)
        with np.errstate(invalid="ignore"):
            resampled.append(np.stack([total @ drawn for total in sums[1:]], axis=1) / (sums[0] @ drawn)[:, None])
    return percentile_interval(np.concatenate(resampled, axis=2).reshape(n_groups * n_columns, -1).T).reshape(n_groups, n_columns, 2)
