import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.search.plain import on_surface, spaces, squared_distance

from geocairn.errors import BadConfig
from geocairn.search.space import PairScorer, Space


@given(spaces(), st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 1.0, 30.0]))
def test_distances_are_those_of_fifty_digits(space, seed, length):
    numbers = np.random.default_rng(seed)
    points, queries = on_surface(numbers.normal(size=(4, 2, 3)) * length, space), on_surface(numbers.normal(size=(3, 3)) * length, space)
    scorer = PairScorer(points, space)
    found = scorer.of_all(scorer.oriented(queries), np.arange(4))
    expected = [[min(squared_distance(query, point, space) for point in place) for place in points] for query in queries]
    # Of the difference between the product and its value for coincident points, rounding leaves this much.
    largest = float(np.abs(points).max() * np.abs(queries).max()) * max(space.curv, 1) * 1e-14 * 4
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=0 if space.metric == "euclidean" else largest)


@given(spaces(), st.integers(0, 2**32 - 1), st.sampled_from([1, 3]))
@pytest.mark.parametrize("dim", [3, 17, 128])
def test_a_pair_has_the_same_bits_whichever_pairs_are_asked_for_with_it(dim, space, seed, n_prototypes):
    numbers = np.random.default_rng(seed)
    points = on_surface(numbers.normal(size=(300, n_prototypes, dim)) * 0.3, space)
    scorer = PairScorer(points, space)
    queries = scorer.oriented(on_surface(numbers.normal(size=(5, dim)) * 0.3, space))
    whole = scorer.of_all(queries, np.arange(300))
    which, places = numbers.integers(5, size=700), numbers.integers(300, size=700)
    np.testing.assert_array_equal(scorer.of_pairs(queries, which, places), whole[which, places])
    np.testing.assert_array_equal(scorer.of_all(queries[2:3], np.arange(7, 8)), whole[2:3, 7:8])
    np.testing.assert_array_equal(scorer.of_pairs(queries, which[:1], places[:1]), whole[which[:1], places[:1]])


@pytest.mark.parametrize("curv", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("metric", ["lorentz", "sphere"])
def test_products_beyond_the_nearest_possible_count_as_it(metric, curv):
    space = Space(metric=metric, curv=curv)
    sign = -1 if metric == "lorentz" else 1
    assert space.squared(np.array([sign / curv, sign / curv + 1e-3 * abs(sign)])).tolist() == [0, 0]
    assert Space(metric="sphere").squared(np.array([-1.1])).tolist() == [np.pi**2]


@pytest.mark.parametrize("metric", ["lorentz", "sphere"])
def test_in_radii_distances_are_the_paper_s(metric):
    product = np.array([-3.0, -2.5]) if metric == "lorentz" else np.array([0.2, -0.1])
    surface, radii = Space(metric=metric, curv=0.5).squared(product), Space(metric=metric, curv=0.5, in_radii=True).squared(product)
    np.testing.assert_allclose(surface, 2 * radii, rtol=1e-15)
    np.testing.assert_allclose(radii, (np.arccosh(-0.5 * product) if metric == "lorentz" else np.arccos(0.5 * product)) ** 2, rtol=1e-14)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"metric": "poincare"}, "metric = 'poincare'"),
        ({"curv": 0}, "curv = 0"),
        ({"tau": []}, "tau = "),
        ({"tau": [1.0, 0.0]}, "a tau is > 0"),
        ({"metric": "euclidean", "curv": 2.0}, "Euclidean space has no curvature"),
        ({"metric": "euclidean", "in_radii": True}, "Euclidean space has no curvature and no radius"),
        ({"k": 1}, "known keys: metric, curv, in_radii, tau"),
    ],
)
def test_spaces_that_make_no_sense_are_refused(bad, said):
    with pytest.raises(BadConfig, match=said):
        Space.parse("recipe.toml", bad)
