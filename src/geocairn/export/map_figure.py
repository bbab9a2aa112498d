"""The Bokeh figure of the map: empty sources with names, which the page's script fills; nothing read from a photo is in it."""

from typing import Any

from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, PanTool, Range1d, TapTool, WheelZoomTool
from bokeh.models.renderers import DataRenderer
from bokeh.plotting import figure

SEA, LAND, COAST = "#dfe8ee", "#fbf9f4", "#a9a493"
REGION, BEST, OTHER, CLAIM, TRUTH = "#0f766e", "#b42318", "#334155", "#a21caf", "#ca8a04"
NAME_STYLE: dict[str, Any] = {
    "text_font_size": "13px",
    "text_font_style": "bold",
    "background_fill_color": "#ffffff",
    "background_fill_alpha": 0.8,
    "padding": 3,
    "border_radius": 4,
}


def figure_item() -> dict[str, Any]:
    """The figure as a BokehJS item for `Bokeh.embed.embed_item`, the same at each call.

    Sources by name: `land` and `borders` (xs, ys); `regions` (xs, ys, fill_alpha, line_alpha, label); `circles` (xs, ys, color); `candidates`
    (x, y, color, size, label; number and name, of which rank and short are what is shown); `claimed`, `truth` and `others` (x, y, label; others also
    `index` of the photo). The axes `lon-axis` and `lat-axis` share their tickers with the grid: Bokeh's own Mercator ticks end at 180 degrees, and a view
    across the antimeridian does not.
    """
    plot = _bare_figure()
    _draw_world(plot)
    shapes, points = _draw_answers(plot)
    # Without tooltips: Bokeh shows one for each thing under the mouse, one on another. It finds them, and the page's script shows the topmost.
    plot.add_tools(HoverTool(renderers=shapes + points, tooltips=None))
    plot.add_tools(TapTool(renderers=points[:1]))
    return _renumbered(json_item(plot))  # type: ignore[arg-type]


def _bare_figure() -> figure:
    plot = figure(
        name="map",
        x_range=Range1d(start=-2e7, end=2e7),
        y_range=Range1d(start=-1e7, end=1e7),
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools=[],
        background_fill_color=SEA,
        border_fill_color="#ffffff",
        outline_line_color=None,
        min_border=0,
    )
    wheel = WheelZoomTool(zoom_on_axis=False)
    plot.add_tools(PanTool(), wheel)
    plot.toolbar.active_scroll = wheel
    for axis, grid, name in ((plot.xaxis[0], plot.xgrid[0], "lon-axis"), (plot.yaxis[0], plot.ygrid[0], "lat-axis")):
        ticker = FixedTicker(ticks=[])
        axis.update(name=name, ticker=ticker, axis_line_color=None, major_tick_line_color=COAST, major_label_text_color="#5b6670")
        grid.update(ticker=ticker, grid_line_color="#c3d0d8", grid_line_alpha=0.6)
    return plot


def _draw_world(plot: figure) -> None:
    """Land is filled whole and lined apart: the edges that the antimeridian cut are no coast."""
    plot.patches("xs", "ys", source=_source("land", "xs", "ys"), fill_color=LAND, line_color=LAND, line_width=1)
    plot.multi_line("xs", "ys", source=_source("borders", "xs", "ys"), line_color=COAST, line_width=0.8)


def _draw_answers(plot: figure) -> tuple[list[DataRenderer], list[DataRenderer]]:
    """Regions and circles below, points above; the renderers that answer to the mouse: shapes, and points with the other photos first."""
    regions = plot.multi_polygons(
        "xs", "ys", source=_source("regions", "xs", "ys", "fill_alpha", "line_alpha", "label"),
        fill_color=REGION, fill_alpha="fill_alpha", line_color=REGION, line_alpha="line_alpha", line_width=1,
    )  # fmt: skip
    plot.multi_polygons(
        "xs", "ys", source=_source("circles", "xs", "ys", "color"),
        fill_color=None, line_color="color", line_width=1.6, line_dash=[5, 4], hatch_pattern=None,
    )  # fmt: skip
    others = plot.scatter("x", "y", source=_source("others", "x", "y", "label", "index"), size=9, color="#64748b", line_color="white")
    claimed = plot.scatter("x", "y", source=_source("claimed", "x", "y", "label"), marker="diamond", size=19, color=CLAIM, line_color="white", line_width=1.5)
    truth = plot.scatter("x", "y", source=_source("truth", "x", "y", "label"), marker="star", size=26, color=TRUTH, line_color="white", line_width=1.5)
    source = _source("candidates", "x", "y", "color", "number", "rank", "size", "name", "short", "label")
    candidates = plot.scatter("x", "y", source=source, size="size", color="color", line_color="white", line_width=1.5)
    plot.text("x", "y", text="rank", source=source, text_color="white", text_align="center", text_baseline="middle", text_font_size="12px")
    plot.text("x", "y", text="short", source=source, x_offset=18, text_baseline="middle", text_color="#1c2733", **NAME_STYLE)
    for renderer in (others, claimed, truth, candidates):
        renderer.nonselection_glyph = None
    return [regions], [others, claimed, truth, candidates]


def _source(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def _renumbered(item: dict[str, Any]) -> dict[str, Any]:
    """The item with model ids counted from 1: Bokeh counts on through the life of a process."""
    numbers: dict[str, str] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: number(part) if key in {"id", "root_id"} and isinstance(part, str) else walk(part) for key, part in value.items()}
        return [walk(part) for part in value] if isinstance(value, list) else value

    def number(model_id: str) -> str:
        return numbers.setdefault(model_id, f"m{len(numbers) + 1}")

    walked: dict[str, Any] = walk(item)
    return walked
