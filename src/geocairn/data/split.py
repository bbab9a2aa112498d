"""Splits of a data set: groups of photos that must stay together, shared out to train, val and test, and what still leaks between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.coordinates import Coded
from geocairn.data.nearby import MIN_LINK_KM, has_near, linked_within, merge_groups
from geocairn.errors import BadConfig

PARTS = ("train", "val", "test")
# Keys that are columns; the author may stand under either name.
COLUMN_KEYS = {"author": ("author", "author_group"), "album": ("album",), "sequence": ("sequence",)}
NEAR = "cell"

Key = Literal["author", "album", "sequence", "cell", "photo"]
KEYS: tuple[Key, ...] = get_args(Key)
Indices = NDArray[np.int64]


class SplitSettings(Config):
    """What holds photos together, and how large the parts are."""

    by: tuple[Key, ...] = Field(min_length=1, description="photos that share any of these stay together")
    fractions: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(90.0, 5.0, 5.0), min_length=3, max_length=3, description="percent of the rows for train, val, test"
    )
    cell_km: float = Field(
        default=1.0, ge=MIN_LINK_KM, le=1000, description="photos up to so far apart share a cell, and so do those that they are linked with in turn"
    )
    seed: int = Field(default=0, ge=0, description="of the order in which groups are shared out")

    def check(self) -> None:
        """Check what no single setting shows.

        Raises:
            BadConfig: a key twice, fractions that are not 100 percent, or none for train.
        """
        if len(set(self.by)) < len(self.by):
            raise BadConfig(f"--by {','.join(self.by)}: a key stands there twice; name each once")
        told = ",".join(f"{fraction:g}" for fraction in self.fractions)
        if abs(sum(self.fractions) - 100) > 1e-6:
            raise BadConfig(f"--fractions {told}: they sum to {sum(self.fractions):g}; give percent for train, val, test that sum to 100, like 90,5,5")
        if not self.fractions[0]:
            raise BadConfig(f"--fractions {told}: nothing is left to train on; give train more than 0")


@dataclass(frozen=True)
class Rows:
    """What a split looks at.

    Attributes:
        photos: N names, each once.
        latlon_deg: (N, 2) degrees.
        columns: by key, the columns author, album and sequence as far as there are such.
    """

    photos: Sequence[str]
    latlon_deg: NDArray[np.float64]
    columns: Mapping[str, Coded]

    def __len__(self) -> int:
        return len(self.photos)


def group_rows(rows: Rows, settings: SplitSettings) -> Indices:
    """Groups of rows that share an author, an album, ... or a cell with another of the group, by the keys asked for.

    Args:
        rows: with the columns that `settings.by` names.

    Returns:
        (N,) int64 group of each row, 0, 1, 2, ...; a row without any key is the only one of its own.
    """
    group = np.arange(len(rows), dtype=np.int64)
    for key in settings.by:
        if key in COLUMN_KEYS:
            group = _merge_equal(group, rows.columns[key].codes)
        elif key == NEAR:
            group = _merge_equal(group, linked_within(rows.latlon_deg, settings.cell_km))
    return group


def order_groups(rows: Rows, group: Indices, settings: SplitSettings) -> Indices:
    """The order in which groups are shared out: by a seeded hash of what holds them together, so that neither the order nor the number of rows moves it.

    Returns:
        (G,) groups. A group is known by the least hash of its authors, albums and sequences, as far as they are asked for, or of its photos where it has none.
    """
    n_groups = int(group.max(initial=-1)) + 1
    least = np.full(n_groups, np.iinfo(np.uint64).max, dtype=np.uint64)
    for key in settings.by:
        if key in COLUMN_KEYS:
            column = rows.columns[key]
            has = column.codes >= 0
            np.minimum.at(least, group[has], _hashes(settings.seed, key, column.values)[column.codes[has]])
    nameless = np.flatnonzero((least == np.iinfo(np.uint64).max)[group])
    np.minimum.at(least, group[nameless], _hashes(settings.seed, "photo", [rows.photos[row] for row in nameless.tolist()]))
    return np.argsort(least, kind="stable")


def share_out(sizes: ArrayLike, order: ArrayLike, fractions: Sequence[float]) -> NDArray[np.int8]:
    """The part of each group.

    Groups queue up: those that hold more rows than the smallest part is to have, the largest first, then the others in `order`. The queue fills one part after
    the other, the largest part first, each group going where the middle of its rows falls. So groups that come or go move no others but those at the two cuts.
    Where the first part gets more than it was to have, the others share the rest in proportion. Every part gets at least one group.

    Args:
        sizes: (G,) rows of each group.
        order: (G,) the groups in the order to share them out.
        fractions: percent of the rows for each part; a part with 0 gets nothing.

    Returns:
        (G,) int8 index of each group's part.

    Raises:
        BadConfig: fewer groups than parts.
    """
    size, wanted = np.asarray(sizes, dtype=np.int64), np.asarray(fractions, dtype=np.float64) / 100
    parts = np.flatnonzero(wanted > 0)
    parts = parts[np.argsort(-wanted[parts], kind="stable")]
    if len(size) < len(parts):
        raise BadConfig(
            f"{len(size)} group{'s' if len(size) != 1 else ''} for {len(parts)} parts: too few to share out; split by a finer key, or set a fraction to 0"
        )
    queue = np.asarray(order, dtype=np.int64)
    large = too_large(size, fractions)[queue]
    queue = np.concatenate([queue[large][np.argsort(-size[queue[large]], kind="stable")], queue[~large]])
    chosen = np.empty(len(size), dtype=np.int8)
    chosen[queue] = np.repeat(parts, np.diff(_begins(size[queue], wanted[parts]), append=len(queue)))
    return chosen


def too_large(sizes: ArrayLike, fractions: Sequence[float]) -> NDArray[np.bool_]:
    """(G,) whether a group holds more rows than the smallest part is to have."""
    size = np.asarray(sizes, dtype=np.int64)
    return np.asarray(size > min(fraction for fraction in fractions if fraction) / 100 * size.sum())


def count_leaks(rows: Rows, part: ArrayLike, cell_km: float) -> dict[str, dict[str, int]]:
    """How many rows of val and test share something with a row of train, whether or not the split was made by it.

    Args:
        part: (N,) index into PARTS of each row.
        cell_km: how near a neighbour in train counts.

    Returns:
        For val and test: by each key that the rows have, and `cell` for a neighbour in train nearer than `cell_km`.
    """
    parts = np.asarray(part)
    train = parts == 0
    leaks: dict[str, dict[str, int]] = {}
    for index, name in enumerate(PARTS[1:], start=1):
        mine = parts == index
        shared = {key: int(np.isin(column.codes[mine], np.unique(column.codes[train & (column.codes >= 0)])).sum()) for key, column in rows.columns.items()}
        leaks[name] = shared | {NEAR: int(has_near(rows.latlon_deg[mine], rows.latlon_deg[train], cell_km).sum())}
    return leaks


def unseen_values(column: Coded, part: ArrayLike) -> dict[str, dict[str, int]]:
    """For val and test, the values that no row of train has, and how many rows have them."""
    parts = np.asarray(part)
    unseen = ~np.isin(column.codes, np.unique(column.codes[parts == 0])) & (column.codes >= 0)
    found = {}
    for index, name in enumerate(PARTS[1:], start=1):
        codes, counts = np.unique(column.codes[unseen & (parts == index)], return_counts=True)
        found[name] = dict(sorted(zip((column.values[code] for code in codes.tolist()), counts.tolist(), strict=True)))
    return found


def _begins(size: Indices, wanted: NDArray[np.float64]) -> Indices:
    """(P,) where in the queue of groups each of P parts begins, at least one group after the other.

    Args:
        size: (G,) rows of the groups in the queue, G >= P.
        wanted: (P,) share of the rows for each part, summing to 1.
    """
    ends, n_rows = np.cumsum(size), size.sum()
    middles = ends - size / 2
    n_first = max(1, int(np.searchsorted(middles, wanted[0] * n_rows)))
    first = max(float(wanted[0] * n_rows), float(ends[n_first - 1]))
    rest = wanted[1:]
    cuts = first + (n_rows - first) * np.cumsum(rest)[:-1] / rest.sum()
    begins = np.array([0, n_first, *np.searchsorted(middles, cuts).tolist()])[: len(wanted)]
    room = len(size) - len(wanted) + np.arange(len(wanted))
    # Each begins at least one group after the one before, and leaves a group for each that follows.
    return np.asarray(np.maximum.accumulate(np.minimum(begins, room) - np.arange(len(wanted))) + np.arange(len(wanted)), dtype=np.int64)


def _merge_equal(group: Indices, codes: Indices) -> Indices:
    """Merge the groups of rows that have the same code; -1 is none."""
    coded = np.flatnonzero(codes >= 0)
    _, first, of_row = np.unique(codes[coded], return_index=True, return_inverse=True)
    return merge_groups(group, coded, coded[first[of_row]])


def _hashes(seed: int, key: str, values: Sequence[str]) -> NDArray[np.uint64]:
    start = f"{seed}\0{key}\0"
    digests = b"".join(blake2b((start + value).encode(), digest_size=8).digest() for value in values)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
