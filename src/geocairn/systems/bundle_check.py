"""All faults of a bundle: files that are not as they were saved, that are not what their names say, and settings that its system does not know."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from geocairn.errors import BadBundle, GeocairnError, MissingExtra
from geocairn.places.files import load_hierarchy
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.npz import read_npz
from geocairn.places.origin import check_origin
from geocairn.places.territory import check_territories
from geocairn.systems.bundle import MANIFEST, Fault, file_faults, files_in, is_bundle
from geocairn.systems.bundles import load_system


def bundle_faults(folder: Path) -> list[Fault]:
    """All faults of a bundle, by file; where the files have none, that for which its system does not start.

    Raises:
        BadBundle: the folder is no bundle at all.
    """
    if not is_bundle(folder):
        raise BadBundle(f"{folder}: is no bundle; name a folder with a {MANIFEST} that lists a bundle's files")
    try:
        faults = list(file_faults(folder))
    except BadBundle as error:
        return [_fault_in(folder / MANIFEST, error)]
    faulty = {fault.path for fault in faults}
    for path in (folder / name for name in files_in(folder)):
        rule = None if path in faulty else _rule_of_content(path)
        if rule:
            faults.append(Fault(path, rule))
    return sorted(faults, key=lambda fault: fault.path.as_posix()) or _faults_of_system(folder)


def check_whole(folder: Path) -> None:
    """Refuse a bundle that has any fault.

    Raises:
        BadBundle: the first fault, or the folder is no bundle at all.
    """
    for fault in bundle_faults(folder):
        raise BadBundle(str(fault))


def _faults_of_system(folder: Path) -> list[Fault]:
    try:
        hierarchy = load_hierarchy(folder / "hierarchy.npz", check_hierarchy)
        check_territories(folder / "territory.npz", hierarchy.n_leaves)
        check_origin(folder)
        load_system(str(folder))
    except MissingExtra:
        # The files are whole; whoever runs the bundle is told what to install.
        return []
    except GeocairnError as error:
        return [_fault_in(folder, error)]
    return []


def _fault_in(path: Path, error: GeocairnError) -> Fault:
    """An error as the fault of a file, or of a file in a folder, which is not named twice."""
    told = str(error).removeprefix(f"{path}: ")
    if told.startswith(f"{path}/"):
        name, _, rule = told.removeprefix(f"{path}/").partition(": ")
        return Fault(path / name, rule)
    return Fault(path, told)


def _rule_of_content(path: Path) -> str | None:
    """Why the bytes of a file are not what its name says; None where they are, or where only its system can tell."""
    try:
        if path.suffix in _READERS:
            _READERS[path.suffix](path)
    except Exception as error:  # noqa: BLE001 - damaged bytes make zip, numpy, safetensors and pyarrow raise anything
        # What numpy says of a pickle ends with advice to load it.
        reason = "it holds pickled objects" if "allow_pickle" in str(error) or "pickled" in str(error) else " ".join(str(error).split())
        return f"not readable as {path.suffix} ({reason}); fetch or export the bundle anew"
    return None


def _read_safetensors(path: Path) -> None:
    from safetensors import safe_open

    # Opening checks the header, and that the arrays fill the file.
    with safe_open(path, framework="numpy"):
        pass


def _read_npy(path: Path) -> None:
    np.load(path, mmap_mode="r", allow_pickle=False)


def _read_parquet(path: Path) -> None:
    from pyarrow.parquet import read_schema

    read_schema(path)


def _read_text(path: Path) -> None:
    path.read_text(encoding="utf-8")


_READERS: dict[str, Callable[[Path], object]] = {
    ".safetensors": _read_safetensors,
    ".npz": read_npz,
    ".npy": _read_npy,
    ".parquet": _read_parquet,
    ".md": _read_text,
    ".txt": _read_text,
    ".toml": _read_text,
}
