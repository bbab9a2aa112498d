"""A hierarchy on disk: one `.npz` of arrays and one `.json` of words about them (docs/formats.md)."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy
from geocairn.places.hierarchy import Hierarchy, Strings, check_hierarchy, check_usable
from geocairn.places.npz import TooMuch, read_npz
from geocairn.storage import appearing_at_once, write_json

FORMAT = "geocairn-hierarchy-1"
_ARRAYS = ("level", "parent", "unit", "radius_km", "count", "weight", "area_km2", "leaf_start", "leaf_stop")


def save_hierarchy(hierarchy: Hierarchy, out: Path) -> None:
    """Write `out` (`.npz`) and the `.json` beside it; the `.json` appears last, so a folder with it is whole.

    Raises:
        BadOutput: the folder cannot be written.
        BadHierarchy: the hierarchy breaks a law.
    """
    check_hierarchy(hierarchy)
    arrays = {name: getattr(hierarchy, name) for name in _ARRAYS}
    arrays |= {f"{column}_utf8": getattr(hierarchy, column).utf8 for column in ("ids", "names")}
    arrays |= {f"{column}_offset": getattr(hierarchy, column).offsets for column in ("ids", "names")}
    with appearing_at_once(out) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)
    described = {**hierarchy.meta, "format": FORMAT, "levels": list(hierarchy.level_names), "arrays_sha256": arrays_sha256(hierarchy)}
    write_json(out.with_suffix(".json"), described)


def load_hierarchy(path: Path, check: Callable[[Hierarchy], None] = check_usable) -> Hierarchy:
    """Read the hierarchy written at `path` (`.npz`, with its `.json` beside it).

    Args:
        check: the laws that it must obey, for whoever wrote the file can have written its hash too.

    Raises:
        BadHierarchy: a file is missing, unreadable, of another format, lacks an array, is not the one that was saved, or breaks a law.
    """
    hierarchy = read_unchecked(path)
    if not is_as_saved(hierarchy):
        raise BadHierarchy(f"{path}: these are not the arrays that {path.with_suffix('.json')} describes; build it anew")
    try:
        check(hierarchy)
    except BadHierarchy as error:
        raise BadHierarchy(f"{path}: {error}") from None
    return hierarchy


def read_unchecked(path: Path) -> Hierarchy:
    """Read a hierarchy as it lies there, for whoever looks for its faults: it need not be what was saved, nor obey any law.

    Raises:
        BadHierarchy: a file is missing, unreadable, of another format, or lacks an array.
    """
    described = _read_description(path.with_suffix(".json"))
    arrays = _read_arrays(path)
    columns = {column: (f"{column}_utf8", f"{column}_offset") for column in ("ids", "names")}
    absent = [name for name in (*_ARRAYS, *sum(columns.values(), ())) if name not in arrays]
    if absent:
        raise BadHierarchy(f"{path}: lacks the arrays {', '.join(absent)}; build it anew")
    parts: dict[str, Any] = {column: Strings(arrays[utf8], arrays[offset]) for column, (utf8, offset) in columns.items()}
    parts |= {name: arrays[name] for name in _ARRAYS}
    meta = {key: value for key, value in described.items() if key not in ("format", "levels")}
    return Hierarchy(level_names=tuple(described["levels"]), meta=meta, **parts)


def extra_arrays(path: Path) -> list[str]:
    """Names of the arrays in an `.npz` that no hierarchy has: nothing reads them, and no hash tells of them.

    Raises:
        BadHierarchy: the file is missing or unreadable.
    """
    known = {*_ARRAYS, *(f"{column}_{part}" for column in ("ids", "names") for part in ("utf8", "offset"))}
    return [name for name in _read_arrays(path) if name not in known]


def is_as_saved(hierarchy: Hierarchy) -> bool:
    """Whether a hierarchy that was read has the arrays that its description tells of."""
    return arrays_sha256(hierarchy) == hierarchy.meta.get("arrays_sha256")


def arrays_sha256(hierarchy: Hierarchy) -> str:
    """Hash of a hierarchy's arrays, ids and names: what a bundle and a prediction quote."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(hierarchy, name)).tobytes())
    for column in (hierarchy.ids, hierarchy.names):
        digest.update(column.utf8.tobytes() + column.offsets.tobytes())
    return digest.hexdigest()


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return read_npz(path)
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file; name a folder that holds one") from None
    except TooMuch as error:
        raise BadHierarchy(f"{path}: {error}; build it anew") from None
    except Exception:  # noqa: BLE001 - damaged bytes make zip, zlib and numpy raise anything, advice to load pickles among it
        raise BadHierarchy(f"{path}: not a readable .npz; build it anew") from None


def _read_description(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file; a hierarchy is an .npz with a .json of the same name beside it") from None
    except NotADirectoryError:
        raise BadHierarchy(f"{path.parent}: is a file; name the folder that holds {path.with_suffix('.npz').name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadHierarchy(f"{path}: not readable as JSON ({getattr(error, 'strerror', None) or error}); build the hierarchy anew") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        found = described.get("format") if isinstance(described, dict) else None
        raise BadHierarchy(f"{path}: format {found!r} is not {FORMAT}; build the hierarchy anew with this version")
    absent = [key for key in ("levels", "arrays_sha256") if key not in described]
    if absent:
        raise BadHierarchy(f"{path}: lacks {', '.join(absent)}; build the hierarchy anew")
    levels = described["levels"]
    if not isinstance(levels, list) or not all(isinstance(name, str) for name in levels):
        raise BadHierarchy(f"{path}: levels = {levels!r} is no list of names; build the hierarchy anew")
    return described
