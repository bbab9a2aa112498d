"""Which photos a hierarchy was built from, kept as fingerprints, so that one built from test photos is refused."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy
from geocairn.manifest import Manifest
from geocairn.storage import appearing_at_once

ROWS_FILE = "rows.npy"
# Of a hierarchy that is built from rows.
HIERARCHY_FILES = ("hierarchy.npz", "hierarchy.json", ROWS_FILE)


def photo_fingerprints(photos: Iterable[str]) -> NDArray[np.uint64]:
    """The first 64 bits of the SHA-256 of each name, sorted, each once: whether a photo is among them can be told, which photos they are cannot.

    >>> photo_fingerprints(["b.jpg", "a.jpg", "b.jpg"]).tolist()
    [5808250739824772026, 8796000200855671890]
    """
    joined = b"".join(sha256(photo.encode()).digest()[:8] for photo in photos)
    return np.unique(np.frombuffer(joined, dtype=">u8")).astype(np.uint64)


def save_origin(folder: Path, photos: Iterable[str] | None) -> None:
    """Write the fingerprints of the photos that the hierarchy in `folder` is built from to `rows.npy`; before the hierarchy, whose files come last.

    Args:
        folder: made where it is missing.
        photos: their names; None where the rows name no photos, and then an earlier `rows.npy` is removed.

    Raises:
        BadOutput: the folder cannot be written.
    """
    if photos is None:
        (folder / ROWS_FILE).unlink(missing_ok=True)
        return
    _write_fingerprints(folder / ROWS_FILE, photo_fingerprints(photos))


def add_to_origin(folder: Path, photos: Iterable[str]) -> None:
    """Add photos to those that the hierarchy in `folder` is built from: what is learned of its places comes from them too.

    Raises:
        BadHierarchy: `rows.npy` is missing or damaged.
        BadOutput: the folder cannot be written.
    """
    path = folder / ROWS_FILE
    _write_fingerprints(path, np.union1d(_read_fingerprints(path), photo_fingerprints(photos)))


def check_not_built_from(folder: Path, manifest: Manifest) -> None:
    """Refuse a hierarchy that was built from photos of a test manifest: one is enough. Photos are told apart by their names as they stand in the files.

    A hierarchy that counts other things than rows, such as the places of GeoNames, passes.

    Raises:
        BadHierarchy: photos of the manifest are among the builder's rows, or nobody can tell because `rows.npy` is missing or damaged.
    """
    n_shared = n_shared_photos(folder, manifest)
    if n_shared:
        n_tested, n_built_from = len(photo_fingerprints(manifest.photos)), len(_read_fingerprints(folder / ROWS_FILE))
        raise BadHierarchy(
            f"{folder}: {n_shared} of the {n_tested} photos in {manifest.path} are among the {n_built_from} that it was built from or trained on; "
            "leave them out of that manifest, or build from rows without them"
        )


def check_origin(folder: Path) -> None:
    """Check that the fingerprints beside a hierarchy, where there are some, are those of all the rows that it counts.

    Raises:
        BadHierarchy: `rows.npy` is damaged, or holds fewer.
    """
    path, meta = folder / ROWS_FILE, _read_meta(folder / "hierarchy.json")
    if not path.exists() or meta.get("count_of") != "rows":
        return
    n_rows, n_known = meta.get("n_rows"), len(_read_fingerprints(path))
    if isinstance(n_rows, int) and n_known < n_rows:
        raise BadHierarchy(f"{path}: holds fingerprints of {n_known} photos, but the hierarchy counts {n_rows}; build the hierarchy anew")


def n_shared_photos(folder: Path, manifest: Manifest) -> int:
    """How many photos of a manifest the hierarchy in `folder` was built from; 0 where it counts other things than rows.

    Raises:
        BadHierarchy: nobody can tell because `rows.npy` is missing or damaged.
    """
    if _read_meta(folder / "hierarchy.json").get("count_of") != "rows":
        return 0
    return int(np.isin(photo_fingerprints(manifest.photos), _read_fingerprints(folder / ROWS_FILE), assume_unique=True).sum())


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file; name a folder that holds a hierarchy") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadHierarchy(f"{path}: not readable as JSON ({error}); build the hierarchy anew") from None
    if not isinstance(meta, dict):
        raise BadHierarchy(f"{path}: does not describe a hierarchy; build it anew")
    return meta


def _write_fingerprints(path: Path, fingerprints: NDArray[np.uint64]) -> None:
    with appearing_at_once(path) as draft, draft.open("wb") as file:
        np.save(file, fingerprints)


def _read_fingerprints(path: Path) -> NDArray[np.uint64]:
    try:
        with path.open("rb") as file:
            rows = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file, so nobody can tell whether test photos are among the rows; build from a file with photos' names") from None
    except Exception:  # noqa: BLE001 - damaged bytes make numpy raise anything, advice to load pickles among it
        raise BadHierarchy(f"{path}: not a readable .npy; build the hierarchy anew") from None
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint64 or rows.ndim != 1 or (rows[1:] <= rows[:-1]).any():
        raise BadHierarchy(f"{path}: does not hold fingerprints of photos; build the hierarchy anew")
    return rows
