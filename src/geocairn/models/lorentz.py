"""Hyperbolic geometry on the Lorentz model as pure functions of tensors: the one place that knows the curvature convention.

Convention: `curv` > 0 stands for sectional curvature `-curv`; the hyperboloid is `<x, x> = -1/curv`, its radius `R = 1/sqrt(curv)` (geoopt's k and HierLoc's K
are 1/curv). Points are (..., d + 1) with the time coordinate first; tangent vectors at the origin (R, 0, ..., 0) are (..., d), without their time coordinate 0.

Geometry runs in float32 or wider, whatever autocast says: narrower inputs are widened. Source: HierLoc (ICLR 2026), section 3.1, equations 1 and 2.
"""

from math import sqrt

import torch
from torch import Tensor

# Below this product of curvature and squared length a series of three terms is exact to the last bit of float64.
_SMALL = 1e-4
# Farther out float32 overflows: products of two points there are squared on the way to their distance, and a point's own square is squared for gradients.
MAX_NORM_IN_RADII = 20.0


def exp_origin(v: Tensor, curv: float) -> Tensor:
    """The point that the geodesic from the origin with initial velocity `v` reaches in unit time.

    Args:
        v: (..., d) tangent vectors at the origin; longer ones than 20 radii are shortened to that.
        curv: > 0.

    Returns:
        (..., d + 1) points; the gradient at 0 is the identity.

    Source: HierLoc, equation 1.
    """
    v = _wide(v)
    v = _bounded(v, MAX_NORM_IN_RADII / sqrt(curv))
    space = v * _sinhc_of_square(curv * _square(v))
    return _with_time(space, curv)


def log_origin(x: Tensor, curv: float) -> Tensor:
    """The initial velocity of the geodesic from the origin to `x`: inverse of `exp_origin`.

    Args:
        x: (..., d + 1) points.
        curv: > 0.

    Returns:
        (..., d) tangent vectors at the origin.

    Source: HierLoc, equation 1, with arsinh of the space part for arcosh of the time part, which loses all digits near the origin.
    """
    space = _wide(x)[..., 1:]
    return space * _arsinhc_of_square(curv * _square(space))


def inner(x: Tensor, y: Tensor) -> Tensor:
    """Lorentz inner product -x0 y0 + x1 y1 + ...

    Args:
        x, y: (..., d + 1); shapes broadcast.

    Returns:
        (...); -1/curv for a point with itself.
    """
    product = _wide(x) * _wide(y)
    return product[..., 1:].sum(-1) - product[..., 0]


def pairwise_inner(x: Tensor, y: Tensor) -> Tensor:
    """Lorentz inner products of all pairs, as one matrix product.

    Args:
        x: (..., B, d + 1).
        y: (..., N, d + 1).

    Returns:
        (..., B, N).
    """
    x, y = _wide(x), _wide(y)
    with torch.autocast(x.device.type, enabled=False):
        return flip_time(x) @ y.transpose(-1, -2)


def flip_time(x: Tensor) -> Tensor:
    """The point with its time coordinate negated: the Euclidean product of a flipped point with another is their Lorentz product.

    Source: HierLoc, appendix A.8, where FAISS searches so.
    """
    return torch.cat([-x[..., :1], x[..., 1:]], dim=-1)


def distance(x: Tensor, y: Tensor, curv: float) -> Tensor:
    """Geodesic distance, factor R included.

    Args:
        x, y: (..., d + 1) points; shapes broadcast.
        curv: > 0.

    Returns:
        (...) >= 0; exactly 0 for equal points, where the gradient is 0. Relative errors are about eps cosh(a), with a the distance of the farther point
        from the origin in units of R.

    Source: R arcosh(-curv <x, y>) as 2 R arsinh(sqrt(curv <x - y, x - y>) / 2): arcosh near 1 has lost half of the digits.
    """
    square = curv * _square_of_difference(x, y)
    root = _safe_sqrt(square.clamp_min(0))
    return (2 / sqrt(curv)) * torch.asinh(root / 2)


def paper_distance(x: Tensor, y: Tensor, curv: float) -> Tensor:
    """arcosh(-curv <x, y>), the distance in units of R as HierLoc's equation 2 prints it: `distance` times sqrt(curv). Arguments as there."""
    return distance(x, y, curv) * sqrt(curv)


def pairwise_squared_distance(x: Tensor, y: Tensor, curv: float) -> Tensor:
    """Squared geodesic distances of all pairs, from one matrix product: what losses and searches need.

    Args:
        x: (..., B, d + 1).
        y: (..., N, d + 1).
        curv: > 0.

    Returns:
        (..., B, N) >= 0, with finite gradients everywhere: the square is smooth at coincident points, where the distance has a kink. In float32 absolute
        errors are about 1e-7 R^2 cosh(a) cosh(b), with a and b the distances of the points from the origin in units of R.
    """
    return squared_distance_from_inner(pairwise_inner(x, y), curv)


def squared_distance_from_inner(product: Tensor, curv: float) -> Tensor:
    """Squared geodesic distance of points whose Lorentz product is known.

    Args:
        product: (...) <x, y>; values above -1/curv, which only rounding can give, count as -1/curv.
        curv: > 0.

    Returns:
        (...) R^2 arcosh(-curv product)^2.
    """
    excess = (-curv * _wide(product) - 1).clamp_min(0)
    return _squared_arcosh_1p(excess) / curv


def project(x: Tensor, curv: float) -> Tensor:
    """The point of the hyperboloid with the same space coordinates: mends what rounding and optimisers do to a point.

    Args:
        x: (..., d + 1).
        curv: > 0.

    Returns:
        (..., d + 1) with <x, x> = -1/curv.
    """
    return _with_time(_wide(x)[..., 1:], curv)


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _square(v: Tensor) -> Tensor:
    return torch.sum(v * v, dim=-1, keepdim=True)


def _bounded(v: Tensor, longest: float) -> Tensor:
    # First by its largest coordinate, for the square of a huge one is infinite in float32.
    v = v * (longest / v.abs().amax(-1, keepdim=True).clamp_min(longest))
    length = _safe_sqrt(_square(v))
    return torch.where(length > longest, v * (longest / length.clamp_min(longest)), v)


def _with_time(space: Tensor, curv: float) -> Tensor:
    return torch.cat([torch.sqrt(1 / curv + _square(space)), space], dim=-1)


def _square_of_difference(x: Tensor, y: Tensor) -> Tensor:
    """<x - y, x - y>; the difference of the times follows from the spaces, for times far out differ by less than their rounding."""
    x, y = _wide(x), _wide(y)
    gap, total = x[..., 1:] - y[..., 1:], x[..., 1:] + y[..., 1:]
    time_gap = (gap * total).sum(-1) / (x[..., 0] + y[..., 0])
    return (gap * gap).sum(-1) - time_gap * time_gap


def _safe_sqrt(square: Tensor) -> Tensor:
    """Square root with gradient 0, not infinite, at 0."""
    positive = square > 0
    return torch.where(positive, torch.sqrt(torch.where(positive, square, torch.ones_like(square))), torch.zeros_like(square))


def _sinhc_of_square(t: Tensor) -> Tensor:
    """sinh(sqrt(t)) / sqrt(t), smooth at 0."""
    small, near, far = _split(t)
    root = torch.sqrt(far)
    return torch.where(small, 1 + near / 6 * (1 + near / 20 * (1 + near / 42)), torch.sinh(root) / root)


def _arsinhc_of_square(t: Tensor) -> Tensor:
    """arsinh(sqrt(t)) / sqrt(t), smooth at 0."""
    small, near, far = _split(t)
    root = torch.sqrt(far)
    return torch.where(small, 1 - near / 6 * (1 - 9 * near / 20 * (1 - 25 * near / 42)), torch.asinh(root) / root)


def _squared_arcosh_1p(e: Tensor) -> Tensor:
    """arcosh(1 + e)^2 for e >= 0, smooth at 0: 2 e - e^2 / 3 + 4 e^3 / 45 - ..."""
    small, near, far = _split(e)
    arcosh = torch.log1p(far + torch.sqrt(far * (far + 2)))
    return torch.where(small, 2 * near * (1 - near / 6 * (1 - 4 * near / 15 * (1 - 9 * near / 28))), arcosh * arcosh)


def _split(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where a series holds, and arguments for series and closed form, harmless where they are not used: an infinite slope times 0 is no number."""
    small = t < _SMALL
    return small, torch.where(small, t, torch.zeros_like(t)), torch.where(small, torch.ones_like(t), t)
