"""Files that appear at once or not at all, and the user's cache folder."""

import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from geocairn.errors import BadOutput


@contextmanager
def appearing_at_once(out: Path) -> Iterator[Path]:
    """A draft path beside `out` that takes its name when the block ends well, and vanishes when it does not; its mode is what the umask gives new files.

    Raises:
        BadOutput: the folder cannot be written.
    """
    draft = _hidden_beside(out, out.suffix)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft.open("xb").close()
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    mode = stat.S_IMODE(draft.stat().st_mode)
    try:
        yield draft
        # Some libraries write a file of their own making in its place.
        draft.chmod(mode)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def write_json(out: Path, values: Any) -> None:
    """Write standard JSON in UTF-8, a value a line; the file appears at once.

    Args:
        values: what JSON can hold; finite numbers.

    Raises:
        BadOutput: the folder cannot be written.
        ValueError: a number is not finite.
    """
    with appearing_at_once(out) as draft:
        draft.write_text(json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def folder_appearing_at_once(out: Path) -> Iterator[Path]:
    """A draft folder beside `out` that takes its name when the block ends well, in the place of a folder that is there, and vanishes when it does not.

    Folder and files have the modes that the umask gives new ones, whatever wrote them. Of two processes that write one folder at once, one is refused.

    Raises:
        BadOutput: the folder above cannot be written, `out` is a file or may not be replaced, or another process has just written it.
    """
    check_folder_writable(out)
    place = out.resolve()
    draft = _hidden_beside(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    try:
        yield draft
        _give_modes(draft)
        _take_place(draft, place, out)
    except OSError as error:
        # Of what is read in the block others tell.
        if error.filename is not None and not Path(os.fsdecode(error.filename)).is_relative_to(draft) and error.filename2 is None:
            raise
        raise BadOutput(f"{out}: cannot be written ({error.strerror or error}); make room, or choose another folder") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_folder_writable(out: Path) -> None:
    """Check before the work that a folder can be written, or replaced where it is there.

    Raises:
        BadOutput: it is a file, or may not be written.
    """
    if out.exists() and not out.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder")
    if out.is_dir() and not os.access(out, os.W_OK | os.X_OK):
        raise BadOutput(f"{out}: you may not write to it, nor replace it; make it writable, or choose another folder with --out")
    above = next((folder for folder in out.resolve().parents if folder.exists()), out)
    if not above.is_dir():
        raise BadOutput(f"{out}: cannot be written, for {above} is a file; choose another folder with --out")
    if not os.access(above, os.W_OK | os.X_OK):
        raise BadOutput(f"{out}: cannot be written, for you may not write to {above}; choose another folder with --out")


def _hidden_beside(out: Path, suffix: str = "") -> Path:
    """A name that nobody else has."""
    return out.with_name(f".{out.name}.{secrets.token_hex(8)}{suffix}")


def _give_modes(draft: Path) -> None:
    """Give all files of a folder the mode that the umask gives new ones, as the folder itself tells it."""
    mode = stat.S_IMODE(draft.stat().st_mode) & 0o666
    for path in draft.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(mode)


def _take_place(draft: Path, place: Path, out: Path) -> None:
    """Name the draft `place`. A folder takes the name of none but an empty one: what is there steps aside, and goes once the draft has its name."""
    old = _hidden_beside(place)
    with suppress(FileNotFoundError):
        place.rename(old)
    try:
        draft.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise BadOutput(f"{out}: another process has just written it; keep what is there, or choose another folder with --out") from None
        if old.exists():
            old.rename(place)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def check_spares(out: Path, sources: Collection[Path]) -> None:
    """Refuse to write over what is read, whatever names it goes by.

    Raises:
        BadOutput: `out` is one of the sources.
    """
    if out.exists() and any(source.exists() and source.samefile(out) for source in sources):
        raise BadOutput(f"{out}: is read and would be overwritten; choose another name with --out")


def check_result_folder(out: Path, files: Collection[str], what: str, sources: Collection[Path] = ()) -> None:
    """Check before the work that a result can be written to the folder `out`: it may be missing, empty, or hold an older result, which is replaced.

    Args:
        out: the folder.
        files: names that such a result's files have: any of them tells that an older one is there.
        what: what the result is called.
        sources: files that are read for it.

    Raises:
        BadOutput: `out` is a file, cannot be read, holds other things alone, or one of `sources` would be overwritten.
    """
    if out.exists() and not out.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder")
    held = names_held(out)
    if held and not held & set(files):
        raise BadOutput(f"{out}: is not empty and holds no {what}; name another folder")
    for name in files:
        check_spares(out / name, sources)


def names_held(out: Path) -> set[str]:
    """Names of what the folder `out` holds, but for drafts of runs that were killed, which are nobody's; none where it is missing.

    Raises:
        BadOutput: it may not be read.
    """
    try:
        return {path.name for path in out.iterdir() if not path.name.startswith(".")}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None


def cache_folder() -> Path:
    """Where built places are kept: GEOCAIRN_CACHE, else the platform's cache folder for users (XDG_CACHE_HOME, else ~/.cache)."""
    chosen = os.environ.get("GEOCAIRN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geocairn"
