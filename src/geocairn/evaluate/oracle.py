"""The oracle: the best that the places of a hierarchy, or the coordinates of a gallery, could answer about the photos of a manifest."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn import __version__
from geocairn.errors import BadConfig, BadHierarchy
from geocairn.evaluate.answers import Answers
from geocairn.evaluate.guess import Guess, Spot
from geocairn.evaluate.report import SystemRecord
from geocairn.evaluate.truth import Places
from geocairn.geo.sphere import latlon_from_unit, unit_from_latlon
from geocairn.manifest import Manifest
from geocairn.places.files import arrays_sha256, load_hierarchy
from geocairn.places.hierarchy import Hierarchy

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Best:
    """The place that a perfect system would name for each of N photos."""

    name: str
    sha256: str
    latlon_deg: Array
    training_count: NDArray[np.int64] | None
    notes: list[str]


def answers_of_oracle(path: Path, manifest: Manifest, *, level: str | None, places: Places) -> Answers:
    """What a system would answer that always names the right place, so that only the places keep it from the truth.

    Args:
        path: a folder with a hierarchy, or a gallery of coordinates (`.csv`, `.parquet`, `.npy`).
        level: of the hierarchy, whose places are answered; by default its leaves, of S2 cells those of the finest level.
        places: that truths and answers are compared in.

    Raises:
        BadHierarchy: there is nothing at `path`, or the hierarchy cannot be used.
        UnknownName: the hierarchy has no such level.
        BadConfig: a level is named for a gallery, which has none.
        BadManifest, BadCoordinate: the gallery cannot be used.
    """
    if not path.exists():
        raise BadHierarchy(f"{path}: no such folder or file; name a folder with hierarchy.npz, or a gallery (.csv, .parquet or .npy)")
    best = _best_of_hierarchy(path, manifest.latlon_deg, level) if path.is_dir() else _best_of_gallery(path, manifest.latlon_deg, level)
    system = SystemRecord(
        bundle=None,
        predictions=None,
        oracle=best.name,
        sha256=best.sha256,
        settings_sha256=None,
        hierarchy_sha256=arrays_sha256(places.hierarchy),
        version=__version__,
    )
    guesses = [Guess((Spot(lat, lon, None, None),)) for lat, lon in best.latlon_deg.tolist()]
    return Answers(guesses, system, best.notes, best.training_count)


def _best_of_hierarchy(folder: Path, latlon_deg: Array, level: str | None) -> _Best:
    hierarchy = load_hierarchy(folder / "hierarchy.npz")
    is_cells = hierarchy.meta.get("builder") == "s2"
    if level is None and is_cells:
        level = hierarchy.level_names[-1]
    offered = hierarchy.leaves if level is None else np.array(hierarchy.places_of(level))
    nearest = offered[cKDTree(hierarchy.unit[offered]).query(unit_from_latlon(latlon_deg))[1]]
    right = cells_of_points(hierarchy, offered, latlon_deg) if is_cells else nearest
    is_nowhere = right < 0
    said = f"{int(is_nowhere.sum())} photos lie in no cell of {level}; they are answered by the nearest cell's place."
    return _Best(
        name=f"{folder.resolve().name}, {level or 'leaves'}",
        sha256=arrays_sha256(hierarchy),
        latlon_deg=latlon_from_unit(hierarchy.unit[np.where(is_nowhere, nearest, right)]),
        training_count=np.where(is_nowhere, 0, hierarchy.count[right]) if hierarchy.meta.get("count_of") == "rows" else None,
        notes=[said] if is_nowhere.any() else [],
    )


def cells_of_points(hierarchy: Hierarchy, cells: NDArray[np.integer], latlon_deg: Array) -> NDArray[np.int64]:
    """Which of some disjoint S2 cells holds each point.

    Args:
        hierarchy: its ids are a level's name and a token: `t500/47e66`.
        cells: (C,) places of one level of it.
        latlon_deg: (N, 2) degrees.

    Returns:
        (N,) place indices; -1 for a point in none of the cells.

    Raises:
        BadHierarchy: a place whose id holds no token.
    """
    from geocairn.geo.s2 import ids_from_tokens, leaf_ids, range_max, range_min

    ids = ids_from_tokens([hierarchy.ids[place].rpartition("/")[2] for place in cells.tolist()])
    if not ids.all():
        strange = hierarchy.ids[int(cells[np.flatnonzero(ids == 0)[0]])]
        raise BadHierarchy(f"place {strange!r}: the id of a place of S2 cells ends in a token such as t500/47e66; rebuild the hierarchy")
    order = np.argsort(ids)
    first, last, leaf = range_min(ids[order]), range_max(ids[order]), leaf_ids(latlon_deg)
    at = np.searchsorted(first, leaf, side="right") - 1
    return np.where((at >= 0) & (leaf <= last[at]), cells[order[at]], -1)


def _best_of_gallery(path: Path, latlon_deg: Array, level: str | None) -> _Best:
    from geocairn.coordinates import read_coordinates

    if level is not None:
        raise BadConfig(f"--oracle-level {level}: {path} is a gallery of coordinates, which has no levels; leave --oracle-level out")
    gallery = read_coordinates(path)
    _, nearest = cKDTree(unit_from_latlon(gallery.latlon_deg)).query(unit_from_latlon(latlon_deg))
    n_rejected = sum(gallery.rejected.values())
    notes = [f"{n_rejected} rows of the gallery were left out."] if n_rejected else []
    return _Best(path.name, gallery.sha256, gallery.latlon_deg[nearest], None, notes)
