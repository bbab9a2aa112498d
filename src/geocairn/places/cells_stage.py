"""The stage that cuts the Earth: a file of coordinates -> a folder with the hierarchy, made once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from geocairn.coordinates import Coordinates
from geocairn.errors import BadHierarchy
from geocairn.places.cell_hierarchy import BUILDER, hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.files import load_hierarchy, save_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE, save_origin
from geocairn.places.stage import AUTO_SPLIT, TREE_FILE, check_places_folder, read_split


def build_cells(coords: Path, out: Path, settings: CellSettings, *, split: str = AUTO_SPLIT, tell: Callable[[str], None]) -> Hierarchy:
    """Cut the Earth by a file's coordinates into `out`: hierarchy.npz and .json, and rows.npy where the file names its photos.

    Args:
        coords: `.csv`, `.parquet` or `.npy` (see `read_coordinates`).
        out: a folder; where it holds the cells of the same rows and settings, they are left as they are; others are replaced.
        settings: which cells are split and which are kept.
        split: which rows are used, as `read_split` has it.
        tell: is told what was left out and what was found done.

    Raises:
        BadManifest, BadCoordinate: the file cannot be used, or a split is named and it has no column split.
        BadHierarchy: a level keeps no cell.
        BadOutput: the folder cannot be written, or holds other things than places.
    """
    check_places_folder(out, [coords])
    rows, used_split = read_split(coords, split)
    for reason, count in rows.rejected.items():
        tell(f"{coords}: {count} of {rows.n_rows} rows left out: {reason}")
    described = {"source_sha256": rows.sha256, "split": used_split, "rejected": dict(rows.rejected)}
    done = _finished(out, rows, {**described, "builder": BUILDER, "settings": settings.model_dump(mode="json")})
    if done is not None:
        tell(f"{out}: holds the cells of these rows and settings already")
        return done
    hierarchy = hierarchy_of_cells(rows.latlon_deg, settings, meta=described)
    # What another build left here is not where these cells come from.
    (out / TREE_FILE).unlink(missing_ok=True)
    save_origin(out, rows.photos)
    save_hierarchy(hierarchy, out / "hierarchy.npz")
    return hierarchy


def _finished(out: Path, rows: Coordinates, due: Mapping[str, Any]) -> Hierarchy | None:
    """The places in `out` where their description is as `due` and `rows.npy` is there if it is to be."""
    try:
        hierarchy = load_hierarchy(out / "hierarchy.npz")
    except BadHierarchy:
        return None
    is_same = all(hierarchy.meta.get(key) == value for key, value in due.items()) and (out / ROWS_FILE).exists() == (rows.photos is not None)
    return hierarchy if is_same else None
