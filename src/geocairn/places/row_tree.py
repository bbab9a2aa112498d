"""The tree builder: rows with coordinates, and any vectors of theirs, -> a hierarchy of clusters."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.coordinates import Coordinates
from geocairn.errors import BadHierarchy
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.files import save_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.members import PlaceTable, Standing, hierarchy_of_members
from geocairn.places.origin import save_origin
from geocairn.places.stage import AUTO_SPLIT, TREE_FILE, check_places_folder, read_split
from geocairn.places.tree import Tree, TreeSettings, spherical_tree
from geocairn.storage import appearing_at_once


def build_row_tree(coords: Path, out: Path, settings: TreeSettings, *, vectors: Path | None = None, split: str = AUTO_SPLIT) -> Hierarchy:
    """Build the tree of the rows' vectors into the folder `out`: `hierarchy.npz`, `hierarchy.json`, `tree.npz`, and `rows.npy` where photos are named.

    Args:
        coords: `.csv` or `.parquet` with lat_deg and lon_deg, or `.npy` of shape (N, 2).
        out: folder, made where it is missing.
        settings: how vectors are cut.
        vectors: `.npy` of shape (N, d), a row for each row of `coords`; by default the unit vectors of the coordinates themselves.
        split: which rows are used, as `read_split` has it.

    Returns:
        A hierarchy whose leaf i is cluster i of the finest level; where clusters are and how large follows from their rows' coordinates.

    Raises:
        BadManifest: no usable row, or a split is named and the file has no column split.
        BadCoordinate: a coordinate that is no number or not on Earth.
        BadHierarchy: vectors that cannot be read, do not match the rows or have no direction, or fewer different ones than clusters.
        BadOutput: the folder cannot be written, or holds other things than places.
        MissingExtra: faiss is not installed.
    """
    check_places_folder(out, [coords, *([] if vectors is None else [vectors])])
    rows, used_split = read_split(coords, split)
    tree = spherical_tree(unit_from_latlon(rows.latlon_deg) if vectors is None else _read_vectors(vectors, rows), settings)
    meta = {
        "builder": "tree",
        "source_sha256": rows.sha256,
        "split": used_split,
        "rejected": dict(sorted(rows.rejected.items())),
        "clustered": "coordinates" if vectors is None else "vectors",
        "settings": settings.model_dump(mode="json"),
    }
    hierarchy = hierarchy_of_members(standing_of_tree(tree), rows.latlon_deg, meta=meta)
    save_origin(out, rows.photos)
    save_tree(tree, out / TREE_FILE)
    save_hierarchy(hierarchy, out / "hierarchy.npz")
    return hierarchy


def standing_of_tree(tree: Tree) -> Standing:
    """Where rows stand in a tree: each in its finest cluster. The id of a cluster is the way down to it, `3/0/17`: numbers within the parent, from 0."""
    n_levels = len(tree.parents)
    ids = [[str(number) for number in range(len(tree.parents[0]))]]
    for parent in tree.parents[1:]:
        first = np.searchsorted(parent, np.arange(len(ids[-1])))
        ids.append([f"{ids[-1][above]}/{cluster - first[above]}" for cluster, above in enumerate(parent.tolist())])
    sizes = [len(names) for names in ids]
    starts = np.cumsum([0, *sizes])
    level = np.repeat(np.arange(n_levels), sizes)
    parents = np.concatenate([np.full(sizes[0], -1), *(tree.parents[finer].astype(np.int64) + starts[finer - 1] for finer in range(1, n_levels))])
    order = np.lexsort((level, np.concatenate(_first_leaves(tree))))
    row = np.append(np.argsort(order), -1)
    names = [name for names in ids for name in names]
    table = PlaceTable(
        level_names=tuple(f"cluster{number}" for number in range(1, n_levels + 1)),
        level=level[order],
        parent=row[parents[order]],
        ids=[names[place] for place in order.tolist()],
        names=[names[place] for place in order.tolist()],
    )
    return Standing(table, row[starts[-2] + tree.labels[:, -1].astype(np.int64)])


def save_tree(tree: Tree, out: Path) -> None:
    """Write `out` (`.npz`): `labels` (N, L), and for each level l from 0 `centroids_l` and `parents_l`.

    Raises:
        BadOutput: the folder cannot be written.
    """
    arrays: dict[str, Any] = {"labels": tree.labels}
    for level, (centroids, parents) in enumerate(zip(tree.centroids, tree.parents, strict=True)):
        arrays |= {f"centroids_{level}": centroids, f"parents_{level}": parents}
    with appearing_at_once(out) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)


def _first_leaves(tree: Tree) -> list[NDArray[np.int64]]:
    """Per level the first finest cluster that lies in each cluster: clusters of one parent stand together."""
    first = [np.arange(len(tree.parents[-1]))]
    for parent in reversed(tree.parents[1:]):
        first.insert(0, first[0][np.searchsorted(parent, np.arange(parent[-1] + 1))])
    return first


def _read_vectors(path: Path, rows: Coordinates) -> NDArray[Any]:
    try:
        vectors = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise BadHierarchy(f"{path}: no such file; name a .npy file of vectors") from None
    except Exception:  # noqa: BLE001 - damaged bytes make numpy raise anything, advice to load pickles among it
        raise BadHierarchy(f"{path}: not a readable .npy of numbers; save the vectors with numpy.save") from None
    if vectors.ndim != 2 or len(vectors) != rows.n_rows:
        raise BadHierarchy(f"{path}: is of shape {vectors.shape}, but {rows.path} has {rows.n_rows} rows; a vector is needed for each, in the same order")
    return vectors if len(rows) == rows.n_rows else vectors[rows.rows]
