"""A hierarchy from the field's own cells CSVs."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from geocairn.errors import BadHierarchy
from geocairn.geo import s2
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.cell_hierarchy import PlacedCells, hierarchy_of_placed
from geocairn.places.cells_csv import CellRows, read_cell_rows
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.verify import FIELD_START_LEVEL, SoundCells, check_cells, verify_cell_files

_LIMITS_IN_NAME = re.compile(r"cells_(\d+)_(\d+)(?!\d)(?:_images_(\d+))?")


def hierarchy_from_cell_files(paths: Sequence[Path], *, start_level: int = FIELD_START_LEVEL) -> Hierarchy:
    """Read the levels of a partition from cells CSVs, in any order: the more cells, the finer.

    Levels are named after the t_max in the files' names (cells_50_5000.csv: t5000), or after their number of cells (c3298). A place is where its file says;
    what its photos' spread is no file says, so a radius is that of a disc of the cell's area.

    Raises:
        BadHierarchy: a file cannot be read or has a fault, levels do not nest, or two files have the same number of cells or t_max.
    """
    faults = verify_cell_files(paths, start_level=start_level)
    if faults:
        raise BadHierarchy(f"{faults[0]} ({len(faults)} faults in all; `geocairn places verify` lists them)")
    files = sorted((read_cell_rows(path) for path in paths), key=lambda cells: len(cells.rows))
    limits = [_LIMITS_IN_NAME.match(cells.path.name) for cells in files]
    named = [f"t{found[2]}" if found else f"c{len(cells.rows)}" for cells, found in zip(files, limits, strict=True)]
    twice = next((name for at, name in enumerate(named) if name in named[:at]), None)
    if twice is not None:
        raise BadHierarchy(f"two files give a level {twice}; name each level's file once")
    sound = [check_cells(cells, start_level=start_level)[0] for cells in files]
    meta: dict[str, Any] = {
        "count_of": "rows",
        "source_sha256": sha256(b"".join(cells.path.read_bytes() for cells in files)).hexdigest(),
        "n_rows": max(_n_photos(cells, kept) for cells, kept in zip(files, sound, strict=True)),
        "start_level": start_level,
        "settings": {"files": [cells.path.name for cells in files], "start_level": start_level},
    }
    if all(limits) and len({found[1] for found in limits if found}) == 1:
        meta |= {"t_min": int(limits[0][1]), "t_max": [int(found[2]) for found in limits if found]}  # type: ignore[index]
    return hierarchy_of_placed([_placed(name, cells) for name, cells in zip(named, sound, strict=True)], meta=meta)


def _n_photos(cells: CellRows, kept: SoundCells) -> int:
    """Photos that the cells were cut by, as the file or its name says; at least those that the cells hold."""
    found = _LIMITS_IN_NAME.match(cells.path.name)
    return max(cells.n_images or 0, int(found[3] or 0) if found else 0, int(kept.count.sum()))


def _placed(name: str, cells: SoundCells) -> PlacedCells:
    radius_km = np.sqrt(s2.area_km2(cells.ids) / np.pi).astype(np.float32)
    return PlacedCells(name, cells.ids, cells.count, unit_from_latlon(cells.latlon_deg), radius_km)
