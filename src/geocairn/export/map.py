"""The map: one HTML file that shows photos, answers, regions and clues, and works from a disk without a network."""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from geocairn.answer.prediction import Prediction
from geocairn.config import Config
from geocairn.export.map_entry import LatLon, PhotoSource, ShapeTable, map_entry, picture_of
from geocairn.export.map_page import page_html
from geocairn.export.target import writing
from geocairn.export.text import display_text


class MapSettings(Config):
    """What a map says of itself, and how much it may hold: the file must stay light enough to open and to send."""

    max_photos: int = Field(default=1000, ge=1, description="most photos on one map; the page says how many more there are")
    light_from: int = Field(default=40, ge=1, description="with more photos than this, pictures are half as long and regions have a quarter of the corners")
    picture_px: int = Field(default=480, ge=16, description="long side of a photo's picture")
    picture_quality: int = Field(default=80, ge=1, le=95, description="JPEG quality of the pictures")
    region_vertices: int = Field(default=4000, ge=16, description="about the most corners of a region")
    note: str = Field(default="", description="words that stand above every answer")


DEFAULT_SETTINGS = MapSettings()


def write_map(
    predictions: Iterable[Prediction],
    out: Path,
    *,
    photo_of: Callable[[str], PhotoSource | None] = Path,
    name_of: Callable[[str], str] = str,
    truth_of: Callable[[str], LatLon | None] = lambda photo: None,
    settings: MapSettings = DEFAULT_SETTINGS,
) -> int:
    """Write one self-contained HTML page with a map of the predictions.

    Args:
        predictions: in the order in which the page lists them.
        out: the file; it appears when it is complete or not at all.
        photo_of: from a prediction's `photo` to what can be read as that photo, or None for no picture. By default the name is the path.
        name_of: from the id of a place to its name. By default the id itself is shown.
        truth_of: from a prediction's `photo` to where it was truly taken, latitude and longitude in degrees, or None where nobody knows.
        settings: what the map says of itself, and how much it may hold.

    Returns:
        How many photos were left out, beyond `settings.max_photos`; the page says so too.

    Raises:
        BadOutput: `out` cannot be written.
    """
    with writing(out) as stream:
        remaining = iter(predictions)
        shown = list(islice(remaining, settings.max_photos))
        n_left_out = sum(1 for _ in remaining)
        stream.write(map_html(shown, photo_of=photo_of, name_of=name_of, truth_of=truth_of, settings=settings, n_left_out=n_left_out))
    return n_left_out


def map_html(
    predictions: list[Prediction],
    *,
    photo_of: Callable[[str], PhotoSource | None] = Path,
    name_of: Callable[[str], str] = str,
    truth_of: Callable[[str], LatLon | None] = lambda photo: None,
    settings: MapSettings = DEFAULT_SETTINGS,
    n_left_out: int = 0,
) -> str:
    """The page's text; the same predictions and photos give the same text. Arguments as for `write_map`."""
    is_light = len(predictions) > settings.light_from
    picture_px = settings.picture_px // 2 if is_light else settings.picture_px
    max_vertices = settings.region_vertices // 4 if is_light else settings.region_vertices
    shapes = ShapeTable()

    def entry(prediction: Prediction) -> dict[str, Any]:
        picture = picture_of(photo_of(prediction.photo), long_side_px=picture_px, quality=settings.picture_quality)
        return map_entry(prediction, shapes, picture=picture, max_vertices=max_vertices, name_of=name_of, truth=truth_of(prediction.photo))

    photos = [entry(prediction) for prediction in predictions]
    return page_html({"photos": photos, "shapes": shapes.shapes, "n_left_out": n_left_out, "note": display_text(settings.note)})
