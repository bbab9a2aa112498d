"""Lists of photos as CSV and Parquet, read by columns: millions of rows in seconds."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from geocairn.cells import utf8_fault
from geocairn.data.columns import Names, known_columns, recognised_columns
from geocairn.data.found import Found, found_from_columns, refusals, without_missing_words
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest

WRONG_CELLS = "wrong number of cells"
_SEPARATORS = {".tsv": "\t", ".txt": "\t"}
_FIRST_ROW_OF_CSV = 2  # as a spreadsheet counts: the header is row 1


def table_reader(known: Names | None) -> Callable[[Path, ImportSettings], Found]:
    """A reader of CSV and Parquet lists whose columns bear the names of `known`, or the usual ones for None."""

    def read(path: Path, settings: ImportSettings) -> Found:
        names = column_names(path)
        columns = recognised_columns(path, names, settings) if known is None else known_columns(path, names, settings, known)
        return read_columns(path, columns)

    return read


def column_names(path: Path) -> list[str]:
    """Names of the columns of a CSV (its first line) or Parquet file.

    Raises:
        BadManifest: empty, not UTF-8, or no Parquet.
    """
    if path.suffix.lower() == ".parquet":
        return list(_parquet(path, lambda: pq.read_schema(path).names))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=_separator(path)), None)
    except UnicodeDecodeError as error:
        raise BadManifest(f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as CSV UTF-8") from None
    except csv.Error as error:
        raise BadManifest(f"{path}: cannot be read as CSV ({error})") from None
    if not header:
        raise BadManifest(f"{path}: it is empty; the first line of a CSV names its columns")
    if len(header) == 1 and any(separator in header[0] for separator in ";\t|"):
        raise BadManifest(f"{path}: one column {header[0]!r}; separate the columns by commas (tabs in a .tsv file)")
    return header


def read_columns(path: Path, columns: Mapping[str, str]) -> Found:
    """Read some columns of a CSV or Parquet file.

    Args:
        columns: from the column of the result to the column of the file, which must have it.

    Returns:
        Rows of text (numbers where the file is Parquet, for lat_deg and lon_deg); empty cells and NaN are null. CSV rows with too many or too few cells are
        refused with their number in the file.

    Raises:
        BadManifest: damaged, not UTF-8, a quote that is never closed, or a column that holds no text or numbers.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, columns)
    names = list(dict.fromkeys(columns.values()))
    table, refused = read_csv_text(path, separator=_separator(path), names=names)
    picked = pa.table({field: without_missing_words(table[name]) for field, name in columns.items()})
    return found_from_columns(path, picked, first_row=_FIRST_ROW_OF_CSV, refused=refused)


def read_csv_text(path: Path, *, separator: str, names: list[str], all_names: list[str] | None = None, has_quotes: bool = True) -> tuple[pa.Table, pa.Table]:
    """Columns of a separated file as text, and its rows of the wrong length as refusals.

    Args:
        names: the columns to read.
        all_names: names of all columns, where the file has no header.
        has_quotes: cells may stand in double quotes.

    Raises:
        BadManifest: not UTF-8, or a quote that is never closed.
    """
    misshapen: list[pc_csv.InvalidRow] = []

    def keep_out(row: pc_csv.InvalidRow) -> str:
        misshapen.append(row)
        return "skip"

    try:
        table = pc_csv.read_csv(
            path,
            # Rows have numbers only where one thread reads; that takes a second for five million.
            read_options=pc_csv.ReadOptions(use_threads=False, column_names=all_names),
            parse_options=pc_csv.ParseOptions(
                delimiter=separator, quote_char='"' if has_quotes else False, newlines_in_values=has_quotes, invalid_row_handler=keep_out
            ),
            convert_options=pc_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names, strings_can_be_null=False),
        )
    except pa.ArrowException as error:
        raise BadManifest(f"{path}: {_csv_problem(path, str(error))}") from None
    _check_quotes_close(path, table, misshapen)
    return table, refusals([row.number for row in misshapen], [None] * len(misshapen), WRONG_CELLS)


def _check_quotes_close(path: Path, table: pa.Table, misshapen: list[pc_csv.InvalidRow]) -> None:
    """A quote that is opened and not closed swallows the rows that follow: they would be lost without being counted."""
    swallowing = next((row for row in misshapen if "\n" in row.text.strip()), None)
    if swallowing is not None:
        raise BadManifest(f"{path}, row {swallowing.number}: a quote opens and takes in the lines that follow; close it, or write two for one")
    for name in table.column_names:
        if pc.any(pc.match_substring(table[name], "\n")).as_py():
            cell = next(cell for cell in table[name].to_pylist() if "\n" in cell)
            raise BadManifest(f"{path}: a cell of {name!r} goes over several lines ({cell[:40]!r}); close the quote, or write it on one line")


def _read_parquet(path: Path, columns: Mapping[str, str]) -> Found:
    names = list(dict.fromkeys(columns.values()))
    table = _parquet(path, lambda: pq.read_table(path, columns=names))
    return found_from_columns(path, pa.table({field: _plain_column(path, name, field, table[name]) for field, name in columns.items()}))


def _plain_column(path: Path, name: str, field: str, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if field in ("lat_deg", "lon_deg") and is_number:
        return pc.cast(cells, pa.float64())
    if field == "photo" and pa.types.is_floating(kind):
        raise BadManifest(f"{path}: column {name!r} holds photo names as decimal numbers, which lose digits; store them as text")
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(cells), pa.string())])
    if not (is_number or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind)):
        raise BadManifest(f"{path}: column {name!r} holds {kind}, which is neither text nor numbers; choose another for {field}")
    return without_missing_words(pc.cast(cells, pa.string()))


def _parquet(path: Path, read: Callable[[], pa.Table]) -> pa.Table:
    try:
        return read()
    except (OSError, pa.ArrowException) as error:
        raise BadManifest(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]}); copy it again from its source") from None


def _csv_problem(path: Path, words: str) -> str:
    if "UTF8" in words:
        return f"{utf8_fault(path)}; save it as CSV UTF-8"
    return f"cannot be read as CSV ({words.splitlines()[0]})"


def _separator(path: Path) -> str:
    return _SEPARATORS.get(path.suffix.lower(), ",")
