"""A bundle's folder as one file, the same bytes each time; and such files unpacked without trust: plain, of known kinds, of bounded size."""

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from geocairn.data.tars import tar_members
from geocairn.errors import BadBundle
from geocairn.systems.bundle import MANIFEST, SUFFIXES

MAX_FILES = 10_000
MAX_BYTES = 64 << 30
# No weights shrink that much: what does is made to fill a disk.
MAX_RATIO = 100
_NEVER_TOO_MUCH_BYTES = 64 << 20
_ZIP_MAGIC = b"PK\x03\x04"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644


@dataclass(frozen=True)
class Member:
    """One entry of an archive; `odd` says why it is no plain file, where it is none."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None]
    is_folder: bool = False
    odd: str | None = None


def write_tar(folder: Path, names: Sequence[str], out: Path) -> None:
    """Write the named files of a folder as a `.tar`, without times or owners."""
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(names):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = (folder / name).stat().st_size, _MODE
            with (folder / name).open("rb") as file:
                archive.addfile(entry, file)


def write_zip(folder: Path, names: Sequence[str], out: Path) -> None:
    """Write the named files of a folder as a `.zip`, without times, and uncompressed: other releases of zlib give other bytes."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | _MODE) << 16
            entry.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as file, archive.open(entry, "w") as written:
                shutil.copyfileobj(file, written)


def unpack(archive: Path, folder: Path, *, source: str) -> None:
    """Unpack a `.tar` or `.zip` of a bundle, by its bytes, whatever its name; its files may lie in one folder.

    Args:
        folder: an empty one, or without files of those names.
        source: what messages call the archive.

    Raises:
        BadBundle: damaged, or with an entry that no bundle may hold; some files may be there already.
    """
    with _members(archive, source) as members:
        for member in _checked(members, archive.stat().st_size, source):
            _write(member, folder)


def manifest_in(archive: Path) -> bytes | None:
    """The bytes of the list of files in an archive; None where there is none, or it is no archive."""
    try:
        with _members(archive, str(archive)) as members:
            for member in _checked(members, archive.stat().st_size, str(archive)):
                file = member.open() if member.name == MANIFEST else None
                if file is not None:
                    return file.read()
    except BadBundle:
        return None
    return None


@contextmanager
def _members(archive: Path, source: str) -> Iterator[list[Member]]:
    """The entries of an archive; whatever goes wrong while it is open is the archive's fault."""
    try:
        with archive.open("rb") as file:
            is_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
        if is_zip:
            with zipfile.ZipFile(archive) as zipped:
                yield [_of_zip(zipped, entry) for entry in zipped.infolist()]
        else:
            with tarfile.open(archive, "r:") as tar:
                yield list(_of_tar(tar))
    except BadBundle:
        raise
    except Exception as error:  # noqa: BLE001 - damaged bytes make tarfile, zipfile and zlib raise anything
        raise BadBundle(
            f"{source}: cannot be unpacked as a whole .tar or .zip ({' '.join(str(error).split()) or type(error).__name__}); fetch or export the bundle anew"
        ) from None


def _of_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    odd = "a link or device" if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else "encrypted" if entry.flag_bits & 1 else None
    # The name as it was written: zipfile cuts it at a zero byte.
    return Member(entry.orig_filename.rstrip("/") or entry.orig_filename, entry.file_size, lambda: archive.open(entry), entry.is_dir(), odd)


def _of_tar(archive: tarfile.TarFile) -> Iterator[Member]:
    for n, entry in enumerate(tar_members(archive)):
        if n > MAX_FILES:
            raise BadBundle(f"{archive.name!r}: more than {MAX_FILES} entries; a bundle holds few files")
        odd = None if entry.isdir() or (entry.isreg() and not entry.issparse()) else "a link or device"
        yield Member(entry.name, entry.size, lambda entry=entry: archive.extractfile(entry), entry.isdir(), odd)  # type: ignore[misc]


def _checked(members: Sequence[Member], archive_bytes: int, source: str) -> list[Member]:
    """The files among the entries, named as in the bundle's folder.

    Raises:
        BadBundle: naming the first entry that no bundle may hold.
    """
    for member in members:
        rule = _broken_rule(member)
        if rule:
            raise BadBundle(f"{source}: its entry {member.name!r} is {rule}; nothing of it is kept")
    files = _without_top_folder([replace(member, name=str(PurePosixPath(member.name))) for member in members if not member.is_folder])
    if len({member.name.casefold() for member in files}) < len(files):
        raise BadBundle(f"{source}: two of its entries have one name; nothing of it is kept")
    n_bytes = sum(member.size for member in files)
    if len(files) > MAX_FILES or n_bytes > min(MAX_BYTES, max(MAX_RATIO * archive_bytes, _NEVER_TOO_MUCH_BYTES)):
        raise BadBundle(f"{source}: unpacks to {len(files)} files of {n_bytes} bytes in all, too many or too much for {archive_bytes} bytes of archive")
    return files


def _broken_rule(member: Member) -> str | None:
    """Why an entry may not be unpacked, as what it is; None where it may."""
    name = member.name
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/") or not name.isprintable():
        return "a name that may lead out of the folder"
    if member.odd:
        return member.odd
    if not member.is_folder and PurePosixPath(name).suffix not in SUFFIXES:
        return f"of no kind that a bundle holds ({' '.join(SUFFIXES)})"
    return None


def _without_top_folder(files: list[Member]) -> list[Member]:
    """Files that all lie in one folder, as others pack them, are named from within it."""
    tops = {member.name.split("/")[0] for member in files}
    top = f"{next(iter(tops))}/" if len(tops) == 1 else ""
    if not top or f"{top}{MANIFEST}" not in {member.name for member in files}:
        return files
    return [replace(member, name=member.name.removeprefix(top)) for member in files]


def _write(member: Member, folder: Path) -> None:
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    file = member.open()
    if file is not None:
        with file, path.open("xb") as written:
            shutil.copyfileobj(file, written)
