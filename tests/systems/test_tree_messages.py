"""Messages on a tree: what a dense solve of the joint Gaussian gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import hierarchies, small_earth

from geocairn.systems.tree_messages import leaf_posteriors

LEVEL_VARIANCE = np.array([3.0, 0.8, 0.2, 0.06])


def dense_posteriors(hierarchy, level_variance, precision, linear):
    """Means and variances of the leaves' sums by inverting the joint covariance, one dimension after the other."""
    joint = np.zeros((hierarchy.n_leaves, hierarchy.n_leaves))
    for level, variance in enumerate(level_variance.tolist()):
        ancestor = hierarchy.ancestor_of_leaves(level)
        joint += variance * (ancestor[:, None] == ancestor) * (ancestor >= 0)
    means, variances = np.empty_like(precision), np.empty_like(precision)
    for dim in range(precision.shape[1]):
        covariance = np.linalg.inv(np.linalg.inv(joint) + np.diag(precision[:, dim]))
        means[:, dim], variances[:, dim] = covariance @ linear[:, dim], np.diag(covariance)
    return means, variances


@given(hierarchies(), st.integers(0, 2**32 - 1), st.floats(-2, 4))
def test_they_equal_a_dense_solve(hierarchy, seed, magnitude):
    numbers = np.random.default_rng(seed)
    precision = 10**magnitude * numbers.exponential(size=(hierarchy.n_leaves, 3)) * (numbers.random((hierarchy.n_leaves, 3)) < 0.6)
    linear = precision * numbers.normal(size=precision.shape)
    for found, dense in zip(
        leaf_posteriors(hierarchy, LEVEL_VARIANCE, precision=precision, linear=linear),
        dense_posteriors(hierarchy, LEVEL_VARIANCE, precision, linear),
        strict=True,
    ):
        np.testing.assert_allclose(found, dense, rtol=1e-8, atol=1e-8)


def test_nothing_observed_leaves_the_prior():
    hierarchy = small_earth()
    nothing = np.zeros((hierarchy.n_leaves, 2))
    mean, variance = leaf_posteriors(hierarchy, LEVEL_VARIANCE, precision=nothing, linear=nothing)
    assert not mean.any()
    depth = [sum(LEVEL_VARIANCE[hierarchy.level[place]] for place in hierarchy.chain(leaf)) for leaf in hierarchy.leaves.tolist()]
    np.testing.assert_allclose(variance, np.tile(depth, (2, 1)).T)


def test_a_city_never_seen_has_what_its_subregion_has_and_its_own_variance():
    hierarchy = small_earth()
    names = [hierarchy.names[leaf] for leaf in hierarchy.leaves.tolist()]
    precision = np.zeros((len(names), 1))
    precision[names.index("Lyon")] = 1e9
    mean, variance = leaf_posteriors(hierarchy, LEVEL_VARIANCE, precision=precision, linear=2.0 * precision)
    # Paris shares only the country with Lyon: 3.0 of 4.06 of its variance.
    assert abs(mean[names.index("Paris"), 0] - 2.0 * 3.0 / 4.06) < 1e-6
    assert abs(variance[names.index("Paris"), 0] - (4.06 - 9.0 / 4.06)) < 1e-6
    assert mean[names.index("Tokyo"), 0] == 0
