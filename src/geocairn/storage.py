"""Files that appear at once or not at all, and the user's cache folder."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
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


@contextmanager
def folder_appearing_at_once(out: Path) -> Iterator[Path]:
    """A draft folder beside `out` that takes its name when the block ends well, in the place of a folder that is there, and vanishes when it does not.

    Raises:
        BadOutput: the folder above cannot be written, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    try:
        yield draft
        draft.chmod(0o755)
        if out.exists():
            # A folder takes the name of an empty one only: the old one steps aside first.
            old = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
            out.replace(old)
            draft.replace(out)
            shutil.rmtree(old)
        else:
            draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


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
    try:
        # Drafts of a run that was killed are nobody's.
        held = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadOutput(f"{out}: cannot be written ({error.strerror}); choose a folder that you may write to") from None
    if held and not held & set(files):
        raise BadOutput(f"{out}: is not empty and holds no {what}; name another folder")
    for name in files:
        check_spares(out / name, sources)


def cache_folder() -> Path:
    """Where built places are kept: GEOCAIRN_CACHE, else the platform's cache folder for users (XDG_CACHE_HOME, else ~/.cache)."""
    chosen = os.environ.get("GEOCAIRN_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geocairn"
