"""`log.jsonl`: one row a line, each step once, appended as it is known."""

import fcntl
import json
import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from geocairn.errors import BadRun


class RunLog:
    """The log of a run, opened at its end.

    A resumed run does again the steps between its checkpoint and where it was cut off. Their rows are there already, and on a CPU they would be the
    same again, so they are not written twice: the file only grows, but for a torn last line, which is cut.
    """

    def __init__(self, path: Path) -> None:
        """Open the log at `path`, or begin one.

        Raises:
            BadRun: the file holds something else than rows of a log, or another process trains here.
        """
        self._path, self._stream = path, path.open("a", encoding="utf-8")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.last_step = _cut(path)
        except BlockingIOError:
            self._stream.close()
            raise BadRun(f"{path}: another process writes it; let that one end, or train into a new folder") from None
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()

    def drop_after(self, step: int) -> None:
        """Cut all rows of later steps: they belong to a run of another length."""
        self.last_step = _cut(self._path, step)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row and hand it to the system at once; a row of a step that is there already is passed over."""
        if row["step"] > self.last_step:
            self.last_step = row["step"]
            self._stream.write(json.dumps(_finite(row), ensure_ascii=False, allow_nan=False) + "\n")
            self._stream.flush()


def is_being_written(path: Path) -> bool:
    """Whether a process has this log open."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def read_log(path: Path) -> list[dict[str, Any]]:
    """All rows of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _cut(path: Path, drop_after: int | None = None) -> int:
    """Cut a torn last line and rows after a step; the last step that is left, 0 for none."""
    last, whole = 0, 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            step = _step_of(line)
            if step is None and (line.endswith(b"\n") or stream.read(1)):
                raise BadRun(f"{path}, line {number}: not a row of a log; move the file away, or train into a new folder")
            if step is None or (drop_after is not None and step > drop_after):
                break
            last, whole = step, whole + len(line)
    os.truncate(path, whole)
    return last


def _step_of(line: bytes) -> int | None:
    try:
        row = json.loads(line) if line.endswith(b"\n") else {}
        step = row["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return step if isinstance(step, int) else None


def _finite(value: Any) -> Any:
    """The same values, with null for numbers that JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
