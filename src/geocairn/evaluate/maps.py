"""Maps of an evaluation: where on Earth answers are far from the truth, and where they are wrong."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geocairn.evaluate.canvas import COAST, FARTHEST_KM, INK, SECOND, new_figure
from geocairn.evaluate.score import Evaluation
from geocairn.geo.sphere import latlon_from_unit, unit_from_latlon
from geocairn.places.borders import load_borders

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LINES = 200
_POINTS_OF_A_LINE = 49

Array = NDArray[np.float64]


def errors_figure(evaluation: Evaluation) -> "Figure | None":
    """The true places, coloured by how far from them the answers lie."""
    truth, scores = evaluation.truth, evaluation.scores
    answered = np.isfinite(scores.km)
    if not answered.any():
        return None
    figure, axes = _map()
    km = np.clip(scores.km[answered], 0.1, None)
    lat, lon = truth.latlon_deg[answered].T
    far_last = np.argsort(km, kind="stable")
    size = _dot_size(len(km))
    shown = axes.scatter(lon[far_last], lat[far_last], c=np.log10(km[far_last]), s=size, cmap="viridis", vmin=-1, vmax=np.log10(FARTHEST_KM), zorder=2)
    axes.set(title=f"{len(km)} true places, the farthest answers on top")
    figure.colorbar(shown, ax=axes, shrink=0.7, label="log10 of the distance in km")
    return figure


def answers_figure(evaluation: Evaluation) -> "Figure | None":
    """The true places by whether the country is right, and great circles from some of them to their answers."""
    truth, scores = evaluation.truth, evaluation.scores
    right = scores.right["country"]
    kinds = {
        "country right": (right == 1, INK),
        "country wrong": ((right == 0) & ~scores.is_failed, SECOND),
        "failed": (scores.is_failed, "black"),
    }
    if not any(which.any() for which, _ in kinds.values()):
        return None
    figure, axes = _map()
    drawn = sampled_rows(np.flatnonzero(np.isfinite(scores.km)))
    for row in drawn.tolist():
        lat, lon = great_circle_deg(truth.latlon_deg[row], scores.latlon_deg[row]).T
        axes.plot(lon, lat, color=INK if right[row] == 1 else SECOND, linewidth=0.5, alpha=0.8, zorder=3)
    for name, (which, color) in kinds.items():
        lat, lon = truth.latlon_deg[which].T
        if which.any():
            axes.scatter(
                lon, lat, s=_dot_size(len(right)), color=color, marker="x" if name == "failed" else "o", linewidth=0.8, label=f"{name} ({len(lat)})", zorder=2
            )
    axes.set(title=f"lines lead to the answers of {len(drawn)} of {len(right)} photos")
    axes.legend(loc="lower left")
    return figure


def sampled_rows(rows: NDArray[np.int64], n: int = MAX_LINES) -> NDArray[np.int64]:
    """At most `n` of some rows, evenly spread over their order: the same rows each time.

    >>> sampled_rows(np.arange(10, 20), 3).tolist()
    [10, 14, 19]
    """
    return rows if len(rows) <= n else rows[np.linspace(0, len(rows) - 1, n).astype(int)]


def great_circle_deg(start_deg: Array, stop_deg: Array) -> Array:
    """Points along the shortest way between two points, with a NaN where a map centred on Greenwich is left on one side and entered on the other.

    Args:
        start_deg, stop_deg: (2,) degrees.

    Returns:
        (n, 2) degrees; between antipodes, where no way is the shortest, one through a pole.
    """
    a, b = unit_from_latlon(start_deg), unit_from_latlon(stop_deg)
    angle = 2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))
    # Any direction at right angles to `a` will do for antipodes and for equal points; otherwise the one towards `b`.
    towards = b - (a @ b) * a
    if np.linalg.norm(towards) < 1e-9:
        towards = unit_from_latlon([start_deg[0] + 90, start_deg[1]])
    side = towards / np.linalg.norm(towards)
    turn = np.linspace(0, angle, _POINTS_OF_A_LINE)[:, None]
    way = latlon_from_unit(np.cos(turn) * a + np.sin(turn) * side)
    jumps = np.flatnonzero(np.abs(np.diff(way[:, 1])) > 180) + 1
    return np.insert(way, jumps, np.nan, axis=0)


def _dot_size(n: int) -> float:
    """Smaller dots where there are many, in square points."""
    return float(np.clip(4000 / n, 2, 12))


def _map() -> tuple["Figure", Any]:
    from matplotlib.collections import LineCollection

    figure, axes = new_figure(width=10.0, height=5.2)
    closed = [np.vstack([ring, ring[:1]]) for ring in load_borders().rings_deg()]
    axes.add_collection(LineCollection(closed, colors=COAST, linewidths=0.4, zorder=1))
    axes.set(xlabel="longitude", ylabel="latitude", xlim=(-180, 180), ylim=(-90, 90), aspect="equal")
    return figure, axes
