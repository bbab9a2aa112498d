import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geocairn.models import lorentz
from geocairn.models.geometry import Euclidean, Geometry, Hyperbolic, Spherical, geometry_of, pairwise_products, pairwise_squared_distance

D = 5
GEOMETRIES: list[Geometry] = [Hyperbolic(0.8), Euclidean(), Spherical(0.8)]
geometries = st.sampled_from(GEOMETRIES)
lengths = st.sampled_from([0.0, 1e-6, 1e-3, 0.3, 1.0, 3.0])
seeds = st.integers(0, 2**32 - 1)


def tangents(n: int, length: float, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    v = torch.randn(n, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (v / v.norm(dim=-1, keepdim=True) * length).to(dtype)


@given(geometries, lengths, seeds)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_log_undoes_exp(dtype, tolerance, geometry, length, seed):
    v = tangents(4, length, seed, dtype)
    point = geometry.exp(v)
    assert point.shape == (4, geometry.point_width(D))
    torch.testing.assert_close(geometry.log(point), v, rtol=tolerance, atol=tolerance * length)


@given(geometries, lengths, seeds)
def test_a_point_is_as_far_from_the_origin_as_its_tangent_is_long(geometry, length, seed):
    squares = pairwise_squared_distance(geometry, geometry.exp(torch.zeros(1, D, dtype=torch.float64)), geometry.exp(tangents(4, length, seed)))
    torch.testing.assert_close(squares, torch.full((1, 4), length**2, dtype=torch.float64), rtol=1e-9, atol=1e-14)


@given(geometries, st.sampled_from([0.1, 1.0, 3.0]), seeds)
def test_distances_obey_the_laws_of_a_metric(geometry, length, seed):
    x, y, z = (geometry.exp(tangents(6, length, seed + shift)) for shift in range(3))
    xy, yz, xz = (pairwise_squared_distance(geometry, a, b).sqrt() for a, b in ((x, y), (y, z), (x, z)))
    torch.testing.assert_close(xy.T, pairwise_squared_distance(geometry, y, x).sqrt())
    assert (xz[:, None, :] <= xy[:, :, None] + yz[None] + 1e-7).all()
    assert (pairwise_squared_distance(geometry, x, x).diagonal() < 1e-12).all()


@given(geometries, st.sampled_from([0.1, 1.0, 3.0]), seeds)
def test_the_larger_the_product_the_nearer(geometry, length, seed):
    x, y = geometry.exp(tangents(3, length, seed)), geometry.exp(tangents(20, 0.6 * length, seed + 1))
    products = pairwise_products(geometry.queries(x), geometry.keys(y))
    assert (products.argsort(descending=True) == pairwise_squared_distance(geometry, x, y).argsort()).all()


def test_twins_have_the_distances_of_their_spaces():
    u, v = tangents(5, 0.7, 1), tangents(5, 1.1, 2)
    flat = pairwise_squared_distance(Euclidean(), u, v)
    torch.testing.assert_close(flat, torch.cdist(u, v) ** 2)
    round_ = Spherical(0.5)
    x, y = round_.exp(u), round_.exp(v)
    angle = torch.nn.functional.cosine_similarity(x[:, None], y[None], dim=-1).acos()
    torch.testing.assert_close(pairwise_squared_distance(round_, x, y), angle**2 / 0.5)
    saddle = Hyperbolic(0.5)
    a, b = saddle.exp(u), saddle.exp(v)
    torch.testing.assert_close(pairwise_squared_distance(saddle, a, b), lorentz.distance(a[:, None], b[None], 0.5) ** 2)


@pytest.mark.parametrize("name", ["hyperbolic", "spherical"])
def test_in_radii_the_distance_lacks_the_radius(name):
    plain, paper = geometry_of(name, 0.5), geometry_of(name, 0.5, in_radii=True)
    x, y = plain.exp(tangents(3, 1.0, 3)), plain.exp(tangents(4, 0.4, 4))
    torch.testing.assert_close(pairwise_squared_distance(paper, x, y), 0.5 * pairwise_squared_distance(plain, x, y))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: type(geometry).__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_the_origin_at_equal_points_and_far_away(geometry, dtype):
    for v in (torch.zeros(2, D, dtype=dtype), tangents(2, 2.0, 5, dtype), torch.full((2, D), 1e6, dtype=dtype)):
        v.requires_grad_()
        x = geometry.exp(geometry.shorten(v))
        values = [pairwise_squared_distance(geometry, x, other).sum() for other in (x.detach(), geometry.exp(-geometry.shorten(v.detach())))]
        if float(v.detach().norm()) < 10:
            values.append(geometry.log(x).sum())
        for value in values:
            (gradient,) = torch.autograd.grad(value, v, retain_graph=True)
            assert gradient.isfinite().all()


@given(geometries, st.sampled_from([1e-2, 0.5, 2.0]), seeds)
def test_gradients_are_what_differences_say(geometry, length, seed):
    u, y = tangents(2, length, seed), geometry.exp(tangents(3, 0.7 * length, seed + 1))
    assert torch.autograd.gradcheck(
        lambda v: pairwise_squared_distance(geometry, geometry.exp(geometry.shorten(v)), y), u.requires_grad_(), atol=1e-4, rtol=1e-3
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("curv", [0.5, 1.0, 2.0])
def test_the_hyperbolic_square_and_its_slope_equal_those_of_lorentz(dtype, curv):
    excess = torch.tensor([0.0, 1e-12, 1e-7, 1e-4, 0.3, 50.0, 1e12], dtype=torch.float64)
    mine, theirs = ((-(1 + excess) / curv).requires_grad_() for _ in range(2))
    found, expected = Hyperbolic(curv).squared_distance(mine, dtype), lorentz.squared_distance_from_inner(theirs, curv)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, rtol=10 * torch.finfo(dtype).eps, atol=0)
    found.sum().backward(), expected.sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-6 if dtype == torch.float32 else 1e-8, atol=0)


def test_tangents_of_the_sphere_end_before_the_antipode():
    sphere = Spherical(4.0)
    short, long = tangents(3, 1.5, 6), tangents(3, 9.0, 6)
    assert sphere.shorten(short).equal(short)
    torch.testing.assert_close(sphere.shorten(long).norm(dim=-1), torch.full((3,), 0.99 * math.pi / 2, dtype=torch.float64))
    torch.testing.assert_close(sphere.log(sphere.exp(sphere.shorten(long))), sphere.shorten(long))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: type(geometry).__name__)
def test_points_become_parameters_of_geoopt_and_come_back(geometry):
    point = geometry.exp(tangents(4, 0.3, 7))
    parameter = geometry.parameter_from_point(point)
    assert geometry.manifold().check_point_on_manifold(parameter.float(), atol=1e-5)
    torch.testing.assert_close(geometry.point_from_parameter(parameter), point)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: type(geometry).__name__)
def test_narrow_numbers_are_widened_whatever_autocast_says(geometry):
    v, w = tangents(4, 0.5, 8, torch.bfloat16), tangents(3, 0.5, 9, torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        squares = pairwise_squared_distance(geometry, geometry.exp(v), geometry.exp(w))
    assert squares.dtype == torch.float32
    torch.testing.assert_close(squares, pairwise_squared_distance(geometry, geometry.exp(v.double()), geometry.exp(w.double())).float(), rtol=1e-5, atol=0)
