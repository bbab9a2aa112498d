"""Lorenz curves of data sets: files of coordinates in, lorenz.json and lorenz.png out. Equal inputs give equal bytes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from geocairn.config import Config
from geocairn.coordinates import read_coordinates
from geocairn.data.evenness import Evenness, EvennessSettings, curve_steps, load_ground, measure_evenness
from geocairn.errors import BadManifest, BadOutput
from geocairn.places.geonames import ATTRIBUTION, packaged_versions
from geocairn.storage import appearing_at_once

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLES = {
    "city_seen": ("cities with a photo", "cities, fewest photos first"),
    "city": ("all cities", "cities, fewest photos first"),
    "area": ("land area", "land, fewest photos per km² first"),
    "people": ("people of the cities", "people, fewest photos per person first"),
}


class MeasuredSet(Config):
    """A data set and how evenly it is spread."""

    file: str = Field(description="name of the file, without its folder")
    source_sha256: str = Field(description="hash of the coordinates, whatever their order")
    rejected: dict[str, int] = Field(description="rows left out, by reason")
    evenness: Evenness


def measure_files(paths: Sequence[Path], settings: EvennessSettings) -> dict[str, MeasuredSet]:
    """Measure manifests or files of coordinates (`.csv`, `.parquet`, `.npy`).

    Returns:
        By name: the file's without its suffix, or the whole path where two files would be called alike.

    Raises:
        BadManifest, BadCoordinate: a file is named twice or cannot be read, or a row of it is not on Earth.
    """
    twice = next((path for index, path in enumerate(paths) if path.resolve() in [earlier.resolve() for earlier in paths[:index]]), None)
    if twice is not None:
        raise BadManifest(f"{twice}: named twice; name each set once")
    stems = Counter(path.stem for path in paths)
    measured = {}
    for path in paths:
        read = read_coordinates(path)
        measured[path.stem if stems[path.stem] == 1 else str(path)] = MeasuredSet(
            file=path.name,
            source_sha256=read.sha256,
            rejected=dict(read.rejected),
            evenness=measure_evenness(read.latlon_deg, load_ground(settings)),
        )
    return measured


def lorenz_json(measured: Mapping[str, MeasuredSet], settings: EvennessSettings) -> dict[str, Any]:
    """What lorenz.json holds: settings, where cities come from, the steps of x, and for each set its figures and curves."""
    return {
        "settings": settings.model_dump(mode="json"),
        "source": packaged_versions(),
        "attribution": ATTRIBUTION,
        "x": curve_steps().round(6).tolist(),
        "sets": {name: one.model_dump(mode="json") for name, one in measured.items()},
    }


def write_lorenz(out: Path, measured: Mapping[str, MeasuredSet], settings: EvennessSettings) -> None:
    """Write lorenz.png and lorenz.json into the folder `out`.

    Raises:
        BadOutput: the folder cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder for lorenz.json and lorenz.png")
    with appearing_at_once(out / "lorenz.png") as draft:
        lorenz_figure({name: one.evenness for name, one in measured.items()}).savefig(draft, dpi=120, metadata={"Software": None})
    with appearing_at_once(out / "lorenz.json") as draft:
        draft.write_text(json.dumps(lorenz_json(measured, settings), ensure_ascii=False) + "\n", encoding="utf-8")


def lorenz_figure(sets: Mapping[str, Evenness]) -> "Figure":
    """The curves of all sets beside the line of perfect equality, one panel for each way to count."""
    # Matplotlib takes half a second to load; nothing here touches pyplot's global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(_TITLES), 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, (by, (title, xlabel)) in zip(figure.subplots(1, len(_TITLES)), _TITLES.items(), strict=True):
        panel.plot([0, 1], [0, 1], color="0.2", linewidth=1, label="perfect equality")
        for number, (name, evenness) in enumerate(sets.items()):
            # A name that begins with an underscore would be left out of the legend, and one with dollars be taken for mathematics.
            label = f"\u200b{name}: Gini {evenness.gini[by]:.2f}".replace("$", r"\$")
            panel.plot(curve_steps(), evenness.curves[by], color=f"C{number % 10}", linestyle=("-", "--", ":")[number // 10 % 3], label=label)
        panel.set(title=f"by {title}", xlabel=f"share of {xlabel}", ylabel="share of photos", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panel.legend(loc="upper left", fontsize="small")
    return figure
