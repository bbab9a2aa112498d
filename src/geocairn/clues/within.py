"""A hard limit on where the photo can have been taken: countries or their parts, a circle, or polygons from a GeoJSON file."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape

from geocairn.clues.clue import Clue, Tier, ratio_from_frequency
from geocairn.errors import BadConfig, UnknownName
from geocairn.geo.sphere import distance_km_from_units, latlon_from_unit, unit_from_latlon
from geocairn.places.geonames import read_countries
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.territory import EMPTY_KM

MEND = "use country codes such as FR,ES, place ids such as FR/11, circle:LAT,LON,KM or a GeoJSON file of polygons"
MAX_TOLD = 10


def within_clue(words: str, hierarchy: Hierarchy) -> Clue:
    """Exclude every leaf outside the limit.

    Args:
        words: `FR,ES` (place ids), `circle:LAT,LON,KM` or the path of a `.geojson` or `.json` file with Polygon or MultiPolygon geometries (RFC 7946).
            A leaf is inside when its centre is; a circle or polygon without any centre holds the leaf nearest to its middle.

    Raises:
        BadConfig: the words, the circle or the file cannot be used.
        UnknownName: no place has that id.
    """
    if not words.strip():
        raise BadConfig(f"--within '': is empty; {MEND}")
    if words.startswith("circle:"):
        inside = _in_circle(words, hierarchy)
    elif words.lower().endswith((".geojson", ".json")):
        inside = _in_polygons(words, hierarchy)
    else:
        inside = _in_places(words, hierarchy)
    ratio = ratio_from_frequency(hierarchy, inside.astype(np.float64))
    return Clue(kind="within", text=words, box_px=None, tier=Tier.CERTAIN, ratio=ratio, supports=_smallest_around(hierarchy, inside))


def within_sha256(words: str) -> str:
    """Hash of what the limit says: of a file's content, so that another file of the same name is another limit."""
    path = Path(words)
    content = path.read_bytes() if words.lower().endswith((".geojson", ".json")) and path.is_file() else words.encode()
    return sha256(content).hexdigest()


def _in_places(words: str, hierarchy: Hierarchy) -> NDArray[np.bool_]:
    inside = np.zeros(hierarchy.n_leaves, dtype=bool)
    for place_id in (part.strip() for part in words.split(",")):
        try:
            place = hierarchy.index_of(place_id if "/" in place_id else place_id.upper())
        except UnknownName:
            raise UnknownName(f"--within {words!r}: {_unknown(place_id, hierarchy)}") from None
        inside[hierarchy.leaf_start[place] : hierarchy.leaf_stop[place]] = True
    return inside


def _unknown(place_id: str, hierarchy: Hierarchy) -> str:
    """Why no place has the id: there is no such country, or the hierarchy, which need not hold the whole Earth, has no place in it."""
    code = place_id.split("/")[0].upper()
    known = [hierarchy.ids[place] for place in hierarchy.places_of(0)]
    if code not in read_countries() or code in known:
        return f"{place_id!r} is neither a country code nor a place id; {MEND}"
    others = f" and {len(known) - MAX_TOLD} more" if len(known) > MAX_TOLD else ""
    name, level = read_countries()[code].name, hierarchy.level_names[0]
    return f"{code} ({name}) has no place in this bundle; its level {level} holds {', '.join(known[:MAX_TOLD])}{others}"


def _in_circle(words: str, hierarchy: Hierarchy) -> NDArray[np.bool_]:
    try:
        lat, lon, km = (float(part) for part in words.removeprefix("circle:").split(","))
    except ValueError:
        raise BadConfig(f"--within {words!r}: a circle needs three numbers; write circle:LAT,LON,KM, such as circle:48.86,2.35,50") from None
    if not (abs(lat) <= 90 and abs(lon) <= 360 and 0 < km < 20016):
        raise BadConfig(f"--within {words!r}: latitude must be in [-90, 90], longitude in [-360, 360] and the radius in (0, 20016) km")
    return _or_nearest(words, distance_km_from_units(hierarchy.unit[hierarchy.leaves], unit_from_latlon([lat, lon])) <= km, [lat, lon], hierarchy)


def _in_polygons(words: str, hierarchy: Hierarchy) -> NDArray[np.bool_]:
    area = shapely.union_all([_valid(words, polygon) for polygon in _polygons(words)])
    latlon = latlon_from_unit(hierarchy.unit[hierarchy.leaves])
    middle = area.representative_point()
    # Some programs draw across the antimeridian by going on to 181 degrees instead of cutting there.
    inside = np.any([shapely.contains_xy(area, latlon[:, 1] + turn, latlon[:, 0]) for turn in (-360.0, 0.0, 360.0)], axis=0)
    return _or_nearest(words, inside, [middle.y, middle.x], hierarchy)


def _polygons(words: str) -> list[dict[str, Any]]:
    """Geometries of the polygons in a GeoJSON file, of whatever top-level type."""
    if os.path.exists(words) and not os.path.isfile(words) and not os.path.isdir(words):
        # A pipe would be waited for, and its content is gone when the hash of the settings asks for it.
        raise BadConfig(f"--within {words}: cannot be read (not a regular file); {MEND}")
    try:
        found = json.loads(Path(words).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadConfig(f"--within {words}: cannot be read ({error.strerror}); {MEND}") from None
    except (ValueError, RecursionError):
        raise BadConfig(f"--within {words}: is not JSON; {MEND}") from None
    features = found.get("features") if isinstance(found, dict) and found.get("type") == "FeatureCollection" else [found]
    geometries = [_geometry(feature) for feature in features] if isinstance(features, list) else []
    polygons = [geometry for geometry in geometries if geometry is not None and geometry.get("type") in ("Polygon", "MultiPolygon")]
    if not polygons:
        raise BadConfig(f"--within {words}: holds no Polygon or MultiPolygon; {MEND}")
    return polygons


def _geometry(feature: Any) -> dict[str, Any] | None:
    if not isinstance(feature, dict):
        return None
    geometry = feature.get("geometry") if feature.get("type") == "Feature" else feature
    return geometry if isinstance(geometry, dict) else None


def _valid(words: str, geometry: dict[str, Any]) -> Any:
    try:
        polygon = shapely.make_valid(shape(geometry))
    except (ShapelyError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise BadConfig(f"--within {words}: a polygon cannot be read ({' '.join(str(error).split())}); {MEND}") from None
    if polygon.area == 0:
        raise BadConfig(f"--within {words}: a polygon cannot be read (it has no area); {MEND}")
    west, south, east, north = polygon.bounds
    if not (-360 <= west <= east <= 360 and -90 <= south <= north <= 90):
        raise BadConfig(
            f"--within {words}: coordinates reach {west:g} to {east:g} east and {south:g} to {north:g} north; GeoJSON writes longitude first, in degrees"
        )
    return polygon


def _or_nearest(words: str, inside: NDArray[np.bool_], middle_deg: list[float], hierarchy: Hierarchy) -> NDArray[np.bool_]:
    """The leaves inside, else the one around the middle; none is so where it is farther away than territories reach."""
    if not inside.any():
        away_km = distance_km_from_units(hierarchy.unit[hierarchy.leaves], unit_from_latlon(middle_deg))
        nearest = int(np.argmin(away_km))
        if away_km[nearest] > EMPTY_KM:
            name = hierarchy.names[int(hierarchy.leaves[nearest])]
            away = f"the nearest, {name}, is {away_km[nearest]:.0f} km away"
            raise BadConfig(f"--within {words}: no place lies in it, {away}; widen it, or check the order of latitude and longitude")
        inside[nearest] = True
    return inside


def _smallest_around(hierarchy: Hierarchy, inside: NDArray[np.bool_]) -> int:
    """The smallest place that holds all leaves inside; the country with most of them where no place does."""
    members = np.flatnonzero(inside)
    holds = (hierarchy.leaf_start <= members[0]) & (hierarchy.leaf_stop > members[-1])
    if holds.any():
        return int(np.flatnonzero(holds)[-1])
    countries = hierarchy.places_of(0)
    held = hierarchy.sum_leaves(np.where(inside, hierarchy.weight[hierarchy.leaves], 0.0))[countries.start : countries.stop]
    return countries.start + int(np.argmax(held))
