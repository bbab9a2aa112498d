"""The oracle: the best that the places of a hierarchy, or the coordinates of a gallery, could answer about the photos of a manifest."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn import __version__
from geocairn.coordinates import read_coordinates
from geocairn.errors import BadConfig, BadHierarchy
from geocairn.evaluate.answers import Answers
from geocairn.evaluate.guess import Guess, Spot
from geocairn.evaluate.report import SystemRecord
from geocairn.evaluate.truth import Places
from geocairn.geo.sphere import latlon_from_unit, unit_from_latlon
from geocairn.manifest import Manifest
from geocairn.places.cell_hierarchy import BUILDER, classes_of_points
from geocairn.places.files import arrays_sha256, load_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import check_not_built_from

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
    if not os.path.exists(path):  # not Path.exists, which raises where a folder above may not be entered
        raise BadHierarchy(f"{path}: no such folder or file; name a folder with hierarchy.npz, or a gallery (.csv, .parquet or .npy)")
    best = (_best_of_hierarchy if path.is_dir() else _best_of_gallery)(path, manifest, level)
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


def _best_of_hierarchy(folder: Path, manifest: Manifest, level: str | None) -> _Best:
    hierarchy = load_hierarchy(folder / "hierarchy.npz")
    if level is None and hierarchy.meta.get("builder") == BUILDER:
        level = hierarchy.level_names[-1]
    right, is_nowhere = right_places(hierarchy, manifest.latlon_deg, level)
    said = {
        f"{int(is_nowhere.sum())} photos lie in no cell of {level} and are answered by the nearest place of a cell.": bool(is_nowhere.any()),
        "The hierarchy was built from photos of this manifest, or does not say from which: it may flatter itself.": _may_flatter_itself(folder, manifest),
    }
    return _Best(
        name=f"{folder.resolve().name}, {level or 'leaves'}",
        sha256=arrays_sha256(hierarchy),
        latlon_deg=latlon_from_unit(hierarchy.unit[right]),
        training_count=np.where(is_nowhere, 0, hierarchy.count[right]) if hierarchy.meta.get("count_of") == "rows" else None,
        notes=[note for note, holds in said.items() if holds],
    )


def right_places(hierarchy: Hierarchy, latlon_deg: Array, level: str | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The place of a hierarchy that is right for each point: of S2 cells the one whose cell holds it, of others the nearest.

    Args:
        hierarchy: any.
        latlon_deg: (N, 2) degrees.
        level: whose places are offered; None for the leaves.

    Returns:
        (N,) place indices, and whether no cell holds the point: it then has the nearest place.

    Raises:
        UnknownName: the hierarchy has no such level.
    """
    offered = hierarchy.leaves if level is None else np.array(hierarchy.places_of(level))
    nearest = offered[cKDTree(hierarchy.unit[offered]).query(unit_from_latlon(latlon_deg))[1]]
    if level is None or hierarchy.meta.get("builder") != BUILDER:
        return nearest, np.zeros(len(nearest), dtype=bool)
    cell = classes_of_points(hierarchy, latlon_deg)[:, hierarchy.level_index(level)]
    return np.where(cell >= 0, offered[cell], nearest), cell < 0


def _may_flatter_itself(folder: Path, manifest: Manifest) -> bool:
    try:
        check_not_built_from(folder, manifest)
    except BadHierarchy:
        return True
    return False


def _best_of_gallery(path: Path, manifest: Manifest, level: str | None) -> _Best:
    if level is not None:
        raise BadConfig(f"--oracle-level {level}: {path} is a gallery of coordinates, which has no levels; leave --oracle-level out")
    gallery = read_coordinates(path)
    _, nearest = cKDTree(unit_from_latlon(gallery.latlon_deg)).query(unit_from_latlon(manifest.latlon_deg))
    n_rejected = sum(gallery.rejected.values())
    notes = [f"{n_rejected} rows of the gallery were left out."] if n_rejected else []
    return _Best(path.name, gallery.sha256, gallery.latlon_deg[nearest], None, notes)
