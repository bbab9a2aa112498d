"""The arrays of an `.npz` that may come from anywhere: no pickles, and no more bytes than its entries say beforehand."""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 4 << 30
# No arrays shrink that much: what does is made to fill a memory.
MAX_RATIO = 100
_NEVER_TOO_MUCH_BYTES = 64 << 20


class TooMuch(ValueError):
    """An `.npz` whose arrays need more memory than a file of its size may ask for."""


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an `.npz`, by name.

    Raises:
        TooMuch: they need more than `MAX_BYTES`, or more than `MAX_RATIO` times the file and 64 MiB.
        Exception: a file that is missing or damaged makes zipfile, zlib and numpy raise anything.
    """
    with path.open("rb") as file:
        n_bytes, size = _unpacked_bytes(file), path.stat().st_size
        if n_bytes > min(MAX_BYTES, max(MAX_RATIO * size, _NEVER_TOO_MUCH_BYTES)):
            raise TooMuch(f"its arrays need {n_bytes} bytes, too many for a file of {size}")
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def _unpacked_bytes(file: IO[bytes]) -> int:
    """What the entries of a zip archive say, which bounds what is read of them; 0 for another file, of which others tell what it is."""
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return 0
    finally:
        file.seek(0)
