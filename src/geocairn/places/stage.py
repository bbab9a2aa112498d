"""What every builder of places from rows begins with: which rows are used, and whether the folder may be written to."""

from collections.abc import Collection, Sequence
from pathlib import Path

from geocairn.coordinates import Coordinates, read_coordinates
from geocairn.errors import BadManifest
from geocairn.places.origin import ROWS_FILE
from geocairn.storage import check_result_folder

TREE_FILE = "tree.npz"
BUILT_FILES = ("hierarchy.json", "hierarchy.npz", ROWS_FILE, TREE_FILE)
# What may be said in the place of a split's name.
AUTO_SPLIT, ALL_SPLITS = "auto", "all"


def read_split(path: Path, split: str, *, columns: Sequence[str] = ()) -> tuple[Coordinates, str | None]:
    """Read the rows of one split.

    Args:
        path: as `read_coordinates` has it.
        split: its name; or "auto" for train where the file has a column split and every row where it has none; or "all" for every row.
        columns: further columns to read.

    Returns:
        The rows, and the split that they are of: None where every row is used, whichever split it may be of.

    Raises:
        BadManifest: unreadable, no usable row, or a split is named and the file has no column split.
        BadCoordinate: a coordinate that is no number or not on Earth.
    """
    wanted = {AUTO_SPLIT: "train", ALL_SPLITS: None}.get(split, split)
    rows = read_coordinates(path, split=wanted, columns=("split", *columns))
    if "split" in rows.columns:
        return rows, wanted
    if split not in (AUTO_SPLIT, ALL_SPLITS):
        raise BadManifest(f"{path}: no column 'split', so no row can be told to be of the split {split!r}; leave --split out")
    return rows, None


def check_places_folder(out: Path, sources: Collection[Path]) -> None:
    """Check before the work that places can be written to the folder `out`: it may be missing, empty, or hold older places, which are then replaced.

    Raises:
        BadOutput: it is a file, holds other things, or one of `sources` would be overwritten.
    """
    check_result_folder(out, BUILT_FILES, "places", sources)
