"""An empty figure and the colours that all plots share."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Matplotlib takes half a second to load, so it is imported where a figure is made; nothing here touches pyplot's global state.
INK, BAND, SECOND, COAST = "#1b5e8a", "#9cc4dd", "#c4622d", "#a9a493"
FARTHEST_KM = 20015.1


def new_figure(columns: int = 1, *, width: float = 6.4, height: float = 4.8) -> tuple["Figure", Any]:
    """A figure and its axes (an array of them for several columns); each column is `width` inches wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)
