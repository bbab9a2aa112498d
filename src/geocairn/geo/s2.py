"""S2 cells: the Earth cut into six faces, and each cell into four, thirty times over; ids are uint64, and everything here works on arrays of them.

Where points lie is in `s2_points`, the arithmetic of ids in `s2_ids`, shapes and neighbours in `s2_shape`, the Hilbert curve in `s2_curve`.
"""

from geocairn.geo.s2_curve import MAX_LEVEL
from geocairn.geo.s2_ids import children, ids_from_tokens, is_valid, level_of, parents, range_max, range_min, tokens
from geocairn.geo.s2_points import leaf_ids
from geocairn.geo.s2_shape import all_neighbours, area_km2, centres, corners, edge_neighbours

__all__ = [
    "MAX_LEVEL",
    "all_neighbours",
    "area_km2",
    "centres",
    "children",
    "corners",
    "edge_neighbours",
    "ids_from_tokens",
    "is_valid",
    "leaf_ids",
    "level_of",
    "parents",
    "range_max",
    "range_min",
    "tokens",
]
