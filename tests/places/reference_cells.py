"""The adaptive partition as GeoEstimation's code runs it, round by round, with s2sphere and dictionaries: slow, plain, and made of nothing under test."""

from collections import defaultdict

import numpy as np
import s2sphere


def reference_partition(latlon_deg: np.ndarray, t_min: int, t_max: int, start_level: int = 2) -> dict[str, set[int]]:
    """From the token of each cell to its members."""
    leaves = [s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat, lon)) for lat, lon in latlon_deg.tolist()]
    cells = without_small(by_token({row: leaf.parent(start_level) for row, leaf in enumerate(leaves)}), t_min)
    level = start_level
    while level < 30 and any(len(members) > t_max for members in cells.values()):
        level += 1
        assigned = {
            row: leaves[row].parent(level) if len(members) > t_max else s2sphere.CellId.from_token(token) for token, members in cells.items() for row in members
        }
        cells = by_token(assigned)
    return without_small(cells, t_min)


def by_token(cell_of_row: dict[int, s2sphere.CellId]) -> dict[str, set[int]]:
    cells = defaultdict(set)
    for row, cell in cell_of_row.items():
        cells[cell.to_token()].add(row)
    return dict(cells)


def without_small(cells: dict[str, set[int]], t_min: int) -> dict[str, set[int]]:
    return {token: members for token, members in cells.items() if len(members) > t_min}
