"""Ids of S2 cells as numbers: levels, ancestors, descendants and tokens by bit arithmetic.

An id is face (3 bits), two bits for each level, a one, and zeros: 64 bits. The lowest one tells the level, and a cell's descendants are the ids around its own.

Source: the definition of S2 (https://s2geometry.io/devguide/s2cell_hierarchy).
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadCell
from geocairn.geo.s2_curve import MAX_LEVEL, Ids

_ONE = np.uint64(1)
_PAST_LAST_FACE = np.uint64(6 << 61)
_LOWEST_ONES = np.uint64(0x1555555555555555)  # where the lowest one of a valid id may stand: every second bit, from that of leaves to that of faces
_TOKEN = re.compile("[0-9a-f]{0,15}[1-9a-f]")


def is_valid(ids: ArrayLike) -> NDArray[np.bool_]:
    """Whether numbers are ids of S2 cells.

    Args:
        ids: (...) integers.

    Returns:
        (...) bool.
    """
    cells = _as_ids(ids)
    return np.asarray((cells < _PAST_LAST_FACE) & (lowest_ones(cells) & _LOWEST_ONES != 0))


def level_of(ids: ArrayLike) -> NDArray[np.int8]:
    """Levels of cells, 0 (a face of the cube) to 30 (about a centimetre).

    Args:
        ids: (...) valid ids.

    Returns:
        (...) int8 in [0, 30].

    Raises:
        BadCell: A number is no S2 cell.
    """
    zeros = np.bitwise_count(lowest_ones(valid_ids(ids)) - _ONE)
    return np.asarray(MAX_LEVEL - (zeros >> 1), np.int8)


def parents(ids: ArrayLike, level: ArrayLike) -> Ids:
    """The ancestors of cells at a level; a cell of that level is its own.

    Args:
        ids: (...) valid ids.
        level: integer in [0, 30], or an array of them that broadcasts with the ids.

    Returns:
        (...) uint64.

    Raises:
        BadCell: A number is no S2 cell, a level is none, or a cell is coarser than the level and so has no ancestor there.

    >>> tokens(parents(ids_from_tokens(["12a4a2f17b8c4f87"]), 10))
    ['12a4a3']
    """
    cells = _as_ids(ids)
    ones = _lowest_ones_at(level)
    _check_not_coarser(cells, ones)
    return cells & ~(ones - _ONE) | ones


def range_min(ids: ArrayLike) -> Ids:
    """The smallest leaf cells inside cells.

    Args:
        ids: (...) valid ids.

    Returns:
        (...) uint64 ids of level 30.

    Raises:
        BadCell: A number is no S2 cell.
    """
    cells = valid_ids(ids)
    return cells - (lowest_ones(cells) - _ONE)


def range_max(ids: ArrayLike) -> Ids:
    """The largest leaf cells inside cells: the leaf cells of a cell are the ids from `range_min` to `range_max`, both among them.

    Args:
        ids: (...) valid ids.

    Returns:
        (...) uint64 ids of level 30.

    Raises:
        BadCell: A number is no S2 cell.
    """
    cells = valid_ids(ids)
    return cells + (lowest_ones(cells) - _ONE)


def children(ids: ArrayLike) -> Ids:
    """The four cells that each cell is cut into, along the Hilbert curve, hence in the order of their ids.

    Args:
        ids: (...) valid ids of level 29 or coarser.

    Returns:
        (..., 4) uint64.

    Raises:
        BadCell: A number is no S2 cell, or a leaf cell.
    """
    cells = valid_ids(ids)
    ones = lowest_ones(cells)
    if (ones == 1).any():
        raise BadCell(f"{_shown(cells[ones == 1])} is a leaf cell (level {MAX_LEVEL}) and has no children")
    quarters = ones[..., None] >> np.uint64(2)
    return (cells - ones)[..., None] + quarters * np.array([1, 3, 5, 7], np.uint64)


def tokens(ids: ArrayLike) -> list[str]:
    """The ids as S2 tokens: hexadecimal without the zeros at the end, so that coarse cells have short ones.

    Args:
        ids: (N,) valid ids.

    Returns:
        N strings of 1 to 16 characters. Keep them strings: a spreadsheet turns some into numbers.

    Raises:
        BadCell: A number is no S2 cell.
    """
    digits = valid_ids(ids).astype(">u8").tobytes().hex()
    return [digits[start : start + 16].rstrip("0") for start in range(0, len(digits), 16)]


def ids_from_tokens(tokens: Sequence[str]) -> Ids:
    """The ids that S2 tokens stand for, read strictly: what `tokens` would not write is no token.

    Args:
        tokens: N strings.

    Returns:
        (N,) uint64; 0, which is no cell, where the string is no token of a valid cell: capitals, zeros at the end, spaces and a 17th character are faults too.

    >>> [hex(cell) for cell in ids_from_tokens(["1", "4ad", "4.00E+05", "4AD"]).tolist()]
    ['0x1000000000000000', '0x4ad0000000000000', '0x0', '0x0']
    """
    ids = np.array([int(token.ljust(16, "0"), 16) if _TOKEN.fullmatch(token) else 0 for token in tokens], np.uint64)
    return np.where(is_valid(ids), ids, np.uint64(0))


def lowest_ones(ids: Ids) -> Ids:
    """The lowest bit that is set in each id, which tells the level: 1 for a leaf, four times as much for each coarser level."""
    return ids & np.negative(ids)


def valid_ids(ids: ArrayLike) -> Ids:
    """The ids as uint64.

    Raises:
        BadCell: A number is no S2 cell.
    """
    cells = _as_ids(ids)
    good = is_valid(cells)
    if not good.all():
        raise BadCell(f"{_shown(cells[~good])} is no S2 cell; ids have a face below 6 and a one at the place of their level")
    return cells


def _as_ids(ids: ArrayLike) -> Ids:
    # Lists pass by way of objects: numpy makes floats of integers below and above 2^63 together.
    numbers = ids if isinstance(ids, np.ndarray) else np.asarray(ids, dtype=object)
    if numbers.dtype == object:
        for number in numbers.flat:
            if not isinstance(number, int | np.integer) or not 0 <= number < 1 << 64:
                raise BadCell(f"{number!r} is no S2 cell; ids are whole numbers of 64 bits (see ids_from_tokens for tokens)")
    elif numbers.dtype.kind not in "iu":
        raise BadCell(f"an array of {numbers.dtype} holds no S2 cells; ids are whole numbers of 64 bits, and floats lose their last digits")
    return numbers.astype(np.uint64, copy=False)


def _lowest_ones_at(level: ArrayLike) -> Ids:
    levels = np.asarray(level)
    is_level = (levels >= 0) & (levels <= MAX_LEVEL) if levels.dtype.kind in "iu" else np.zeros(levels.shape, bool)
    if not is_level.all():
        raise BadCell(f"{levels[~is_level].flat[0]} is no level of S2; levels are whole numbers in [0, {MAX_LEVEL}]")
    return _ONE << (2 * (MAX_LEVEL - levels.astype(np.int64))).astype(np.uint64)


def _check_not_coarser(cells: Ids, ones: Ids) -> None:
    """Refuse what is no cell, and cells coarser than the level of these lowest ones, in few passes over millions."""
    is_fine_enough = lowest_ones(cells) & (_LOWEST_ONES & (ones | ones - _ONE)) != 0
    if is_fine_enough.all() and (cells.size == 0 or cells.max() < _PAST_LAST_FACE):
        return
    coarse = np.broadcast_to(valid_ids(cells), is_fine_enough.shape)[~is_fine_enough]
    raise BadCell(f"{_shown(coarse)} is coarser than the level asked for and has no ancestor there; ask for a level of at most {level_of(coarse[:1])[0]}")


def _shown(cells: Ids) -> str:
    return f"cell {int(cells.flat[0]):#x}"
