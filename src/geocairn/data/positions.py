"""Coordinates of many rows: numbers out of cells, and what is wrong with each."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NO_NUMBER = ("", "nan", "na", "n/a", "null", "none")

# What may be wrong with a pair of coordinates; the index is the problem's code, 0 is none.
PROBLEMS = (
    "",
    "no coordinates",
    "coordinate is not a number",
    "latitude outside [-90, 90]",
    "longitude outside [-180, 180]",
    "null island (0, 0)",
)


def positions_from_cells(lat: pa.ChunkedArray, lon: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Latitudes and longitudes of rows, and their faults.

    Args:
        lat, lon: (N,) text or float64; null, empty and words such as NaN mean that there is none.

    Returns:
        (N, 2) float64 degrees, NaN where a cell is no number, off-Earth values as they stand; (N,) int8 index into `PROBLEMS`.
        Both coordinates exactly 0 is what failed geocoders and receivers without a fix write: a problem.
    """
    columns, empty = zip(*(_numbers(cells) for cells in (lat, lon)), strict=True)
    latlon = np.stack(columns, axis=1)
    with np.errstate(invalid="ignore"):
        faults = (
            empty[0] | empty[1],
            ~np.isfinite(latlon).all(axis=1),
            np.abs(latlon[:, 0]) > 90,
            np.abs(latlon[:, 1]) > 180,
            (latlon == 0).all(axis=1),
        )
    return latlon, np.select(faults, np.arange(1, len(PROBLEMS)), 0).astype(np.int8)


def _numbers(cells: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers (NaN for none) and whether a cell is empty."""
    if pa.types.is_floating(cells.type):
        numbers = cells.to_numpy()  # null becomes NaN
        return numbers, np.isnan(numbers)
    cells = pc.utf8_trim_whitespace(cells)
    is_empty = pc.or_kleene(pc.is_null(cells), pc.fill_null(pc.is_in(pc.utf8_lower(cells), pa.array(_NO_NUMBER)), fill_value=False))
    words = pc.if_else(is_empty, pa.scalar(None, pa.string()), cells)
    try:
        numbers = pc.cast(words, pa.float64())
    except pa.ArrowInvalid:
        is_number = pc.match_substring_regex(words, r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
        numbers = pc.cast(pc.replace_substring_regex(pc.if_else(is_number, words, pa.scalar(None, pa.string())), r"^\+", ""), pa.float64())
    return numbers.to_numpy(), is_empty.to_numpy()
