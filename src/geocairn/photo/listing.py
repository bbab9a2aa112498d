"""From what a user types (files, folders, patterns, a list on stdin) to the photos meant, in a fixed order."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".hif"})


def list_photos(paths: Sequence[str], stdin: Iterable[str] = ()) -> Iterator[str]:
    """Paths of the photos meant, one at a time.

    Args:
        paths: a folder stands for the photos in it and below it (by suffix, hidden names left out, linked folders not entered); a pattern that
            the shell left alone for what matches it; `-` for one path on each line of `stdin`; anything else for itself, whether it exists or
            not, so that its error is seen.
        stdin: lines, read as they come.

    Yields:
        Paths in the order given; the content of a folder sorted by name, files before subfolders, and the matches of a pattern sorted.
    """
    for path in paths:
        if path == "-":
            for line in stdin:
                if line.strip():
                    yield from _photos_meant(line.rstrip("\r\n"))
        else:
            yield from _photos_meant(path)


def _photos_meant(path: str) -> Iterator[str]:
    if "\0" in path:
        yield path
    elif os.path.isdir(path):
        yield from _photos_below(path)
    elif not os.path.lexists(path) and glob.has_magic(path) and (matches := sorted(glob.glob(path))):
        for match in matches:
            yield from _photos_below(match) if os.path.isdir(match) else (match,)
    else:
        yield path


def _photos_below(folder: str) -> Iterator[str]:
    closed: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: closed.append(str(error.filename))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES:
                yield os.path.join(place, name)
    yield from closed  # a folder that may not be read becomes an error of its own, not a silence
