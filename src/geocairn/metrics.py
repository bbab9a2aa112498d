"""Distances and hits in, numbers and intervals out: arrays only. Photos of one author are near-duplicates, so bootstraps draw authors, not photos."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.geo.sphere import geoscore

THRESHOLDS_KM = (1.0, 25.0, 200.0, 750.0, 2500.0)
Z_95 = 1.96
_CHUNK = 64  # resamples whose counts are held at once: 64 x 25,600 rows of the median take 13 MB

Array = NDArray[np.float64]
Statistic = Literal["mean", "median"]


@dataclass(frozen=True)
class Difference:
    """A mean difference and its 95 % interval by paired bootstrap; the interval is NaN with fewer than two groups."""

    mean: float
    low: float
    high: float

    @property
    def is_below_zero(self) -> bool:
        """The difference is below 0 beyond noise: the whole interval is."""
        return self.high < 0

    @property
    def is_above_zero(self) -> bool:
        """The difference is above 0 beyond noise: the whole interval is."""
        return self.low > 0


@dataclass(frozen=True)
class Coverage:
    """How often truths fall into sets that claim to hold a mass, against that mass.

    Attributes:
        inside: share of the sets that hold the truth.
        mass: mean of the masses claimed.
        difference: inside - mass; 0 where the claims are honest.
        standard_error: of the difference, by author bootstrap; NaN with fewer than two groups.
        n: number of sets.
    """

    inside: float
    mass: float
    difference: float
    standard_error: float
    n: int


def hits_within(km: ArrayLike, thresholds_km: Sequence[float] = THRESHOLDS_KM, *, inclusive: bool = True) -> Array:
    """1 where a distance is within a threshold, else 0.

    Args:
        km: (N,) kilometres; infinite for a photo without an answer, NaN never counts as within.
        thresholds_km: T thresholds.
        inclusive: a distance equal to the threshold is within.

    Returns:
        (N, T) float64 of 0 and 1.
    """
    distances, limits = np.asarray(km, dtype=np.float64)[:, None], np.asarray(thresholds_km, dtype=np.float64)
    return (distances <= limits if inclusive else distances < limits).astype(np.float64)


def within_pct(km: ArrayLike, thresholds_km: Sequence[float] = THRESHOLDS_KM, *, inclusive: bool = True) -> Array:
    """Percentage of photos within each threshold; a photo without an answer (infinite) counts as a miss.

    Args:
        km: (N,) kilometres, N >= 1.
        thresholds_km: T thresholds.
        inclusive: a distance equal to the threshold is within.

    Returns:
        (T,) float64 in [0, 100].

    >>> within_pct([0.5, 25.0, float("inf"), 100.0], [1, 25]).tolist()
    [25.0, 50.0]
    """
    return np.asarray(100 * hits_within(km, thresholds_km, inclusive=inclusive).mean(axis=0))


def median_km(km: ArrayLike) -> float:
    """Median distance over all photos, those without an answer infinitely far: infinite where they are half or more.

    >>> median_km([1.0, 3.0, float("inf")])
    3.0
    """
    return float(np.median(np.asarray(km, dtype=np.float64)))


def mean_answered_km(km: ArrayLike) -> tuple[float, int]:
    """Mean distance over the photos that have one, and their number; (NaN, 0) where none has.

    >>> mean_answered_km([1.0, 3.0, float("inf")])
    (2.0, 2)
    """
    distances = np.asarray(km, dtype=np.float64)
    answered = distances[np.isfinite(distances)]
    return (float(answered.mean()), len(answered)) if len(answered) else (float("nan"), 0)


def mean_geoscore(km: ArrayLike) -> float:
    """Mean GeoScore over all photos; one without an answer (infinite) scores 0. Never the GeoScore of a mean distance.

    >>> mean_geoscore([0.0, float("inf")])
    2500.0
    """
    return float(geoscore(km).mean())


def wilson_interval(right: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Interval for a share from `right` successes in `n` independent trials.

    Args:
        right: in [0, n].
        n: >= 0; with no trial the interval is [0, 1], for nothing is known.
        z: normal quantile; 1.96 gives 95 %.

    Returns:
        (low, high) in [0, 1].

    Source: E. B. Wilson (1927), the score interval without continuity correction.

    >>> [round(end, 4) for end in wilson_interval(81, 263)]
    [0.2553, 0.3662]
    """
    if n == 0:
        return 0.0, 1.0
    share = right / n
    centre, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    # At the ends the formula is exactly 0 or 1, but rounding leaves 1e-17 of the other side.
    return (0.0 if right == 0 else low), (1.0 if right == n else high)


def bootstrap_by_group(values: ArrayLike, groups: ArrayLike, *, statistic: Statistic = "mean", n_resamples: int = 1000, seed: int = 0) -> Array:
    """A statistic of resampled rows: whole groups are drawn with replacement, as many as there are.

    Args:
        values: (N,) or (N, K) rows of K columns, resampled together; a NaN leaves its row out of that column. Only the median takes infinite values.
        groups: (N,) group of each row, of any sortable type.
        statistic: mean or median of each column.
        n_resamples: R.
        seed: equal seeds and groups give equal draws, so that calls can be compared.

    Returns:
        (R,) or (R, K) float64; NaN where no resampled row has a value, and everywhere with fewer than two groups, which say nothing about noise.
    """
    rows = np.asarray(values, dtype=np.float64)
    columns = rows.reshape(len(rows), -1)
    labels, codes = np.unique(np.asarray(groups), return_inverse=True)
    if len(labels) < 2:
        return np.full((n_resamples, *rows.shape[1:]), np.nan)
    resample = _resampler(columns, codes, statistic)
    resampled = np.concatenate([resample(counts) for counts in resampled_counts(len(labels), n_resamples, seed)])
    return resampled.reshape(n_resamples, *rows.shape[1:])


def percentile_interval(resampled: ArrayLike, level: float = 0.95) -> Array:
    """The interval that holds the middle of resampled statistics.

    Args:
        resampled: (R,) or (R, K); NaNs are left out, infinities are kept.
        level: share of the resamples inside.

    Returns:
        (2,) or (K, 2) low and high; NaN where no resample has a value.
    """
    values = np.asarray(resampled, dtype=np.float64)
    if values.ndim == 2:
        return np.stack([percentile_interval(column, level) for column in values.T])
    kept = values[~np.isnan(values)]
    if not len(kept):
        return np.full(2, np.nan)
    # The outer neighbours, not their interpolation: wider by a hair, and right where some resamples are infinite.
    low, high = np.quantile(kept, (1 - level) / 2, method="lower"), np.quantile(kept, (1 + level) / 2, method="higher")
    return np.array([low, high])


def paired_bootstrap_by_group(a: ArrayLike, b: ArrayLike, groups: ArrayLike, *, n_resamples: int = 1000, seed: int = 0) -> list[Difference]:
    """The difference of the means of `a` and `b` over the same photos, with its 95 % interval by author bootstrap.

    Args:
        a, b: (N,) or (N, K), row i of both about photo i; a NaN in either leaves the row out of that column.
        groups: (N,) author of each row.
        n_resamples, seed: as in `bootstrap_by_group`.

    Returns:
        One Difference per column, of a - b.
    """
    rows = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    columns = rows.reshape(len(rows), -1)
    intervals = percentile_interval(bootstrap_by_group(columns, groups, n_resamples=n_resamples, seed=seed))
    means = nan_mean(columns)
    return [Difference(mean, low, high) for mean, (low, high) in zip(means.tolist(), intervals.tolist(), strict=True)]


def coverage(inside: ArrayLike, mass: ArrayLike, groups: ArrayLike, *, n_resamples: int = 1000, seed: int = 0) -> Coverage:
    """How often the truth lies inside sets, against the probability that they claim to hold.

    Args:
        inside: (N,) booleans, N >= 1.
        mass: (N,) in [0, 1].
        groups: (N,) author of each row.
        n_resamples, seed: as in `bootstrap_by_group`.
    """
    hits, masses = np.asarray(inside, dtype=np.float64), np.asarray(mass, dtype=np.float64)
    noise = bootstrap_by_group(hits - masses, groups, n_resamples=n_resamples, seed=seed)
    return Coverage(float(hits.mean()), float(masses.mean()), float((hits - masses).mean()), float(noise.std(ddof=1)), len(hits))


def nan_mean(columns: ArrayLike) -> Array:
    """Mean of each column over the rows that have a value; NaN, without a warning, where none has.

    Args:
        columns: (N, K).

    Returns:
        (K,) float64.
    """
    values = np.asarray(columns, dtype=np.float64)
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(present, values, 0.0).sum(axis=0) / present.sum(axis=0))


def resampled_counts(n_groups: int, n_resamples: int, seed: int) -> Iterator[Array]:
    """How often each group is drawn, a few resamples at a time.

    Yields:
        (at most 64, n_groups) float64 counts; each row sums to n_groups, and the rows of all chunks are n_resamples.
    """
    generator = np.random.default_rng(seed)
    for start in range(0, n_resamples, _CHUNK):
        n = min(_CHUNK, n_resamples - start)
        drawn = generator.integers(0, n_groups, size=(n, n_groups)) + n_groups * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * n_groups).reshape(n, n_groups).astype(np.float64)


def _resampler(columns: Array, codes: NDArray[Any], statistic: Statistic) -> Callable[[Array], Array]:
    if statistic == "mean":
        return _mean_resampler(columns, codes)
    medians = [_median_resampler(column, codes) for column in columns.T]
    return lambda counts: np.stack([median(counts) for median in medians], axis=1)


def _mean_resampler(columns: Array, codes: NDArray[Any]) -> Callable[[Array], Array]:
    """Counts -> means: a resample's sum is the counts times the groups' sums, so rows are never copied."""
    present = ~np.isnan(columns)
    sums = np.stack([np.bincount(codes, weights=column) for column in np.where(present, columns, 0.0).T], axis=1)
    sizes = np.stack([np.bincount(codes, weights=column) for column in present.T], axis=1)

    def means(counts: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray((counts @ sums) / (counts @ sizes))

    return means


def _median_resampler(column: Array, codes: NDArray[Any]) -> Callable[[Array], Array]:
    """Counts -> medians: the values are sorted once, and a resample's median stands where the running count of rows passes the middle."""
    present = np.flatnonzero(~np.isnan(column))
    order = present[np.argsort(column[present], kind="stable")]
    ordered, group = column[order], codes[order]

    def medians(counts: Array) -> Array:
        if not len(order):
            return np.full(len(counts), np.nan)
        running = np.cumsum(counts[:, group], axis=1)
        n_rows = running[:, -1:]
        # The row at position k of the resample is the first whose running count exceeds k; a resample without rows has none and is set to NaN.
        lower, upper = (np.minimum((running <= k).sum(axis=1), len(order) - 1) for k in (np.floor((n_rows - 1) / 2), np.floor(n_rows / 2)))
        return np.where(n_rows[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)

    return medians
