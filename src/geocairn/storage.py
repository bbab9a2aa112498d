"""Files that appear at once or not at all, and the user's cache folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geocairn.errors import BadOutput


@contextmanager
def appearing_at_once(out: Path) -> Iterator[Path]:
    """A draft path beside `out` that takes its name when the block ends well, and vanishes when it does not.

    Raises:
        BadOutput: the folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.", suffix=out.suffix)
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where built places are kept: GEOCAIRN_CACHE, else the platform's cache folder for users (XDG_CACHE_HOME, else ~/.cache)."""
    chosen = os.environ.get("GEOCAIRN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geocairn"
