"""Descent on the hyperboloid: held to geoopt in float64, and to itself in float32 where geoopt gives out."""

import pytest
import torch
from geoopt import Lorentz, ManifoldParameter
from geoopt.optim import RiemannianAdam
from torch.testing import assert_close

from geocairn.train.lorentz_descent import LorentzAdam, LorentzSGD, follow_geodesic, gradient_in_frame

CURVATURES = (0.5, 1.0, 2.0)
ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


def points(curv, radius, n=20, dim=6):
    """Points at a distance of `radius` radii from the origin, in float64."""
    direction = torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    direction /= direction.norm(dim=-1, keepdim=True)
    time = torch.full((n, 1), radius, dtype=torch.float64).cosh()
    return torch.cat([time, time.square().sub(1).sqrt() * direction], dim=-1) / curv**0.5


def noise(*shape, seed=2):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def parameter(point, curv):
    return ManifoldParameter(point.clone(), manifold=Lorentz(k=torch.tensor(1 / curv, dtype=point.dtype)))


def descend(optimiser, point, steps):
    """Descend on a distance in space to a target, with noise; where the points end."""
    target = 1.5 * point.detach().as_subclass(torch.Tensor)[:, 1:] + 0.3
    for step in range(steps):
        optimiser.zero_grad()
        loss = (point[:, 1:] - target + 0.1 * noise(*target.shape, seed=step).to(target.dtype)).square().sum() + 0.1 * point[:, 0].sum()
        loss.backward()
        optimiser.step()
    return point.detach().as_subclass(torch.Tensor)


@pytest.mark.parametrize("curv", CURVATURES)
@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.1, 1.0, 5.0])
def test_a_gradient_is_as_long_in_its_frame_as_on_the_manifold(curv, radius):
    x = points(curv, radius)
    g = noise(*x.shape)
    manifold = Lorentz(k=torch.tensor(1 / curv, dtype=torch.float64))
    golden = manifold.egrad2rgrad(x, g.clone())
    assert_close(gradient_in_frame(x, g, curv).square().sum(-1), manifold.inner(x, golden), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("curv", CURVATURES)
@pytest.mark.parametrize("radius", [0.0, 0.1, 1.0, 4.0])
def test_a_step_down_leads_where_geoopt_s_geodesic_leads(curv, radius):
    x = points(curv, radius)
    manifold = Lorentz(k=torch.tensor(1 / curv, dtype=torch.float64))
    g = noise(*x.shape)
    golden = manifold.expmap(x, -0.01 * manifold.egrad2rgrad(x, g.clone()))
    assert_close(follow_geodesic(x, -0.01 * gradient_in_frame(x, g, curv), curv), golden, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("curv", CURVATURES)
def test_nothing_moves_by_a_step_of_no_length(curv):
    for radius in (0.0, 1.0, 6.0):
        x = points(curv, radius)
        assert_close(follow_geodesic(x, torch.zeros_like(x[:, 1:]), curv), x, rtol=1e-12, atol=0)


@pytest.mark.parametrize("curv", CURVATURES)
@pytest.mark.parametrize("radius", [0.1, 1.0, 2.0])
@pytest.mark.parametrize(("lr", "share"), [(1e-2, 3e-2), (1e-3, 3e-3)])
def test_adam_goes_where_geoopt_s_goes(curv, radius, lr, share):
    x = points(curv, radius)

    def ends(kind, steps):
        point = parameter(x, curv)
        return descend(kind([point], lr=lr, **ADAM), point, steps)

    assert_close(ends(LorentzAdam, 1), ends(RiemannianAdam, 1), rtol=1e-9, atol=1e-9)
    # Momenta that do not turn cost less, the shorter the steps are.
    ours, golden = ends(LorentzAdam, 40), ends(RiemannianAdam, 40)
    assert float((ours - golden).norm()) < share * float((golden - x).norm())


@pytest.mark.parametrize("kind", [LorentzAdam, LorentzSGD])
@pytest.mark.parametrize("radius", [0.01, 1.0, 5.0, 8.0])
def test_float32_goes_where_float64_goes_far_out_too(kind, radius):
    start, ends = points(1.0, radius), []
    for dtype in (torch.float64, torch.float32):
        point = parameter(start.to(dtype), 1.0)
        # The derivatives grow as the square of the coordinates.
        made = LorentzAdam([point], lr=1e-2, **ADAM) if kind is LorentzAdam else LorentzSGD([point], lr=1e-2 / float(start[0, 0]) ** 2, momentum=0.9)
        ends.append(descend(made, point, 30).double())
    moved = float((ends[0] - start).norm())
    assert moved > 0.1
    assert float((ends[1] - ends[0]).norm()) < 2e-3 * moved
    time, space = ends[1][:, :1], ends[1][:, 1:]
    assert_close(time, (1 + space.square().sum(-1, keepdim=True)).sqrt(), rtol=1e-6, atol=0)


def test_momentum_carries_a_step_on():
    p = parameter(points(1.0, 0.0, n=1), 1.0)
    optimiser = LorentzSGD([p], lr=0.1, momentum=0.5)
    for _ in range(2):
        p.grad = torch.zeros(1, 7, dtype=torch.float64)
        p.grad[0, 1] = -1 / float(torch.sqrt(1 + p.detach()[0, 1] ** 2))  # a unit gradient along the geodesic
        optimiser.step()
    assert float(torch.asinh(p.detach()[0, 1])) == pytest.approx(0.1 + 0.15)
