import sys

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import Leaf, hierarchy_of
from tests.search.plain import best_leaves, cases, on_surface, spaces, terms

from geocairn.errors import BadConfig, BadFeatures, MissingExtra
from geocairn.search import flat
from geocairn.search.beam import beam_search
from geocairn.search.flat import nearest_leaves, nearest_places
from geocairn.search.index import EntityIndex
from geocairn.search.space import Space


def one_country(n_cities: int):
    return hierarchy_of([Leaf(("AQ", None, None, f"{number:04}"), -90 + number / 100, 0.0, 1.0) for number in range(n_cities)])


def index_of(vectors: np.ndarray, space: Space) -> EntityIndex:
    """One country with these cities."""
    points = on_surface(vectors, space)
    return EntityIndex.of(np.concatenate([points[:1], points]), one_country(len(vectors)), space)


@given(cases(max_leaves=40), st.integers(0, 3), st.integers(1, 12))
def test_the_nearest_of_a_level_are_those_of_brute_force(case, level, top):
    places = np.array(case.hierarchy.places_of(level), dtype=int)
    found = nearest_places(case.queries, case.index, level, top=top)
    for row, own in enumerate(terms(case)):
        order = places[np.argsort(own[places], kind="stable")][:top]
        assert found.places[row].tolist() == [*order, *[-1] * (top - len(order))]
        assert found.scores[row, : len(order)].tolist() == own[order].tolist()
        assert np.isinf(found.scores[row, len(order) :]).all()


@given(cases(max_leaves=40), st.integers(1, 5))
def test_the_nearest_leaves_are_those_of_brute_force_and_of_the_widest_beam(case, top):
    found = nearest_leaves(case.queries, case.index, top=top)
    places, scores = best_leaves(case, "last", top)
    assert found.places.tolist() == places
    assert found.scores.tolist() == scores
    beam = beam_search(case.queries, case.index, width=len(case.hierarchy), top=top)
    np.testing.assert_array_equal(found.places, beam.places)
    np.testing.assert_array_equal(found.scores, beam.scores)


@given(spaces(), st.integers(0, 2**32 - 1), st.sampled_from([1, 4, 40, 400]), st.integers(1, 12))
def test_of_many_equals_the_lowest_come_first(space, seed, n_different, top):
    numbers = np.random.default_rng(seed)
    index = index_of(numbers.normal(size=(n_different, 3))[numbers.integers(n_different, size=400)], space)
    queries = on_surface(numbers.normal(size=(3, 3)), space)
    found = nearest_places(queries, index, 3, top=top)
    for row, query in enumerate(queries.astype(np.float64)):
        own = brute_force(index.points[1:, 0].astype(np.float64), query, space)
        np.testing.assert_allclose(found.scores[row] * space.tau[-1], np.sort(own)[:top], rtol=1e-9)
        # Rows of equal vectors come in their order, and none of them is left out for a later one.
        groups = [np.flatnonzero((index.points[1:, 0] == index.points[place, 0]).all(1)) + 1 for place in found.places[row]]
        for place, group in zip(found.places[row], groups, strict=True):
            before = [other for other in found.places[row] if other in group and other <= place]
            assert before == group[: len(before)].tolist()


def brute_force(points: np.ndarray, query: np.ndarray, space: Space) -> np.ndarray:
    """Squared distances by the formulas of a textbook."""
    if space.metric == "euclidean":
        return ((points - query) ** 2).sum(1)
    unit = 1 if space.in_radii else 1 / space.curv
    if space.metric == "sphere":
        return np.arccos(np.clip(space.curv * (points * query).sum(1), -1, 1)) ** 2 * unit
    inner = (points[:, 1:] * query[1:]).sum(1) - points[:, 0] * query[0]
    return np.arccosh(np.maximum(-space.curv * inner, 1)) ** 2 * unit


def test_where_no_two_are_nearly_equal_the_order_is_that_of_an_index_of_faiss():
    numbers = np.random.default_rng(0)
    index = index_of(numbers.normal(size=(2000, 16)) * 0.4, Space())
    queries = on_surface(numbers.normal(size=(64, 16)) * 0.4, Space())
    flipped, rival = queries.copy(), faiss.IndexFlatIP(17)
    flipped[:, 0] *= -1
    rival.add(np.ascontiguousarray(index.points[1:, 0]))
    products, rows = rival.search(flipped, 11)
    clear = (-np.diff(products, axis=1) > 1e-4).all(1)
    assert clear.sum() > 50
    np.testing.assert_array_equal(nearest_places(queries, index, 3, top=10).places[clear], rows[clear, :10] + 1)


@pytest.mark.parametrize("length", [30.0, 1e6, 1e17, 1e19])
@pytest.mark.parametrize("metric", ["lorentz", "euclidean"])
def test_far_out_where_float32_says_nothing_the_order_still_is_that_of_float64(metric, length):
    space, numbers = Space(metric=metric), np.random.default_rng(1)
    index = index_of(numbers.normal(size=(300, 3)) * length, space)
    queries = on_surface(numbers.normal(size=(4, 3)) * length, space)
    own = np.array([brute_force(index.points[1:, 0].astype(np.float64), query, space) for query in queries.astype(np.float64)])
    found = nearest_places(queries, index, 3, top=5)
    np.testing.assert_allclose(found.scores, np.sort(own, axis=1)[:, :5], rtol=1e-12)


@given(cases(max_leaves=40), st.integers(1, 5))
def test_neither_batch_nor_threads_change_a_bit(case, top):
    together = nearest_leaves(case.queries, case.index, top=top)
    apart = [nearest_leaves(query[None], case.index, top=top) for query in case.queries]
    np.testing.assert_array_equal(together.places, [found.places[0] for found in apart])
    np.testing.assert_array_equal(together.scores, [found.scores[0] for found in apart])
    n_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        np.testing.assert_array_equal(together.scores, nearest_leaves(case.queries, case.index, top=top).scores)
    finally:
        faiss.omp_set_num_threads(n_threads)


def test_all_are_scored_only_where_the_order_is_in_doubt(monkeypatch):
    numbers, asked = np.random.default_rng(2), []
    whole = flat._among_all
    monkeypatch.setattr(flat, "_among_all", lambda queries, which, *rest: asked.append(len(which)) or whole(queries, which, *rest))
    different = numbers.normal(size=(400, 16)) * 0.5
    queries = on_surface(numbers.normal(size=(32, 16)) * 0.5, Space())
    nearest_places(queries, index_of(different, Space()), 3)
    nearest_places(queries, index_of(np.repeat(different[:20], 20, axis=0), Space()), 3)
    assert asked[0] == 0
    assert asked[1] == 32


def test_no_queries_find_nothing_and_an_empty_level_has_nothing():
    index = index_of(np.ones((3, 3)), Space())
    assert nearest_leaves(np.empty((0, 4)), index, top=2).places.shape == (0, 2)
    assert nearest_places(index.points[:2, 0], index, 1, top=2).places.tolist() == [[-1, -1], [-1, -1]]


def test_what_cannot_be_searched_is_refused():
    index = index_of(np.ones((3, 3)), Space())
    with pytest.raises(BadConfig, match="top = 0: give at least 1"):
        nearest_leaves(index.points[:, 0], index, top=0)
    with pytest.raises(BadConfig, match="level 4: this index has levels 0 to 3"):
        nearest_places(index.points[:, 0], index, 4)
    with pytest.raises(BadFeatures, match="query 0, from 0, is not finite"):
        nearest_places([[np.inf, 0, 0, 0]], index, 3)


def test_without_faiss_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = index_of(np.ones((3, 3)), Space())
    with pytest.raises(MissingExtra, match=r"pip install geocairn\[search\]"):
        nearest_places(index.points[:, 0], index, 3)
