"""Pictures of an evaluation: one function per plot, each from the report or the scores to a figure, or None where there is nothing to show."""

from typing import TYPE_CHECKING, Any

import numpy as np

from geocairn.evaluate.score import Evaluation
from geocairn.metrics import bootstrap_by_group, hits_within, percentile_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Matplotlib takes half a second to load, so it is imported where a figure is made; nothing here touches pyplot's global state.
_INK, _BAND, _SECOND = "#1b5e8a", "#9cc4dd", "#c4622d"
_FARTHEST_KM = 20015.1


def thresholds_figure(evaluation: Evaluation) -> "Figure | None":
    """Share of photos within a distance, for every distance."""
    report, scores, noise = evaluation.report, evaluation.scores, evaluation.noise
    figure, axes = _figure()
    km = np.geomspace(0.1, _FARTHEST_KM, 100)
    hits = 100 * hits_within(scores.km, km.tolist())
    low, high = percentile_interval(bootstrap_by_group(hits, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)).T
    if np.isfinite(low).all():
        axes.fill_between(km, low, high, color=_BAND, alpha=0.6, label=f"95 %, bootstrap by {report.bootstrap.by}")
    axes.plot(km, hits.mean(axis=0), color=_INK)
    axes.plot(scores.protocol.thresholds_km, list(report.within_pct.values()), "o", color=_INK, label="thresholds of the protocol")
    axes.set(xscale="log", xlabel="distance in km", ylabel="photos within it, %", ylim=(0, 101), title=f"{report.n} photos, {report.n_failed} failed")
    axes.legend(loc="upper left")
    return figure


def coverage_precision_figure(evaluation: Evaluation) -> "Figure | None":
    """Precision of the country against the share of photos answered."""
    points = evaluation.report.coverage_precision
    if not points:
        return None
    figure, axes = _figure()
    answered = [point.answered_pct for point in points]
    low, high = np.array([point.wilson95_pct for point in points], dtype=np.float64).T
    axes.fill_between(answered, low, high, color=_BAND, alpha=0.6, label="95 % (Wilson)")
    axes.plot(answered, [point.precision_pct for point in points], ".-", color=_INK, label="country right")
    axes.set(xlabel="photos answered, % (surest first)", ylabel="right among them, %", xlim=(0, None), ylim=(0, 101))
    axes.legend(loc="lower left")
    return figure


def reliability_figure(evaluation: Evaluation) -> "Figure | None":
    """Regions and candidates: what they claim to hold against how often they do."""
    report = evaluation.report
    if not report.regions and report.candidates is None:
        return None
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="an honest answer")
    if report.regions:
        errors = [2 * (region.standard_error or 0.0) for region in report.regions]
        masses, inside = [region.mean_mass for region in report.regions], [region.inside for region in report.regions]
        axes.errorbar(masses, inside, yerr=errors, fmt="o", color=_INK, capsize=3, label="credible regions, ± 2 standard errors")
    if report.candidates is not None:
        bins = report.candidates.bins
        low, high = np.array([found.wilson95 for found in bins], dtype=np.float64).T
        shares = np.array([found.inside for found in bins])
        # Rounded ends may cross the share by 1e-7, which errorbar would refuse.
        errors_both = np.maximum([shares - low, high - shares], 0)
        axes.errorbar([found.mean_p for found in bins], shares, yerr=errors_both, fmt="s", color=_SECOND, capsize=3, label="candidates, 95 % (Wilson)")
    axes.set(xlabel="probability claimed", ylabel="share that holds the truth", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
    axes.legend(loc="upper left")
    return figure


def errors_figure(evaluation: Evaluation) -> "Figure | None":
    """How far the answers lie from the truth, and where on Earth the far ones are."""
    truth, scores = evaluation.truth, evaluation.scores
    answered = np.isfinite(scores.km)
    if not answered.any():
        return None
    figure, (left, right) = _figure(columns=2)
    km = np.clip(scores.km[answered], 0.1, None)
    left.hist(km, bins=np.geomspace(0.1, 20100, 40).tolist(), color=_INK)
    for limit in scores.protocol.thresholds_km:
        left.axvline(limit, color="0.7", linewidth=1, zorder=0)
    left.set(xscale="log", xlabel="distance in km", ylabel="photos")
    lat, lon = truth.latlon_deg[answered].T
    far_last = np.argsort(km)
    shown = right.scatter(lon[far_last], lat[far_last], c=np.log10(km[far_last]), s=8, cmap="viridis", vmin=-1, vmax=np.log10(20100))
    right.set(xlabel="true longitude", ylabel="true latitude", xlim=(-180, 180), ylim=(-90, 90), aspect="equal")
    figure.colorbar(shown, ax=right, shrink=0.6, label="log10 of the distance in km")
    return figure


def _figure(columns: int = 1) -> tuple["Figure", Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4 * columns, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


PLOTS = {
    "thresholds": thresholds_figure,
    "coverage_precision": coverage_precision_figure,
    "reliability": reliability_figure,
    "errors": errors_figure,
}
