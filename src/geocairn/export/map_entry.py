"""What the map shows of one photo, as plain values: the page's script draws them and knows nothing else."""

import base64
import math
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from PIL import Image

from geocairn.answer.geojson import region_outline
from geocairn.answer.prediction import Candidate, Claim, ClueRecord, Prediction, Region
from geocairn.errors import BadPhoto
from geocairn.export.mercator import circle_on_sphere, mercator_from_lonlat, near_meridian, polygons_near_meridian
from geocairn.export.text import decimal, display_text
from geocairn.export.words import kilometres, percent, place_name
from geocairn.geo.sphere import distance_km, latlon_from_unit, mean_on_sphere, unit_from_latlon
from geocairn.photo.read import PhotoLimits, read_photo

PhotoSource = str | Path | bytes | Image.Image
LatLon = tuple[float, float]
Shape = list[list[list[int]]]
STEP_M = 10
MERIDIAN_STEP_DEG = 10.0
# Candidates with less than this share of the first one's probability may lie outside the first view.
SHOWN_FIRST = 1 / 3


class ShapeTable:
    """Shapes that several photos share, each kept once: all photos that say nothing have the same regions."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self._index: dict[str, int] = {}

    def index_of(self, shape: Shape) -> int:
        """Where the shape stands in `shapes`, added if it is new."""
        key = repr(shape)
        if key not in self._index:
            self._index[key] = len(self.shapes)
            self.shapes.append(shape)
        return self._index[key]


def map_entry(
    prediction: Prediction,
    shapes: ShapeTable,
    *,
    picture: dict[str, Any] | None,
    max_vertices: int,
    name_of: Callable[[str], str],
    truth: LatLon | None = None,
) -> dict[str, Any]:
    """One photo's values for the page.

    Args:
        shapes: takes the outlines; the entry refers to them by index.
        picture: what `picture_of` made, or None.
        max_vertices: most corners of a region.
        name_of: turns the id of a place into words.
        truth: where the photo was truly taken, in degrees, where somebody knows.

    Returns:
        Plain values for JSON. Words are fit to stand on a page but not escaped; coordinates are Web Mercator metres, counted so that the photo's
        answer lies in one piece.
    """
    meridian = middle_meridian(prediction)
    regions = [_region(region, shapes, meridian, max_vertices) for region in sorted(prediction.regions, key=lambda region: -region.nominal)]
    return {
        "name": display_text(prediction.photo),
        "error": _words(prediction.error),
        "abstain": _words(prediction.abstain),
        "calibrated": prediction.provenance.calibrated,
        "made_by": display_text(f"bundle {prediction.provenance.bundle}, version {prediction.provenance.version}"),
        "levels": [
            {"level": display_text(level.level), "name": display_text(level.name), "p": level.p, "words": percent(level.p)} for level in prediction.levels
        ],
        "candidates": [_candidate(candidate, shapes, meridian) for candidate in prediction.candidates],
        "regions": regions,
        "clues": [_clue(clue, name_of) for clue in prediction.clues],
        "claimed": None if prediction.claimed is None else _claim(prediction.claimed, meridian),
        "truth": None if truth is None else _truth(truth, prediction, meridian),
        "picture": picture,
        "view": _view(prediction, meridian, max_vertices, truth),
    }


def picture_of(source: PhotoSource | None, *, long_side_px: int, quality: int) -> dict[str, Any] | None:
    """A small JPEG of the photo as a data URI, with the size of the upright original; None where there is no photo or it cannot be read.

    The JPEG is made from the pixels alone: no metadata of the file is in it.
    """
    if source is None:
        return None
    try:
        photo = read_photo(source, PhotoLimits(long_side_px=long_side_px))
    except BadPhoto:
        return None
    pixels = Image.frombytes("RGB", photo.image.size, photo.image.tobytes())
    stream = BytesIO()
    pixels.save(stream, "JPEG", quality=quality, optimize=True)
    uri = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return {"uri": uri, "width_px": photo.width_px, "height_px": photo.height_px}


def middle_meridian(prediction: Prediction) -> float:
    """The meridian to put in the middle: that of the candidates' mean, to 10 degrees, so that photos alike share their shapes; 0 without candidates."""
    if not prediction.candidates:
        return 0.0
    units = unit_from_latlon([[candidate.lat_deg, candidate.lon_deg] for candidate in prediction.candidates])
    middle = latlon_from_unit(mean_on_sphere(units, [candidate.p + 1e-9 for candidate in prediction.candidates]))[1]
    return 0.0 if math.isnan(middle) else float(np.round(middle / MERIDIAN_STEP_DEG) * MERIDIAN_STEP_DEG)


def shape_of(polygons: shapely.MultiPolygon) -> Shape:
    """Polygons in longitude and latitude as [polygon][ring][x, y, dx, dy, dx, dy ...]: whole steps of `STEP_M` Web Mercator metres."""
    return [[_steps(ring) for ring in (part.exterior, *part.interiors)] for part in polygons.geoms]


def _steps(ring: shapely.LinearRing) -> list[int]:
    corners = np.round(mercator_from_lonlat(shapely.get_coordinates(ring)[:-1]) / STEP_M).astype(np.int64)
    steps = np.diff(corners, axis=0, prepend=[[0, 0]])
    return [int(step) for step in steps.ravel()]


def _region(region: Region, shapes: ShapeTable, meridian: float, max_vertices: int) -> dict[str, Any]:
    words = f"{percent(region.nominal)} region: holds {percent(region.mass)}, {region.area_km2:,.0f} km²"
    return {"nominal": region.nominal, "words": words, "shape": shapes.index_of(_region_shape(region, meridian, max_vertices))}


@lru_cache(maxsize=64)
def _region_shape(region: Region, meridian: float, max_vertices: int) -> Shape:
    return shape_of(_region_polygons(region, meridian, max_vertices))


def _region_polygons(region: Region, meridian: float, max_vertices: int) -> shapely.MultiPolygon:
    return polygons_near_meridian(region_outline(region, max_vertices=max_vertices), meridian)


def _candidate(candidate: Candidate, shapes: ShapeTable, meridian: float) -> dict[str, Any]:
    lon_deg = float(near_meridian(candidate.lon_deg, meridian))
    return {
        "rank": candidate.rank,
        "place": display_text(place_name(candidate)),
        "short": display_text(candidate.chain[-1]) if candidate.chain else "",
        "p": candidate.p,
        "words": f"{percent(candidate.p)} within {kilometres(candidate.radius_km)}",
        "at": _at(candidate.lat_deg, lon_deg),
        "where": _coordinates(candidate.lat_deg, candidate.lon_deg),
        "circle": shapes.index_of(shape_of(_circle(candidate, meridian))),
    }


def _circle(candidate: Candidate, meridian: float) -> shapely.MultiPolygon:
    lon_deg = float(near_meridian(candidate.lon_deg, meridian))
    return circle_on_sphere(candidate.lat_deg, lon_deg, radius_km=min(candidate.radius_km, 20015.0))


def _clue(clue: ClueRecord, name_of: Callable[[str], str]) -> dict[str, Any]:
    return {
        "kind": display_text(clue.kind).replace("_", " "),
        "text": display_text(clue.text),
        "supports": display_text(name_of(clue.supports)),
        "log_odds": f"{clue.log_odds:+.1f}",
        "box_px": clue.box_px if clue.box_px is not None and len(clue.box_px) == 4 else None,
    }


def _claim(claim: Claim, meridian: float) -> dict[str, Any]:
    says, at = [], None
    if claim.lat_deg is not None and claim.lon_deg is not None:
        away = "" if claim.distance_km is None else f", {kilometres(claim.distance_km)} from the first candidate"
        says.append(_coordinates(claim.lat_deg, claim.lon_deg) + away)
        at = _at(claim.lat_deg, float(near_meridian(claim.lon_deg, meridian)))
    if claim.captured_at is not None:
        says.append(f"taken {display_text(claim.captured_at)}")
    return {"words": f"The file itself ({display_text(claim.source)}) says: {'; '.join(says) or 'nothing'}", "at": at}


def _truth(truth: LatLon, prediction: Prediction, meridian: float) -> dict[str, Any]:
    best = prediction.best
    km = None if best is None else float(distance_km([truth], [[best.lat_deg, best.lon_deg]])[0])
    away = "" if km is None else f", {kilometres(km)} from the first candidate"
    return {"words": f"Truly taken at {_coordinates(*truth)}{away}", "at": _at(truth[0], float(near_meridian(truth[1], meridian)))}


def _coordinates(lat_deg: float, lon_deg: float) -> str:
    return f"{decimal(round(lat_deg, 4))}, {decimal(round(lon_deg, 4))}"


def _view(prediction: Prediction, meridian: float, max_vertices: int, truth: LatLon | None) -> list[int] | None:
    """West, south, east, north of what to show first: the smallest region, the circles of the candidates that count, and the truth; None for the world."""
    if prediction.best is None or prediction.abstain is not None:
        return None
    smallest = min(prediction.regions, key=lambda region: region.nominal, default=None)
    shown = [] if smallest is None else [_region_polygons(smallest, meridian, max_vertices)]
    shown += [_circle(candidate, meridian) for candidate in prediction.candidates if candidate.p >= SHOWN_FIRST * prediction.best.p]
    if truth is not None:
        shown.append(shapely.Point(float(near_meridian(truth[1], meridian)), truth[0]))
    west, south, east, north = shapely.total_bounds(np.array(shown))
    return [*_at(south, west), *_at(north, east)]


def _at(lat_deg: float, lon_deg: float) -> list[int]:
    return [int(metres) for metres in np.round(mercator_from_lonlat([lon_deg, lat_deg]))]


def _words(text: str | None) -> str | None:
    return None if text is None else display_text(text)
