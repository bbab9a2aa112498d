"""Tars read to their end, and told to be cut short where they are: Python's reader takes a damaged header for the end."""

import tarfile
from collections.abc import Iterator


def tar_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of an open tar, one at a time, forgotten afterwards: an archive may hold millions.

    Raises:
        TarError, OSError, EOFError: damaged or cut short; what came before has been handed out.
    """
    while member := archive.next():
        yield member
        archive.members.clear()  # type: ignore[attr-defined]  # tarfile keeps every header
    file = archive.fileobj
    if file is not None:
        file.seek(archive.offset)
        block = file.read(tarfile.BLOCKSIZE)
        if block != bytes(tarfile.BLOCKSIZE):
            where = f"byte {archive.offset}"
            raise tarfile.ReadError(f"damaged at {where}" if len(block) == tarfile.BLOCKSIZE else f"cut short at {where}, without tar's end mark")
