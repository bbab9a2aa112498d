"""Small indexes with equal vectors here and there, and searches written down place by place, to compare with."""

import math
from dataclasses import dataclass, replace

import mpmath
import numpy as np
from hypothesis import strategies as st
from tests.places.factory import hierarchies

from geocairn.places.hierarchy import Hierarchy
from geocairn.search.index import EntityIndex
from geocairn.search.space import PairScorer, Space

DIM = 3


@dataclass(frozen=True)
class Case:
    hierarchy: Hierarchy
    index: EntityIndex
    queries: np.ndarray


def on_surface(vectors: np.ndarray, space: Space) -> np.ndarray:
    """Points of the space above (..., DIM) vectors, in float32."""
    if space.metric == "euclidean":
        return vectors.astype(np.float32)
    if space.metric == "sphere":
        longer = np.concatenate([np.ones((*vectors.shape[:-1], 1)), vectors], axis=-1)
        return (longer / np.linalg.norm(longer, axis=-1, keepdims=True) / math.sqrt(space.curv)).astype(np.float32)
    time = np.sqrt(1 / space.curv + (vectors**2).sum(-1, keepdims=True))
    return np.concatenate([time, vectors], axis=-1).astype(np.float32)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    metric = draw(st.sampled_from(["lorentz", "euclidean", "sphere"]))
    tau = (0.7, 0.4, 0.5, 0.1) if draw(st.booleans()) else (0.3,)
    if metric == "euclidean":
        return Space(metric=metric, tau=tau)
    return Space(metric=metric, tau=tau, curv=draw(st.sampled_from([0.5, 1.0, 2.0])), in_radii=draw(st.booleans()))


@st.composite
def cases(draw: st.DrawFn, max_leaves: int = 14) -> Case:
    """A hierarchy with missing levels, leaves and places without parents at any level, vectors with ties, and queries, some of them on a place."""
    hierarchy = draw(hierarchies(max_leaves))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # A place that loses its children is a leaf, and they have no parent: the arrays that the index reads stay lawful.
    childless = np.flatnonzero(numbers.random(len(hierarchy)) < draw(st.sampled_from([0.0, 0.2])))
    hierarchy = replace(hierarchy, parent=np.where(np.isin(hierarchy.parent, childless), -1, hierarchy.parent).astype(np.int32))
    space, n_prototypes = draw(spaces()), draw(st.sampled_from([1, 1, 3]))
    grid = numbers.normal(size=(draw(st.sampled_from([2, 6, 1000])), DIM))
    vectors = on_surface(grid[numbers.integers(len(grid), size=(len(hierarchy), n_prototypes))], space)
    away = on_surface(numbers.normal(size=(3, DIM)), space)
    queries = np.concatenate([away, vectors[numbers.integers(len(hierarchy), size=2), 0]])
    return Case(hierarchy, EntityIndex.of(vectors[:, 0] if n_prototypes == 1 else vectors, hierarchy, space), queries)


def squared_distance(a: np.ndarray, b: np.ndarray, space: Space) -> float:
    """Of two vectors, with fifty digits."""
    with mpmath.workdps(50):
        a, b = [mpmath.mpf(float(x)) for x in a], [mpmath.mpf(float(x)) for x in b]
        if space.metric == "euclidean":
            return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
        inner = sum(x * y for x, y in zip(a, b, strict=True))
        lorentz = inner - 2 * a[0] * b[0]
        angle = mpmath.acos(min(max(space.curv * inner, -1), 1)) if space.metric == "sphere" else mpmath.acosh(max(-space.curv * lorentz, 1))
        return float(angle**2 / (1 if space.in_radii else space.curv))


def terms(case: Case) -> np.ndarray:
    """(B, N): squared distance over tau of each place, with the bits of the code under test (what they are worth is tested elsewhere)."""
    scorer = PairScorer(case.index.points, case.index.space)
    tau = np.array(case.index.space.tau)[case.hierarchy.level]
    return scorer.of_all(scorer.oriented(case.queries), np.arange(len(case.hierarchy))) / tau


def filled_chain(hierarchy: Hierarchy, place: int, upto: int) -> list[int]:
    """One place per level 0..upto: the place's chain, each missing level filled from above, or from below where nothing is above."""
    by_level = {int(hierarchy.level[above]): above for above in hierarchy.chain(place)}
    chain, last = [], by_level[min(by_level)]
    for level in range(upto + 1):
        last = by_level.get(level, last)
        chain.append(last)
    return chain


def chain_score(hierarchy: Hierarchy, own: np.ndarray, place: int, upto: int, score: str) -> float:
    if score == "last":
        return float(own[place])
    first, *others = (float(own[above]) for above in filled_chain(hierarchy, place, upto))
    for other in others:
        first += other
    return first


def leaves_of(hierarchy: Hierarchy) -> list[int]:
    return [place for place in range(len(hierarchy)) if place not in hierarchy.parent]


def best_leaves(case: Case, score: str, top: int) -> tuple[list[list[int]], list[list[float]]]:
    """By trying every chain."""
    places, scores = [], []
    for own in terms(case):
        ranked = sorted((chain_score(case.hierarchy, own, leaf, len(case.hierarchy.level_names) - 1, score), leaf) for leaf in leaves_of(case.hierarchy))
        ranked = ranked[:top] + [(math.inf, -1)] * (top - len(ranked))
        places.append([place for _, place in ranked])
        scores.append([score for score, _ in ranked])
    return places, scores


def beam_leaves(case: Case, score: str, width: int, top: int) -> list[list[int]]:
    """The beam as its module defines it, one place after the other."""
    hierarchy, leaves, found = case.hierarchy, set(leaves_of(case.hierarchy)), []
    last_level = len(hierarchy.level_names) - 1
    for own in terms(case):
        kept: list[int] = []
        for level in range(last_level + 1):
            candidates = [place for place in hierarchy.places_of(level) if hierarchy.parent[place] < 0 or hierarchy.parent[place] in kept]
            kept += sorted(candidates, key=lambda place: (chain_score(hierarchy, own, place, level, score), place))[:width]
        ranked = sorted((chain_score(hierarchy, own, place, last_level, score), place) for place in kept if place in leaves)
        found.append([place for _, place in ranked[:top]] + [-1] * (top - len(ranked)))
    return found
