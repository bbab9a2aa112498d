"""The field's own files of cells and of labels, read and written: `class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean`.

Tokens are text: a program that takes them for numbers, as spreadsheets do, destroys them.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy, BadManifest
from geocairn.geo.sphere import latlon_from_unit
from geocairn.places.cell_hierarchy import cell_levels
from geocairn.places.hierarchy import Hierarchy
from geocairn.storage import appearing_at_once

CELL_COLUMNS = ("class_label", "hex_id", "imgs_per_cell", "latitude_mean", "longitude_mean")
# Released files carry two lines about the data above the header; a header that has not come by now is not there.
_HEADER_WITHIN = 10
_MEAN_DECIMALS = 9  # a tenth of a millimetre
_N_IMAGES_LINE = re.compile(r"\s*num_images\s*:\s*(\d+)\s*")


@dataclass(frozen=True)
class CellRows:
    """The rows of a cells CSV as text, unchecked.

    Attributes:
        path: the file.
        rows: the number of each row, lines as in a spreadsheet.
        columns: the five columns, N cells each.
        n_images: what a line above the header says of the number of photos; None without one.
        n_columns: cells of the header, and of every row but the misshapen ones.
        misshapen: the rows of another length, which are not among the others: number and cells.
    """

    path: Path
    rows: Sequence[int]
    columns: Mapping[str, Sequence[str]]
    n_images: int | None
    n_columns: int = len(CELL_COLUMNS)
    misshapen: Sequence[tuple[int, Sequence[str]]] = ()

    @property
    def tokens(self) -> Sequence[str]:
        """The cells' tokens."""
        return self.columns["hex_id"]


def read_cell_rows(path: Path) -> CellRows:
    """Read a cells CSV (UTF-8), with or without lines above its header, as text.

    Raises:
        BadHierarchy: missing, unreadable, without a header that has the five columns, or without a row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file; name a CSV of cells") from None
    except UnicodeDecodeError as error:
        raise BadHierarchy(f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        raise BadHierarchy(f"{path}: cannot be read as CSV ({getattr(error, 'strerror', None) or error})") from None
    at = next((at for at, (_, cells) in enumerate(lines[:_HEADER_WITHIN]) if "hex_id" in map(str.strip, cells)), None)
    if at is None:
        raise BadHierarchy(f"{path}: no header in its first {_HEADER_WITHIN} lines; a CSV of cells has the columns {', '.join(CELL_COLUMNS)}")
    names = [name.strip() for name in lines[at][1]]
    absent = [name for name in CELL_COLUMNS if names.count(name) != 1]
    if absent:
        raise BadHierarchy(f"{path}: {'no' if absent[0] not in names else 'more than one'} column {absent[0]!r}; its columns are {', '.join(names)}")
    body = lines[at + 1 :]
    if not body:
        raise BadHierarchy(f"{path}: no row below its header; a partition has at least one cell")
    well_shaped = [(row, cells) for row, cells in body if len(cells) == len(names)]
    misshapen = [(row, cells) for row, cells in body if len(cells) != len(names)]
    columns = {name: [cells[names.index(name)] for _, cells in well_shaped] for name in CELL_COLUMNS}
    said = next((match for _, cells in lines[:at] if (match := _N_IMAGES_LINE.fullmatch(",".join(cells).rstrip(",")))), None)
    return CellRows(path, [row for row, _ in well_shaped], columns, int(said[1]) if said else None, len(names), misshapen)


def export_cells(hierarchy: Hierarchy, folder: Path) -> list[Path]:
    """Write a cells CSV for each level: cells_{t_min}_{t_max}_images_{N}.csv, N the photos before any cell was left out; labels in the order of cell ids.

    Raises:
        BadHierarchy: the hierarchy was not built of S2 cells, or not from photos' coordinates.
        BadOutput: the folder cannot be written.
    """
    cell_levels(hierarchy)
    absent = [key for key in ("t_min", "t_max", "n_rows") if key not in hierarchy.meta]
    if absent:
        raise BadHierarchy(f"the hierarchy does not tell its {', '.join(absent)}; only one built from coordinates can be exported")
    written = []
    for level, t_max in enumerate(hierarchy.meta["t_max"]):
        out = folder / f"cells_{hierarchy.meta['t_min']}_{t_max}_images_{hierarchy.meta['n_rows']}.csv"
        places = hierarchy.places_of(level)
        latlon = latlon_from_unit(hierarchy.unit[places.start : places.stop]).round(_MEAN_DECIMALS).tolist()
        with appearing_at_once(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(CELL_COLUMNS)
            writer.writerows((label, hierarchy.names[place], int(hierarchy.count[place]), *latlon[label]) for label, place in enumerate(places))
        written.append(out)
    return written


def write_label_mapping(photos: Sequence[str], classes: NDArray[np.int32], out: Path, *, keep_uncovered: bool = True) -> int:
    """Write the classes of photos as JSON, `{"aa/bb/1.jpg": [coarse, ..., fine]}`.

    Args:
        photos: N names, each once.
        classes: (N, L), -1 where no cell of the level holds the photo.
        out: the file.
        keep_uncovered: write photos that lack a class at some level, with -1 there; the field's own files drop them at all levels.

    Returns:
        Number of photos written.

    Raises:
        BadOutput: the file cannot be written.
    """
    kept = np.flatnonzero(keep_uncovered | (classes >= 0).all(axis=1)).tolist()
    with appearing_at_once(out) as draft, draft.open("w", encoding="utf-8") as file:
        file.write("{")
        for at, row in enumerate(kept):
            file.write(f"{',' if at else ''}\n{json.dumps(photos[row], ensure_ascii=False)}: {classes[row].tolist()}")
        file.write("\n}\n")
    return len(kept)


def read_label_mapping(path: Path, n_classes: Sequence[int] | None = None) -> tuple[list[str], NDArray[np.int32]]:
    """Read the classes of photos from JSON: a list per photo, coarse to fine, or an object with a value per level.

    Args:
        path: the file.
        n_classes: number of classes of each level, to check against; None checks only that labels are whole numbers.

    Returns:
        N names and (N, L) int32 classes; -1 (in the file -1 or null) where a photo has none.

    Raises:
        BadManifest: unreadable, a photo twice, lists of different lengths, or a label that is no class.
    """
    pairs = _json_pairs(path)
    photos = [photo for photo, _ in pairs]
    often, times = Counter(photos).most_common(1)[0]
    if times > 1:
        raise BadManifest(f"{path}: photo {often!r} stands {times} times; a photo has one list of labels")
    rows = [list(labels.values()) if isinstance(labels, dict) else labels for _, labels in pairs]
    n_levels = len(n_classes) if n_classes is not None else len(rows[0]) if rows and isinstance(rows[0], list) else 0
    classes = np.full((len(rows), n_levels), -1, dtype=np.int32)
    for at, labels in enumerate(rows):
        if not isinstance(labels, list) or len(labels) != n_levels or not n_levels:
            raise BadManifest(f"{path}: photo {photos[at]!r} has {labels!r}, not a list of {n_levels or 'its'} labels, coarse to fine")
        classes[at] = [_label(path, photos[at], label, n_classes[level] if n_classes is not None else 2**31) for level, label in enumerate(labels)]
    return photos, classes


def _json_pairs(path: Path) -> list[tuple[str, Any]]:
    """The members of the outermost object, a name that comes twice among them."""
    last: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal last
        last = pairs
        return dict(pairs)

    try:
        read = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=keep)
    except FileNotFoundError:
        raise BadManifest(f"{path}: no such file; name a JSON of labels") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadManifest(f"{path}: not readable as JSON ({getattr(error, 'strerror', None) or error})") from None
    if not isinstance(read, dict) or not read:
        raise BadManifest(f'{path}: holds no photos; labels are written as {{"photo.jpg": [coarse, ..., fine]}}')
    # The outermost object ends last.
    return last


def _label(path: Path, photo: str, label: Any, n_classes: int) -> int:
    if label is None:
        return -1
    if isinstance(label, bool) or not isinstance(label, int | float) or label != label or not -1 <= label < n_classes or int(label) != label:
        raise BadManifest(f"{path}: photo {photo!r} has the label {label!r}, which is no class; classes are whole numbers from 0 to {n_classes - 1}, or -1")
    return int(label)
