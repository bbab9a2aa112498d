import math

import geoopt
import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geocairn.models import lorentz

CURVATURES = (0.5, 0.8, 1.0, 2.0)
D = 6
curvatures = st.sampled_from(CURVATURES)
lengths = st.sampled_from([0.0, 1e-7, 1e-3, 0.1, 1.0, 5.0, 9.0])
seeds = st.integers(0, 2**32 - 1)


def tangents(n: int, length: float, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    v = torch.randn(n, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (v / v.norm(dim=-1, keepdim=True) * length).to(dtype)


def manifold(curv: float) -> geoopt.Lorentz:
    """geoopt's, with its curvature in float64: it keeps a float32 one, which is off by 1e-8."""
    found = geoopt.Lorentz(k=1 / curv)
    found.k.data = torch.tensor(1 / curv, dtype=torch.float64)
    return found


@given(curvatures, lengths, seeds)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_log_undoes_exp(dtype, tolerance, curv, length, seed):
    v = tangents(4, length, seed, dtype)
    back = lorentz.log_origin(lorentz.exp_origin(v, curv), curv)
    assert back.dtype == dtype
    torch.testing.assert_close(back, v, rtol=tolerance, atol=tolerance * length)


@given(curvatures, lengths, seeds)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_points_lie_on_the_hyperboloid(dtype, tolerance, curv, length, seed):
    x = lorentz.exp_origin(tangents(4, length, seed, dtype), curv)
    error = (lorentz.inner(x, x) + 1 / curv).abs()
    assert (error <= 10 * tolerance * x[:, 0] ** 2).all()
    torch.testing.assert_close(lorentz.project(x, curv), x, rtol=10 * tolerance, atol=0)


@given(curvatures, lengths, seeds)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_distance_from_the_origin_is_the_length_of_the_tangent(dtype, curv, length, seed):
    tolerance = 10 * torch.finfo(dtype).eps * math.cosh(length * math.sqrt(curv))
    x = lorentz.exp_origin(tangents(4, length, seed, dtype), curv)
    origin = lorentz.exp_origin(torch.zeros(D, dtype=dtype), curv)
    torch.testing.assert_close(lorentz.distance(x, origin, curv), torch.full((4,), length, dtype=dtype), rtol=tolerance, atol=tolerance * length)
    torch.testing.assert_close(
        lorentz.paper_distance(x, origin, curv), torch.full((4,), length * math.sqrt(curv), dtype=dtype), rtol=tolerance, atol=tolerance * length
    )


@given(curvatures, st.sampled_from([0.1, 1.0, 5.0]), seeds)
def test_distance_is_a_metric(curv, length, seed):
    x, y, z = (lorentz.exp_origin(tangents(8, length, seed + shift), curv) for shift in range(3))
    xy, yz, xz = lorentz.distance(x, y, curv), lorentz.distance(y, z, curv), lorentz.distance(x, z, curv)
    torch.testing.assert_close(xy, lorentz.distance(y, x, curv), rtol=1e-13, atol=0)
    assert (lorentz.distance(x, x, curv) == 0).all()
    assert (xz <= xy + yz + 1e-9).all()


@pytest.mark.parametrize("curv", CURVATURES)
@pytest.mark.parametrize("length", [1e-3, 0.3, 2.0, 8.0])
def test_maps_and_distances_equal_geoopt_in_float64(curv, length):
    reference = manifold(curv)
    u, v = tangents(50, length, 1), tangents(50, 1.3 * length, 2)
    x, y = lorentz.exp_origin(u, curv), lorentz.exp_origin(v, curv)
    zeros = torch.zeros(50, 1, dtype=torch.float64)
    torch.testing.assert_close(x, reference.expmap0(torch.cat([zeros, u], dim=1)), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(lorentz.log_origin(x, curv), reference.logmap0(x)[:, 1:], rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(lorentz.distance(x, y, curv), reference.dist(x, y), rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(lorentz.inner(x, y), reference.inner(None, x, y), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(lorentz.pairwise_squared_distance(x, y, curv).diagonal(), reference.dist(x, y) ** 2, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("length", [0.1, 1.0, 5.0])
def test_float32_distances_of_near_points_keep_their_digits(length):
    u = tangents(200, length, 3)
    v = u + tangents(200, 1e-3, 4)
    exact = lorentz.distance(lorentz.exp_origin(u, 1.0), lorentz.exp_origin(v, 1.0), 1.0)
    narrow = lorentz.distance(lorentz.exp_origin(u.float(), 1.0), lorentz.exp_origin(v.float(), 1.0), 1.0)
    # What is left is the rounding of the points themselves: 1e-7 of their length over a gap of 1e-3.
    torch.testing.assert_close(narrow.double(), exact, rtol=2e-3 * max(length, 1), atol=0)


@pytest.mark.parametrize("excess", [0.0, 1e-12, 1e-8, 9.99e-5, 1.001e-4, 0.3, 100.0, 1e12])
@pytest.mark.parametrize("curv", CURVATURES)
def test_the_squared_distance_equals_forty_digits(excess, curv):
    product = torch.tensor(-(1 + excess) / curv, dtype=torch.float64)
    seen = float(-curv * product - 1)  # what is left of the excess once it was added to 1
    with mpmath.workdps(40):
        expected = float(mpmath.acosh(1 + mpmath.mpf(seen)) ** 2 / curv)
    assert float(lorentz.squared_distance_from_inner(product, curv)) == pytest.approx(expected, rel=1e-14)


def test_the_series_meet_their_closed_forms_without_a_step():
    t = torch.tensor([0.999999e-4, 1.000001e-4], dtype=torch.float64)
    for function, slope in ((lorentz._sinhc_of_square, 1 / 6), (lorentz._arsinhc_of_square, -1 / 6), (lorentz._squared_arcosh_1p, 2)):
        low, high = function(t).tolist()
        assert high - low == pytest.approx(slope * 2e-10, rel=1e-3, abs=1e-15)


@given(curvatures, seeds)
def test_all_pairs_equal_each_pair(curv, seed):
    x, y = lorentz.exp_origin(tangents(5, 1.5, seed), curv), lorentz.exp_origin(tangents(7, 0.5, seed + 1), curv)
    each = torch.stack([torch.stack([lorentz.distance(a, b, curv) ** 2 for b in y]) for a in x])
    torch.testing.assert_close(lorentz.pairwise_squared_distance(x, y, curv), each, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(lorentz.flip_time(x) @ y.T, torch.stack([lorentz.inner(a, y) for a in x]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_the_origin_and_at_coincident_points(dtype):
    zero = torch.zeros(3, D, dtype=dtype, requires_grad=True)
    other = lorentz.exp_origin(tangents(3, 1.0, 5, dtype), 1.0)
    at_origin = lorentz.exp_origin(zero, 1.0)
    there = lorentz.exp_origin(zero.detach(), 1.0)
    (to_other,) = torch.autograd.grad(lorentz.distance(at_origin, other, 1.0).sum(), zero, retain_graph=True)
    torch.testing.assert_close(to_other, -lorentz.log_origin(other, 1.0), rtol=1e-4, atol=1e-6)  # of length 1, straight away from the other point
    for value in (lorentz.distance(at_origin, there, 1.0), lorentz.pairwise_squared_distance(at_origin, there, 1.0).diagonal()):
        (gradient,) = torch.autograd.grad(value.sum(), zero, retain_graph=True)
        assert (gradient == 0).all()
    (through,) = torch.autograd.grad(lorentz.log_origin(at_origin, 1.0).sum(), zero)
    assert (through == 1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1e-3, 0.3, 2.0, 8.0])
def test_gradients_at_coincident_points_away_from_the_origin_are_zero(dtype, length):
    v = tangents(5, length, 7, dtype).requires_grad_()
    x = lorentz.exp_origin(v, 0.8)
    (gradient,) = torch.autograd.grad(lorentz.distance(x, x.detach(), 0.8).sum(), v, retain_graph=True)
    assert (gradient == 0).all()
    near = lorentz.exp_origin(v.detach() * (1 + 16 * torch.finfo(dtype).eps), 0.8)
    for value in (lorentz.distance(x, near, 0.8), lorentz.paper_distance(x, near, 0.8)):
        assert torch.autograd.grad(value.sum(), v, retain_graph=True)[0].isfinite().all()
    # The square is smooth: what rounding leaves of its gradient is small beside that of points a step apart.
    (square,) = torch.autograd.grad(lorentz.pairwise_squared_distance(x, x.detach(), 0.8).diagonal().sum(), v)
    assert (square.abs() <= 1e3 * torch.finfo(dtype).eps * math.cosh(length) ** 2).all()


@given(curvatures, st.sampled_from([1e-2, 1.0, 4.0]), seeds)
def test_gradients_are_what_differences_say(curv, length, seed):
    u, v = tangents(2, length, seed).requires_grad_(), tangents(2, 0.7 * length, seed + 1)

    def value(w: torch.Tensor) -> torch.Tensor:
        return lorentz.pairwise_squared_distance(lorentz.exp_origin(w, curv), lorentz.exp_origin(v, curv), curv).sum()

    (gradient,) = torch.autograd.grad(value(u), u)
    step = 1e-5 * length
    for index in range(2 * D):
        moved = torch.zeros(2 * D, dtype=torch.float64)
        moved[index] = step
        slope = (value(u.detach() + moved.view(2, D)) - value(u.detach() - moved.view(2, D))) / (2 * step)
        assert float(gradient.flatten()[index]) == pytest.approx(float(slope), rel=1e-4, abs=1e-4 * length)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_far_tangents_are_shortened_and_stay_finite(dtype):
    v = torch.full((2, D), 1e20, dtype=dtype, requires_grad=True)
    x = lorentz.exp_origin(v, 0.5)
    assert x.isfinite().all()
    reached = float(lorentz.log_origin(x.detach(), 0.5).norm(dim=-1)[0])
    assert reached == pytest.approx(lorentz.MAX_NORM_IN_RADII / math.sqrt(0.5), rel=1e-4)
    opposite = lorentz.exp_origin(-v.detach(), 0.5)
    for value in (lorentz.pairwise_squared_distance(x, x.detach(), 0.5), lorentz.pairwise_squared_distance(x, opposite, 0.5), lorentz.log_origin(x, 0.5)):
        assert value.isfinite().all()
        assert torch.autograd.grad(value.sum(), v, retain_graph=True)[0].isfinite().all()


def test_narrow_numbers_are_widened_whatever_autocast_says():
    v = tangents(4, 2.0, 6, torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = lorentz.exp_origin(v, 1.0)
        product = lorentz.pairwise_inner(x, x)
    assert x.dtype == product.dtype == torch.float32
    torch.testing.assert_close(product.diagonal(), torch.full((4,), -1.0), rtol=1e-4, atol=1e-5)
