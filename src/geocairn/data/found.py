"""What a reader of one format hands over: rows as they stand in the file, before any check."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Canonical columns of a manifest, in their order there.
LABELS = ("country", "region", "subregion", "city", "author", "sequence", "album", "captured_at", "scene3", "scene16", "scene365", "split")
FIELDS = ("photo", "lat_deg", "lon_deg", *LABELS)
NO_PHOTO = "no photo"
# Words for "no label". NA is none of them: it is Namibia's code.
_MISSING_WORDS = ("", "NaN", "nan")
REFUSAL_SCHEMA = pa.schema([("row", pa.int64()), ("photo", pa.string()), ("reason", pa.string())])


@dataclass(frozen=True)
class Found:
    """Rows of one source.

    Attributes:
        path: the file or folder.
        table: columns of `FIELDS` and others to keep, all text but lat_deg and lon_deg, which may be numbers; a list of names alone has no coordinates.
        row_numbers: (N,) int64 number of each row in the source, as a person counts there.
        refused: rows that could not be handed over, as `REFUSAL_SCHEMA` says.
        unreadable: one line for each part of the source that could not be read.
    """

    path: Path
    table: pa.Table
    row_numbers: NDArray[np.int64]
    refused: pa.Table = field(default_factory=REFUSAL_SCHEMA.empty_table)
    unreadable: Sequence[str] = ()

    @property
    def n_rows(self) -> int:
        """Rows in the source, the refused ones among them."""
        return len(self.row_numbers) + int(self.refused.num_rows)

    @property
    def has_places(self) -> bool:
        """The source says where its photos were taken."""
        return "lat_deg" in self.table.column_names


def found_from_columns(path: Path, table: pa.Table, *, first_row: int = 1, refused: pa.Table | None = None) -> Found:
    """Rows that are numbered from `first_row` on; numbers that refused rows bear, each once and within all rows, are skipped."""
    refused = REFUSAL_SCHEMA.empty_table() if refused is None else refused
    is_free = np.ones(table.num_rows + refused.num_rows, dtype=bool)
    is_free[refused["row"].to_numpy() - first_row] = False
    return Found(path, table, first_row + np.flatnonzero(is_free), refused)


def refusals(rows: Sequence[int] | NDArray[np.int64], photos: Sequence[str | None], reason: str) -> pa.Table:
    """Rows refused for one reason."""
    return pa.table([pa.array(rows, pa.int64()), pa.array(photos, pa.string()), pa.repeat(pa.scalar(reason), len(rows))], schema=REFUSAL_SCHEMA)


def plain_text(words: str) -> str:
    """Words that UTF-8 can hold: the halves of characters in damaged names and JSON are spelled out."""
    return words.encode(errors="backslashreplace").decode()


def without_missing_words(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with null where a cell is empty or says NaN, as lists written by pandas do."""
    is_missing = pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(_MISSING_WORDS))
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), cells)
