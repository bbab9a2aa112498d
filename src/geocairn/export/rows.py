"""JSONL: one prediction a line, appended as it is ready, and taken up again where a run was cut off."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from geocairn.answer.prediction import Prediction
from geocairn.errors import BadOutput
from geocairn.export.target import cannot_write
from geocairn.export.text import encodable, encodable_tree, one_line_json

RowKey = tuple[str, str | None, str, str]
_ROW_STARTS = b'{"photo":'


def row_key(photo: str, sha256: str | None, bundle_sha256: str, settings_sha256: str) -> RowKey:
    """What makes two rows the same work: the photo's name as the file spells it, its bytes, the bundle's content, and the settings."""
    return encodable(photo), sha256, bundle_sha256, settings_sha256


def row_text(prediction: Prediction) -> str:
    """The prediction as one line of JSON with its line end; lone surrogates, which UTF-8 cannot hold, are spelled out."""
    values = encodable_tree(prediction.to_dict())
    return one_line_json(json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))) + "\n"


def append_row(out: TextIO, prediction: Prediction) -> None:
    """Write one row and hand it to the system at once, so that a kill costs at most the row being written."""
    out.write(row_text(prediction))
    out.flush()


def resume_rows(path: Path) -> Counter[RowKey]:
    """Read which rows a JSONL file already holds, and cut a torn last line off the file.

    Args:
        path: JSONL written by `append_row`, whole or cut off anywhere; a missing file holds no rows.

    Returns:
        How many whole rows there are of each `row_key`, rows with an error among them: a photo may be listed twice.

    Raises:
        BadOutput: the file cannot be read or cut, or holds a line that is no prediction; then it is left as it is.
    """
    done: Counter[RowKey] = Counter()
    whole = 0
    try:
        if not path.exists():
            return done
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                key = _key_of(line) if line.endswith(b"\n") else None
                if key is None:
                    _check_is_torn(path, number, line, rest=stream.read(1))
                    break
                done[key] += 1
                whole += len(line)
        if whole < path.stat().st_size:
            os.truncate(path, whole)
    except OSError as error:
        raise cannot_write(path, error) from None
    return done


def _key_of(line: bytes) -> RowKey | None:
    try:
        row: Any = json.loads(line)
        made_by = row["provenance"]
        key = row["photo"], row["sha256"], made_by["bundle_sha256"], made_by["settings_sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return key


def _check_is_torn(path: Path, number: int, line: bytes, *, rest: bytes) -> None:
    """Only the beginning of a row, at the end of the file, may be cut off: anything else is somebody's data."""
    begins_as_row = line.startswith(_ROW_STARTS) or _ROW_STARTS.startswith(line.rstrip(b"\0\n"))
    if rest or not begins_as_row:
        raise BadOutput(f"{path}, line {number}: not a prediction, so the file cannot be continued; move it away or name another")
