"""Beam search down a hierarchy: at each level only children of the best places of the levels above are looked at.

Each level has a beam of its own, of at most `width` places. Candidates of a level are its places without parents and the children there of all places kept at
coarser levels. So a place that skips a level (a city directly below its country) waits without taking room from others, and only places of one level ever
compete for room. At the end the kept places without children, of whatever level, are ranked. A beam as wide as the widest level keeps every place, and so
finds exactly what trying all finds.

Two scores, smaller is better, ties by lowest place:

* `last`: squared distance over tau of the place itself;
* `sum`: that, summed over the levels of its chain. Every chain has one term per level: where it lacks a level, the nearest place above stands in and its term
  counts again; above the first place of a chain that begins below the first level, that place stands in. So short chains are not favoured.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadConfig, UnknownName
from geocairn.search.index import EntityIndex, Found
from geocairn.search.select import keep_smallest, ranked
from geocairn.search.space import PairScorer

Score = Literal["last", "sum"]
# Queries that go down the tree together: enough to hide the interpreter, few enough that what they need stays in a core's cache.
_QUERIES = 96
# Candidates that are held at a time, of one query or several.
_CANDIDATES = 2**20


def beam_search(queries: ArrayLike, index: EntityIndex, *, width: int = 10, top: int = 1, score: Score = "last", threads: int = 1) -> Found:
    """The leaves that a beam finds.

    Args:
        queries: (B, D) vectors in the index's space; B may be 0.
        index: vectors and tree.
        width: places kept per level, >= 1; 1 is greedy.
        top: leaves returned per query, >= 1.
        score: `last` or `sum`, as the module says.
        threads: >= 1; changes the time, not one bit of the result, and nor does the batch that a query comes in.

    Returns:
        `top` leaves per query: fewer, and then -1, where the kept places are fewer.

    Raises:
        BadConfig: width, top or threads below 1.
        UnknownName: no such score.
        BadFeatures: queries of another shape, or not finite.

    Source: HierLoc, section on inference; what happens at missing levels is ours.
    """
    for name, value in (("width", width), ("top", top), ("threads", threads)):
        if value < 1:
            raise BadConfig(f"{name} = {value}: give at least 1")
    if score not in get_args(Score):
        raise UnknownName(f"score {score!r}: there are {', '.join(get_args(Score))}")
    rows = index.checked_queries(queries)
    shares = np.array_split(rows, threads)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda share: _search(share, index, width, top, score), shares))
    return Found(np.concatenate([part.places for part in parts]), np.concatenate([part.scores for part in parts]))


class _Kept(NamedTuple):
    """Places that are kept at one level, sorted by query: the term of each, and the score of its chain down to it."""

    query: NDArray[Any]
    place: NDArray[Any]
    own: NDArray[Any]
    so_far: NDArray[Any]


class _Tables(NamedTuple):
    """Candidates, one row per query; a row with fewer than others ends in place -1 with infinite scores."""

    place: NDArray[Any]
    own: NDArray[Any]
    so_far: NDArray[Any]


class _Ranges(NamedTuple):
    """Children to look at, as ranges of places, sorted by query; each with the score that its parent brings along."""

    query: NDArray[Any]
    first: NDArray[Any]
    n_places: NDArray[Any]
    brought: NDArray[Any]


def _search(queries: NDArray[np.float32], index: EntityIndex, width: int, top: int, score: Score) -> Found:
    descent = _Descent(index, PairScorer(index.points, index.space), width, score == "sum")
    found = Found(np.full((len(queries), top), -1, dtype=np.int32), np.full((len(queries), top), np.inf))
    step = min(max(_CANDIDATES // min(width, len(index)), 1), _QUERIES)
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        found.places[block], found.scores[block] = descent.leaves(descent.scorer.oriented(queries[block]), top)
    return found


@dataclass(frozen=True)
class _Descent:
    index: EntityIndex
    scorer: PairScorer
    width: int
    is_summed: bool

    def leaves(self, queries: NDArray[np.float64], top: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The best leaves of a block of oriented queries."""
        kept: list[_Kept] = []
        for level in range(self.index.n_levels):
            kept.append(self._keep(queries, level, self._children(kept, level)))
        rows, places, scores = [], [], []
        for level, here in enumerate(kept):
            is_leaf = self.index.is_leaf[here.place]
            rows.append(here.query[is_leaf])
            places.append(here.place[is_leaf])
            scores.append((self._brought(here, self.index.n_levels - 1 - level) if self.is_summed else here.own)[is_leaf])
        return ranked(np.concatenate(rows), np.concatenate(places), np.concatenate(scores), len(queries), top)

    def _brought(self, kept: _Kept, n_missing: int) -> NDArray[np.float64]:
        """Scores so far, each place standing in for `n_missing` levels below it."""
        total = kept.so_far
        for _ in range(n_missing):
            total = total + kept.own
        return total

    def _children(self, kept: list[_Kept], level: int) -> _Ranges:
        """What the places kept so far have at this level."""
        found = []
        for above, here in enumerate(kept):
            count = self.index.n_children[level][here.place]
            has = np.flatnonzero(count)
            if len(has):
                brought = self._brought(here, level - 1 - above)[has]
                found.append(_Ranges(here.query[has], self.index.first_child[level][here.place[has]].astype(np.int64), count[has].astype(np.int64), brought))
        if len(found) == 1:
            return found[0]
        empty = np.empty(0, dtype=np.int64)
        ranges = _Ranges(*map(np.concatenate, zip(*found, strict=True))) if found else _Ranges(empty, empty, empty, np.empty(0))
        order = np.argsort(ranges.query, kind="stable")
        return _Ranges(*(column[order] for column in ranges))

    def _keep(self, queries: NDArray[np.float64], level: int, ranges: _Ranges) -> _Kept:
        """The best candidates of a level, for one group of queries after the other."""
        starts = np.searchsorted(ranges.query, np.arange(len(queries) + 1))
        running = np.concatenate([[0], np.cumsum(ranges.n_places)])
        n_candidates = running[starts[1:]] - running[starts[:-1]] + len(self.index.roots[level])
        parts = []
        for group in _groups(n_candidates):
            of_group = _Ranges(*(column[starts[group.start] : starts[group.stop]] for column in ranges))
            parts.append(self._keep_group(queries, level, group, of_group))
        return parts[0] if len(parts) == 1 else _Kept(*map(np.concatenate, zip(*parts, strict=True)))

    def _keep_group(self, queries: NDArray[np.float64], level: int, group: range, ranges: _Ranges) -> _Kept:
        tables = self._of_children(queries, level, group, ranges)
        if len(self.index.roots[level]):
            of_roots = self._of_roots(queries[group.start : group.stop], level)
            tables = _Tables(*(np.concatenate(both, axis=1) for both in zip(of_roots, tables, strict=True)))
        row, column = np.nonzero(keep_smallest(tables.so_far if self.is_summed else tables.own, tables.place, self.width))
        return _Kept(row + group.start, *(table[row, column] for table in tables))

    def _of_roots(self, queries: NDArray[np.float64], level: int) -> _Tables:
        roots = self.index.roots[level]
        own = self.scorer.of_all(queries, roots) / self.index.space.tau[level]
        so_far = own
        for _ in range(level):
            so_far = so_far + own
        return _Tables(np.broadcast_to(roots, own.shape), own, so_far)

    def _of_children(self, queries: NDArray[np.float64], level: int, group: range, ranges: _Ranges) -> _Tables:
        which = np.repeat(np.arange(len(ranges.n_places)), ranges.n_places)
        steps = np.arange(len(which))
        place = (ranges.first - (np.cumsum(ranges.n_places) - ranges.n_places))[which] + steps
        query = ranges.query[which]
        own = self.scorer.of_pairs(queries, query, place) / self.index.space.tau[level]
        row = query - group.start
        n_of_row = np.bincount(row, minlength=len(group))
        column = steps - (np.cumsum(n_of_row) - n_of_row)[row]
        shape = len(group), int(n_of_row.max(initial=0))
        return _Tables(*(_table(shape, row, column, values) for values in (place, own, ranges.brought[which] + own)))


def _table(shape: tuple[int, int], row: NDArray[np.int64], column: NDArray[np.int64], values: NDArray[Any]) -> NDArray[Any]:
    table = np.full(shape, -1 if values.dtype.kind == "i" else np.inf, dtype=values.dtype)
    table[row, column] = values
    return table


def _groups(n_candidates: NDArray[np.int64]) -> Iterator[range]:
    """Ranges of queries whose tables of candidates, each as wide as its widest row, fit the memory that is meant for them."""
    if n_candidates.max() * len(n_candidates) <= _CANDIDATES:
        yield range(len(n_candidates))
        return
    start = widest = 0
    for query, n in enumerate(n_candidates.tolist()):
        widest = max(widest, n)
        if query > start and widest * (query + 1 - start) > _CANDIDATES:
            yield range(start, query)
            start, widest = query, n
    yield range(start, len(n_candidates))
