"""Adaptive S2 cells: the Earth cut finer where there are more photos, at several finenesses at once.

A partition of fineness t_max splits a cell as long as it holds more than t_max photos, and then leaves out the cells that hold no more than t_min.
Leaf ids of all photos are sorted once; from then on a cell is a range of rows, and splitting it is a search for four bounds.

Source: the rule of GeoEstimation (ECCV 2018) as its code has it: it starts at the 96 cells of level 2, and a cell survives with more than t_min photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from geocairn.config import Config
from geocairn.errors import BadHierarchy
from geocairn.geo import s2

Ids = NDArray[np.uint64]
Rows = NDArray[np.int64]
_ABOVE_ALL = np.iinfo(np.int64).max


class CellSettings(Config):
    """How fine the Earth is cut, and where a cell's place is."""

    t_min: int = Field(50, ge=0, description="a cell is kept where it holds more photos than this")
    t_max: tuple[int, ...] = Field(
        (25000, 10000, 5000, 2000, 1000, 750, 500), min_length=1, max_length=100, description="per level, coarse to fine: a cell with more photos is split"
    )
    start_level: int = Field(2, ge=0, le=s2.MAX_LEVEL, description="S2 level of the cells that splitting begins with")
    max_level: int = Field(s2.MAX_LEVEL, ge=0, le=s2.MAX_LEVEL, description="S2 level of cells that are split no more, however many photos they hold")
    place: Literal["mean", "medoid"] = Field("mean", description="a cell's place: its photos' mean on the sphere, or the photo nearest to that")

    @field_validator("t_max")
    @classmethod
    def _falls_from_level_to_level(cls, t_max: tuple[int, ...], known: ValidationInfo) -> tuple[int, ...]:
        if any(fine >= coarse for coarse, fine in pairwise(t_max)):
            raise ValueError("must fall strictly from coarse to fine, like 5000,2000,1000")
        if t_max[-1] <= known.data.get("t_min", -1):
            raise ValueError(f"must stay above t_min = {known.data['t_min']}, or every cell would be left out")
        return t_max

    @field_validator("max_level")
    @classmethod
    def _is_no_coarser_than_the_start(cls, max_level: int, known: ValidationInfo) -> int:
        if max_level < known.data.get("start_level", 0):
            raise ValueError(f"must not be less than start_level = {known.data['start_level']}")
        return max_level

    @property
    def level_names(self) -> tuple[str, ...]:
        """A name per level, coarse to fine, such as t500."""
        return tuple(f"t{limit}" for limit in self.t_max)


@dataclass(frozen=True)
class Cells:
    """The cells of one level of a partition, sorted by id: a cell's class is its position among them.

    Attributes:
        ids: (C,) uint64 S2 ids; no cell lies in another.
        start, stop: (C,) the cell's members are the rows `start:stop` of the sorted leaf ids.
    """

    ids: Ids
    start: Rows
    stop: Rows

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def count(self) -> Rows:
        """(C,) number of members of each cell."""
        return self.stop - self.start


@dataclass(frozen=True)
class _Nodes:
    """Cells of one S2 level that the descent meets; `above` is the number of rows of the cell that each was cut from."""

    level: int
    ids: Ids
    start: Rows
    stop: Rows
    above: Rows


def adaptive_cells(sorted_leaf_ids: Ids, settings: CellSettings) -> list[Cells]:
    """Cut the Earth by the points given, once for each `t_max`.

    Args:
        sorted_leaf_ids: (N,) uint64 leaf cells of the points, ascending.
        settings: which cells are split and which are kept.

    Returns:
        The kept cells of each level, in the order of `t_max`. Every cell lies in one cell of each coarser level.

    Raises:
        BadHierarchy: a level keeps no cell.
    """
    layers = _descend(sorted_leaf_ids, settings)
    levels = [_cells_of(layers, t_max, settings) for t_max in settings.t_max]
    empty = next((name for name, cells in zip(settings.level_names, levels, strict=True) if not len(cells)), None)
    if empty is not None:
        raise BadHierarchy(f"level {empty} keeps no cell: none holds more than t_min = {settings.t_min} of {len(sorted_leaf_ids)} rows; lower t_min")
    return levels


def _descend(ids: Ids, settings: CellSettings) -> list[_Nodes]:
    """All cells down to where none holds more than the smallest t_max: those of the other levels are among them."""
    at_start = s2.parents(ids, settings.start_level)
    start = np.flatnonzero(np.concatenate([np.ones(min(len(ids), 1), dtype=bool), at_start[1:] != at_start[:-1]]))
    nodes = _Nodes(settings.start_level, at_start[start], start, np.append(start[1:], len(ids)), np.full(len(start), _ABOVE_ALL))
    layers = [nodes]
    while nodes.level < settings.max_level and (nodes.stop - nodes.start > settings.t_max[-1]).any():
        nodes = _split(ids, nodes, nodes.stop - nodes.start > settings.t_max[-1])
        layers.append(nodes)
    return layers


def _split(ids: Ids, nodes: _Nodes, full: NDArray[np.bool_]) -> _Nodes:
    children = s2.children(nodes.ids[full])
    bounds = np.column_stack([nodes.start[full], np.searchsorted(ids, s2.range_min(children[:, 1:])), nodes.stop[full]])
    start, stop = bounds[:, :-1].ravel(), bounds[:, 1:].ravel()
    held = stop > start
    above = np.repeat(nodes.stop[full] - nodes.start[full], 4)
    return _Nodes(nodes.level + 1, children.ravel()[held], start[held], stop[held], above[held])


def _cells_of(layers: Sequence[_Nodes], t_max: int, settings: CellSettings) -> Cells:
    """The cells that splitting stops at for one t_max: small enough, or at the last level, and cut from one that was not."""
    parts = []
    for nodes in layers:
        count = nodes.stop - nodes.start
        kept = ((count <= t_max) | (nodes.level == settings.max_level)) & (nodes.above > t_max) & (count > settings.t_min)
        parts.append((nodes.ids[kept], nodes.start[kept], nodes.stop[kept]))
    ids, start, stop = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ids)
    return Cells(ids[order], start[order], stop[order])


def classes_of_rows(levels: Sequence[Cells], order: Rows) -> NDArray[np.int32]:
    """The class of every row that the cells were cut by, at every level.

    Args:
        levels: L partitions of the same rows.
        order: (N,) the row that each of the sorted leaf ids belongs to.

    Returns:
        (N, L) int32; -1 where no cell of the level holds the row.
    """
    in_order = np.empty((len(order), len(levels)), dtype=np.int32)
    for level, cells in enumerate(levels):
        ends = np.concatenate([[0], np.column_stack([cells.start, cells.stop]).ravel(), [len(order)]])
        runs = np.full(len(ends) - 1, -1, dtype=np.int32)
        runs[1::2] = np.arange(len(cells))
        in_order[:, level] = np.repeat(runs, np.diff(ends))
    classes = np.empty_like(in_order)
    classes[order] = in_order
    return classes


def classes_of_ids(ids: Ids, levels: Sequence[Ids]) -> NDArray[np.int32]:
    """The class of any points or cells at every level, by whose range of leaf cells holds their id: exact down to level 30.

    Args:
        ids: (N,) uint64 leaf cells of points, or any cells.
        levels: L arrays of cell ids, each ascending and disjoint.

    Returns:
        (N, L) int32; -1 where no cell of the level is the cell or holds it.
    """
    classes = np.full((len(ids), len(levels)), -1, dtype=np.int32)
    for level, cells in enumerate(levels):
        if len(cells):
            at = np.searchsorted(s2.range_min(cells), ids, side="right") - 1
            inside = (at >= 0) & (ids <= s2.range_max(cells)[at])
            classes[inside, level] = at[inside]
    return classes


def ancestors_of_finest(levels: Sequence[Ids]) -> NDArray[np.int32]:
    """For each cell of the finest level the class of the cell that it lies in at every level.

    Args:
        levels: L arrays of cell ids, coarse to fine, each ascending and disjoint.

    Returns:
        (C, L) int32, the last column 0..C-1; -1 where a coarser level leaves that part of the Earth out, which with one t_min for all levels never happens.
    """
    return classes_of_ids(levels[-1], levels)


def point_masses(cells: Cells, t_max: int) -> dict[str, Any]:
    """How many cells could not be split below `t_max`, as all their members lie in one cell of the last level, and how many rows those hold."""
    over = cells.count[cells.count > t_max]
    return {"n_cells": len(over), "n_rows": int(over.sum())}
