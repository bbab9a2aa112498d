"""Riemannian Adam and SGD on the Lorentz model, in float32 as far out as models go.

Tangent vectors are written in the frame that parallel transport along the geodesic from the origin brings to a point: (d,) numbers whose Euclidean length is
their length. So nothing cancels that grows with the distance from the origin, as products of ambient coordinates do: geoopt's optimisers give NaN in float32
at 5 radii. Momenta stay as they are in that frame. Along a step of length e this differs from parallel transport by a turn of at most e / R radians, the area
of the triangle with the origin.

Source: G. Becigneul and O.-E. Ganea, Riemannian adaptive optimization methods, ICLR 2019, algorithm 1a, with one adaptive rate for each point, as in geoopt.
"""

from collections.abc import Iterator
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_TINY = 1e-30


def gradient_in_frame(point: Tensor, gradient: Tensor, curv: float) -> Tensor:
    """Riemannian gradient at points of the hyperboloid, in the frames there.

    Args:
        point: (..., d + 1) with the time coordinate first; it alone is not read, for it follows from the others.
        gradient: (..., d + 1) derivatives by the coordinates.
        curv: > 0, as in `geocairn.models.lorentz`.

    Returns:
        (..., d) whose Euclidean length is that of the gradient.
    """
    space, by_space = point[..., 1:], gradient[..., 1:]
    stretch = curv / (1 + _time_in_radii(space, curv)) * (by_space * space).sum(-1, keepdim=True)
    return by_space + (stretch + sqrt(curv) * gradient[..., :1]) * space


def follow_geodesic(point: Tensor, step: Tensor, curv: float) -> Tensor:
    """Where the geodesic with initial velocity `step` leads in unit time.

    Args:
        point: (..., d + 1).
        step: (..., d) in the frames at the points.
        curv: > 0.

    Returns:
        (..., d + 1) points, exactly on the hyperboloid but for rounding.
    """
    space = point[..., 1:]
    velocity = step + curv / (1 + _time_in_radii(space, curv)) * (step * space).sum(-1, keepdim=True) * space
    length = (sqrt(curv) * torch.linalg.vector_norm(step, dim=-1, keepdim=True)).clamp_min(_TINY)
    moved = torch.cosh(length) * space + torch.sinh(length) / length * velocity
    return torch.cat([_time_in_radii(moved, curv) / sqrt(curv), moved], dim=-1)


class LorentzAdam(Optimizer):
    """Adam on points of the Lorentz model; parameters are geoopt's, and tell their curvature. A point's rate adapts to the length of its gradient."""

    def __init__(self, params: Any, *, lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every point that has a gradient."""
        for group, parameter, point, gradient, curv in _frames(self):
            state = self.state[parameter]
            if not state:
                state |= {"step": 0, "exp_avg": torch.zeros_like(gradient), "exp_avg_sq": torch.zeros_like(gradient[..., :1])}
            state["step"] += 1
            fade, fade_square = group["betas"]
            mean = state["exp_avg"].mul_(fade).add_(gradient, alpha=1 - fade)
            square = state["exp_avg_sq"].mul_(fade_square).add_(gradient.square().sum(-1, keepdim=True), alpha=1 - fade_square)
            size = (square / (1 - fade_square ** state["step"])).sqrt_().add_(group["eps"])
            # A rate may be 0, and divides nothing.
            step = (mean / size).mul_(-group["lr"] / (1 - fade ** state["step"]))
            parameter.copy_(follow_geodesic(point, step, curv))


class LorentzSGD(Optimizer):
    """Gradient descent with momentum on points of the Lorentz model; parameters as for `LorentzAdam`."""

    def __init__(self, params: Any, *, lr: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every point that has a gradient."""
        for group, parameter, point, gradient, curv in _frames(self):
            state = self.state[parameter]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(gradient)
            momentum = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
            parameter.copy_(follow_geodesic(point, -group["lr"] * momentum, curv))


def _frames(optimiser: Optimizer) -> Iterator[tuple[dict[str, Any], Any, Tensor, Tensor, float]]:
    """Each parameter that has a gradient, with its group, its points, the gradient in their frames, and the curvature."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                point, curv = parameter.detach().as_subclass(Tensor), 1 / float(parameter.manifold.k)
                yield group, parameter, point, gradient_in_frame(point, parameter.grad.as_subclass(Tensor), curv), curv


def _time_in_radii(space: Tensor, curv: float) -> Tensor:
    """cosh of the distance from the origin in radii: the time coordinate over R."""
    return torch.sqrt(1 + curv * (space * space).sum(-1, keepdim=True))
