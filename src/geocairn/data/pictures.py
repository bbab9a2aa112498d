"""Which pictures there are, in folders and in archives that nobody unpacks, and which photos of a list they are."""

import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from geocairn.data.found import plain_text
from geocairn.data.msgpack_shards import shard_names
from geocairn.data.tars import tar_members
from geocairn.errors import BadManifest
from geocairn.photo.listing import PHOTO_SUFFIXES

Members = Iterator[tuple[str, int]]  # name and size in bytes


@dataclass(frozen=True)
class Pictures:
    """The pictures of folders and archives.

    Attributes:
        names: where each lies, or would lie if its archive were unpacked where it is: relative to the folder given. Sorted, each once.
        n_empty: files without a byte, which count as missing.
        unreadable: one line for each archive or folder that could not be read to its end.
    """

    names: list[str]
    n_empty: int
    unreadable: list[str]


def find_pictures(places: Sequence[Path]) -> Pictures:
    """List the pictures in folders (whole trees; archives in them too), `.zip`, `.tar` (compressed or not) and `.msg` archives.

    Raises:
        BadManifest: a path that does not exist, or a file that is no such archive.
        MissingExtra: msgpack is needed and not installed.
    """
    sizes: dict[str, int] = {}
    unreadable: list[str] = []
    for place in places:
        for prefix, archive in _archives(place, sizes, unreadable):
            _list_archive(prefix, archive, sizes, unreadable)
    names = sorted(name for name, size in sizes.items() if size)
    return Pictures(names, len(sizes) - len(names), unreadable)


def match_pictures(photos: Sequence[str], pictures: Sequence[str]) -> list[str | None]:
    """For each photo, the picture that is meant: by its name as it stands, else with `_` for `/` (as MP16-Pro's archive has it), else by the file's own name.

    A way of naming counts only where it leads from one photo to one picture: no picture stands for two photos.

    Args:
        photos, pictures: names, each once.
    """
    found: list[str | None] = [None] * len(photos)
    free, wanted = set(pictures), list(range(len(photos)))
    for key in (str, _flat, _own_name, _stem):
        by_key = _only_ones(free, key)
        by_photo = Counter(key(photos[row]) for row in wanted)
        for row in wanted:
            name = key(photos[row])
            if by_photo[name] == 1 and name in by_key:
                found[row] = by_key[name]
        free -= {name for name in found if name is not None}
        wanted = [row for row in wanted if found[row] is None]
        if not wanted or not free:
            break
    return found


def is_archive(path: Path) -> bool:
    """The file's name ends as that of an archive of pictures."""
    return path.name.lower().endswith(tuple(_LISTERS))


def damage(error: Exception) -> str:
    """What an error says of an archive, without the lines that tell how each way of reading failed, and the mend."""
    words = next(iter(str(error).splitlines()), "").rstrip(": ") or type(error).__name__
    return f"{words}; copy it again from its source"


def _archives(place: Path, sizes: dict[str, int], unreadable: list[str]) -> Iterator[tuple[str, Path]]:
    """Note the pictures that lie open in a folder, and hand out its archives with the folder that they would be unpacked into."""
    if place.is_file() and is_archive(place):
        yield "", place
        return
    if not place.is_dir():
        kind = "neither a folder nor one of " + ", ".join(_LISTERS) if place.exists() else "no such file or folder"
        raise BadManifest(f"{place}: {kind}; name where the pictures are")
    for folder, subfolders, files in os.walk(place, onerror=lambda error: unreadable.append(f"{error.filename}: {error.strerror}")):
        subfolders.sort()
        prefix = "" if Path(folder) == place else PurePosixPath(Path(folder).relative_to(place)).as_posix() + "/"
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
                sizes[plain_text(prefix + name)] = path.stat().st_size
            elif is_archive(path):
                yield prefix, path


def _list_archive(prefix: str, path: Path, sizes: dict[str, int], unreadable: list[str]) -> None:
    lister = next(lister for suffix, lister in _LISTERS.items() if path.name.lower().endswith(suffix))
    try:
        for name, size in lister(path):
            if PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES:
                sizes[plain_text(prefix + name.removeprefix("./"))] = size
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, NotImplementedError, UnicodeDecodeError, BadManifest) as error:
        unreadable.append(f"{path}: {damage(error).removeprefix(f'{path}: ')}")


def _zip_members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            yield member.filename, member.file_size


def _tar_members(path: Path) -> Members:
    with tarfile.open(path) as archive:
        for member in tar_members(archive):
            if member.isfile():
                yield member.name, member.size


def _flat(name: str) -> str:
    return name.replace("/", "_")


def _own_name(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _stem(name: str) -> str:
    return os.path.splitext(_own_name(name))[0]


def _only_ones(names: set[str], key: Callable[[str], str]) -> dict[str, str]:
    counts = Counter(map(key, names))
    return {key(name): name for name in names if counts[key(name)] == 1}


_LISTERS: dict[str, Callable[[Path], Members]] = {
    ".zip": _zip_members,
    ".tar": _tar_members,
    ".tar.gz": _tar_members,
    ".tgz": _tar_members,
    ".msg": shard_names,
}
