"""Recall vs Area: how much of the Earth must be searched, best places first, until the truth is in it (Bianco, Eigen and Gormish, arXiv 2407.13862)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geocairn.evaluate.guess import Guess
from geocairn.evaluate.report import AreaPoint, RecallVsArea, finite, interval, number
from geocairn.evaluate.score import Noise
from geocairn.geo.sphere import EARTH_AREA_KM2, EARTH_RADIUS_KM, unit_from_latlon
from geocairn.metrics import bootstrap_by_group, percentile_interval

Array = NDArray[np.float64]

GRID_KM2 = (*(float(10 ** (step / 6)) for step in range(53)), EARTH_AREA_KM2)
"""From 1 km2 to the whole Earth, six steps to a power of ten."""
RECALLS = ("25", "50", "75")


def recall_vs_area(guesses: Sequence[Guess], latlon_deg: Array, true_latlon_deg: Array, noise: Noise) -> RecallVsArea:
    """The share of all photos whose truth is reached within an area, from 1 km2 to the Earth; a failed photo is never reached.

    Args:
        guesses: N, of one source.
        latlon_deg: (N, 2) first candidates, NaN for a failed photo: what counts where the guesses do not say the area.
        true_latlon_deg: (N, 2) degrees.
    """
    stated = [guess.area_to_truth_km2 for guess in guesses]
    method: Literal["posterior", "point"] = "point" if all(area is None for area in stated) else "posterior"
    area = cap_area_km2(latlon_deg, true_latlon_deg) if method == "point" else np.array([np.inf if area is None else area for area in stated])
    reached = 100.0 * (area[:, None] <= np.array(GRID_KM2))
    ends = percentile_interval(bootstrap_by_group(reached, noise.groups, n_resamples=noise.n_resamples, seed=noise.seed)).tolist()
    points = [
        AreaPoint(area_km2=finite(limit), recall_pct=finite(share), ci95=interval(*pair))
        for limit, share, pair in zip(GRID_KM2, reached.mean(axis=0).tolist(), ends, strict=True)
    ]
    return RecallVsArea(method=method, points=points, area_km2_at_recall={name: number(_area_at(area, float(name))) for name in RECALLS})


def cap_area_km2(latlon_deg: Array, true_latlon_deg: Array) -> Array:
    """Area of the spherical cap around each point that just reaches the truth: the whole Earth for antipodes.

    Args:
        latlon_deg, true_latlon_deg: (N, 2) degrees; NaN for no point.

    Returns:
        (N,) float64 in [0, 510064472]; infinite where there is no point.

    Source: 2 pi R^2 (1 - cos(d / R)) is pi times the square of the chord, which loses no digits where d is small.
    """
    chord = EARTH_RADIUS_KM * np.linalg.norm(unit_from_latlon(latlon_deg) - unit_from_latlon(true_latlon_deg), axis=1)
    # A chord of antipodes may end a rounding error above the diameter.
    return np.where(np.isnan(chord), np.inf, np.minimum(np.pi * chord**2, EARTH_AREA_KM2))


def _area_at(area: Array, recall_pct: float) -> float:
    """Least area that reaches a share of the photos; infinite where none does."""
    return float(np.sort(area)[int(np.ceil(recall_pct / 100 * len(area))) - 1])
