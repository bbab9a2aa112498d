"""A world map of one level of a hierarchy: S2 cells by their shapes, other places as points; colour and size tell their counts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadConfig, BadHierarchy, BadOutput
from geocairn.geo.s2 import ids_from_tokens
from geocairn.geo.sphere import latlon_from_unit
from geocairn.places.cell_hierarchy import BUILDER
from geocairn.places.cell_outlines import cell_rings_deg, within_map
from geocairn.places.hierarchy import Hierarchy
from geocairn.storage import appearing_at_once

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
_COAST, _CELL_EDGE = "0.45", "#ffffff"
_AREA_OF_LARGEST = 60.0


def plot_level(hierarchy: Hierarchy, level: str | None, out: Path) -> None:
    """Draw one level, by default the finest, as `.png`, `.svg` or `.pdf`.

    Raises:
        BadConfig: another suffix.
        UnknownName: no level has this name.
        BadHierarchy: the level has no places.
        BadOutput: the file cannot be written.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise BadConfig(f"{out}: a map is drawn as {', '.join(SUFFIXES)}; name it {out.with_suffix('.png').name}")
    if out.is_dir():
        raise BadOutput(f"{out}: is a folder; name a file in it, such as {out / 'map.png'}")
    figure = level_figure(hierarchy, hierarchy.level_names[-1] if level is None else level)
    with appearing_at_once(out) as draft:
        figure.savefig(draft, format=out.suffix.lower()[1:], dpi=150)


def level_figure(hierarchy: Hierarchy, level: str) -> "Figure":
    """The map of one level.

    Raises:
        UnknownName: no level has this name.
        BadHierarchy: the level has no places.
    """
    # Matplotlib takes half a second to load, so it is imported where a figure is made; nothing here touches pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places = hierarchy.places_of(level)
    if not len(places):
        raise BadHierarchy(f"level {level} has no places to draw; choose another of {', '.join(hierarchy.level_names)}")
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    count = hierarchy.count[places.start : places.stop]
    draw = _draw_cells if hierarchy.meta.get("builder") == BUILDER else _draw_points
    shown = draw(axes, hierarchy, places, count)
    _draw_coasts(axes)
    axes.set(xlim=(-180, 180), ylim=(-90, 90), aspect="equal", xlabel="longitude", ylabel="latitude", title=f"{level}: {len(places):,} places")
    figure.colorbar(shown, ax=axes, shrink=0.7, label=f"{hierarchy.meta.get('count_of', 'count')} per place")
    return figure


def _draw_cells(axes: Any, hierarchy: Hierarchy, places: range, count: NDArray[np.int64]) -> Any:
    from matplotlib.collections import PolyCollection

    rings, owner = within_map(cell_rings_deg(ids_from_tokens([hierarchy.names[place] for place in places])))
    cells = PolyCollection(rings, array=count[owner], norm=_norm(count), cmap="viridis", edgecolor=_CELL_EDGE, linewidth=0.15)
    return axes.add_collection(cells, autolim=False)


def _draw_points(axes: Any, hierarchy: Hierarchy, places: range, count: NDArray[np.int64]) -> Any:
    lat, lon = latlon_from_unit(hierarchy.unit[places.start : places.stop]).T
    # Large ones first, so that none hides a smaller one.
    order = np.argsort(-count, kind="stable")
    size = _AREA_OF_LARGEST * count[order] / max(int(count.max()), 1)
    return axes.scatter(lon[order], lat[order], s=np.maximum(size, 1.0), c=np.maximum(count[order], 1), norm=_norm(count), cmap="viridis", linewidth=0)


def _draw_coasts(axes: Any) -> None:
    from matplotlib.collections import LineCollection

    from geocairn.places.outlines import load_outlines

    outlines = load_outlines()
    rings = [outlines.ring_deg(ring) for ring in range(len(outlines.is_hole))]
    axes.add_collection(LineCollection([np.concatenate([ring, ring[:1]]) for ring in rings], color=_COAST, linewidth=0.3), autolim=False)


def _norm(count: NDArray[np.int64]) -> Any:
    from matplotlib.colors import LogNorm

    low = max(int(count.min()), 1)
    return LogNorm(low, max(int(count.max()), low + 1))
