"""Coordinates of many photos, column by column: millions of rows in seconds, with nothing of a photo but its place and, where it has one, its name."""

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geocairn.cells import utf8_fault
from geocairn.errors import BadCoordinate, BadManifest

if TYPE_CHECKING:
    import pyarrow as pa

LATLON = ("lat_deg", "lon_deg")
_USUAL_LATLON = ("lat", "latitude", "lon", "lng", "long", "longitude")
# Words for "no coordinate", as in a manifest.
_NO_NUMBER = ("", "nan", "na", "n/a", "null", "none")
_NO_NUMBER_CELLS = [form for word in _NO_NUMBER for form in dict.fromkeys((word, word.upper(), word.title(), "NaN"))]


@dataclass(frozen=True)
class Coded:
    """A column of text in which few words recur: `codes` (N,) indices into `values`, -1 for an empty cell."""

    codes: NDArray[np.int64]
    values: Sequence[str]


@dataclass(frozen=True)
class Coordinates:
    """Places of photos.

    Attributes:
        path: the file they were read from.
        latlon_deg: (N, 2) float64 degrees.
        photos: N names, each once, or None where the file names no photos.
        sha256: hash of the coordinates, whatever their order (`coordinates_sha256`).
        n_rows: rows in the file; N and the rejected ones.
        rejected: number of rows left out, by reason.
        rows: (N,) number of each row in the file, from 0.
        columns: those of the columns asked for that the file has, N cells each.
    """

    path: Path
    latlon_deg: NDArray[np.float64]
    photos: Sequence[str] | None
    sha256: str
    n_rows: int
    rejected: Mapping[str, int]
    rows: NDArray[np.int64]
    columns: Mapping[str, Coded] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.latlon_deg)


def read_coordinates(path: Path, *, split: str | None = None, columns: Sequence[str] = ()) -> Coordinates:
    """Read the columns lat_deg and lon_deg (and photo and split, where there are such) of a `.csv` or `.parquet`, or an (N, 2) array from a `.npy`.

    Rows without coordinates are rejected and counted; so are, where photos are named, rows without a name and rows that repeat an earlier one.

    Args:
        split: only rows of this split are used, the others counted as rejected; None takes all, and a file without the column split is taken whole.
        columns: further columns of text to read where there are such.

    Raises:
        BadManifest: unreadable, of another format, a column missing, no usable row, or a photo with two different places.
        BadCoordinate: a coordinate that is no number or not on Earth, with its row.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".npy": _read_npy}
    if path.suffix.lower() not in readers:
        raise BadManifest(f"{path}: coordinates are read from {', '.join(readers)} files; rename or convert it")
    if not path.is_file():
        raise BadManifest(f"{path}: {'not a plain file' if path.exists() else 'no such file'}; name a file of coordinates ({', '.join(readers)})")
    read = readers[path.suffix.lower()](path, columns)
    latlon, n_rows = read.latlon_deg, len(read.latlon_deg)
    _check_on_earth(path, latlon)
    kept, rejected = np.ones(n_rows, dtype=bool), Counter[str]()
    _reject_other_splits(read.split, split, kept, rejected)
    _reject(np.asarray(np.isnan(latlon).any(axis=1)), "no coordinates", kept, rejected)
    _reject_repeated_photos(path, read, kept, rejected)
    if not kept.any():
        reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected.items()) or "it has no rows"
        needed = f" and the split {split!r}; all takes every row" if split else ""
        raise BadManifest(f"{path}: no row can be used ({reasons}); each needs lat_deg and lon_deg{needed}")
    whole = bool(kept.all())
    latlon = latlon if whole else latlon[kept]
    photos = None if read.photo is None else (read.photo if whole else read.photo.filter(_mask(kept))).to_pylist()
    others = {name: _coded(cells if whole else cells.filter(_mask(kept))) for name, cells in read.others.items()}
    return Coordinates(path, latlon, photos, coordinates_sha256(latlon), n_rows, dict(rejected), np.flatnonzero(kept), others)


def coordinates_sha256(latlon_deg: NDArray[np.float64]) -> str:
    """Hash of a set of coordinates: the same rows in any order give the same hash.

    Args:
        latlon_deg: (N, 2) float64 degrees.
    """
    # Adding nought makes -0.0 and 0.0 one; complex numbers sort by their real, then their imaginary part, in one pass.
    pairs = (np.ascontiguousarray(latlon_deg, dtype="<f8") + 0.0).view("<c16").ravel()
    pairs.sort()
    return hashlib.sha256(pairs.tobytes()).hexdigest()


def not_on_earth(where: str, lat_deg: float, lon_deg: float) -> BadCoordinate:
    """What is said of coordinates that are not on Earth.

    Args:
        where: file and row.
    """
    lat, lon = (f"{degrees} (a number too long to be a degree, or the word)" if math.isinf(degrees) else f"{degrees}" for degrees in (lat_deg, lon_deg))
    if abs(lat_deg) > 90:
        return BadCoordinate(f"{where}: latitude {lat} is outside [-90, 90]; are the columns swapped? (longitude is {lon})")
    return BadCoordinate(f"{where}: longitude {lon} is outside [-180, 180]; subtract 360 where longitudes run from 0 to 360 (latitude is {lat})")


def no_such_column(path: Path, name: str, names: Sequence[str]) -> BadManifest:
    """What is said of a file that lacks the column `name`: the columns it has, and how those may be mended."""
    if not names:
        return BadManifest(f"{path}: it is empty; the first line of a CSV names its columns")
    mend = ""
    if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
        mend = "; separate the columns by commas"
    elif name in LATLON and any(other.strip().lower() in _USUAL_LATLON for other in names):
        mend = "; rename them, or make a manifest of it by `geocairn data import csv`"
    return BadManifest(f"{path}: no column {name!r}; its columns are {', '.join(map(repr, names))}{mend}")


@dataclass(frozen=True)
class _Columns:
    latlon_deg: NDArray[np.float64]
    photo: "pa.ChunkedArray | None" = None
    split: "pa.ChunkedArray | None" = None
    others: "Mapping[str, pa.ChunkedArray]" = field(default_factory=dict)


def _read_npy(path: Path, _: Sequence[str]) -> _Columns:
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        # numpy's own words advise to load pickles, which can run anything.
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise BadManifest(f"{path}: not a readable .npy{reason}; save it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "fiu":
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "an archive of arrays"
        raise BadManifest(f"{path}: holds {found}; save an array of numbers of shape (N, 2): latitude and longitude in degrees")
    return _Columns(np.ascontiguousarray(array, dtype=np.float64))


def _read_parquet(path: Path, columns: Sequence[str]) -> _Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = _wanted_columns(path, names, columns)
            table = file.read(columns=wanted)
    except (OSError, pa.ArrowException) as error:
        raise BadManifest(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    return _columns_of(path, table, columns)


def _read_csv(path: Path, columns: Sequence[str]) -> _Columns:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names, header_line = _csv_header(path)
    wanted = _wanted_columns(path, names, columns)
    # A name borne twice among the columns that nobody asks for is no concern of ours, but would be of the reader's.
    told_apart = [name if name in wanted else f"{index}" for index, name in enumerate(names)]
    read = arrow_csv.ReadOptions(column_names=told_apart, skip_rows=header_line)
    text_or_number = {name: pa.float64() if name in LATLON else pa.string() for name in wanted}
    for types in (text_or_number, dict.fromkeys(wanted, pa.string())):
        convert = arrow_csv.ConvertOptions(
            include_columns=wanted, column_types=types, null_values=_NO_NUMBER_CELLS if types is text_or_number else [""], strings_can_be_null=False
        )
        try:
            table = arrow_csv.read_csv(path, read, arrow_csv.ParseOptions(newlines_in_values=True), convert)
            return _columns_of(path, table, columns)
        except pa.ArrowInvalid as error:
            if "invalid UTF8" in str(error):
                raise BadManifest(f"{path}: {utf8_fault(path)}; save it as CSV UTF-8") from None
            # A cell that is no number: read as text, so that it can be named with its row.
            if types is not text_or_number or "conversion error" not in str(error):
                raise BadManifest(f"{path}: cannot be read as CSV ({' '.join(str(error).split())})") from None
        except OSError as error:
            raise BadManifest(f"{path}: cannot be read as CSV ({error})") from None
    raise AssertionError("the second reading of a CSV returns or raises")


def _csv_header(path: Path) -> tuple[list[str], int]:
    """The column names and the number of lines down to where they stand."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = next((cells for cells in reader if cells), [])
            return [name.strip() for name in names], reader.line_num
    except UnicodeDecodeError:
        raise BadManifest(f"{path}: {utf8_fault(path)}; save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        raise BadManifest(f"{path}: cannot be read as CSV ({error})") from None


def _wanted_columns(path: Path, names: Sequence[str], columns: Sequence[str]) -> list[str]:
    absent = [name for name in LATLON if name not in names]
    if absent:
        raise no_such_column(path, absent[0], names)
    wanted = [name for name in dict.fromkeys((*LATLON, "photo", "split", *columns)) if name in names]
    twice = [name for name in wanted if list(names).count(name) > 1]
    if twice:
        raise BadManifest(f"{path}: two columns are called {twice[0]!r}; rename one")
    return wanted


def _columns_of(path: Path, table: "pa.Table", columns: Sequence[str]) -> _Columns:
    import pyarrow as pa
    import pyarrow.compute as pc

    def text(name: str) -> "pa.ChunkedArray":
        cells = table[name]
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if pa.types.is_floating(cells.type):
            cells = pc.if_else(pc.is_nan(cells), None, cells)  # as pandas writes an empty cell among numbers
        try:
            return cells.cast(pa.string())
        except pa.ArrowException:
            raise BadManifest(f"{path}: column {name!r} holds {table[name].type}, where text is needed; convert it") from None

    latlon = np.empty((table.num_rows, 2))
    for column, name in enumerate(LATLON):
        latlon[:, column] = _numbers(path, name, table[name])
    named = {name: text(name) for name in dict.fromkeys(("photo", "split", *columns)) if name in table.column_names}
    return _Columns(latlon, named.get("photo"), named.get("split"), {name: named[name] for name in columns if name in named})


def _numbers(path: Path, name: str, cells: "pa.ChunkedArray") -> NDArray[np.float64]:
    import pyarrow as pa

    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type) or pa.types.is_null(cells.type):
        return np.asarray(cells.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return np.array([_number(path, name, row, cell) for row, cell in enumerate(cells.to_pylist())], dtype=np.float64)


def _number(path: Path, name: str, row: int, cell: Any) -> float:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_NUMBER):
        return float("nan")
    try:
        # True is 1 to Python, but no degree.
        return float(str(cell) if isinstance(cell, bool) else cell)
    except (TypeError, ValueError):
        where = f"{path}, row {_row_in_file(path, row)}"
        raise BadCoordinate(f"{where}: {name} {cell!r} is not a number; write decimal degrees with a point, like 48.85") from None


def _check_on_earth(path: Path, latlon_deg: NDArray[np.float64]) -> None:
    off_earth = (np.abs(latlon_deg) > (90.0, 180.0)).any(axis=1)
    if not off_earth.any():
        return
    row = int(np.argmax(off_earth))
    raise not_on_earth(f"{path}, row {_row_in_file(path, row)}", *latlon_deg[row].tolist())


def _row_in_file(path: Path, row: int) -> int:
    """Number of a row as people count: lines as in a spreadsheet for `.csv`, else from 1."""
    if path.suffix.lower() != ".csv":
        return row + 1
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.reader(file)
        numbers = (reader.line_num for cells in reader if cells)
        return next(islice(numbers, row + 1, None))


def _reject(unusable: NDArray[np.bool_], reason: str, kept: NDArray[np.bool_], rejected: Counter[str]) -> None:
    """Leave out the rows that are `unusable` and were kept so far."""
    n_lost = int(np.count_nonzero(unusable & kept))
    if n_lost:
        rejected[reason] += n_lost
        kept &= ~unusable


def _reject_other_splits(cells: "pa.ChunkedArray | None", split: str | None, kept: NDArray[np.bool_], rejected: Counter[str]) -> None:
    if cells is None or split is None:
        return
    coded = cells.combine_chunks().dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1))
    for code, name in enumerate(coded.dictionary.to_pylist()):
        if name != split:
            _reject(codes == code, f"split {name}" if name else "no split", kept, rejected)
    _reject(codes == -1, "no split", kept, rejected)


def _reject_repeated_photos(path: Path, columns: _Columns, kept: NDArray[np.bool_], rejected: Counter[str]) -> None:
    """Keep each photo once.

    Raises:
        BadManifest: a photo has two places.
    """
    if columns.photo is None:
        return
    import pyarrow.compute as pc

    named = pc.fill_null(pc.not_equal(columns.photo, ""), False)
    _reject(~np.asarray(named.to_numpy(), dtype=bool), "no photo", kept, rejected)
    rows = np.flatnonzero(kept)
    codes = np.asarray(columns.photo.filter(_mask(kept)).combine_chunks().dictionary_encode().indices)
    # Codes are given in order of first appearance, so a row is its photo's first where its code is one never seen before.
    is_first = np.diff(np.maximum.accumulate(codes), prepend=-1) > 0
    if is_first.all():
        return
    again, first = rows[~is_first], rows[is_first][codes[~is_first]]
    moved = (columns.latlon_deg[again] != columns.latlon_deg[first]).any(axis=1)
    if moved.any():
        one, other = int(first[np.argmax(moved)]), int(again[np.argmax(moved)])
        where, photo = f"{path}, row {_row_in_file(path, other)}", columns.photo[other].as_py()
        raise BadManifest(f"{where}: photo {photo!r} has another place in row {_row_in_file(path, one)}; a photo has one true place, remove one row")
    kept[again] = False
    rejected["repeats an earlier row"] += len(again)


def _coded(cells: "pa.ChunkedArray") -> Coded:
    coded = cells.combine_chunks().dictionary_encode()
    codes, values = np.array(coded.indices.fill_null(-1), dtype=np.int64), coded.dictionary.to_pylist()
    if "" in values:
        codes[codes == values.index("")] = -1
    return Coded(codes, values)


def _mask(kept: NDArray[np.bool_]) -> "pa.Array":
    import pyarrow as pa

    return pa.array(kept)
