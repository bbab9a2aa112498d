import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import small_earth
from tests.search.plain import Case, beam_leaves, best_leaves, cases, on_surface

from geocairn.errors import BadConfig, BadFeatures, UnknownName
from geocairn.places.hierarchy import Hierarchy
from geocairn.search import beam
from geocairn.search.beam import beam_search
from geocairn.search.index import EntityIndex
from geocairn.search.space import Space

scores = st.sampled_from(["last", "sum"])


def widest(hierarchy: Hierarchy) -> int:
    return int(np.bincount(hierarchy.level).max())


def cities(seed: int = 0, n_queries: int = 50, space: Space | None = None) -> Case:
    hierarchy, numbers, space = small_earth(), np.random.default_rng(seed), space or Space()
    index = EntityIndex.of(on_surface(numbers.normal(size=(len(hierarchy), 3)), space), hierarchy, space)
    return Case(hierarchy, index, on_surface(numbers.normal(size=(n_queries, 3)), space))


@given(cases(), scores, st.integers(1, 20))
def test_a_beam_as_wide_as_the_widest_level_finds_what_trying_all_finds(case, score, top):
    found = beam_search(case.queries, case.index, width=widest(case.hierarchy), top=top, score=score)
    places, best = best_leaves(case, score, top)
    assert found.places.tolist() == places
    assert found.scores.tolist() == best


@given(cases(max_leaves=30), scores, st.integers(1, 5), st.integers(1, 4))
def test_a_narrow_beam_keeps_what_its_definition_keeps(case, score, width, top):
    assert beam_search(case.queries, case.index, width=width, top=top, score=score).places.tolist() == beam_leaves(case, score, width, top)


@given(cases(max_leaves=30), scores, st.integers(1, 5), st.integers(1, 4))
def test_neither_batch_nor_threads_nor_blocks_change_a_bit(case, score, width, threads):
    together = beam_search(case.queries, case.index, width=width, top=3, score=score)
    apart = [beam_search(query[None], case.index, width=width, top=3, score=score) for query in case.queries]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam, "_QUERIES", 2)
        patch.setattr(beam, "_CANDIDATES", 4)
        in_pieces = beam_search(case.queries, case.index, width=width, top=3, score=score, threads=threads)
    for other in ([found.places[0] for found in apart], in_pieces.places):
        np.testing.assert_array_equal(together.places, other)
    for other in ([found.scores[0] for found in apart], in_pieces.scores):
        np.testing.assert_array_equal(together.scores, other)


def test_a_city_directly_below_its_country_waits_without_taking_room():
    case = cities()
    hierarchy, space = case.hierarchy, case.index.space
    # The nearest country is Monaco, without regions; the beam of width 1 keeps it, no region or subregion, and its one city.
    far = np.full((len(hierarchy), 3), 4.0) + np.arange(len(hierarchy))[:, None]
    far[hierarchy.index_of("MC")] = 0.1
    index = EntityIndex.of(on_surface(far, space), hierarchy, space)
    found = beam_search(on_surface(np.zeros((1, 3)), space), index, width=1)
    assert hierarchy.ids[int(found.places[0, 0])] == "MC/Monaco"
    assert [place >= 0 for place in index.chains(found.places)[0, 0]] == [True, False, False, True]


def test_in_the_sum_a_missing_level_counts_the_place_above_again():
    case = cities(space=Space(metric="euclidean"))
    hierarchy = case.hierarchy
    found = beam_search(case.queries, case.index, width=len(hierarchy), top=hierarchy.n_leaves, score="sum")
    own = ((case.queries[:, None].astype(float) - case.index.points[None, :, 0]) ** 2).sum(-1)
    for city, weights in (("MC/Monaco", {"MC": 3, "MC/Monaco": 1}), ("JP/13/Tokyo", {"JP": 1, "JP/13": 2, "JP/13/Tokyo": 1})):
        expected = sum(weight * own[:, hierarchy.index_of(place)] for place, weight in weights.items())
        np.testing.assert_allclose(found.scores[found.places == hierarchy.index_of(city)], expected, rtol=1e-12)


def test_fewer_leaves_than_asked_for_end_in_none():
    case = cities(n_queries=2)
    found = beam_search(case.queries, case.index, width=100, top=20)
    assert (found.places[:, :11] >= 0).all()
    assert (found.places[:, 11:] == -1).all()
    assert np.isinf(found.scores[:, 11:]).all()


def test_no_queries_find_nothing():
    case = cities()
    found = beam_search(np.empty((0, 4)), case.index, top=3, threads=2)
    assert found.places.shape == found.scores.shape == (0, 3)


@pytest.mark.parametrize(
    ("bad", "error", "said"),
    [
        ({"width": 0}, BadConfig, "width = 0: give at least 1"),
        ({"top": 0}, BadConfig, "top = 0: give at least 1"),
        ({"threads": -1}, BadConfig, "threads = -1: give at least 1"),
        ({"score": "mean"}, UnknownName, "score 'mean': there are last, sum"),
        ({"queries": np.ones((2, 5))}, BadFeatures, r"queries are float64 of shape \(2, 5\); this index has vectors of 4 numbers: give \(B, 4\)"),
        ({"queries": np.ones(4)}, BadFeatures, r"shape \(4,\)"),
        ({"queries": np.array([["a"] * 4])}, BadFeatures, "queries are <U1"),
        ({"queries": [[1, 0, 0, 0], [1, 0, np.nan, 0]]}, BadFeatures, "query 1, from 0, is not finite"),
        ({"queries": [[1e300, 0, 0, 0]]}, BadFeatures, "query 0, from 0, is not finite in float32"),
    ],
)
def test_what_cannot_be_searched_is_refused(bad, error, said):
    case = cities()
    with pytest.raises(error, match=said):
        beam_search(bad.pop("queries", case.queries), case.index, **bad)
