"""The stage that cuts the Earth: a file of coordinates -> a folder with the hierarchy, made once."""

from collections.abc import Callable
from pathlib import Path

from geocairn.coordinates import Coordinates, read_coordinates
from geocairn.errors import BadHierarchy
from geocairn.places.cell_hierarchy import BUILDER, hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.files import load_hierarchy, save_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE, save_origin


def build_cells(coords: Path, out: Path, settings: CellSettings, *, split: str | None = "train", tell: Callable[[str], None]) -> Hierarchy:
    """Cut the Earth by a file's coordinates into `out`: hierarchy.npz and .json, and rows.npy where the file names its photos.

    Args:
        coords: `.csv`, `.parquet` or `.npy` (see `read_coordinates`).
        out: a folder; where it holds the cells of the same rows and settings, they are left as they are.
        settings: which cells are split and which are kept.
        split: use these rows only, where the file has a column split; None uses all.
        tell: is told what was left out and what was found done.

    Raises:
        BadManifest, BadCoordinate: the file cannot be used.
        BadHierarchy: a level keeps no cell.
        BadOutput: the folder cannot be written.
    """
    rows = read_coordinates(coords, split=split)
    for reason, count in rows.rejected.items():
        tell(f"{coords}: {count} of {rows.n_rows} rows left out: {reason}")
    done = _finished(out, rows, settings)
    if done is not None:
        tell(f"{out}: holds the cells of these rows and settings already")
        return done
    hierarchy = hierarchy_of_cells(rows.latlon_deg, settings, meta={"source_sha256": rows.sha256, "split": split, "rejected": dict(rows.rejected)})
    if rows.photos is None:
        # What another build left here is not where these cells come from.
        (out / ROWS_FILE).unlink(missing_ok=True)
    else:
        save_origin(out, rows.photos)
    save_hierarchy(hierarchy, out / "hierarchy.npz")
    return hierarchy


def _finished(out: Path, rows: Coordinates, settings: CellSettings) -> Hierarchy | None:
    try:
        hierarchy = load_hierarchy(out / "hierarchy.npz")
    except BadHierarchy:
        return None
    built = [hierarchy.meta.get(key) for key in ("builder", "source_sha256", "settings")]
    is_same = built == [BUILDER, rows.sha256, settings.model_dump(mode="json")] and (out / ROWS_FILE).exists() == (rows.photos is not None)
    return hierarchy if is_same else None
