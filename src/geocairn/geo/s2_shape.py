"""Where S2 cells lie on Earth: their centres, corners, areas and neighbours.

A cell is a square [i, i + size] x [j, j + size] on the grid of its face, bent onto the face by the quadratic projection and from there onto the sphere.

Source: the definition of S2 (https://s2geometry.io/devguide/s2cell_hierarchy).
"""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadCell
from geocairn.geo.s2_curve import GRID, MAX_LEVEL, Ids, Integers, grid_from_ids, ids_from_grid
from geocairn.geo.s2_ids import level_of, parents, range_min, valid_ids
from geocairn.geo.sphere import EARTH_RADIUS_KM, Array

Number = TypeVar("Number", np.float64, np.int64)

# For x, y and z of a point on each face of the cube: which of (u, v, 1) it is, and its sign.
_AXES = np.array([(2, 0, 1), (0, 2, 1), (0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
_SIGNS = np.array([(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (-1, -1, -1), (1, -1, -1), (1, 1, -1)])
_PLACES = np.argsort(_AXES, axis=1)  # for u, v and 1: which of x, y and z it is
_FACE_AT = np.array([(0, 3), (1, 4), (2, 5)])  # by the axis a face stands on, and whether on its negative side
_CORNERS_I, _CORNERS_J = np.array([(0, 1, 1, 0), (0, 0, 1, 1)])
_STEPS_I, _STEPS_J = np.array([(0, 1, 0, -1), (-1, 0, 1, 0)])


def centres(ids: ArrayLike) -> Array:
    """Unit vectors of the centres of cells.

    Args:
        ids: (N,) valid ids.

    Returns:
        (N, 3) float64, equal in every bit to s2geometry's `ToPoint`.

    Raises:
        BadCell: A number is no S2 cell.
    """
    faces, i, j, size = _squares(ids)
    return _units(faces, _bent(2 * i + size), _bent(2 * j + size))


def corners(ids: ArrayLike) -> Array:
    """Unit vectors of the corners of cells, counter-clockwise as seen from outside the Earth; the edges between them are arcs of great circles.

    Args:
        ids: (N,) valid ids.

    Returns:
        (N, 4, 3) float64: the corners at (i, j), (i + size, j), (i + size, j + size), (i, j + size).

    Raises:
        BadCell: A number is no S2 cell.
    """
    faces, i, j, size = _squares(ids)
    u = _bent(2 * (i[:, None] + size[:, None] * _CORNERS_I))
    v = _bent(2 * (j[:, None] + size[:, None] * _CORNERS_J))
    return _units(faces[:, None], u, v)


def area_km2(ids: ArrayLike) -> Array:
    """Exact areas of cells on a sphere of 6371 km.

    Args:
        ids: (N,) valid ids.

    Returns:
        (N,) float64 square kilometres, to about 1e-15 of themselves at every level: a leaf cell has some 5e-11.

    Raises:
        BadCell: A number is no S2 cell.

    Source: solid angle of a triangle, tan(E / 2) = det(a, b, c) / (|a| |b| |c| + (a b) |c| + (b c) |a| + (c a) |b|) (van Oosterom & Strackee 1983), for both
    halves of the cell. On the face of the cube the determinant is the width times the height, which are taken from the grid, so that nothing cancels out.
    """
    faces, i, j, size = _squares(ids)
    a, b, c, d = (
        np.stack([_bent(2 * (i + size * right)), _bent(2 * (j + size * up)), np.ones(len(faces))], axis=-1)
        for right, up in zip(_CORNERS_I, _CORNERS_J, strict=True)
    )
    doubled = _width(i, size) * _width(j, size)
    steradians = 2 * (np.arctan2(doubled, _denominator(a, b, c)) + np.arctan2(doubled, _denominator(a, c, d)))
    return np.asarray(steradians * EARTH_RADIUS_KM**2)


def edge_neighbours(ids: ArrayLike) -> Ids:
    """The cells of the same level across each of the four edges.

    Args:
        ids: (N,) valid ids.

    Returns:
        (N, 4) uint64: below (smaller j), right (larger i), above, left, on the grid of the cell's own face.

    Raises:
        BadCell: A number is no S2 cell.
    """
    faces, i, j, size = (part[:, None] for part in _squares(ids))
    leaves = _leaves_at(faces, i + size * _STEPS_I, j + size * _STEPS_J)
    return parents(leaves, level_of(ids)[:, None])


def all_neighbours(cell: int, level: int | None = None) -> Ids:
    """The cells that touch a cell from outside, along an edge or at a corner.

    Args:
        cell: valid id.
        level: that of the neighbours, from the cell's own, which is the default, to 30. There are 4 * 2^(level - own) + 4 of them.

    Returns:
        (K,) uint64 ascending, none twice. K is smaller by one for each corner of the cube the cell touches, where only three faces meet.

    Raises:
        BadCell: The number is no S2 cell, or the level is none or coarser than the cell's.
    """
    own = int(level_of([cell])[0])
    level = own if level is None else level
    if not own <= level <= MAX_LEVEL:
        raise BadCell(f"neighbours of cell {cell:#x} at level {level}: ask for a level in [{own}, {MAX_LEVEL}]")
    faces, i, j, size = _squares([cell])
    step = GRID >> level
    steps = np.arange(-step, int(size[0]) + step, step)
    low, high = np.full_like(steps, -step), np.full_like(steps, int(size[0]))
    right, up = np.concatenate([steps, steps, low, high]), np.concatenate([low, high, steps, steps])
    i, j = i + right, j + up
    is_a_cell = ((i >= 0) & (i < GRID)) | ((j >= 0) & (j < GRID))
    leaves = _leaves_at(np.broadcast_to(faces, i.shape)[is_a_cell], i[is_a_cell], j[is_a_cell])
    return np.unique(parents(leaves, level))


def _squares(ids: ArrayLike) -> tuple[Integers, Integers, Integers, Integers]:
    """Face, least i, least j and size of cells, in leaf cells."""
    cells = valid_ids(ids)
    size = GRID >> level_of(cells).astype(np.int64)
    faces, i, j = grid_from_ids(range_min(cells))
    return faces, i & -size, j & -size, size


def _bent(half_leaves: Integers) -> Array:
    """Coordinate in [-1, 1] on a face by the place on its grid in halves of a leaf cell, in the order of operations of the reference."""
    s = half_leaves / (2 * GRID)
    return np.where(s >= 0.5, (1 / 3) * (4 * s * s - 1), (1 / 3) * (1 - 4 * (1 - s) * (1 - s)))


def _width(low: Integers, size: Integers) -> Array:
    """Extent on a face of [low, low + size], to the last bit: the difference of two coordinates would lose up to nine digits."""
    # Of cells, only whole faces reach over the middle, where the projection changes its form.
    return np.where(size == GRID, 2.0, 4 / 3 * (size / GRID) * (1 + np.abs((2 * low + size - GRID) / GRID)))


def _denominator(a: Array, b: Array, c: Array) -> Array:
    length_a, length_b, length_c = (np.linalg.norm(vector, axis=-1) for vector in (a, b, c))
    return np.asarray(length_a * length_b * length_c + (a * b).sum(-1) * length_c + (b * c).sum(-1) * length_a + (c * a).sum(-1) * length_b)


def _units(faces: Integers, u: Array, v: Array) -> Array:
    points = _on_cube(faces, np.stack([u, v, np.ones_like(u)], axis=-1))
    x, y, z = np.moveaxis(points, -1, 0)
    return np.asarray(points * (1 / np.sqrt(x * x + y * y + z * z))[..., None])


def _on_cube(faces: Integers, local: NDArray[Number]) -> NDArray[Number]:
    """(..., 3) points of the cube by their (u, v, 1) on faces."""
    return np.take_along_axis(local, np.broadcast_to(_AXES[faces], local.shape), -1) * _SIGNS[faces].astype(local.dtype)


def _leaves_at(faces: Integers, i: Integers, j: Integers) -> Ids:
    """Leaf cells at places on the grid of a face, or beyond one of its edges: then the nearest leaf cell on the face around that edge.

    Done with whole numbers on a cube of half side 2^30: middles of leaf cells are odd, and a place just beyond an edge is folded down onto the next face.
    """
    a, b = (2 * np.clip(place, -1, GRID) + 1 - GRID for place in (i, j))
    height = np.where((np.abs(a) > GRID) | (np.abs(b) > GRID), GRID - 1, GRID)
    points = _on_cube(faces, np.stack([np.clip(a, -GRID, GRID), np.clip(b, -GRID, GRID), height], axis=-1))
    axes = np.argmax(np.abs(points), axis=-1)
    is_behind = np.take_along_axis(points, axes[..., None], -1)[..., 0] < 0
    landed = _FACE_AT[axes, is_behind.astype(np.int64)]
    new_i, new_j, _ = np.moveaxis((np.take_along_axis(points * _SIGNS[landed], _PLACES[landed], -1) + GRID) >> 1, -1, 0)
    return ids_from_grid(landed, new_i, new_j, landed & 1)
