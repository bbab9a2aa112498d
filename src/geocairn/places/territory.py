"""Territories: the part of the Earth that is nearer to one leaf of a hierarchy than to any other, its area and its outline.

Open ocean and wilderness belong to nobody: a lattice of empty points, each at least `EMPTY_KM` from every leaf, takes its share of the Earth, so that no
territory reaches farther than about that distance from its leaf.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from geocairn.errors import BadHierarchy
from geocairn.geo.sphere import EARTH_RADIUS_KM, chord_from_km, latlon_from_unit
from geocairn.places.npz import TooMuch, read_npz
from geocairn.storage import appearing_at_once

EMPTY_KM = 120.0


def empty_points(leaf_unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points about `EMPTY_KM` apart that lie at least that far from every leaf.

    Args:
        leaf_unit: (L, 3) unit vectors of the leaves.

    Returns:
        (M, 3) unit vectors of a Fibonacci lattice with the points near leaves left out.
    """
    n = round(4 * np.pi * EARTH_RADIUS_KM**2 / EMPTY_KM**2)
    index = np.arange(n) + 0.5
    z = 1 - 2 * index / n
    angle = np.pi * (1 + 5**0.5) * index
    lattice = np.stack([np.sqrt(1 - z * z) * np.cos(angle), np.sqrt(1 - z * z) * np.sin(angle), z], axis=1)
    distance, _ = cKDTree(leaf_unit).query(lattice, distance_upper_bound=float(chord_from_km(EMPTY_KM)))
    return np.asarray(lattice[~np.isfinite(distance)])


def build_territories(leaf_unit: NDArray[np.float64], out: Path) -> NDArray[np.float64]:
    """Write the outlines of all leaves' territories to `out`.

    Args:
        leaf_unit: (L, 3) unit vectors of the leaves, all different.
        out: `.npz` with `corners_deg` (C, 2) longitude and latitude, and per leaf the indices of its corners: `corner[offset[i]:offset[i + 1]]`,
            counter-clockwise. Neighbours share corners, so their union has no seams.

    Returns:
        (L,) float64 areas in km2; with the empty points' they sum to the Earth's.

    Source: the spherical Voronoi diagram is dual to the convex hull: a facet's outward normal is the corner where its three points' territories meet.
    """
    points = np.concatenate([leaf_unit, empty_points(leaf_unit)])
    hull = ConvexHull(points)
    corners = hull.equations[:, :3] / np.linalg.norm(hull.equations[:, :3], axis=1, keepdims=True)
    point, corner = hull.simplices.ravel(), np.repeat(np.arange(len(hull.simplices)), 3)
    mine = point < len(leaf_unit)
    point, corner = point[mine], corner[mine]
    order = np.lexsort((_angle_around(points[point], corners[corner]), point))
    point, corner = point[order], corner[order]
    offset = np.searchsorted(point, np.arange(len(leaf_unit) + 1))
    with appearing_at_once(out) as draft, draft.open("wb") as file:
        np.savez(file, corners_deg=latlon_from_unit(corners)[:, ::-1], corner=corner.astype(np.int32), offset=offset.astype(np.int64))
    areas = _wedge_areas_km2(points, corners, point, corner, offset)
    return np.asarray(np.bincount(point, weights=areas, minlength=len(leaf_unit)), dtype=np.float64)


def outline(territory: str | Path, leaves: NDArray[np.integer[Any]]) -> shapely.MultiPolygon:
    """Outline of a set of leaves' territories.

    Args:
        territory: file written by `build_territories`.
        leaves: (K,) leaf indices.

    Returns:
        A valid MultiPolygon in longitude and latitude degrees (WGS 84), cut at the antimeridian; empty for no leaves. Its edges are straight in degrees, which
        only within a few hundred kilometres of a pole differs much from the great circles between the corners.

    Raises:
        BadHierarchy: the file holds no outlines, or none of one of the leaves.
    """
    corners_deg, corner, offset = _read(str(territory))
    if len(leaves) and int(np.max(leaves)) >= len(offset) - 1:
        raise BadHierarchy(f"{territory}: outlines of {len(offset) - 1} places, but place {int(np.max(leaves))} is asked for; build it anew")
    starts, lengths = offset[leaves], offset[np.asarray(leaves) + 1] - offset[leaves]
    starts, lengths = starts[lengths > 2], lengths[lengths > 2]
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ring = np.repeat(np.arange(len(lengths)), lengths)
    rings_deg = corners_deg[corner[np.repeat(starts, lengths) + inside]]
    union = shapely.coverage_union_all(_polygons(rings_deg, ring, len(lengths)))
    whole = union if shapely.is_valid(union) else shapely.make_valid(union)
    return shapely.MultiPolygon([part for part in shapely.get_parts(shapely.get_parts(whole)) if part.geom_type == "Polygon" and part.area > 0])


def check_territories(path: Path, n_leaves: int) -> None:
    """Check that a file holds the outlines of so many leaves.

    Raises:
        BadHierarchy: it holds none, or of another number.
    """
    n_found = len(_read(str(path))[2]) - 1
    if n_found != n_leaves:
        raise BadHierarchy(f"{path}: outlines of {n_found} places for {n_leaves} leaves; build it anew")


def _polygons(rings_deg: NDArray[np.float64], ring: NDArray[np.int64], n: int) -> NDArray[Any]:
    """Polygons of the rings; one that crosses the antimeridian becomes two, each on its own side."""
    west, east = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(west, ring, rings_deg[:, 0])
    np.maximum.at(east, ring, rings_deg[:, 0])
    crosses = (east - west > 180)[ring]
    simple = shapely.polygons(shapely.linearrings(rings_deg[~crosses], indices=_renumbered(ring[~crosses]))) if (~crosses).any() else np.array([])
    if not crosses.any():
        return np.asarray(simple)
    rings = np.split(rings_deg[crosses], np.flatnonzero(np.diff(ring[crosses])) + 1)
    across = np.array([_unrolled(corners_deg) for corners_deg in rings])
    eastern = shapely.intersection(across, shapely.box(0, -90, 180, 90))
    western = shapely.transform(shapely.intersection(across, shapely.box(180, -90, 360, 90)), lambda xy: xy - np.array([360.0, 0.0]))
    both = np.concatenate([np.asarray(simple), eastern, western])
    return np.asarray(both[~shapely.is_empty(both)])


def _unrolled(corners_deg: NDArray[np.float64]) -> shapely.Polygon:
    """Polygon in longitudes from 0 to 360 of a ring that crosses the antimeridian; around a pole it follows the pole from 0 to 360 and back."""
    eastward = corners_deg + np.array([360.0, 0.0]) * (corners_deg[:, :1] < 0)
    n_crossings = np.count_nonzero(np.abs(np.diff(corners_deg[:, 0], append=corners_deg[0, 0])) > 180)
    if n_crossings % 2 == 0:
        return shapely.Polygon(eastward)
    around = eastward[np.argsort(eastward[:, 0])]
    pole = 90.0 if corners_deg[:, 1].mean() > 0 else -90.0
    greenwich = np.interp(0.0, [around[-1, 0] - 360, around[0, 0]], [around[-1, 1], around[0, 1]])
    return shapely.Polygon([(0.0, pole), (0.0, greenwich), *around, (360.0, greenwich), (360.0, pole)])


def _renumbered(ring: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(np.concatenate([[0], np.diff(ring) != 0])).astype(np.int64)


def _angle_around(centre: NDArray[np.float64], corner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle of each corner seen from its centre, counter-clockwise from outside."""
    helper = np.where(np.abs(centre[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    east = np.cross(helper, centre)
    north = np.cross(centre, east)
    return np.asarray(np.arctan2((corner * north).sum(1), (corner * east).sum(1)))


def _wedge_areas_km2(
    points: NDArray[np.float64], corners: NDArray[np.float64], point: NDArray[np.int64], corner: NDArray[np.int64], offset: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Area of the triangle (centre, corner, next corner) for each corner of each territory, by the spherical excess (Eriksson 1990)."""
    following = np.arange(1, len(corner) + 1)
    following[offset[1:][np.diff(offset) > 0] - 1] = offset[:-1][np.diff(offset) > 0]
    a, b, c = points[point], corners[corner], corners[corner[following]]
    triple = np.abs((a * np.cross(b, c)).sum(1))
    return np.asarray(2 * np.arctan2(triple, 1 + (a * b).sum(1) + (b * c).sum(1) + (c * a).sum(1)) * EARTH_RADIUS_KM**2)


@lru_cache(maxsize=2)
def _read(path: str) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int64]]:
    try:
        stored = read_npz(Path(path))
        corners_deg, corner, offset = (stored[name] for name in ("corners_deg", "corner", "offset"))
        is_whole = _fit_together(corners_deg, corner, offset)
    except TooMuch as error:
        raise BadHierarchy(f"{path}: {error}; build it anew") from None
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged bytes make zip, zlib and numpy raise anything
        raise BadHierarchy(f"{path}: not readable as outlines of places ({' '.join(str(error).split())}); build it anew") from None
    if not is_whole:
        raise BadHierarchy(f"{path}: its arrays are no outlines of places; build it anew")
    return corners_deg, corner, offset


def _fit_together(corners_deg: NDArray[Any], corner: NDArray[Any], offset: NDArray[Any]) -> bool:
    """Whether each leaf has corners that are there, on Earth."""
    if corners_deg.shape != (len(corners_deg), 2) or corner.ndim != 1 or offset.ndim != 1 or (corner.dtype.kind, offset.dtype.kind) != ("i", "i"):
        return False
    if not len(offset) or offset[0] != 0 or offset[-1] != len(corner) or (np.diff(offset) < 0).any():
        return False
    return bool((np.abs(corners_deg) <= (180, 90)).all() and ((corner >= 0) & (corner < len(corners_deg))).all())
