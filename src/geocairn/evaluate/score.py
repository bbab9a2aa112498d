"""What a protocol makes of guesses: distances, hits, right places; and the figures and intervals over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.evaluate import admin
from geocairn.evaluate.guess import Guess, Label
from geocairn.evaluate.protocol import Protocol
from geocairn.evaluate.report import Intervals, Report, finite, interval, number
from geocairn.evaluate.truth import Labels, Places, Truth
from geocairn.manifest import Manifest
from geocairn.metrics import bootstrap_by_group, hits_within, mean_answered_km, median_km, nan_mean, percentile_interval

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How intervals are made: authors drawn with replacement.

    Attributes:
        groups: (N,) author of each photo.
        n_resamples, seed: as in `metrics.bootstrap_by_group`.
    """

    groups: NDArray[np.int64]
    n_resamples: int
    seed: int


@dataclass(frozen=True)
class Scores:
    """N guesses against N truths.

    Attributes:
        protocol: what measured them.
        latlon_deg: (N, 2) first candidates; NaN for a failed photo.
        km: (N,) distance to the truth; infinite for a failed photo.
        is_failed, is_answered: (N,) booleans.
        labels: for each level, the place that each guess means, also where the answer stops short of it.
        right: for each level, by the protocol's rules, (N,) 1 right, 0 wrong or failed, NaN where the truth is not known.
        right_by_mode: the same by `corrected`, and by `osv5m_compat` where the manifest's labels are names or the protocol asks for it.
    """

    protocol: Protocol
    latlon_deg: Array
    km: Array
    is_failed: NDArray[np.bool_]
    is_answered: NDArray[np.bool_]
    labels: Mapping[str, Labels]
    right: Mapping[str, Array]
    right_by_mode: Mapping[str, Mapping[str, Array]]

    @cached_property
    def hits_pct(self) -> Array:
        """(N, T) 100 within a threshold, else 0."""
        return 100 * hits_within(self.km, self.protocol.thresholds_km, inclusive=self.protocol.is_inclusive)

    @cached_property
    def geoscore(self) -> Array:
        """(N,) in [0, 5000], rounded where the protocol rounds; 0 for a failed photo."""
        return self.protocol.geoscore(self.km)

    @property
    def threshold_names(self) -> list[str]:
        """The thresholds as keys: "1", "25", ..."""
        return [f"{threshold:g}" for threshold in self.protocol.thresholds_km]


@dataclass(frozen=True)
class Evaluation:
    """A report, and all that it was made from, in the order of the manifest: what its files and plots show."""

    report: Report
    manifest: Manifest
    guesses: Sequence[Guess]
    truth: Truth
    scores: Scores
    noise: Noise


def score_guesses(guesses: Sequence[Guess], truth: Truth, *, places: Places, protocol: Protocol) -> Scores:
    """Measure guesses against the truth.

    A bundle's place of a level is the most probable one, told or not. A file that stops above a level is scored there by the place of its first candidate.
    """
    points = [(guess.best.lat_deg, guess.best.lon_deg) if guess.best else (np.nan, np.nan) for guess in guesses]
    latlon_deg = np.array(points, dtype=np.float64)
    km = protocol.distance_km(latlon_deg, truth.latlon_deg)
    labels = {
        level: tuple(_label(guess, level, nearest) for guess, nearest in zip(guesses, near, strict=True))
        for level, near in admin.nearest_labels(latlon_deg, truth, places).items()
    }
    modes = _right_by_mode(truth, labels, latlon_deg, places=places, protocol=protocol)
    polygon = {"country": admin.polygon_country_right(truth.latlon_deg, latlon_deg)} if protocol.country == "polygon" else {}
    return Scores(
        protocol=protocol,
        latlon_deg=latlon_deg,
        km=np.where(np.isnan(km), np.inf, km),
        is_failed=np.array([guess.is_failed for guess in guesses]),
        is_answered=np.array([guess.is_answered for guess in guesses]),
        labels=labels,
        right={**modes[protocol.admin], **polygon},
        right_by_mode=modes,
    )


def _label(guess: Guess, level: str, nearest: Label | None) -> Label | None:
    if level in guess.likeliest:
        return guess.likeliest[level]
    return guess.levels[level].label if level in guess.levels else nearest


def scored_levels(truth: Truth) -> list[str]:
    """Levels whose accuracy is a figure: the country, and those that the manifest labels."""
    return [level for level, source in truth.source.items() if source == "manifest" or level == "country"]


def main_figures(scores: Scores, levels: Sequence[str]) -> dict[str, Any]:
    """The figures that every evaluation has, under their names in the report."""
    mean_km, n_mean = mean_answered_km(scores.km)
    right = {level: scores.right[level] for level in levels if not np.isnan(scores.right[level]).all()}
    return {
        "within_pct": within_by_name(scores),
        "median_km": number(median_km(scores.km)),
        "mean_km": number(mean_km),
        "n_mean": n_mean,
        "geoscore": finite(scores.geoscore.mean()),
        "level_accuracy_pct": {level: finite(100 * float(np.nanmean(values))) for level, values in right.items()},
        "n_labelled": {level: int((~np.isnan(scores.right[level])).sum()) for level in levels},
    }


def within_by_name(scores: Scores, rows: NDArray[np.int64] | None = None) -> dict[str, float]:
    """Percentage within each threshold, of all photos or of some rows (at least one)."""
    hits = scores.hits_pct if rows is None else scores.hits_pct[rows]
    return dict(zip(scores.threshold_names, map(finite, hits.mean(axis=0)), strict=True))


def main_intervals(scores: Scores, levels: Sequence[str], noise: Noise) -> Intervals:
    """95 % intervals of the main figures, all from the same draws of authors."""
    with_answer = np.where(np.isfinite(scores.km), scores.km, np.nan)
    labelled = [level for level in levels if not np.isnan(scores.right[level]).all()]
    columns = np.column_stack([scores.hits_pct, scores.geoscore, with_answer, *(100 * scores.right[level] for level in labelled)])
    draws = bootstrap_by_group(columns, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)
    ends = [interval(*pair) for pair in percentile_interval(draws).tolist()]
    n_thresholds = len(scores.threshold_names)
    medians = bootstrap_by_group(scores.km, noise.groups, statistic="median", n_resamples=noise.n_resamples, seed=noise.seed)
    return Intervals(
        within_pct=dict(zip(scores.threshold_names, ends[:n_thresholds], strict=True)),
        median_km=interval(*percentile_interval(medians).tolist()),
        mean_km=ends[n_thresholds + 1],
        geoscore=ends[n_thresholds],
        level_accuracy_pct=dict(zip(labelled, ends[n_thresholds + 2 :], strict=True)),
    )


def mean_right_pct(right: Array) -> float | None:
    """Percentage right among the photos whose truth is known; None where none is."""
    return number(100 * float(nan_mean(right[:, None])[0]))


def _right_by_mode(truth: Truth, labels: Mapping[str, Labels], latlon_deg: Array, *, places: Places, protocol: Protocol) -> dict[str, dict[str, Array]]:
    modes = {"corrected": admin.corrected_right(truth, labels, places)}
    if protocol.admin == "osv5m_compat" or admin.has_names(truth):
        modes["osv5m_compat"] = admin.osv5m_compat_right(truth, latlon_deg, modes["corrected"])
    return modes
