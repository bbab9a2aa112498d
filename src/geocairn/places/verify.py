"""Faults of partitions and other hierarchies: each bad row is found by itself, so that a damaged one never accuses a sound one.

A token that went through a spreadsheet is found without the original: it is no token, ends in 0, is no cell, or its cell is elsewhere than its photos' mean.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geocairn.errors import BadHierarchy
from geocairn.geo import s2
from geocairn.geo.sphere import latlon_from_unit
from geocairn.places.cell_hierarchy import BUILDER
from geocairn.places.cell_outlines import cell_rings_deg
from geocairn.places.cells import classes_of_ids
from geocairn.places.cells_csv import CellRows, read_cell_rows
from geocairn.places.files import extra_arrays, is_as_saved, read_unchecked
from geocairn.places.hierarchy import Hierarchy, check_hierarchy, laws_of_places

FIELD_START_LEVEL = 2
_TOKEN = re.compile("[0-9a-f]{1,16}")
_LEAST_TOLERANCE_DEG = 1e-9


@dataclass(frozen=True)
class Fault:
    """One thing wrong: the file, its row (line of a CSV, index of a place; None for the whole), what stands there, and the rule that it breaks."""

    path: Path
    row: int | None
    what: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}" if self.row is None else f"{self.path}, row {self.row}: {self.what!r}: {self.rule}"


@dataclass(frozen=True)
class SoundCells:
    """The rows of a cells file that are sound by themselves, sorted by id: where each stands in the file (from 0), and what it says."""

    at: NDArray[np.int64]
    ids: NDArray[np.uint64]
    count: NDArray[np.int64]
    latlon_deg: NDArray[np.float64]


def verify(path: Path, *, start_level: int = FIELD_START_LEVEL) -> list[Fault]:
    """Look for the faults of a hierarchy's folder, of a folder of cells CSVs, or of one such file.

    Args:
        path: a folder with hierarchy.npz and .json, one of these files, a folder with cells*.csv, or a `.csv`.
        start_level: S2 level that the partitions of CSVs start at: a coarser cell is a fault. The field's start at 2; a hierarchy tells its own.

    Raises:
        BadHierarchy: nothing there can be read as any of them.
    """
    if path.suffix.lower() == ".csv" and not path.is_dir():
        return verify_cell_files([path], start_level=start_level)
    files = sorted(path.glob("cells*.csv")) if path.is_dir() and not (path / "hierarchy.json").exists() else []
    if files:
        return verify_cell_files(files, start_level=start_level)
    return verify_hierarchy(path.with_suffix(".npz") if path.is_file() else path / "hierarchy.npz")


def verify_cell_files(paths: Sequence[Path], *, start_level: int = FIELD_START_LEVEL) -> list[Fault]:
    """Look for the faults of cells CSVs, the levels of one partition: of each row, between the sound rows of a file, and between files.

    Raises:
        BadHierarchy: a file cannot be read as a CSV of cells.
    """
    levels = sorted((read_cell_rows(path) for path in paths), key=lambda cells: len(cells.rows) + len(cells.misshapen))
    checked = [check_cells(cells, start_level=start_level) for cells in levels]
    faults = [fault for _, found in checked for fault in found]
    # What a damaged cell should have covered is unknown: only whole files tell which finer cells lie in none of theirs.
    whole: list[tuple[str, SoundCells]] = []
    for cells, (sound, _) in zip(levels, checked, strict=True):
        for name, above in whole:
            outside = np.sort(sound.at[classes_of_ids(sound.ids, [above.ids])[:, 0] < 0])
            faults += [Fault(cells.path, cells.rows[at], cells.tokens[at], f"lies in no cell of the coarser {name}") for at in outside.tolist()]
        whole += [(cells.path.name, sound)] if len(sound.ids) == len(cells.rows) + len(cells.misshapen) else []
    return faults


def check_cells(cells: CellRows, *, start_level: int) -> tuple[SoundCells, list[Fault]]:
    """The sound rows of a cells CSV, and the faults of the others and of the whole."""
    ids = s2.ids_from_tokens(cells.tokens)
    latlon = np.array([[_number(cell) for cell in cells.columns[name]] for name in ("latitude_mean", "longitude_mean")], dtype=np.float64).T
    count = np.array([_whole(cell) for cell in cells.columns["imgs_per_cell"]], dtype=np.int64)
    rules = [
        ("the token is not 1 to 16 of the characters 0-9 and a-f", np.array([_TOKEN.fullmatch(token) is None for token in cells.tokens])),
        ("the token ends in 0", np.array([token.endswith("0") for token in cells.tokens])),
        ("the token is no S2 cell", ids == 0),
        (f"the cell is coarser than level {start_level}, where the partition starts", _levels(ids) < start_level),
        ("the mean is no coordinate", ~(np.abs(latlon) <= (90, 180)).all(axis=1)),
        ("the mean lies outside the cell", ~_holds(ids, latlon, _tolerance_deg(cells))),
    ]
    broken = _first_broken(rules)
    first = _first_alike(cells)
    repeats = first < np.arange(len(first))
    # Only rows that pass are compared with each other.
    passing = np.flatnonzero((broken < 0) & ~repeats)
    overlapping = passing[_hold_others(ids[passing])]
    bad_labels, missing = judge_labels(cells.columns["class_label"], repeats, len(cells.misshapen))
    faults = [(at, f"repeats row {cells.rows[first[at]]}") for at in np.flatnonzero(repeats).tolist()]
    faults += [(at, rules[broken[at]][0]) for at in np.flatnonzero((broken >= 0) & ~repeats).tolist()]
    faults += [(at, "the count is no whole number above 0") for at in np.flatnonzero((count <= 0) & ~repeats).tolist()]
    faults += [(at, rule) for at, rule in bad_labels]
    faults += [(at, "other cells of the file lie in this one") for at in overlapping.tolist()]
    good = np.setdiff1d(passing[count[passing] > 0], overlapping)
    good = good[np.argsort(ids[good])]
    sound = SoundCells(good, ids[good], count[good], latlon[good])
    told = [Fault(cells.path, cells.rows[at], cells.tokens[at], rule) for at, rule in sorted(faults)]
    length = f"cells where the header has {cells.n_columns}; quote cells that hold commas"
    told += [Fault(cells.path, row, ",".join(found), f"{len(found)} {length}") for row, found in cells.misshapen]
    told.sort(key=lambda fault: fault.row or 0)
    return sound, told + ([Fault(cells.path, None, "", missing)] if missing else [])


def judge_labels(labels: Sequence[str], repeats: NDArray[np.bool_], n_lost: int) -> tuple[list[tuple[int, str]], str]:
    """Rows whose label cannot be theirs, and what is to be said of labels from 0 on that no row has.

    A label beyond the number of rows tells of rows that were lost, or is damaged itself: it is damaged where more labels would be missing than lie beyond,
    and it does not fit between the labels around it.

    Args:
        labels: N labels as the file has them.
        repeats: (N,) rows that repeat another as a whole: their labels are not looked at.
        n_lost: further rows, of which no label is known.

    Returns:
        Rows from 0 with the rule that they break; and words on missing labels, "" where the rows at fault account for them.
    """
    number = np.array([_whole(label) for label in labels], dtype=np.int64)
    # Where labels rise from row to row, a damaged one does not fit between those around it.
    before, after = np.append(-1, number[:-1]), np.append(number[1:], np.iinfo(np.int64).max)
    fits = (before < number) & (number < after)
    rows = np.flatnonzero(~repeats)
    # Of rows that share a label the one that fits has it by right, else the one that stands where its label says.
    rows = rows[np.lexsort((rows, number[rows] != rows, ~fits[rows]))]
    bad: list[tuple[int, str]] = []
    row_of: dict[int, int] = {}
    for at, label in zip(rows.tolist(), number[rows].tolist(), strict=True):
        if label < 0:
            bad.append((at, f"the label {labels[at]!r} is no whole number from 0 on"))
        elif label in row_of:
            bad.append((at, f"the label {labels[at]!r} is that of another row"))
        else:
            row_of[label] = at
    n_due = int((~repeats).sum()) + n_lost
    beyond = [label for label in row_of if label >= n_due]
    if beyond and max(beyond) + 1 - len(row_of) - len(bad) - n_lost > len(beyond):
        for label in [label for label in beyond if not fits[row_of[label]]]:
            bad.append((row_of.pop(label), f"the label '{label}' is too large for {n_due} rows"))
    missing = sorted(set(range(min(max(row_of, default=-1) + 1, 2 * n_due))) - set(row_of))
    n_missing = max(row_of, default=-1) + 1 - len(row_of)
    if n_missing <= len(bad) + n_lost:
        return bad, ""
    if n_missing == 1:
        return bad, f"label {missing[0]} is missing"
    few = ", ".join(map(str, missing[:5]))
    return bad, f"labels {few} are missing" if n_missing <= 5 else f"{n_missing} labels are missing, such as {few}"


def verify_hierarchy(path: Path) -> list[Fault]:
    """Look for the faults of a hierarchy of any builder; of one made of S2 cells also for those of its cells.

    Raises:
        BadHierarchy: the files cannot be read.
    """
    hierarchy = read_unchecked(path)
    faults = [] if is_as_saved(hierarchy) else [Fault(path, None, "", f"the arrays are not those that {path.with_suffix('.json').name} describes")]
    faults += [Fault(path, None, "", f"the array {name!r} is none of a hierarchy's") for name in extra_arrays(path)]
    try:
        laws = [*_broken_laws(hierarchy)]
        if hierarchy.meta.get("builder") == BUILDER:
            laws += _broken_rules_of_cells(hierarchy)
        faults += [Fault(path, place, hierarchy.ids[place], rule) for place, rule in laws]
        if not laws:
            check_hierarchy(hierarchy)
    except BadHierarchy as error:
        faults.append(Fault(path, None, "", str(error)))
    except (ValueError, IndexError, TypeError) as error:
        # Arrays of other types and shapes than a hierarchy's fail in whatever touches them first.
        faults.append(Fault(path, None, "", f"the arrays do not fit together ({' '.join(str(error).split())})"))
    return faults


def _broken_laws(hierarchy: Hierarchy) -> Iterator[tuple[int, str]]:
    for law, holds in laws_of_places(hierarchy).items():
        for place in np.flatnonzero(~holds).tolist():
            yield place, f"{law}, but not here"


def _broken_rules_of_cells(hierarchy: Hierarchy) -> list[tuple[int, str]]:
    names = hierarchy.names.to_list()
    ids = s2.ids_from_tokens(names)
    latlon = latlon_from_unit(hierarchy.unit)
    levels = [hierarchy.places_of(level) for level in range(len(hierarchy.level_names))]
    ids_due = [f"{name}/{names[place]}" for name, places in zip(hierarchy.level_names, levels, strict=True) for place in places]
    alone = np.concatenate([_hold_others(ids[places.start : places.stop]) for places in levels])
    above = ids[np.maximum(hierarchy.parent, 0)]
    in_parent = (hierarchy.parent < 0) | (ids == 0) | (above == 0)
    known = ~in_parent
    in_parent[known] = (ids[known] >= s2.range_min(above[known])) & (ids[known] <= s2.range_max(above[known]))
    start_level = hierarchy.meta.get("start_level", 0)
    rules = [
        ("the name is no token of an S2 cell", ids == 0),
        (f"the cell is coarser than level {start_level}, where the partition starts", _levels(ids) < start_level),
        ("the place lies outside the cell", ~_holds(ids, latlon, _LEAST_TOLERANCE_DEG)),
        ("the id is not the level and the token", np.array([found != due for found, due in zip(hierarchy.ids.to_list(), ids_due, strict=True)])),
        ("the count is not above t_min", hierarchy.count <= hierarchy.meta.get("t_min", 0)),
        ("other cells of the level lie in this one", alone),
        ("the cell does not lie in its parent", ~in_parent),
    ]
    broken = _first_broken(rules)
    return [(place, rules[broken[place]][0]) for place in np.flatnonzero(broken >= 0).tolist()]


def _first_broken(rules: Sequence[tuple[str, NDArray[np.bool_]]]) -> NDArray[np.int64]:
    """(N,) index of the first rule that each row breaks, -1 for none."""
    table = np.stack([breaks for _, breaks in rules])
    return np.where(table.any(axis=0), table.argmax(axis=0), -1)


def _levels(ids: NDArray[np.uint64]) -> NDArray[np.int8]:
    """S2 level of each cell; that of leaves for what is no cell."""
    levels = np.full(len(ids), s2.MAX_LEVEL, dtype=np.int8)
    levels[ids != 0] = s2.level_of(ids[ids != 0])
    return levels


def _holds(ids: NDArray[np.uint64], latlon_deg: NDArray[np.float64], tolerance_deg: float) -> NDArray[np.bool_]:
    """Whether each point lies in its cell; True where either is none, for another rule tells that.

    Means of degrees, as the field takes them, may lie beyond an edge that is bent on the map, but never outside the cell's hull there.
    """
    known = np.flatnonzero((ids != 0) & (np.abs(latlon_deg) <= (90, 180)).all(axis=1))
    cells, points = ids[known], latlon_deg[known]
    leaves = s2.leaf_ids(points)
    outside = np.flatnonzero((leaves < s2.range_min(cells)) | (leaves > s2.range_max(cells)))
    holds = np.ones(len(ids), dtype=bool)
    for at, ring in zip(outside.tolist(), cell_rings_deg(cells[outside]), strict=True):
        lat, lon = points[at].tolist()
        turns = shapely.points([lon - 360, lon, lon + 360], lat)
        holds[known[at]] = bool((shapely.distance(shapely.convex_hull(shapely.Polygon(ring)), turns) <= tolerance_deg).any())
    return holds


def _tolerance_deg(cells: CellRows) -> float:
    """Half a unit of the last decimal that the file prints of its means."""
    printed = [cell.strip() for name in ("latitude_mean", "longitude_mean") for cell in cells.columns[name]]
    n_decimals = max((len(cell.partition(".")[2]) if re.fullmatch(r"-?\d*\.\d+", cell) else 0 for cell in printed), default=0)
    return max(0.5 * 10.0**-n_decimals, _LEAST_TOLERANCE_DEG)


def _hold_others(ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether a cell holds another of the array or repeats an earlier one: of two that overlap the one that leaves no room for the other."""
    holds = np.zeros(len(ids), dtype=bool)
    known = np.flatnonzero(ids != 0)
    found, first = np.unique(ids[known], return_index=True)
    inside = np.searchsorted(found, s2.range_max(ids[known]), side="right") - np.searchsorted(found, s2.range_min(ids[known]))
    holds[known] = (inside > 1) | ~np.isin(np.arange(len(known)), first)
    return holds


def _first_alike(cells: CellRows) -> NDArray[np.int64]:
    """(N,) the first row, from 0, that is the same in all five columns; the row itself where none is before it."""
    first: dict[tuple[str, ...], int] = {}
    alike = [first.setdefault(row, at) for at, row in enumerate(zip(*cells.columns.values(), strict=True))]
    return np.array(alike, dtype=np.int64)


def _whole(cell: str) -> int:
    number = _number(cell)
    return int(number) if number == np.floor(number) and abs(number) < 2**62 else -1


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
