"""Where results go: checks made before the work, and files that appear at once or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from geocairn.errors import BadOutput
from geocairn.storage import appearing_at_once


def check_target(out: Path) -> None:
    """Find out before hours of work whether `out` can be written; the file system is left as it was.

    Raises:
        BadOutput: the folder is missing or not writable, or `out` is a folder or a file that may not be replaced.
    """
    try:
        if out.is_dir():
            raise BadOutput(f"{out}: is a folder; name a file in it, such as {out / 'places.geojson'}")
        if not out.parent.is_dir():
            raise BadOutput(f"{out}: the folder {out.parent} does not exist; create it, or choose one that exists")
        if out.exists() and not os.access(out, os.W_OK):
            raise BadOutput(f"{out}: may not be written; choose another name or change its permissions")
        if not is_special(out):
            with tempfile.TemporaryFile(dir=out.resolve().parent):
                pass
    except (OSError, ValueError, RuntimeError) as error:
        raise cannot_write(out, error) from None


@contextmanager
def writing(out: Path) -> Iterator[TextIO]:
    """A UTF-8 stream whose text becomes the file `out` when the block ends well, and nothing when it does not.

    A link is followed; a device or pipe such as /dev/stdout is written to, never replaced.

    Raises:
        BadOutput: see `check_target`; or the disk is full.
    """
    check_target(out)
    try:
        if is_special(out):
            with out.open("w", encoding="utf-8", newline="") as stream:
                yield stream
        else:
            with appearing_at_once(out.resolve()) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
                yield stream
                stream.close()
    except OSError as error:
        raise cannot_write(out, error) from None


def is_special(out: Path) -> bool:
    """Whether `out` is there and is neither a file nor a folder: a device, a pipe, a socket."""
    return out.exists() and not out.is_file() and not out.is_dir()


def cannot_write(out: Path, error: Exception) -> BadOutput:
    """The one line for a target that the system refused."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return BadOutput(f"{out}: cannot be written ({reason}); choose a folder that exists and that you may write to")
