"""Manifests: which photos there are and, where it is known, where they were truly taken. Read, checked row by row, rejects counted by reason, hashed."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.cells import utf8_fault
from geocairn.coordinates import no_such_column, not_on_earth
from geocairn.errors import BadCoordinate, BadManifest

AUTHOR_COLUMNS = ("author", "author_group")
REQUIRED_COLUMNS = ("photo", "lat_deg", "lon_deg")
_LABELS = ("country", "region", "subregion", "city", "sequence", "album", "captured_at", "scene3", "scene16", "scene365", "split")
# Words for "no coordinate". In any other column NA is a label like others: it is Namibia's ISO code.
_NO_NUMBER = ("", "nan", "na", "n/a", "null", "none")

Cells = tuple[str | None, ...]


@dataclass(frozen=True)
class Table:
    """A file of rows as text: `columns` holds equally long columns (None for an empty cell), `rows` the number of each row in the file."""

    path: Path
    columns: Mapping[str, Cells]
    rows: Sequence[int]

    def column(self, name: str) -> Cells:
        """The cells of a column.

        Raises:
            BadManifest: there is no such column; the message lists those there are.
        """
        if name not in self.columns:
            raise no_such_column(self.path, name, list(self.columns))
        return self.columns[name]


@dataclass(frozen=True)
class PhotoList:
    """Photos of a manifest, wherever they were taken.

    Attributes:
        path: the file it was read from.
        sha256: hash of that file's bytes.
        photos: N names as they stand in the file, each once.
        n_rows: rows in the file; N and the rejected ones.
        rejected: number of rows left out, by reason.
    """

    path: Path
    sha256: str
    photos: tuple[str, ...]
    n_rows: int
    rejected: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.photos)

    def photo_paths(self, photos: Path | None = None) -> list[Path]:
        """Where the photos lie: names are relative to `photos`, else to the manifest's folder; an absolute name stays as it is.

        Raises:
            BadManifest: `photos` is not a folder.
        """
        if photos is not None and not photos.is_dir():
            raise BadManifest(f"{photos}: not a folder; give --photos the folder that the names in {self.path} are relative to")
        folder = photos or self.path.parent
        return [folder / name for name in self.photos]


@dataclass(frozen=True)
class Manifest(PhotoList):
    """Photos and their true places.

    Attributes:
        latlon_deg: (N, 2) float64 degrees.
        columns: the other columns, N cells each as text; None where a cell is empty.
    """

    latlon_deg: NDArray[np.float64]
    columns: Mapping[str, Cells]

    def column(self, name: str) -> Cells:
        """The cells of a column besides photo, lat_deg and lon_deg.

        Raises:
            BadManifest: there is no such column, or it is one of those three; the message lists the others.
        """
        if name not in self.columns:
            is_own = name in REQUIRED_COLUMNS
            said = f"{name!r} is each photo's own, none to group by; its other columns" if is_own else f"no column {name!r}; its columns"
            raise BadManifest(f"{self.path}: {said} are {', '.join(map(repr, self.columns)) or 'none'}")
        return self.columns[name]

    @property
    def has_authors(self) -> bool:
        """The manifest says who took at least one photo."""
        return any(any(self.columns.get(name, ())) for name in AUTHOR_COLUMNS)

    def author_codes(self) -> NDArray[np.int64]:
        """(N,) number of each photo's author; a photo without an author counts as the only one of its own."""
        name = next((name for name in AUTHOR_COLUMNS if name in self.columns), None)
        authors: Cells = self.columns[name] if name else (None,) * len(self)
        keys = [author if author is not None else (row,) for row, author in enumerate(authors)]
        codes = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        return np.array([codes[key] for key in keys], dtype=np.int64)


def left_out_words(rejected: Mapping[str, int], n_rows: int) -> str | None:
    """How many of a manifest's rows are left out, by reason; None where all are used.

    >>> left_out_words({"no photo": 1, "no coordinates": 2}, 9)
    '3 of 9 rows are left out (no photo: 1, no coordinates: 2)'
    """
    if not any(rejected.values()):
        return None
    return f"{sum(rejected.values())} of {n_rows} rows are left out ({', '.join(f'{reason}: {count}' for reason, count in rejected.items())})"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest: `.csv` or `.parquet` with the columns photo, lat_deg, lon_deg and any others (author or author_group, country, region, ...).

    A row without a photo or without coordinates and a row that repeats an earlier one are rejected and counted.

    Raises:
        BadManifest: unreadable, of another format, a column missing, no usable row, or a photo with two different places.
        BadCoordinate: a coordinate that is no number or not on Earth, with its row.
    """
    table = read_table(path)
    names = table.column("photo")
    try:
        latlon_deg = read_latlon(table)
    except BadCoordinate as error:
        raise BadCoordinate(f"{error}; `geocairn data import` leaves such rows out and counts them") from None
    kept, rejected = _usable_rows(table, names, latlon_deg)
    if not kept:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected.items()) or "it has no rows"
        raise BadManifest(f"{path}: no row can be used ({reasons}); each needs a photo, lat_deg and lon_deg")
    others = {name: tuple(cells[row] for row in kept) for name, cells in table.columns.items() if name not in REQUIRED_COLUMNS}
    photos = tuple(str(names[row]) for row in kept)
    return Manifest(Path(path), file_sha256(path), photos, len(table.rows), dict(rejected), latlon_deg[kept], others)


def read_photos(path: Path) -> PhotoList:
    """Read which photos a manifest names, whatever it says or does not say of their places.

    A row without a photo and a row that repeats an earlier one's are rejected and counted.

    Raises:
        BadManifest: unreadable, of another format, or no row names a photo.
    """
    names = read_photo_names(path)
    photos = tuple(dict.fromkeys(name for name in names if name))
    n_unnamed = names.count("")
    rejected = {"no photo": n_unnamed, "repeats an earlier row": len(names) - n_unnamed - len(photos)}
    return PhotoList(Path(path), file_sha256(path), photos, len(names), {reason: count for reason, count in rejected.items() if count})


def read_photo_names(path: Path) -> list[str]:
    """The photo that each row of a manifest names, in their order; empty for a row that names none.

    Raises:
        BadManifest: unreadable, of another format, or no row names a photo.
    """
    names = [name or "" for name in read_table(path).column("photo")]
    if not any(names):
        raise BadManifest(f"{path}: {f'none of its {len(names)} rows names a photo' if names else 'it has no rows'}; name photos in the column 'photo'")
    return names


def read_table(path: Path) -> Table:
    """Read all rows of a `.csv` (UTF-8, commas, header first; rows count as in a spreadsheet) or `.parquet` (rows count from 1).

    Raises:
        BadManifest: missing, unreadable, of another format, a column twice, or a row with too many or too few cells.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise BadManifest(f"{path}: a table is a {' or '.join(readers)} file; rename or convert it")
    if not path.is_file():
        raise BadManifest(f"{path}: {'not a plain file' if path.exists() else 'no such file'}; name a {' or '.join(readers)} file")
    return readers[path.suffix.lower()](path)


def read_latlon(table: Table) -> NDArray[np.float64]:
    """The columns lat_deg and lon_deg.

    Returns:
        (N, 2) float64 degrees; NaN where a cell is empty or says that there is no number.

    Raises:
        BadManifest: a column is missing.
        BadCoordinate: a cell is no number or not on Earth; the message names the row.
    """
    columns = [[_number(table, name, row) for row in range(len(table.rows))] for name in ("lat_deg", "lon_deg")]
    latlon = np.array(columns, dtype=np.float64).T.reshape(-1, 2)
    off_earth = np.flatnonzero((np.abs(latlon[:, 0]) > 90) | (np.abs(latlon[:, 1]) > 180))
    if len(off_earth):
        row = int(off_earth[0])
        raise not_on_earth(f"{table.path}, row {table.rows[row]}", *latlon[row].tolist())
    return latlon


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _usable_rows(table: Table, names: Cells, latlon_deg: NDArray[np.float64]) -> tuple[list[int], Counter[str]]:
    kept: dict[str, int] = {}
    rejected: Counter[str] = Counter()
    without_place = np.asarray(np.isnan(latlon_deg).any(axis=1))
    for row, name in enumerate(names):
        if name is None:
            rejected["no photo"] += 1
        elif without_place[row]:
            rejected["no coordinates"] += 1
        elif name not in kept:
            kept[name] = row
        elif np.array_equal(latlon_deg[row], latlon_deg[kept[name]]):
            rejected["repeats an earlier row"] += 1
        else:
            first, again = table.rows[kept[name]], table.rows[row]
            raise BadManifest(f"{table.path}, row {again}: photo {name!r} has another place in row {first}; a photo has one true place, remove one row")
    return list(kept.values()), rejected


def _number(table: Table, name: str, row: int) -> float:
    cell = table.column(name)[row]
    if cell is None or cell.strip().lower() in _NO_NUMBER:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        raise BadCoordinate(f"{table.path}, row {table.rows[row]}: {name} {cell!r} is not a number; write decimal degrees with a point, like 48.85") from None


def _read_csv(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            numbered = list(_numbered_rows(path, csv.reader(file)))
    except UnicodeDecodeError:
        raise BadManifest(f"{path}: {utf8_fault(path)}; save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        raise BadManifest(f"{path}: cannot be read as CSV ({error})") from None
    names = [name.strip() for name in numbered[0][1]] if numbered else []
    _check_names_differ(path, names)
    rows = numbered[1:]
    columns = {name: tuple(cells[index] or None for _, cells in rows) for index, name in enumerate(names)}
    return Table(path, columns, [row for row, _ in rows])


def _numbered_rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    n_columns = 0
    for cells in reader:
        if not cells:
            continue  # a blank line is no row
        n_columns = n_columns or len(cells)
        if len(cells) != n_columns:
            raise BadManifest(f"{path}, row {reader.line_num}: {len(cells)} cells where the header has {n_columns}; quote cells that hold commas")
        yield reader.line_num, cells


def _read_parquet(path: Path) -> Table:
    # Read here, not above: it takes 0.1 s, and a CSV does without.
    import pyarrow as pa
    import pyarrow.parquet as pq

    def is_readable(kind: Any) -> bool:
        return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))

    try:
        with pq.ParquetFile(path) as file:
            _check_names_differ(path, file.schema_arrow.names)
            unread = {field.name: field.type for field in file.schema_arrow if not is_readable(field.type)}
            _check_none_counts(path, unread)
            # Pictures and lists of numbers may stand in a manifest too: what is no text and no number is not read.
            read = file.read(columns=[name for name in file.schema_arrow.names if name not in unread])
    except (OSError, pa.ArrowException) as error:
        raise BadManifest(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    columns = {name: tuple(map(_text_or_none, read[name].to_pylist())) for name in read.column_names}
    return Table(path, columns, range(1, read.num_rows + 1))


def _check_none_counts(path: Path, unread: Mapping[str, Any]) -> None:
    """Columns whose meaning is known are never passed over: photos whose authors cannot be read are not photos without authors."""
    name = next((name for name in (*REQUIRED_COLUMNS, *AUTHOR_COLUMNS, *_LABELS) if name in unread), None)
    if name is not None:
        raise BadManifest(f"{path}: column {name!r} holds {unread[name]}, where text or numbers are needed; convert it")


def _text_or_none(cell: Any) -> str | None:
    # NaN, which alone differs from itself, is how pandas writes an empty cell among numbers.
    return None if cell is None or cell == "" or cell != cell else str(cell)


def _check_names_differ(path: Path, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadManifest(f"{path}: two columns are called {twice[0]!r}; rename one")
