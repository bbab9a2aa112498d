"""Bundles brought to other machines: exported as one file or folder, and pulled from a folder, a file, an address or the hub; whole or not at all."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from geocairn.errors import BadBundle, BadConfig, BadOutput, UnknownName
from geocairn.manifest import file_sha256
from geocairn.storage import appearing_at_once, folder_appearing_at_once
from geocairn.systems.archive import manifest_in, unpack, write_tar, write_zip
from geocairn.systems.bundle import FORMAT, MANIFEST, check_spares_others, copy_listed, files_in, is_bundle
from geocairn.systems.bundle_check import check_whole
from geocairn.systems.bundles import SHIPPED
from geocairn.systems.fetch import fetch_from_hub, fetch_https

_ARCHIVES = {".tar": write_tar, ".zip": write_zip}
_OTHER_ARCHIVES = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_FETCHED = ".fetched"
_SOURCES = "a folder, a .tar or .zip file, a file: or https: address, or hub:OWNER/NAME"


def export_bundle(bundle: str, out: Path) -> Path:
    """Write a bundle as one `.tar` or `.zip`, the same bytes each time, or as a folder; an earlier export there is replaced.

    Returns:
        `out`.

    Raises:
        BadBundle: the bundle is not whole, or it ships with the package.
        BadConfig: an archive of another kind.
        BadOutput: `out` cannot be written, or holds something else than an earlier export, of this very bundle where it is a folder.
    """
    folder = bundle_folder(bundle)
    if out.suffix.lower() in _OTHER_ARCHIVES:
        raise BadConfig(f"--out {out}: bundles are exported as FILE.tar, FILE.zip or a folder")
    check_whole(folder)
    write = _ARCHIVES.get(out.suffix.lower())
    if write is None:
        _check_folder(out, folder)
        check_spares_others(out, folder)
        with folder_appearing_at_once(out) as draft:
            copy_listed(folder, draft)
            check_whole(draft)
        return out
    _check_file(out, folder)
    with appearing_at_once(out) as draft:
        write(folder, [MANIFEST, *files_in(folder)], draft)
    return out


def pull_bundle(source: str, out: Path, *, sha256: str | None = None) -> str:
    """Bring a bundle to the folder `out`, which appears once it is found whole; an older bundle there is replaced.

    Args:
        source: a folder, a .tar or .zip file, a file: or https: address, or hub:OWNER/NAME.
        sha256: of the bundle, as `bundle show` tells it, or of the file that it comes in.

    Returns:
        Hash of the bundle.

    Raises:
        BadBundle: it cannot be fetched, is not whole, or has another sha256.
        BadConfig, UnknownName: no source that can be read.
        BadOutput: `out` cannot be written, or holds something else than a bundle.
    """
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise BadConfig(f"--sha256 {sha256!r}: not 64 hexadecimal digits; `geocairn bundle show` tells it")
    path = _local_path(source)
    _check_folder(out, path)
    with folder_appearing_at_once(out) as draft:
        try:
            found = _bring(source, path, draft)
            if sha256 is not None and sha256.lower() not in found:
                raise BadBundle(f"{source}: sha256 is {' (the file) and '.join(found)}, not {sha256.lower()}; nothing of it is kept")
            check_whole(draft)
        except BadBundle as error:
            # The draft is gone when this is read.
            raise BadBundle(str(error).replace(str(draft), source)) from None
    return found[-1]


def bundle_folder(bundle: str) -> Path:
    """The folder of a bundle.

    Raises:
        BadBundle: it ships with the package and has none.
        UnknownName: there is no such folder.
    """
    if bundle in SHIPPED:
        raise BadBundle(f"{bundle}: ships with the package and has no files of its own; name the folder of a bundle")
    if not bundle or not Path(bundle).is_dir():
        raise UnknownName(f"bundle {bundle!r}: there is no such folder; name the folder of a bundle")
    return Path(bundle)


def _bring(source: str, path: Path | None, draft: Path) -> list[str]:
    """Fill the draft.

    Returns:
        Hashes that a source is known by: of the file that it comes in, where it does, and of the bundle.
    """
    found = []
    if path is not None and path.is_dir():
        check_whole(path)
        copy_listed(path, draft)
    elif path is not None:
        found.append(file_sha256(path))
        unpack(path, draft, source=source)
    elif source.startswith("hub:"):
        # A repository holds a README and more: only what the bundle lists is taken.
        fetched = draft / _FETCHED
        fetch_from_hub(source.removeprefix("hub:"), fetched)
        if is_bundle(fetched):
            copy_listed(fetched, draft)
        shutil.rmtree(fetched, ignore_errors=True)
    else:
        fetched = draft / _FETCHED
        fetch_https(source, fetched)
        found.append(file_sha256(fetched))
        unpack(fetched, draft, source=source)
        fetched.unlink()
    if not is_bundle(draft):
        raise BadBundle(f"{source}: holds no bundle (a {MANIFEST} that lists its files); name another source")
    return [*found, file_sha256(draft / MANIFEST)]


def _local_path(source: str) -> Path | None:
    """The file or folder that a source is; None where it lies elsewhere.

    Raises:
        UnknownName: there is no such file or folder.
        BadConfig: an address that is not read.
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", source)
    kind = scheme[1].lower() if scheme else ""
    if kind == "hub":
        if not re.fullmatch(r"hub:[\w-][\w.-]*/[\w-][\w.-]*", source, re.ASCII):
            raise BadConfig(f"{source}: name a repository of the hub as hub:OWNER/NAME")
        return None
    if kind == "https":
        return None
    if kind not in ("", "file"):
        why = "http carries bytes that anyone on the way may change" if kind == "http" else f"addresses of {kind}: are not read"
        raise BadConfig(f"{source}: {why}; give {_SOURCES}")
    path = _path_of_address(source) if kind else Path(source)
    if not path.is_dir() and not path.is_file():
        raise UnknownName(f"{source}: there is no such file or folder; give {_SOURCES}")
    return path


def _path_of_address(address: str) -> Path:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise BadConfig(f"{address}: no address ({error}); write file:///PATH") from None
    if parts.netloc not in ("", "localhost"):
        raise BadConfig(f"{address}: names the machine {parts.netloc!r}; write file:///PATH for a file of this one")
    return Path(url2pathname(parts.path))


def _check_folder(out: Path, source: Path | None) -> None:
    """Refuse to replace anything but a bundle, or what is read.

    Raises:
        BadOutput: naming the folder.
    """
    if out.is_file():
        raise BadOutput(f"{out}: is a file; name a folder, or FILE.tar or FILE.zip for an export")
    if out.is_dir() and any(out.iterdir()) and not is_bundle(out):
        raise BadOutput(f"{out}: is there and holds no bundle; name a new folder")
    _check_apart(out, source)


def _check_file(out: Path, source: Path) -> None:
    if out.is_dir():
        raise BadOutput(f"{out}: is a folder; name a file, or a folder without .tar or .zip in its name")
    if out.exists() and not _is_export(out):
        raise BadOutput(f"{out}: is there and is no earlier export of a bundle; name a new file")
    _check_apart(out, source)


def _check_apart(out: Path, source: Path | None) -> None:
    if source is None:
        return
    there, here = out.resolve(), source.resolve()
    if there == here or here in there.parents or there in here.parents:
        raise BadOutput(f"{out}: lies in what is read, or would replace it ({source}); name another place")


def _is_export(archive: Path) -> bool:
    listed = manifest_in(archive) if archive.is_file() else None
    try:
        described = json.loads(listed) if listed is not None else None
    except (ValueError, RecursionError):
        return False
    return isinstance(described, dict) and described.get("format") == FORMAT
