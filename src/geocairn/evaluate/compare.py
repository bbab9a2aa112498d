"""Figures side by side: by the values of a column, and against another system."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.evaluate.report import Against, DifferenceRecord, GroupRow, finite, interval, number
from geocairn.evaluate.score import Noise, Scores, mean_right_pct, within_by_name
from geocairn.metrics import Difference, mean_geoscore, median_km, paired_bootstrap_by_group


def group_rows(cells: Sequence[str | None], scores: Scores) -> list[GroupRow]:
    """The main figures by the values of a column, the commonest value first; an empty cell is a value of its own."""
    rows_of: dict[str | None, list[int]] = {}
    for row, cell in enumerate(cells):
        rows_of.setdefault(cell, []).append(row)
    ordered = sorted(rows_of.items(), key=lambda item: (-len(item[1]), item[0] is None, item[0] or ""))
    return [_group_row(value, np.array(rows), scores) for value, rows in ordered]


def against_record(scores: Scores, other: Scores, *, noise: Noise, file: str, sha256: str) -> Against:
    """Paired differences of every @km figure, the GeoScore and the country accuracy: `scores` less `other`, over the same photos.

    Args:
        file, sha256: name and hash of the other system's file.
    """
    mine, theirs = (np.column_stack([some.hits_pct, some.geoscore, 100 * some.right["country"]]) for some in (scores, other))
    found = paired_bootstrap_by_group(mine, theirs, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)
    *within, score, country = map(_record, found)
    return Against(
        predictions=file,
        sha256=sha256,
        n_failed=int(other.is_failed.sum()),
        within_pct=dict(zip(scores.threshold_names, within, strict=True)),
        geoscore=score,
        country_pct=None if np.isnan(found[-1].mean) else country,
    )


def _record(difference: Difference) -> DifferenceRecord:
    ends = interval(difference.low, difference.high)
    return DifferenceRecord(difference=finite(difference.mean), ci95=ends, is_below_zero=difference.is_below_zero, is_above_zero=difference.is_above_zero)


def _group_row(value: str | None, rows: NDArray[np.int64], scores: Scores) -> GroupRow:
    return GroupRow(
        value=value,
        n=len(rows),
        n_failed=int(scores.is_failed[rows].sum()),
        within_pct=within_by_name(scores, rows),
        median_km=number(median_km(scores.km[rows])),
        geoscore=finite(mean_geoscore(scores.km[rows])),
        country_pct=mean_right_pct(scores.right["country"][rows]),
    )
