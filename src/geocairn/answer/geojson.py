"""Predictions as GeoJSON (RFC 7946): points for candidates, polygons for credible regions."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geocairn.answer.prediction import Candidate, Prediction, Region
from geocairn.places import territory

Outline = Callable[[str | Path, NDArray[np.int64]], shapely.MultiPolygon]

# A region of 100 km x 100 km drawn to 0.01 degree is off by about a hundredth of its width; a smaller one is drawn ten times finer.
# Coarser grids are for regions of thousands of scattered places, such as the prior's: rounding merges neighbours and keeps the area within a few per cent.
GRIDS_DEG = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
COARSE_FROM_KM2 = 10_000.0
MAX_VERTICES = 10_000


def feature_collection(predictions: Sequence[Prediction], *, outline: Outline = territory.outline) -> dict[str, Any]:
    """Predictions as one GeoJSON FeatureCollection.

    Args:
        predictions: any number, in the order in which their features are to stand.
        outline: draws a set of leaves; another one is a test's business.

    Returns:
        Plain dicts and lists, ready for `json.dumps(..., allow_nan=False)`. Per photo:

        * one Feature per candidate: Point; properties `kind` ("candidate"), `photo`, `abstain`, `rank`, `p`, `radius_km`, `chain`;
        * one Feature per credible region: MultiPolygon, split at the antimeridian, outer rings counter-clockwise; properties `kind` ("region"),
          `photo`, `abstain`, `nominal`, `mass`, `area_km2`. Null geometry where the region's places are not known, as when read back from JSON.

        A photo with an error has no feature: it stands as `{"photo", "error"}` in the foreign member `errors`.
    """
    features = [feature for prediction in predictions for feature in _features(prediction, outline)]
    errors = [{"photo": prediction.photo, "error": prediction.error} for prediction in predictions if prediction.error is not None]
    return {"type": "FeatureCollection", "features": features, "errors": errors}


@lru_cache(maxsize=64)
def region_outline(region: Region, *, max_vertices: int = MAX_VERTICES, outline: Outline = territory.outline) -> shapely.MultiPolygon:
    """Outline of a credible region, on a grid as fine as its size deserves and as coarse as `max_vertices` asks for.

    The last regions are remembered: all photos that say nothing share the prior's.

    Args:
        max_vertices: the finest grid with at most so many corners is taken, or the coarsest one of all.

    Returns:
        A valid MultiPolygon in longitude and latitude degrees, cut at the antimeridian, outer rings counter-clockwise; empty where the region's
        places are not known.
    """
    leaves = region.member_leaves()
    if not len(leaves) or not region.territory:
        return shapely.MultiPolygon()
    drawn = outline(region.territory, leaves)
    rounded = drawn
    for grid_deg in GRIDS_DEG[1 if region.area_km2 >= COARSE_FROM_KM2 else 0 :]:
        rounded = _polygons_of(shapely.set_precision(rounded, grid_deg))
        if shapely.get_num_coordinates(rounded) <= max_vertices:
            break
    # A territory of a few hundred metres may vanish on the grid: then the exact outline is the better answer.
    return shapely.orient_polygons(drawn if rounded.is_empty else rounded, exterior_cw=False)


def _features(prediction: Prediction, outline: Outline) -> Iterator[dict[str, Any]]:
    for candidate in prediction.candidates:
        yield _feature(_point(candidate), kind="candidate", photo=prediction.photo, abstain=prediction.abstain, **_candidate_properties(candidate))
    for region in prediction.regions:
        geometry = _multipolygon(region_outline(region, outline=outline))
        yield _feature(geometry, kind="region", photo=prediction.photo, abstain=prediction.abstain, **region.model_dump(mode="json"))


def _feature(geometry: dict[str, Any] | None, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _candidate_properties(candidate: Candidate) -> dict[str, Any]:
    return candidate.model_dump(include={"rank", "p", "radius_km", "chain"})


def _point(candidate: Candidate) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [candidate.lon_deg, candidate.lat_deg]}


def _multipolygon(shape: shapely.MultiPolygon) -> dict[str, Any] | None:
    if shape.is_empty:
        return None
    polygons = [[_ring(ring) for ring in (part.exterior, *part.interiors)] for part in shape.geoms]
    return {"type": "MultiPolygon", "coordinates": polygons}


def _ring(ring: shapely.LinearRing) -> list[list[float]]:
    # Six decimals take the binary dust off grid coordinates; adding zero turns -0.0 into 0.0.
    return [[lon, lat] for lon, lat in (np.round(shapely.get_coordinates(ring), 6) + 0.0).tolist()]


def _polygons_of(geometry: Any) -> shapely.MultiPolygon:
    """The areas of any geometry: rounding may leave lines and points where a sliver was."""
    return shapely.MultiPolygon([part for part in shapely.get_parts(shapely.get_parts(geometry)) if part.geom_type == "Polygon" and not part.is_empty])
