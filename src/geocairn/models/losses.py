"""GWH-InfoNCE: cross-entropy over all entities of a level, in which negatives near the photo weigh more."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi, sin, sqrt
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from geocairn.config import Config
from geocairn.errors import BadConfig, BadFeatures
from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.models.geometry import Geometry, pairwise_products, pairwise_squared_distance

# Scales at which a kernel has fallen to 2^-30.
_REACH = {"laplace": 30 * log(2), "gaussian": sqrt(60 * log(2))}
# Of a product of unit vectors in float32.
_ROUNDING = 1e-6
Kernel = Literal["laplace", "gaussian", "inverse", "none"]
PrototypeScore = Literal["nearest", "soft"]


class GeoWeightConfig(Config):
    """How much nearer negatives weigh: w = 1 + lambda kernel(g / sigma). Source: HierLoc, equation 4."""

    kernel: Kernel = "laplace"
    strength: float = Field(1.0, ge=0, description="lambda; 0 is plain InfoNCE")
    scale_km: tuple[float, ...] = Field((1000.0, 300.0, 100.0, 50.0), description="sigma of each level, coarse to fine")
    is_learned: bool = Field(False, description="learn lambda and sigma too; descent then shrinks them, for a smaller w is always a smaller loss")

    @model_validator(mode="after")
    def _scales_are_lengths(self) -> "GeoWeightConfig":
        if not all(scale > 0 for scale in self.scale_km):
            raise ValueError(f"scale_km {self.scale_km} must be above 0")
        if self.is_learned and self.strength == 0:
            raise ValueError("a strength of 0 cannot be learned, for it is learned as its logarithm; begin above 0")
        return self


class TemperatureConfig(Config):
    """tau, by which squared distances are divided: learned within bounds."""

    first: float = Field(0.02, gt=0, description="small, for points begin within a few tenths of the origin")
    lowest: float = Field(1e-3, gt=0)
    highest: float = Field(10.0, gt=0)
    is_learned: bool = True
    is_shared: bool = Field(False, description="one for all levels, or one for each")

    @model_validator(mode="after")
    def _begins_between_the_bounds(self) -> "TemperatureConfig":
        if not self.lowest < self.first < self.highest:
            raise ValueError(f"first {self.first} must lie between lowest {self.lowest} and highest {self.highest}")
        return self


class LossConfig(Config):
    """Terms of the loss and how it is computed."""

    geo: GeoWeightConfig = GeoWeightConfig()
    tau: TemperatureConfig = TemperatureConfig()
    level_weight: tuple[float, ...] = Field((1.0, 1.0, 1.0, 1.0), description="beta of each level, coarse to fine")
    prototypes: PrototypeScore = Field("nearest", description="an entity is as far as its nearest prototype, or a mean of their likelihoods")
    pairs_at_once: int = Field(
        2**20, ge=1, description="photos times embeddings in memory at a time; more are taken in turns and computed again for the gradient"
    )

    @model_validator(mode="after")
    def _weights_are_not_negative(self) -> "LossConfig":
        if any(weight < 0 for weight in self.level_weight):
            raise ValueError(f"level_weight {self.level_weight} must not be below 0")
        return self

    def check_levels(self, names: tuple[str, ...]) -> None:
        """Refuse settings per level that do not fit the levels.

        Raises:
            BadConfig: another number of values than of levels.
        """
        for key, values in (("loss.geo.scale_km", self.geo.scale_km), ("loss.level_weight", self.level_weight)):
            if len(values) != len(names):
                raise BadConfig(f"{key} has {len(values)} values for {len(names)} levels ({', '.join(names)}); give one for each")


class Temperature(nn.Module):
    """tau of each level, between its bounds whatever is learned: log tau runs between theirs by a sigmoid."""

    raw: Tensor

    def __init__(self, config: TemperatureConfig, n_levels: int) -> None:
        super().__init__()
        self._low, self._high = log(config.lowest), log(config.highest)
        share = (log(config.first) - self._low) / (self._high - self._low)
        self._n_levels = n_levels
        _keep(self, "raw", [log(share / (1 - share))] * (1 if config.is_shared else n_levels), config.is_learned)

    def forward(self, level: int) -> Tensor:
        """() tau > 0 of a level."""
        return torch.exp(self._low + (self._high - self._low) * torch.sigmoid(self.raw.expand(self._n_levels)[level]))


class GeoWeight(nn.Module):
    """lambda and sigma of each level, as their logarithms where they are learned: so w >= 1 always."""

    log_strength: Tensor
    log_scale_km: Tensor

    def __init__(self, config: GeoWeightConfig) -> None:
        super().__init__()
        self.kernel = config.kernel if config.strength > 0 else "none"
        _keep(self, "log_strength", [log(config.strength or 1.0)] * len(config.scale_km), config.is_learned)
        _keep(self, "log_scale_km", [log(scale) for scale in config.scale_km], config.is_learned)

    def strength(self, level: int) -> Tensor:
        """() lambda of a level."""
        return self.log_strength[level].exp()

    def scale_km(self, level: int) -> Tensor:
        """() sigma of a level."""
        return self.log_scale_km[level].exp()

    def forward(self, level: int, here: Tensor, there: Tensor) -> Tensor | None:
        """Logarithms of the weights of negatives.

        Args:
            level: whose lambda and sigma.
            here: (B, 3) float64 unit vectors of the photos.
            there: (N, 3) float64 unit vectors of the entities.

        Returns:
            (B, N) log w in [0, log(1 + lambda)], 0 where a place is not known; None without a kernel.
        """
        if self.kernel == "none":
            return None
        strength, scale_km = self.strength(level), self.scale_km(level)
        if self.kernel == "inverse":
            return log_weight(great_circle_km(here, there), self.kernel, strength, scale_km)
        # Beyond, a kernel adds less than float32 can add to 1: of the thousands of cities, few lie within.
        reach = min(_REACH[self.kernel] * float(scale_km.detach()) / (2 * EARTH_RADIUS_KM), pi / 2)
        photo, entity = (pairwise_products(here.float(), there.float()) > 1 - 2 * sin(reach) ** 2 - _ROUNDING).nonzero(as_tuple=True)
        half = (here[photo] - there[entity]).square().sum(-1).sqrt().div(2).clamp_max(1).asin()
        near = log_weight((2 * EARTH_RADIUS_KM * half).to(strength.dtype), self.kernel, strength, scale_km)
        return torch.zeros(len(here), len(there), dtype=near.dtype, device=near.device).index_put((photo, entity), near)


def great_circle_km(here: Tensor, there: Tensor) -> Tensor:
    """Great-circle distances of all pairs.

    Args:
        here: (B, 3) float64 unit vectors.
        there: (N, 3) float64 unit vectors.

    Returns:
        (B, N) float32 kilometres; NaN where an input is NaN. Off by at most a metre, and by up to a kilometre near antipodes.
    """
    # Half of 1 - cosine is the squared sine of half the angle; float64 here leaves 1e-16, float32 would leave two kilometres.
    square = pairwise_products(here, there).neg_().add_(1).div_(2).float()
    return square.clamp_(0, 1).sqrt_().asin_().mul_(2 * EARTH_RADIUS_KM)


def log_weight(km: Tensor, kernel: Kernel, strength: Tensor, scale_km: Tensor) -> Tensor:
    """log(1 + lambda kernel(g / sigma)).

    Args:
        km: (...) g in kilometres; NaN weighs 1.
        kernel: exp(-x), exp(-x^2 / 2), 1 / (1 + x) or 0 of x = g / sigma.
        strength: lambda >= 0.
        scale_km: sigma > 0.

    Returns:
        (...) in [0, log(1 + lambda)].

    Source: HierLoc, equation 4 and appendix A.7.
    """
    kernels: dict[Kernel, Callable[[Tensor], Tensor]] = {
        "laplace": lambda x: torch.exp(-x),
        "gaussian": lambda x: torch.exp(-x * x / 2),
        "inverse": lambda x: 1 / (1 + x),
        "none": torch.zeros_like,
    }
    return torch.log1p(strength * kernels[kernel](km / scale_km)).nan_to_num(0.0)


def entity_logits(square: Tensor, tau: Tensor, present: Tensor | None, score: PrototypeScore) -> Tensor:
    """Logits of entities from the squared distances of their prototypes.

    Args:
        square: (B, n, P) squared distances.
        tau: ().
        present: (n, P) which prototypes there are, one at least for each entity; None for all.
        score: "nearest", or "soft": the logarithm of the mean of exp(-square / tau).

    Returns:
        (B, n) -d^2 / tau.
    """
    logits = -square / tau
    if logits.shape[-1] == 1:
        return logits[..., 0]
    if present is not None:
        logits = logits.masked_fill(~present, -torch.inf)
    if score == "nearest":
        return logits.amax(-1)
    count = logits.shape[-1] if present is None else present.sum(-1)
    return logits.logsumexp(-1) - torch.log(torch.as_tensor(count, device=logits.device, dtype=logits.dtype))


@dataclass(frozen=True)
class Level:
    """What the loss needs of one level.

    Attributes:
        points: (n, P, w) of its entities' prototypes.
        present: (n, P) which of them there are; None for all.
        log_prior: (n,) what is added to the entities' logits, the positive's too; None for nothing.
        unit: (n, 3) float64 unit vectors of the entities' places.
        tau: () by which squared distances are divided.
        index: of the level, from coarse to fine.
    """

    points: Tensor
    present: Tensor | None
    log_prior: Tensor | None
    unit: Tensor
    tau: Tensor
    index: int


def geo_infonce(geometry: Geometry, images: Tensor, labels: Tensor, here: Tensor, level: Level, weight: GeoWeight, *, config: LossConfig) -> Tensor:
    """-log of the positive's share: cross-entropy of s_j = -d_j^2 / tau + log w_j over all entities of a level, with w = 1 for the positive.

    Args:
        geometry: of the points.
        images: (B, w) points.
        labels: (B,) the entity that each shows, in 0..n-1.
        here: (B, 3) float64 unit vectors of the photos' places.
        level: its entities.
        weight: of negatives.
        config: how prototypes count and how many pairs are in memory at a time.

    Returns:
        (B,) losses >= 0; exactly 0 where the level has one entity.

    Raises:
        BadFeatures: a label beyond the level's entities.

    Source: HierLoc, equations 3 and 4.
    """
    n, prototypes = level.points.shape[:2]
    if len(labels) and int(labels.max()) >= n:
        raise BadFeatures(f"a label names entity {int(labels.max())} of a level with {n} entities; take labels and entities from one hierarchy")
    if n == 0:
        return torch.zeros_like(images[:, 0])
    step = max(1, config.pairs_at_once // max(1, len(images) * prototypes))

    def part(images: Tensor, points: Tensor, start: int) -> tuple[Tensor, Tensor]:
        stop = start + len(points)
        present = None if level.present is None else level.present[start:stop]
        square = pairwise_squared_distance(geometry, images, points.flatten(0, 1))
        logits = entity_logits(square.view(len(square), len(points), prototypes), level.tau, present, config.prototypes)
        if level.log_prior is not None:
            logits = logits + level.log_prior[start:stop]
        is_here = (labels >= start) & (labels < stop)
        column = (labels - start).clamp(0, stop - start - 1)[:, None]
        positive = torch.where(is_here, logits.gather(1, column)[:, 0], torch.zeros_like(logits[:, 0]))
        log_w = weight(level.index, here, level.unit[start:stop])
        if log_w is not None:
            own = torch.where(is_here[:, None], column, -1) == torch.arange(stop - start, device=column.device)
            logits = logits + log_w.masked_fill(own, 0.0)
        return logits.logsumexp(-1), positive

    if step >= n:
        total, positive = part(images, level.points, 0)
        return total - positive
    parts = [checkpoint(part, images, points, start * step, use_reentrant=False) for start, points in enumerate(torch.split(level.points, step))]
    return torch.stack([total for total, _ in parts]).logsumexp(0) - torch.stack([positive for _, positive in parts]).sum(0)


def _keep(module: nn.Module, name: str, values: list[float], is_learned: bool) -> None:
    """A parameter, or numbers outside of the state: what is not learned is the configuration's to say."""
    if is_learned:
        module.register_parameter(name, nn.Parameter(torch.tensor(values)))
    else:
        module.register_buffer(name, torch.tensor(values), persistent=False)
