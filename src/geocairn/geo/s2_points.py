"""Points of the Earth to leaf cells of S2: the same ids as Google's C++ library gives, millions of points a second.

Sines and cosines computed for many numbers at once may differ in the last bit from those of the C library, and between machines. That changes an id only where
a point lies on the very edge of a leaf cell (about a centimetre wide). So such points, four in a hundred thousand, are computed again one at a time, with the C
library and in the order of operations of the reference.

Source: the definition of S2 (https://s2geometry.io/devguide/s2cell_hierarchy): a cube around the Earth, each face bent by the quadratic projection and filled
by a Hilbert curve.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadCoordinate
from geocairn.geo.s2_curve import GRID, Ids, Integers, ids_from_grid
from geocairn.geo.sphere import Array

_BLOCK = 8192  # points at a time: the arrays of one block stay in the cache of a core
_MAX_THREADS = 4
# Widths of a leaf cell. Four units in the last place of each sine and cosine, what vectorised ones promise, move a point by 2e-6 of them.
_NEAR_AN_EDGE = 1e-5


def leaf_ids(latlon_deg: ArrayLike) -> Ids:
    """Ids of the S2 leaf cells (level 30) that hold points.

    Args:
        latlon_deg: (N, 2) latitude in [-90, 90] and longitude in [-180, 180] in degrees, WGS 84.

    Returns:
        (N,) uint64. Where a point lies on an edge between cells, the cell of the larger coordinate along the face, as the reference rules.

    Raises:
        BadCoordinate: A point is NaN or not on Earth, for such points have ids that mean nothing; or the shape is another.

    Source: equal in every bit to s2geometry 0.14 (Google's C++ library) and s2sphere 0.2.5 on the same machine.

    >>> hex(leaf_ids([[41.387917, 2.169919]])[0])
    '0x12a4a2f17b8c4f87'
    """
    points = np.asarray(latlon_deg, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise BadCoordinate(f"coordinates of shape {points.shape} are not points; give N rows of latitude and longitude")
    ids = np.empty(len(points), np.uint64)

    def fill(start: int) -> None:
        ids[start : start + _BLOCK] = _block_ids(points[start : start + _BLOCK], start)

    starts = range(0, len(points), _BLOCK)
    if len(starts) <= 1:
        list(map(fill, starts))
        return ids
    with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(fill, starts))
    return ids


def _block_ids(points: Array, first_row: int) -> Ids:
    _check_on_earth(points, first_row)
    lat, lon = np.radians(points.T)
    cos_lat = np.cos(lat)
    ids, is_near_an_edge = _ids_of_units(cos_lat * np.cos(lon), cos_lat * np.sin(lon), np.sin(lat))
    rows = np.flatnonzero(is_near_an_edge)
    if len(rows):
        ids[rows], _ = _ids_of_units(*_exact_units(lat[rows], lon[rows]))
    return ids


def _check_on_earth(points: Array, first_row: int) -> None:
    is_on_earth = np.abs(points) <= (90, 180)
    if is_on_earth.all():
        return
    row = int(np.argmin(is_on_earth.all(1)))
    lat, lon = points[row].tolist()
    where = f"point {first_row + row} (counted from 0)"
    if math.isnan(lat) or math.isnan(lon):
        raise BadCoordinate(f"{where}: ({lat}, {lon}) is not a place; leave out points without coordinates")
    if abs(lat) > 90:
        raise BadCoordinate(f"{where}: latitude {lat} is outside [-90, 90]; are the columns swapped? (longitude is {lon})")
    raise BadCoordinate(f"{where}: longitude {lon} is outside [-180, 180]; subtract 360 where longitudes run from 0 to 360 (latitude is {lat})")


def _exact_units(lat: Array, lon: Array) -> tuple[Array, Array, Array]:
    """Unit vectors from radians with the sine and cosine of the C library, one point at a time."""
    units = [(math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)) for phi, theta in zip(lat.tolist(), lon.tolist(), strict=True)]
    x, y, z = np.array(units).T
    return x, y, z


def _ids_of_units(x: Array, y: Array, z: Array) -> tuple[Ids, NDArray[np.bool_]]:
    """Leaf ids of unit vectors, and which of them lie so near to the edge of a cell or face that a last bit may decide."""
    size_x, size_y = np.abs(x), np.abs(y)
    is_z = np.abs(z) >= np.maximum(size_x, size_y)
    is_y = ~is_z & (size_y >= size_x)
    is_x = ~(is_y | is_z)
    main = np.where(is_x, x, np.where(is_y, y, z))
    a, near_a = _grid_place(np.where(is_x, y, -x) / main)
    b, near_b = _grid_place(np.where(is_z, -y, z) / main)
    # Faces 3, 4 and 5 are 0, 1 and 2 with i and j exchanged, and so is a swapped curve: with a and b for i and j, the faces of y alone start swapped.
    faces = is_y + 2 * is_z + 3 * (main < 0)
    return ids_from_grid(faces, a, b, is_y.astype(np.int64)), near_a | near_b


def _grid_place(u: Array) -> tuple[Integers, NDArray[np.bool_]]:
    """Place in [0, 2^30) along one axis of a face by its coordinate in [-1, 1], and whether it lies near an edge: that of a leaf cell, hence of a face too.

    Source: quadratic projection s = sqrt(1 + 3u) / 2 for u >= 0, else 1 - sqrt(1 - 3u) / 2; every step after the square root is exact.
    """
    place = GRID / 2 + np.copysign(GRID / 2 * (np.sqrt(1 + 3 * np.abs(u)) - 1), u)
    cell = np.floor(place)
    is_near = np.abs(place - cell - 0.5) > 0.5 - _NEAR_AN_EDGE
    return np.minimum(cell, GRID - 1).astype(np.int64), is_near
