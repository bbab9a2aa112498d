"""The Hilbert curve of S2: from a face and a place (i, j) on its 2^30 x 2^30 grid to the id of a leaf cell, and back.

On each face the curve visits the quadrants (0, 0), (0, 1), (1, 1), (1, 0) of a square, and each quadrant in its turn alike, only swapped (i and j exchanged)
or inverted (both mirrored): the two bits of its orientation. Odd faces start swapped. An id is face (3 bits), position along the curve (2 bits a level), a one,
and zeros.

Source: the definition of S2 (https://s2geometry.io/devguide/s2cell_hierarchy).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

MAX_LEVEL = 30
GRID = 1 << MAX_LEVEL

Ids = NDArray[np.uint64]
Integers = NDArray[np.int64]

_SWAPPED, _INVERTED = 1, 2
_TURNS = np.array([_SWAPPED, 0, 0, _SWAPPED | _INVERTED])  # how each quadrant along the curve lies in its parent
_BITS = 6  # of i and of j that one look-up takes: five times six are the thirty, and the table of 32 KiB stays in the nearest cache
_SHIFTS = range(MAX_LEVEL - _BITS, -1, -_BITS)
_PIECE = (1 << _BITS) - 1
_PAIR = (1 << 2 * _BITS) - 1


def ids_from_grid(faces: Integers, i: Integers, j: Integers, orientations: Integers) -> Ids:
    """Ids of leaf cells.

    Args:
        faces: (N,) in [0, 6).
        i, j: (N,) in [0, 2^30).
        orientations: (N,) of the curve on the face: `faces & 1`, or its opposite where i and j are given exchanged.

    Returns:
        (N,) uint64.
    """
    table = _position_table()
    position, state = faces, orientations << 2 * _BITS
    for shift in _SHIFTS:
        found = table[state | ((i >> shift) & _PIECE) << _BITS | (j >> shift) & _PIECE]
        position = position << 2 * _BITS | found & _PAIR
        state = found & ~_PAIR
    return position.view(np.uint64) << np.uint64(1) | np.uint64(1)


def grid_from_ids(leaf_ids: Ids) -> tuple[Integers, Integers, Integers]:
    """Face and place on its grid of leaf cells; the inverse of `ids_from_grid`.

    Args:
        leaf_ids: (N,) uint64 valid ids of level 30.

    Returns:
        faces, i, j: (N,) int64 each.
    """
    table = _grid_table()
    position = (leaf_ids >> np.uint64(1)).view(np.int64)
    faces = position >> 2 * MAX_LEVEL
    i, j, state = np.zeros_like(faces), np.zeros_like(faces), (faces & 1) << 2 * _BITS
    for shift in _SHIFTS:
        found = table[state | (position >> 2 * shift) & _PAIR]
        i, j = i << _BITS | (found >> _BITS) & _PIECE, j << _BITS | found & _PIECE
        state = found & ~_PAIR
    return faces, i, j


@cache
def _position_table() -> Integers:
    """Position along the curve and orientation at its end (above the position) by orientation, bits of i and bits of j."""
    index = np.arange(4 << 2 * _BITS)
    orientation, position = index >> 2 * _BITS, np.zeros_like(index)
    for bit in reversed(range(_BITS)):
        i, j = (index >> _BITS + bit) & 1, (index >> bit) & 1
        mirrored = orientation >> 1
        i, j = i ^ mirrored, j ^ mirrored
        is_swapped = orientation & _SWAPPED == 1
        i, j = np.where(is_swapped, j, i), np.where(is_swapped, i, j)
        quadrant = 3 * i ^ j
        position = position << 2 | quadrant
        orientation = orientation ^ _TURNS[quadrant]
    return orientation << 2 * _BITS | position


@cache
def _grid_table() -> Integers:
    """Bits of i, bits of j and orientation at the end (above both) by orientation and position along the curve."""
    forward = _position_table()
    index = np.arange(len(forward))
    table = np.empty_like(forward)
    table[index & ~_PAIR | forward & _PAIR] = forward & ~_PAIR | index & _PAIR
    return table
