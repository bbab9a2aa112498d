"""Shapes on the map: Web Mercator, circles on the sphere, and one side of the world per photo.

The map is Web Mercator: conformal, so that a circle of 10 km is round in Tromsø too, and what people know from maps on the web. Nothing is drawn beyond
85 degrees of latitude. Each photo is shown with its answer in the middle: longitudes are counted from there, so that nothing is torn at the antimeridian.
"""

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geocairn.geo.sphere import EARTH_RADIUS_KM, latlon_from_unit, unit_from_latlon

WEB_MERCATOR_RADIUS_M = 6378137.0
MAX_LAT_DEG = 85.0
Array = NDArray[np.float64]


def mercator_from_lonlat(lonlat_deg: ArrayLike) -> Array:
    """Web Mercator metres of points.

    Args:
        lonlat_deg: (..., 2) longitude (any, it is not wrapped) and latitude in degrees; latitudes beyond 85 are drawn at 85.

    Returns:
        (..., 2) float64 x and y in metres of EPSG:3857.

    >>> mercator_from_lonlat([180.0, 0.0]).round().tolist()
    [20037508.0, 0.0]
    """
    lon, lat = np.moveaxis(np.radians(np.asarray(lonlat_deg, dtype=np.float64)), -1, 0)
    limit = np.radians(MAX_LAT_DEG)
    return WEB_MERCATOR_RADIUS_M * np.stack([lon, np.arcsinh(np.tan(np.clip(lat, -limit, limit)))], axis=-1)


def near_meridian(lon_deg: ArrayLike, meridian_deg: float) -> Array:
    """Longitudes moved by whole turns to within 180 degrees of a meridian.

    >>> near_meridian([-179.0, 170.0], 178.0).tolist()
    [181.0, 170.0]
    """
    return np.asarray(meridian_deg + (np.asarray(lon_deg, dtype=np.float64) - meridian_deg + 180) % 360 - 180)


def polygons_near_meridian(shape: shapely.MultiPolygon, meridian_deg: float) -> shapely.MultiPolygon:
    """The polygons, cut at the antimeridian, each moved to the meridian's side of the world and joined where the cut was."""
    if shape.is_empty:
        return shape
    west, _, east, _ = shapely.bounds(shapely.get_parts(shape)).T
    turns = np.round((near_meridian((west + east) / 2, meridian_deg) - (west + east) / 2) / 360)
    moved = [shapely.transform(part, lambda xy, turn=turn: xy + np.array([360 * turn, 0.0])) for part, turn in zip(shape.geoms, turns, strict=True)]
    joined = shapely.union_all(moved) if turns.any() else shape
    clipped = shapely.clip_by_rect(joined, meridian_deg - 360, -MAX_LAT_DEG, meridian_deg + 360, MAX_LAT_DEG)
    return shapely.MultiPolygon([part for part in shapely.get_parts(shapely.get_parts(clipped)) if part.geom_type == "Polygon" and not part.is_empty])


def circle_on_sphere(lat_deg: float, lon_deg: float, *, radius_km: float, n_corners: int = 96) -> shapely.MultiPolygon:
    """The disc of all points within `radius_km` of a point, as an outline in longitude and latitude.

    Args:
        radius_km: in (0, 20015].

    Returns:
        MultiPolygon with longitudes within 180 degrees of `lon_deg` (they may leave [-180, 180]). A disc that holds a pole reaches up to it; one that
        holds both is the whole map with a hole, or cut by one.
    """
    world = shapely.box(lon_deg - 180, -90, lon_deg + 180, 90)
    angle_rad = radius_km / EARTH_RADIUS_KM
    if angle_rad >= np.pi:
        return shapely.MultiPolygon([world])
    if angle_rad > np.pi / 2:
        rest_km = np.pi * EARTH_RADIUS_KM - radius_km
        rest = circle_on_sphere(-lat_deg, lon_deg + 180, radius_km=rest_km, n_corners=n_corners)
        both = [shapely.transform(rest, lambda xy, turn=turn: xy - np.array([turn, 0.0])) for turn in (0.0, 360.0)]
        return _as_multi(shapely.difference(world, shapely.union_all(both)))
    ring = _circle_corners(lat_deg, lon_deg, angle_rad, n_corners)
    if abs(lat_deg) + np.degrees(angle_rad) <= 90:
        return shapely.MultiPolygon([shapely.Polygon(ring)])
    # The disc holds a pole: its edge goes once round the world, and the disc is what lies between that edge and the pole.
    edge = ring[np.argsort(ring[:, 0])]
    pole = np.copysign(90.0, lat_deg)
    west, east = lon_deg - 180, lon_deg + 180
    lat_at_the_back = np.interp(east, edge[:, 0], edge[:, 1], period=360)
    return shapely.MultiPolygon([shapely.Polygon([(west, lat_at_the_back), *edge, (east, lat_at_the_back), (east, pole), (west, pole)])])


def _circle_corners(lat_deg: float, lon_deg: float, angle_rad: float, n_corners: int) -> Array:
    """(n, 2) longitude and latitude of corners at equal bearings, counter-clockwise, longitudes within 180 degrees of the centre's."""
    centre = unit_from_latlon([lat_deg, lon_deg])
    # By longitude, not by a cross product with the axis: at a pole that vanishes.
    east = unit_from_latlon([0.0, lon_deg + 90])
    north = np.cross(centre, east)
    bearing = np.linspace(0, 2 * np.pi, n_corners, endpoint=False)[:, None]
    unit = np.cos(angle_rad) * centre + np.sin(angle_rad) * (np.cos(bearing) * east + np.sin(bearing) * north)
    lat, lon = latlon_from_unit(unit).T
    return np.column_stack([near_meridian(lon, lon_deg), lat])


def _as_multi(shape: shapely.Geometry) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
