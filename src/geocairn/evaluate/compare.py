"""Figures side by side: against another system, photo by photo."""

import numpy as np

from geocairn.evaluate.report import Against, DifferenceRecord, FailureReason, finite, interval
from geocairn.evaluate.score import Noise, Scores
from geocairn.metrics import Difference, paired_bootstrap_by_group


def against_record(scores: Scores, other: Scores, *, noise: Noise, file: str, sha256: str, failures: list[FailureReason]) -> Against:
    """Paired differences of every @km figure, the GeoScore and the country accuracy: `scores` less `other`, over the same photos.

    Args:
        file, sha256: name and hash of the other system's file.
        failures: why photos failed in it.
    """
    mine, theirs = (np.column_stack([some.hits_pct, some.geoscore, 100 * some.right["country"]]) for some in (scores, other))
    found = paired_bootstrap_by_group(mine, theirs, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)
    *within, score, country = map(_record, found)
    return Against(
        predictions=file,
        sha256=sha256,
        n_failed=int(other.is_failed.sum()),
        failures=failures,
        within_pct=dict(zip(scores.threshold_names, within, strict=True)),
        geoscore=score,
        country_pct=None if np.isnan(found[-1].mean) else country,
    )


def _record(difference: Difference) -> DifferenceRecord:
    ends = interval(difference.low, difference.high)
    return DifferenceRecord(difference=finite(difference.mean), ci95=ends, is_below_zero=difference.is_below_zero, is_above_zero=difference.is_above_zero)
