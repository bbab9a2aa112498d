"""The lists of EMP-16 (`meta_*.jsonl`, `.jsonl.bz2`): one photo a line, with its coordinates."""

import bz2
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.json as pa_json

from geocairn.data.found import Found, found_from_columns, plain_text, refusals
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest

NOT_JSON = "line is not a JSON object"
_SCHEMA = pa.schema([("id", pa.string()), ("latitude", pa.float64()), ("longitude", pa.float64())])
_FIELD_OF_KEY = {"id": "photo", "latitude": "lat_deg", "longitude": "lon_deg"}


def read_emp16(path: Path, _: ImportSettings) -> Found:
    """Read lines of `{"id", "latitude", "longitude", ...}`; other keys are left out.

    Raises:
        BadManifest: not such a file, not UTF-8, or a compressed file that is damaged or cut short.
    """
    try:
        table = _read_whole(path)
        found = found_from_columns(path, table.rename_columns(list(_FIELD_OF_KEY.values())))
    except pa.ArrowException:
        found = _read_lines(path)  # slower, and counts what is wrong line by line
    except (OSError, EOFError) as error:
        raise BadManifest(f"{path}: damaged or cut short ({error}); copy it again from its source") from None
    if not len(found.row_numbers):
        raise BadManifest(f"{path}: no line is a JSON object with id, latitude and longitude; EMP-16's lists have one photo a line")
    return found


def _read_whole(path: Path) -> pa.Table:
    options = pa_json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")
    with closing(_opened(path)) as file:
        table = pa_json.read_json(file, parse_options=options)
    return table.select(list(_FIELD_OF_KEY))


def _read_lines(path: Path) -> Found:
    rows: dict[str, list[str | None]] = {field: [] for field in _FIELD_OF_KEY.values()}
    damaged: list[int] = []
    try:
        with closing(_opened(path)) as file:
            for number, line in _lines(file):
                entry = _object_in(line)
                if entry is None:
                    damaged.append(number)
                    continue
                for key, field in _FIELD_OF_KEY.items():
                    rows[field].append(None if entry.get(key) is None else plain_text(str(entry[key])))
    except (OSError, EOFError) as error:
        raise BadManifest(f"{path}: damaged or cut short ({error}); copy it again from its source") from None
    table = pa.table({field: pa.array(cells, pa.string()) for field, cells in rows.items()})
    return found_from_columns(path, table, refused=refusals(damaged, [None] * len(damaged), NOT_JSON))


def _opened(path: Path) -> IO[bytes]:
    return bz2.open(path) if path.suffix == ".bz2" else path.open("rb")


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for line in file:
        if line.strip():
            number += 1
            yield number, line


def _object_in(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    return entry if isinstance(entry, dict) else None
