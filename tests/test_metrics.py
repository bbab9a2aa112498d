"""Laws, goldens and refusals of the metrics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import binomtest

from geocairn.geo.sphere import geoscore
from geocairn.metrics import (
    THRESHOLDS_KM,
    bootstrap_by_group,
    coverage,
    mean_answered_km,
    mean_geoscore,
    median_km,
    nan_mean,
    paired_bootstrap_by_group,
    percentile_interval,
    resampled_counts,
    wilson_interval,
    within_pct,
)

distances = st.lists(st.one_of(st.floats(0, 20015.1), st.just(float("inf"))), min_size=1, max_size=50)


@given(distances)
def test_within_grows_with_the_threshold_and_stays_a_percentage(km):
    shares = within_pct(km)
    assert (np.diff(shares) >= 0).all()
    assert ((shares >= 0) & (shares <= 100)).all()


@given(distances)
def test_a_photo_more_without_an_answer_never_helps(km):
    with_failure = [*km, float("inf")]
    assert (within_pct(with_failure) <= within_pct(km)).all()
    assert mean_geoscore(with_failure) <= mean_geoscore(km)
    assert median_km(with_failure) >= median_km(km)
    assert mean_answered_km(with_failure)[1] == mean_answered_km(km)[1]


def test_the_threshold_itself_counts_only_where_the_inequality_says_so():
    assert within_pct([25.0], [25.0]).tolist() == [100.0]
    assert within_pct([25.0], [25.0], inclusive=False).tolist() == [0.0]


def test_an_unknown_distance_is_never_within():
    assert within_pct([float("nan")], [2500.0]).tolist() == [0.0]


def test_the_thresholds_are_those_of_the_field():
    assert THRESHOLDS_KM == (1.0, 25.0, 200.0, 750.0, 2500.0)


def test_means_of_no_answer_at_all():
    assert mean_geoscore([np.inf]) == 0
    assert median_km([np.inf, np.inf]) == np.inf
    mean, n = mean_answered_km([np.inf])
    assert np.isnan(mean)
    assert n == 0


def test_geoscore_is_averaged_over_photos_not_over_distances():
    assert mean_geoscore([0.0, 3000.0]) == pytest.approx((5000 + float(geoscore(3000.0))) / 2)


# R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("right", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_equals_the_published_intervals(right, n, low, high):
    assert wilson_interval(right, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy_and_is_mirrored(case):
    right, n = case
    low, high = wilson_interval(right, n, z=1.959963984540054)
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    mirrored = wilson_interval(n - right, n, z=1.959963984540054)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)
    assert 0 <= low <= right / n <= high <= 1


def test_wilson_of_nothing_knows_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_resampled_counts_draw_as_many_groups_as_there_are():
    counts = np.concatenate(list(resampled_counts(7, 130, seed=1)))
    assert counts.shape == (130, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert len(np.unique(counts, axis=0)) > 100


def _slow_bootstrap(values, groups, statistic, n_resamples, seed):
    """The same draws, with the rows of each drawn group written out."""
    labels = np.unique(groups)
    counts = np.concatenate(list(resampled_counts(len(labels), n_resamples, seed)))
    rows = [np.concatenate([np.repeat(values[groups == label], int(n), axis=0) for label, n in zip(labels, row, strict=True)]) for row in counts]
    return np.array([statistic(drawn, axis=0) for drawn in rows])


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_bootstrap_equals_writing_the_drawn_rows_out(statistic):
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 12, 60)
    values = generator.exponential(size=(60, 3))
    slow = {"mean": np.mean, "median": np.median}[statistic]
    expected = _slow_bootstrap(values, groups, slow, 150, seed=3)
    assert_allclose(bootstrap_by_group(values, groups, statistic=statistic, n_resamples=150, seed=3), expected, rtol=1e-12)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_bootstrap_leaves_missing_values_out(statistic):
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 12, 60)
    values = np.where(generator.random(60) < 0.3, np.nan, generator.exponential(size=60))
    slow = {"mean": np.nanmean, "median": np.nanmedian}[statistic]
    expected = _slow_bootstrap(values, groups, slow, 150, seed=3)
    assert_allclose(bootstrap_by_group(values, groups, statistic=statistic, n_resamples=150, seed=3), expected, rtol=1e-12)


def test_the_median_takes_infinite_values():
    values = np.array([1.0, 2.0, np.inf, np.inf])
    resampled = bootstrap_by_group(values, np.arange(4), statistic="median", n_resamples=200)
    assert np.isinf(resampled).any()
    low, high = percentile_interval(resampled)
    assert (low, high) == (1.0, np.inf)


@given(st.floats(-1e6, 1e6), st.sampled_from(["mean", "median"]))
def test_a_constant_has_an_interval_of_no_width(constant, statistic):
    interval = percentile_interval(bootstrap_by_group(np.full(20, constant), np.arange(20) // 3, statistic=statistic, n_resamples=50))
    assert interval == pytest.approx([constant, constant], rel=1e-12)


def test_equal_seeds_give_equal_draws_and_others_do_not():
    values, groups = np.arange(30.0), np.arange(30) // 2
    first, again, other = (bootstrap_by_group(values, groups, n_resamples=20, seed=seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_one_author_alone_gives_no_interval():
    interval = percentile_interval(bootstrap_by_group([1.0, 2.0], ["a", "a"], n_resamples=20))
    assert np.isnan(interval).all()
    assert np.isnan(coverage([True, False], [0.5, 0.5], ["a", "a"], n_resamples=20).standard_error)


def test_near_duplicates_by_one_author_widen_the_interval():
    generator = np.random.default_rng(0)
    by_author = generator.normal(size=100)
    copies = np.repeat(by_author, 10)
    by_photo = bootstrap_by_group(copies, np.arange(1000), n_resamples=500).std()
    grouped = bootstrap_by_group(copies, np.repeat(np.arange(100), 10), n_resamples=500).std()
    assert grouped / by_photo == pytest.approx(np.sqrt(10), rel=0.1)
    assert grouped == pytest.approx(by_author.std() / 10, rel=0.1)


def test_the_interval_of_a_mean_equals_theory():
    values = np.random.default_rng(0).normal(size=2000)
    low, high = percentile_interval(bootstrap_by_group(values, np.arange(2000), n_resamples=2000))
    assert (high - low) / 2 == pytest.approx(1.96 / np.sqrt(2000), rel=0.1)


def test_a_column_without_any_value_has_no_interval_and_no_warning():
    values = np.stack([np.arange(10.0), np.full(10, np.nan)], axis=1)
    for statistic in ("mean", "median"):
        intervals = percentile_interval(bootstrap_by_group(values, np.arange(10), statistic=statistic, n_resamples=50))
        assert np.isfinite(intervals[0]).all()
        assert np.isnan(intervals[1]).all()
    assert np.isnan(nan_mean(values)).tolist() == [False, True]


def test_the_paired_bootstrap_is_antisymmetric():
    generator = np.random.default_rng(0)
    a, b, groups = generator.normal(size=(80, 2)), generator.normal(size=(80, 2)), generator.integers(0, 30, 80)
    forth, back = paired_bootstrap_by_group(a, b, groups), paired_bootstrap_by_group(b, a, groups)
    for difference, reverse in zip(forth, back, strict=True):
        assert (difference.mean, difference.low, difference.high) == pytest.approx((-reverse.mean, -reverse.high, -reverse.low), abs=1e-12)


def test_the_paired_bootstrap_sees_what_unpaired_intervals_cannot():
    generator = np.random.default_rng(0)
    hard = generator.normal(scale=100, size=200)
    [difference] = paired_bootstrap_by_group(hard - 1, hard + generator.normal(scale=0.5, size=200), np.arange(200))
    assert difference.is_below_zero
    assert not difference.is_above_zero
    [same] = paired_bootstrap_by_group(hard, hard, np.arange(200))
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert not same.is_below_zero


def test_honest_masses_are_covered_and_bold_ones_are_not():
    generator = np.random.default_rng(0)
    mass = generator.uniform(0.5, 1.0, 3000)
    honest = coverage(generator.random(3000) < mass, mass, np.arange(3000))
    bold = coverage(generator.random(3000) < mass - 0.2, mass, np.arange(3000))
    assert abs(honest.difference) < 3 * honest.standard_error
    assert bold.difference < -3 * bold.standard_error
    assert honest.difference == pytest.approx(honest.inside - honest.mass)
    assert honest.n == 3000
    assert honest.standard_error == pytest.approx(np.sqrt((mass * (1 - mass)).mean() / 3000), rel=0.1)
