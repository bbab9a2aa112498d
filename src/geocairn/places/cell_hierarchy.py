"""The hierarchy of adaptive cells: from coordinates, or from any cells that are already placed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy
from geocairn.geo import s2
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.cells import Cells, CellSettings, adaptive_cells, ancestors_of_finest, classes_of_ids, point_masses
from geocairn.places.discs import means, medoids, radii_km, running_sums
from geocairn.places.hierarchy import Hierarchy, Strings

BUILDER = "s2"


@dataclass(frozen=True)
class PlacedCells:
    """The cells of one level with where their members are: ascending ids (C,), count (C,), unit (C, 3), radius_km (C,)."""

    name: str
    ids: NDArray[np.uint64]
    count: NDArray[np.int64]
    unit: NDArray[np.float64]
    radius_km: NDArray[np.float32]


def hierarchy_of_cells(latlon_deg: NDArray[np.float64], settings: CellSettings, *, meta: dict[str, Any]) -> Hierarchy:
    """Cut the Earth by coordinates.

    Args:
        latlon_deg: (N, 2) degrees, N >= 1.
        settings: which cells are split and which are kept.
        meta: kept with the hierarchy besides what its rows were and how many of them each level leaves out.

    Returns:
        A hierarchy with a level per t_max; the same for any order of the rows. A place counts the rows in its cell, also those that no finer cell keeps.
        Weights are shares of the leaves' rows; an area is the cell's own.

    Raises:
        BadHierarchy: a level keeps no cell.
        BadCoordinate: a point is not on Earth.
    """
    leaf_ids = s2.leaf_ids(latlon_deg)
    order = np.argsort(leaf_ids)
    levels = adaptive_cells(leaf_ids[order], settings)
    unit = unit_from_latlon(latlon_deg[order])
    del leaf_ids, order
    named = list(zip(settings.level_names, settings.t_max, levels, strict=True))
    told = {
        "count_of": "rows",
        "n_rows": len(unit),
        **settings.model_dump(mode="json", include={"t_min", "t_max", "start_level"}),
        "n_masked": {name: len(unit) - int(cells.count.sum()) for name, _, cells in named},
        "point_masses": {name: point_masses(cells, t_max) for name, t_max, cells in named},
        "settings": settings.model_dump(mode="json"),
    }
    return hierarchy_of_placed(place_cells(unit, levels, settings), meta={**meta, **told})


def place_cells(unit: NDArray[np.float64], levels: Sequence[Cells], settings: CellSettings) -> list[PlacedCells]:
    """Find where the members of all cells are.

    Args:
        unit: (N, 3) unit vectors of the points in the order of their leaf ids.
        levels: partitions of these points.
        settings: whether a cell's place is a mean or a medoid.
    """
    sums = running_sums(unit)
    placed = []
    for name, cells in zip(settings.level_names, levels, strict=True):
        centre = means(sums, cells.start, cells.stop)
        if settings.place == "medoid":
            centre = medoids(unit, cells.start, cells.stop, centre)
        placed.append(PlacedCells(name, cells.ids, cells.count, centre, radii_km(unit, cells.start, cells.stop, centre)))
    return placed


def hierarchy_of_placed(levels: Sequence[PlacedCells], *, meta: dict[str, Any]) -> Hierarchy:
    """The hierarchy of cells, level by level; a cell's parent is the finest coarser level's cell that it lies in.

    A cell in which no finer level keeps one is a leaf. Ids are such as `t500/47e66e2`: the level and the S2 token; the name is the token.
    """
    ids, count = (np.concatenate([getattr(cells, name) for cells in levels]) for name in ("ids", "count"))
    sizes = [len(cells.ids) for cells in levels]
    parent = _parents(levels)
    is_leaf = np.ones(len(ids), dtype=bool)
    is_leaf[parent[parent >= 0]] = False
    # Leaves are disjoint, so their order along the curve is depth first.
    leaves = np.flatnonzero(is_leaf)[np.argsort(ids[is_leaf])]
    start, stop = np.searchsorted(ids[leaves], s2.range_min(ids)), np.searchsorted(ids[leaves], s2.range_max(ids), side="right")
    rows_before = np.concatenate([[0], np.cumsum(count[leaves])])
    tokens = s2.tokens(ids)
    level = np.repeat(np.arange(len(levels)), sizes)
    return Hierarchy(
        level_names=tuple(cells.name for cells in levels),
        level=level.astype(np.int8),
        parent=parent,
        unit=np.concatenate([cells.unit for cells in levels]),
        radius_km=np.concatenate([cells.radius_km for cells in levels]),
        count=count,
        weight=(rows_before[stop] - rows_before[start]) / rows_before[-1],
        area_km2=s2.area_km2(ids).astype(np.float32),
        leaf_start=start.astype(np.int32),
        leaf_stop=stop.astype(np.int32),
        ids=Strings.of([f"{levels[of].name}/{token}" for of, token in zip(level.tolist(), tokens, strict=True)]),
        names=Strings.of(tokens),
        meta={"builder": BUILDER, **meta},
    )


def _parents(levels: Sequence[PlacedCells]) -> NDArray[np.int32]:
    """(P,) index of each cell's parent among all levels' cells, -1 for none."""
    first = np.cumsum([0, *(len(cells.ids) for cells in levels)])
    parents = []
    for level, cells in enumerate(levels):
        parent = np.full(len(cells.ids), -1, dtype=np.int32)
        for above in range(level):
            found = classes_of_ids(cells.ids, [levels[above].ids])[:, 0]
            parent = np.where(found >= 0, first[above] + found, parent).astype(np.int32)
        parents.append(parent)
    return np.concatenate(parents)


def cell_levels(hierarchy: Hierarchy) -> list[NDArray[np.uint64]]:
    """The S2 ids of each level of a hierarchy of cells, ascending: a class is a position among them.

    Raises:
        BadHierarchy: the hierarchy was not built of S2 cells.
    """
    if hierarchy.meta.get("builder") != BUILDER:
        raise BadHierarchy(f"a hierarchy of {hierarchy.meta.get('builder')!r} has no S2 cells; name one that `geocairn places build s2` has built")
    names = hierarchy.names.to_list()
    return [s2.ids_from_tokens([names[place] for place in hierarchy.places_of(level)]) for level in range(len(hierarchy.level_names))]


def ancestor_classes(hierarchy: Hierarchy) -> NDArray[np.int32]:
    """For each cell of the finest level its class at every level: (C, L) int32, -1 where a coarser level leaves it out.

    Raises:
        BadHierarchy: the hierarchy was not built of S2 cells.
    """
    return ancestors_of_finest(cell_levels(hierarchy))


def classes_of_points(hierarchy: Hierarchy, latlon_deg: NDArray[np.float64]) -> NDArray[np.int32]:
    """The class of new points at every level: (N, L) int32, -1 where no cell of the level holds the point.

    Raises:
        BadHierarchy: the hierarchy was not built of S2 cells.
        BadCoordinate: a point is not on Earth.
    """
    leaf_ids = s2.leaf_ids(latlon_deg)
    # Neighbours are looked up one after the other: many times faster than at random.
    order = np.argsort(leaf_ids)
    classes = np.empty((len(leaf_ids), len(hierarchy.level_names)), dtype=np.int32)
    classes[order] = classes_of_ids(leaf_ids[order], cell_levels(hierarchy))
    return classes
