"""Maps of classes: products of known shares, and the Dirichlet-multinomial of learned ones."""

import numpy as np
import pytest
from scipy.special import gammaln

from geocairn.systems.map_likelihood import MapModel

REGION_OF_CITY = np.array([1, 0, 1])
CELLS = np.array([[0, 2, 2, 1], [1, 1, 1, 1]])


def test_known_shares_multiply():
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    by_region = np.array([[0.5 * 0.2 * 0.2 * 0.3, 0.1 * 0.8 * 0.8 * 0.1], [0.3**4, 0.1**4]])
    np.testing.assert_allclose(np.exp(MapModel(shares, None, REGION_OF_CITY).log_likelihood(CELLS)), by_region[:, REGION_OF_CITY])


def test_learned_shares_give_the_whole_map_at_once():
    concentration = np.array([[3.0, 1.5, 0.5], [1.0, 20.0, 7.0]])
    expected = np.empty((2, 2))
    for row, cells in enumerate(CELLS):
        counts = np.bincount(cells, minlength=3)
        for region, a in enumerate(concentration):
            expected[row, region] = gammaln(a.sum()) - gammaln(a.sum() + 4) + (gammaln(a + counts) - gammaln(a)).sum()
    np.testing.assert_allclose(MapModel(None, concentration, REGION_OF_CITY).log_likelihood(CELLS), expected[:, REGION_OF_CITY])


def test_much_learned_is_as_good_as_known():
    shares = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    known, learned = MapModel(shares, None, REGION_OF_CITY), MapModel(None, 1e9 * shares, REGION_OF_CITY)
    np.testing.assert_allclose(learned.log_likelihood(CELLS), known.log_likelihood(CELLS), atol=1e-6)


@pytest.mark.parametrize("times", [None, 7.0], ids=["known", "learned"])
def test_a_class_without_any_share_excludes_where_it_is_seen_and_says_nothing_where_it_is_not(times):
    shares = np.array([[0.5, 0.5, 0.0], [0.1, 0.1, 0.8], [1.0, 0.0, 0.0]])

    def found(shares, cells):
        model = MapModel(shares, None, np.arange(len(shares))) if times is None else MapModel(None, times * shares, np.arange(len(shares)))
        return model.log_likelihood(cells)

    without = np.array([[0, 1, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(np.isneginf(found(shares, CELLS)), [[True, False, True], [False, False, True]])
    np.testing.assert_allclose(found(shares, without)[:, 0], found(shares[:1, :2], without)[:, 0])
    np.testing.assert_allclose(found(shares, CELLS)[:, 1], found(shares[1:2], CELLS)[:, 0])


def test_it_is_the_same_after_it_was_kept():
    for kept in (MapModel(np.array([[0.5, 0.5]]), None, np.zeros(2, dtype=int)), MapModel(None, np.array([[2.0, 5.0]]), np.zeros(2, dtype=int))):
        again = MapModel.of_arrays(kept.to_arrays())
        np.testing.assert_array_equal(again.log_likelihood(CELLS % 2), kept.log_likelihood(CELLS % 2))
    assert MapModel.of_arrays({}) is None
