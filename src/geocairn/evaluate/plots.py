"""Plots of an evaluation: one function per plot, each from the report or the scores to a figure, or None where there is nothing to show."""

from typing import TYPE_CHECKING

import numpy as np

from geocairn.evaluate.canvas import BAND, FARTHEST_KM, INK, SECOND, new_figure
from geocairn.evaluate.maps import answers_figure, errors_figure
from geocairn.evaluate.score import Evaluation
from geocairn.evaluate.tables import continent_of
from geocairn.metrics import bootstrap_by_group, hits_within, percentile_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def thresholds_figure(evaluation: Evaluation) -> "Figure | None":
    """Share of photos within a distance, for every distance."""
    report, scores, noise = evaluation.report, evaluation.scores, evaluation.noise
    figure, axes = new_figure()
    km = np.geomspace(0.1, FARTHEST_KM, 100)
    hits = 100 * hits_within(scores.km, km.tolist())
    low, high = percentile_interval(bootstrap_by_group(hits, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)).T
    if np.isfinite(low).all():
        axes.fill_between(km, low, high, color=BAND, alpha=0.6, label=f"95 %, bootstrap by {report.bootstrap.by}")
    axes.plot(km, hits.mean(axis=0), color=INK)
    axes.plot(scores.protocol.thresholds_km, list(report.within_pct.values()), "o", color=INK, label="thresholds of the protocol")
    axes.set(xscale="log", xlabel="distance in km", ylabel="photos within it, %", ylim=(0, 101), title=f"{report.n} photos, {report.n_failed} failed")
    axes.legend(loc="upper left")
    return figure


def coverage_precision_figure(evaluation: Evaluation) -> "Figure | None":
    """Precision of the country against the share of photos answered."""
    points = evaluation.report.coverage_precision
    if not points:
        return None
    figure, axes = new_figure()
    answered = [point.answered_pct for point in points]
    low, high = np.array([point.wilson95_pct for point in points], dtype=np.float64).T
    axes.fill_between(answered, low, high, color=BAND, alpha=0.6, label="95 % (Wilson)")
    axes.plot(answered, [point.precision_pct for point in points], ".-", color=INK, label="country right")
    axes.set(xlabel="photos answered, % (surest first)", ylabel="right among them, %", xlim=(0, None), ylim=(0, 101))
    axes.legend(loc="lower left")
    return figure


def reliability_figure(evaluation: Evaluation) -> "Figure | None":
    """Regions and candidates: what they claim to hold against how often they do."""
    report = evaluation.report
    if not report.regions and report.candidates is None:
        return None
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="an honest answer")
    if report.regions:
        errors = [2 * (region.standard_error or 0.0) for region in report.regions]
        masses, inside = [region.mean_mass for region in report.regions], [region.inside for region in report.regions]
        axes.errorbar(masses, inside, yerr=errors, fmt="o", color=INK, capsize=3, label="credible regions, ± 2 standard errors")
    if report.candidates is not None:
        bins = report.candidates.bins
        low, high = np.array([found.wilson95 for found in bins], dtype=np.float64).T
        shares = np.array([found.inside for found in bins])
        # Rounded ends may cross the share by 1e-7, which errorbar would refuse.
        errors_both = np.maximum([shares - low, high - shares], 0)
        axes.errorbar([found.mean_p for found in bins], shares, yerr=errors_both, fmt="s", color=SECOND, capsize=3, label="candidates, 95 % (Wilson)")
    axes.set(xlabel="probability claimed", ylabel="share that holds the truth", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    axes.legend(loc="upper left")
    return figure


def distances_figure(evaluation: Evaluation) -> "Figure | None":
    """How many answers lie how far from the truth."""
    scores = evaluation.scores
    km = scores.km[np.isfinite(scores.km)]
    if not len(km):
        return None
    figure, axes = new_figure()
    axes.hist(np.clip(km, 0.1, FARTHEST_KM), bins=np.geomspace(0.1, 20100, 40).tolist(), color=INK)
    for limit in scores.protocol.thresholds_km:
        axes.axvline(limit, color="0.7", linewidth=1, zorder=0)
    axes.set(xscale="log", xlabel="distance in km", ylabel="photos", title=f"{len(km)} photos, {len(scores.km) - len(km)} failed")
    return figure


def continents_figure(evaluation: Evaluation) -> "Figure | None":
    """The distances on each continent: the middle half of the photos, and the middle 80 %; a failed photo is infinitely far."""
    rows = [group for group in evaluation.report.tables["continent"] if group.value is not None]
    if not rows:
        return None
    figure, axes = new_figure(width=7.5)
    cells = np.array([continent_of(label.id) if label is not None else None for label in evaluation.truth.labels["country"]])
    for height, group in enumerate(reversed(rows)):
        km = np.clip(evaluation.scores.km[cells == group.value], 0.1, None)
        far = np.quantile(km, [0.1, 0.25, 0.5, 0.75, 0.9], method="higher")
        # What lies beyond the Earth failed: the bar then runs out of the picture.
        low, lower, middle, upper, high = np.minimum(far, 10 * FARTHEST_KM)
        axes.plot([low, high], [height, height], color=BAND, linewidth=3, solid_capstyle="butt")
        axes.plot([lower, upper], [height, height], color=INK, linewidth=9, solid_capstyle="butt")
        axes.plot(middle, height, "o", color="white", markeredgecolor=INK)
    names = [f"{group.value}\nn = {group.n}" for group in reversed(rows)]
    axes.set_yticks(range(len(rows)), names)
    axes.set(xscale="log", xlim=(0.1, FARTHEST_KM), xlabel="distance in km: middle 80 %, middle half, median", ylim=(-0.6, len(rows) - 0.4))
    return figure


def recall_vs_area_figure(evaluation: Evaluation) -> "Figure | None":
    """The share of photos whose true place is reached within an area."""
    curve = evaluation.report.recall_vs_area
    figure, axes = new_figure()
    area = [point.area_km2 for point in curve.points]
    low, high = np.array([point.ci95 for point in curve.points], dtype=np.float64).T
    if np.isfinite(low).all():
        axes.fill_between(area, low, high, color=BAND, alpha=0.6, label=f"95 %, bootstrap by {evaluation.report.bootstrap.by}")
    what = {"posterior": "places by falling probability per area", "point": "the cap around the first candidate"}[curve.method]
    axes.plot(area, [point.recall_pct for point in curve.points], color=INK, label=what)
    axes.set(xscale="log", xlabel="area searched in km2", ylabel="photos whose true place is in it, %", ylim=(0, 101))
    axes.legend(loc="upper left")
    return figure


PLOTS = {
    "thresholds": thresholds_figure,
    "distances": distances_figure,
    "recall_vs_area": recall_vs_area_figure,
    "continents": continents_figure,
    "coverage_precision": coverage_precision_figure,
    "reliability": reliability_figure,
    "errors": errors_figure,
    "answers": answers_figure,
}
