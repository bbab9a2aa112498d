"""Three geometries behind one interface, so that a model and its Euclidean and spherical twins differ by one setting.

Every geometry maps tangent vectors at its origin to points and back, and gives squared distances of all pairs from one matrix product of `queries` and `keys`:
the larger the product, the nearer, so that an index of inner products finds neighbours in all three. Geometry runs in float32 or wider, whatever autocast says.

Near points far from the origin have products that agree in all digits of float32, and a rounded time, or length, puts them off their space by more than
lies between them. So products are float64, of points that are put back on their space in float64; a square is narrowed once the 1 of the product is off.
"""

from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from geocairn.errors import MissingExtra
from geocairn.models import lorentz

GeometryName = Literal["hyperbolic", "euclidean", "spherical"]

# Tangents of the sphere end before the antipode of the origin, where exp stops being one to one and log loses its digits.
_LONGEST_ON_SPHERE = 0.99 * pi
# The squared angle has an infinite slope at antipodes; beyond an angle of pi - 0.014 it counts as constant.
_LARGEST_EXCESS = 2 - 1e-4
# Below this excess a series of four terms is exact to float64's last bits.
_SMALL = 1e-4
_TINY = 1e-30


class Geometry(Protocol):
    """What a model needs to know of a space of constant curvature."""

    def point_width(self, dim: int) -> int:
        """Numbers that a point of `dim` dimensions is written with."""

    def shorten(self, tangent: Tensor) -> Tensor:
        """(..., d) tangents within the domain where `log` undoes `exp`; longer ones are shortened to it."""

    def exp(self, tangent: Tensor) -> Tensor:
        """(..., d) tangents at the origin -> (..., point_width) points."""

    def log(self, point: Tensor) -> Tensor:
        """(..., point_width) points -> (..., d) tangents at the origin."""

    def queries(self, point: Tensor) -> Tensor:
        """(..., w) float64 vectors whose products with `keys` order points by nearness."""

    def keys(self, point: Tensor) -> Tensor:
        """(..., w) float64 vectors to search among."""

    def squared_distance(self, product: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
        """(...) float64 products of queries and keys -> (...) squared distances >= 0 of that type, falling as the product grows."""

    def manifold(self) -> Any:
        """The geoopt manifold on which a parameter is stepped; needs geoopt."""

    def parameter_from_point(self, point: Tensor) -> Tensor:
        """Points as the geoopt manifold writes them."""

    def point_from_parameter(self, parameter: Tensor) -> Tensor:
        """Inverse of `parameter_from_point`."""


@dataclass(frozen=True)
class Hyperbolic:
    """The Lorentz model of curvature -curv (see `geocairn.models.lorentz`); with `in_radii`, distances lack the factor R, as in HierLoc, equation 2."""

    curv: float = 1.0
    in_radii: bool = False

    def point_width(self, dim: int) -> int:  # noqa: D102
        return dim + 1

    def shorten(self, tangent: Tensor) -> Tensor:  # noqa: D102
        return tangent  # one to one everywhere; `exp` stops at 20 radii, before float32 ends

    def exp(self, tangent: Tensor) -> Tensor:  # noqa: D102
        return lorentz.exp_origin(tangent, self.curv)

    def log(self, point: Tensor) -> Tensor:  # noqa: D102
        return lorentz.log_origin(point, self.curv)

    def queries(self, point: Tensor) -> Tensor:  # noqa: D102
        return lorentz.flip_time(self.keys(point))

    def keys(self, point: Tensor) -> Tensor:  # noqa: D102
        return lorentz.project(point.double(), self.curv)

    def squared_distance(self, product: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:  # noqa: D102
        return _SquaredArcosh.apply(product, -self.curv, 1.0 if self.in_radii else 1 / self.curv, dtype)  # type: ignore[no-any-return, no-untyped-call]

    def manifold(self) -> Any:  # noqa: D102
        return _geoopt().Lorentz(k=1 / self.curv)

    def parameter_from_point(self, point: Tensor) -> Tensor:  # noqa: D102
        return point

    def point_from_parameter(self, parameter: Tensor) -> Tensor:  # noqa: D102
        return parameter


@dataclass(frozen=True)
class Euclidean:
    """Flat space: a point is its tangent. Source: HierLoc's ablation."""

    def point_width(self, dim: int) -> int:  # noqa: D102
        return dim

    def shorten(self, tangent: Tensor) -> Tensor:  # noqa: D102
        return tangent

    def exp(self, tangent: Tensor) -> Tensor:  # noqa: D102
        return _wide(tangent)

    def log(self, point: Tensor) -> Tensor:  # noqa: D102
        return _wide(point)

    def queries(self, point: Tensor) -> Tensor:  # noqa: D102
        point = point.double()
        return torch.cat([point, torch.ones_like(point[..., :1]), _half_square(point)], dim=-1)

    def keys(self, point: Tensor) -> Tensor:  # noqa: D102
        point = point.double()
        return torch.cat([point, _half_square(point), torch.ones_like(point[..., :1])], dim=-1)

    def squared_distance(self, product: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:  # noqa: D102
        return (-2 * product).to(dtype).clamp_min(0)

    def manifold(self) -> Any:  # noqa: D102
        return _geoopt().Euclidean(ndim=1)

    def parameter_from_point(self, point: Tensor) -> Tensor:  # noqa: D102
        return point

    def point_from_parameter(self, parameter: Tensor) -> Tensor:  # noqa: D102
        return parameter


@dataclass(frozen=True)
class Spherical:
    """The sphere of curvature curv and radius R = 1/sqrt(curv), its origin (R, 0, ..., 0); with `in_radii`, distances are angles."""

    curv: float = 1.0
    in_radii: bool = False

    def point_width(self, dim: int) -> int:  # noqa: D102
        return dim + 1

    def shorten(self, tangent: Tensor) -> Tensor:  # noqa: D102
        tangent = _wide(tangent)
        longest = _LONGEST_ON_SPHERE / sqrt(self.curv)
        length = _safe_sqrt(_square(tangent))
        return torch.where(length > longest, tangent * (longest / length.clamp_min(longest)), tangent)

    def exp(self, tangent: Tensor) -> Tensor:  # noqa: D102
        tangent = _wide(tangent)
        square = self.curv * _square(tangent)
        return torch.cat([torch.cos(_safe_sqrt(square)) / sqrt(self.curv), tangent * _sinc_of_square(square)], dim=-1)

    def log(self, point: Tensor) -> Tensor:  # noqa: D102
        point = _wide(point)
        first, rest = point[..., :1], point[..., 1:]
        length = _safe_sqrt(_square(rest))
        is_off = length > 0
        angle = torch.atan2(torch.where(is_off, length, torch.ones_like(length)), first)
        # At the origin the angle equals its sine, and a radius of 1/sqrt(curv) stands in `first`.
        return rest * torch.where(is_off, angle / (sqrt(self.curv) * length.where(is_off, torch.ones_like(length))), torch.ones_like(length))

    def queries(self, point: Tensor) -> Tensor:  # noqa: D102
        return self.keys(point)

    def keys(self, point: Tensor) -> Tensor:  # noqa: D102
        point = point.double()
        return point / (sqrt(self.curv) * _square(point).sqrt())

    def squared_distance(self, product: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:  # noqa: D102
        square = _squared_arccos_1m((1 - self.curv * product).to(dtype).clamp(0, _LARGEST_EXCESS))
        return square if self.in_radii else square / self.curv

    def manifold(self) -> Any:  # noqa: D102
        return _geoopt().Sphere()

    def parameter_from_point(self, point: Tensor) -> Tensor:  # noqa: D102
        return point * sqrt(self.curv)

    def point_from_parameter(self, parameter: Tensor) -> Tensor:  # noqa: D102
        return parameter / sqrt(self.curv)


class _SquaredArcosh(torch.autograd.Function):
    """scale * arcosh(factor * product)^2: `lorentz.squared_distance_from_inner` with one table kept for the gradient in place of ten.

    Tables of all pairs are what a step spends its time on, so this works in place and keeps the derivative itself, both as wide as the square.
    """

    @staticmethod
    def forward(ctx: Any, product: Tensor, factor: float, scale: float, dtype: torch.dtype) -> Tensor:
        excess = (product * factor).sub_(1).to(dtype).clamp_min_(0)
        # Two roots, for the square of the excess of far points overflows float32.
        root = excess.sqrt().mul_((excess + 2).sqrt_())
        angle = excess.add_(root).log1p_()
        if ctx.needs_input_grad[0]:
            # At equal points both vanish, and their ratio is 1.
            ctx.save_for_backward((angle + _TINY).div_(root.add_(_TINY)).mul_(2 * scale * factor))
        return angle.square_().mul_(scale)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return (gradient * ctx.saved_tensors[0]).double(), None, None, None


def geometry_of(name: GeometryName, curv: float, *, in_radii: bool = False) -> Geometry:
    """The geometry of a setting; flat space has no curvature and no radius, and ignores both."""
    made: dict[str, Geometry] = {"hyperbolic": Hyperbolic(curv, in_radii), "euclidean": Euclidean(), "spherical": Spherical(curv, in_radii)}
    return made[name]


def pairwise_products(queries: Tensor, keys: Tensor) -> Tensor:
    """(B, w) queries and (N, w) keys -> (B, N) products, in the width of the queries even under autocast."""
    with torch.autocast(queries.device.type, enabled=False):
        return queries @ keys.transpose(-1, -2)


def pairwise_squared_distance(geometry: Geometry, x: Tensor, y: Tensor) -> Tensor:
    """Squared distances of all pairs of (B, w) and (N, w) points: (B, N) >= 0, float32 unless one of them is float64; from float32 points as exact as those."""
    dtype = torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32
    return geometry.squared_distance(pairwise_products(geometry.queries(x), geometry.keys(y)), dtype)


def _geoopt() -> Any:
    try:
        import geoopt
    except ModuleNotFoundError:
        raise MissingExtra("anchors on a manifold need the package geoopt; mend: pip install geocairn[train], or set entities.anchor to 'tangent'") from None
    return geoopt


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def _square(v: Tensor) -> Tensor:
    return torch.sum(v * v, dim=-1, keepdim=True)


def _half_square(v: Tensor) -> Tensor:
    return -_square(v) / 2


def _safe_sqrt(square: Tensor) -> Tensor:
    """Square root with gradient 0, not infinite, at 0."""
    positive = square > 0
    return torch.where(positive, torch.sqrt(torch.where(positive, square, torch.ones_like(square))), torch.zeros_like(square))


def _sinc_of_square(t: Tensor) -> Tensor:
    """sin(sqrt(t)) / sqrt(t), smooth at 0."""
    small = t < _SMALL
    root = torch.sqrt(torch.where(small, torch.ones_like(t), t))
    return torch.where(small, 1 - t / 6 * (1 - t / 20 * (1 - t / 42)), torch.sin(root) / root)


def _squared_arccos_1m(e: Tensor) -> Tensor:
    """arccos(1 - e)^2 for 0 <= e < 2, smooth at 0: 2 e + e^2 / 3 + 4 e^3 / 45 + ..."""
    small = e < _SMALL
    half = torch.where(small, torch.ones_like(e), e) / 2
    angle = 2 * torch.asin(torch.sqrt(half))
    return torch.where(small, 2 * e * (1 + e / 6 * (1 + 4 * e / 15 * (1 + 9 * e / 28))), angle * angle)
