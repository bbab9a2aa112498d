"""Flat search: the nearest of all places of a level, or of all leaves. FAISS finds candidates in float32, float64 says their order.

FAISS promises no order of equals, and its products differ in the last bits with batch and threads. So it is asked for a few places more than are wanted; these
are scored anew, pair by pair; and where a place that it left out could still be among the wanted ones, by the bound on its rounding, all places are scored.
What comes back is the order by float64 products of the float32 vectors, ties by lowest place: the same for every batch, number of threads and version of FAISS.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.errors import BadConfig, MissingExtra
from geocairn.search.index import EntityIndex, Found
from geocairn.search.select import keep_smallest, ranked
from geocairn.search.space import PairScorer

# Places that FAISS is asked for beyond those that are wanted.
_SPARE = 8
_QUERIES = 1024
# Numbers in the table of all scores of the queries whose order FAISS leaves in doubt.
_TABLE = 2**22
_NEAR_OVERFLOW = 1e37


def nearest_places(queries: ArrayLike, index: EntityIndex, level: int, *, top: int = 1) -> Found:
    """The nearest places of one level.

    Args:
        queries: (B, D) vectors in the index's space; B may be 0.
        index: vectors; not copied.
        level: 0 is the coarsest.
        top: places per query, >= 1.

    Returns:
        `top` places per query with squared distances over the level's tau; -1 where the level has fewer. Where many more places than are wanted are equally
        near, or vectors lie so far out that float32 says little, all places are scored for a query, which is slow.

    Raises:
        BadConfig: top below 1, or no such level.
        BadFeatures: queries of another shape, or not finite.
        MissingExtra: faiss is not installed.

    Source: HierLoc, appendix A.8: the inner product with the time flipped is the Lorentz product, and larger is nearer.
    """
    if not 0 <= level < index.n_levels:
        raise BadConfig(f"level {level}: this index has levels 0 to {index.n_levels - 1}")
    return _nearest(queries, index, [_among(index, level, np.arange(index.level_starts[level], index.level_starts[level + 1]))], top)


def nearest_leaves(queries: ArrayLike, index: EntityIndex, *, top: int = 1) -> Found:
    """The nearest leaves, of whatever level, by squared distance over the tau of each one's level: what a beam with the score `last` seeks.

    Arguments, results and errors as of `nearest_places`.
    """
    leaves = np.split(np.flatnonzero(index.is_leaf), np.searchsorted(np.flatnonzero(index.is_leaf), index.level_starts[1:-1]))
    return _nearest(queries, index, [_among(index, level, places) for level, places in enumerate(leaves)], top)


class _Among(NamedTuple):
    """Places of one level that are searched."""

    places: NDArray[np.int64]
    vectors: NDArray[np.float32]
    longest: float
    tau: float


class _Pairs(NamedTuple):
    """Queries with places, and the score of each pair."""

    query: NDArray[Any]
    place: NDArray[Any]
    score: NDArray[Any]


def _among(index: EntityIndex, level: int, places: NDArray[np.int64]) -> _Among:
    # Consecutive places are a view of the index; leaves at inner levels are few.
    is_run = len(places) > 0 and places[-1] - places[0] + 1 == len(places)
    vectors = index.points[places[0] : places[-1] + 1] if is_run else index.points[places]
    return _Among(places, vectors.reshape(-1, index.points.shape[2]), index.longest[level], index.space.tau[level])


def _nearest(queries: ArrayLike, index: EntityIndex, sets: list[_Among], top: int) -> Found:
    if top < 1:
        raise BadConfig(f"top = {top}: give at least 1")
    faiss = _faiss()
    rows = index.checked_queries(queries)
    scorer = PairScorer(index.points, index.space)
    found = Found(np.full((len(rows), top), -1, dtype=np.int32), np.full((len(rows), top), np.inf))
    for start in range(0, len(rows), _QUERIES):
        block = slice(start, start + _QUERIES)
        oriented = scorer.oriented(rows[block])
        pairs = [part for among in sets if len(among.places) for part in _candidates(faiss, oriented, scorer, among, top)]
        if pairs:
            every = _Pairs(*(np.concatenate(column) for column in zip(*pairs, strict=True)))
            found.places[block], found.scores[block] = ranked(every.query, every.place, every.score, len(oriented), top)
    return found


def _candidates(faiss: ModuleType, queries: NDArray[np.float64], scorer: PairScorer, among: _Among, top: int) -> list[_Pairs]:
    """Pairs among which are the `top` best of each of the oriented queries."""
    n_prototypes = scorer.points.shape[1]
    n_asked = min((top + _SPARE) * n_prototypes, len(among.vectors))
    by_distance = scorer.space.metric == "euclidean"
    metric = faiss.METRIC_L2 if by_distance else faiss.METRIC_INNER_PRODUCT
    worth, rows = faiss.knn(queries.astype(np.float32), among.vectors, n_asked, metric=metric)
    near = np.sort(among.places[rows // n_prototypes], axis=1)
    which, column = np.nonzero(np.diff(near, axis=1, prepend=-1))
    scores = np.full(near.shape, np.inf)
    scores[which, column] = scorer.of_pairs(queries, which, near[which, column]) / among.tau
    in_doubt = np.zeros(len(queries), dtype=bool)
    if n_asked < len(among.vectors):
        worst_wanted = np.partition(scores, top - 1, axis=1)[:, top - 1]
        best_left_out = scorer.space.squared(_best_left_out(worth[:, -1], queries, among.longest, by_distance)) / among.tau
        in_doubt = ~(worst_wanted < best_left_out)
    sure = ~in_doubt[which]
    which, column = which[sure], column[sure]
    return [_Pairs(which, near[which, column], scores[which, column]), *_among_all(queries, np.flatnonzero(in_doubt), scorer, among, top)]


def _best_left_out(last: NDArray[np.float32], queries: NDArray[np.float64], longest: float, by_distance: bool) -> NDArray[np.float64]:
    """(B,) a product that no vector which FAISS left out exceeds, or a squared distance that none falls below, however FAISS rounds its sums.

    NaN where float32 may overflow, so that there is no such bound.
    """
    of_query = np.linalg.norm(queries, axis=1)
    largest = (of_query + longest) ** 2 if by_distance else of_query * longest
    rounding = np.where(largest < _NEAR_OVERFLOW, (queries.shape[1] + 8) * np.finfo(np.float32).eps * largest, np.nan)
    told = last.astype(np.float64)
    return np.maximum(told - rounding, 0) if by_distance else told + rounding


def _among_all(queries: NDArray[np.float64], which: NDArray[np.int64], scorer: PairScorer, among: _Among, top: int) -> list[_Pairs]:
    """The `top` best of all places for the queries `which`."""
    pairs = []
    step = max(1, _TABLE // len(among.places))
    for start in range(0, len(which), step):
        some = which[start : start + step]
        table = scorer.of_all(queries[some], among.places) / among.tau
        row, column = np.nonzero(keep_smallest(table, np.broadcast_to(among.places, table.shape), top))
        pairs.append(_Pairs(some[row], among.places[column], table[row, column]))
    return pairs


def _faiss() -> ModuleType:
    try:
        import faiss
    except ImportError:
        raise MissingExtra("flat search needs faiss, which is not installed: pip install geocairn[search]") from None
    module: ModuleType = faiss
    return module
