"""HierLoc: an image and all entities as points of one space; the nearer, the likelier. Source: HierLoc (ICLR 2026); settings that it leaves open are fields.

Steps: `loss` for training, `cache_entities` and then `level_log_scores` for answers, `inference_state` and `HierLoc.for_inference` for a model without what its
entities were made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, Self

import torch
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from torch import Tensor, nn

from geocairn.config import Config
from geocairn.errors import BadFeatures
from geocairn.models.attention import AttentionConfig, Fusion, KeysAndValues
from geocairn.models.entity_features import EntityConfig, EntityTable, FrozenEntities, LeftOut, LevelFeatures, Standardise
from geocairn.models.geometry import GeometryName, geometry_of, pairwise_squared_distance
from geocairn.models.limits import MOST_UNITS
from geocairn.models.losses import GeoWeight, Level, LossConfig, Temperature, entity_logits, geo_infonce

_SHARPNESS_HIDDEN = 64
_LARGEST_LOG_SHARPNESS = 4.0


class ImageHeadConfig(Config):
    """The image head: two linear layers with GELU and dropout after the first, then a linear layer. Source: HierLoc, section 3.4."""

    hidden: int = Field(512, ge=1, le=MOST_UNITS)
    width: int = Field(512, ge=1, le=MOST_UNITS, description="of the second layer's output")
    dropout: float = Field(0.1, ge=0, lt=1)
    alpha: float | None = Field(None, gt=0, description="first scale of the image's tangent; none is one over the root of the dimensions")
    skip: bool = Field(False, description="add a linear map of the features to the tangent, past the layers")
    sharpness: bool = Field(False, description="scale an image's tangent by how much it tells, read off its features: what tells little stays near the origin")


class HierLocConfig(Config):
    """All settings of the model."""

    geometry: GeometryName = "hyperbolic"
    curv: float = Field(1.0, gt=0, description="size of the curvature, one over the paper's K; flat space has none")
    paper_distance: bool = Field(False, description="distances in units of the radius, as the paper's equation 2 has them; the same at curv 1")
    dim: int = Field(128, ge=1, le=MOST_UNITS)
    image: ImageHeadConfig = ImageHeadConfig()
    entities: EntityConfig = EntityConfig()
    attention: AttentionConfig = AttentionConfig()
    loss: LossConfig = LossConfig()

    @model_validator(mode="after")
    def _heads_divide_dimensions(self) -> "HierLocConfig":
        if self.attention.is_on and self.dim % self.attention.heads:
            raise ValueError(f"attention.heads {self.attention.heads} must divide dim {self.dim}")
        return self


@dataclass(frozen=True)
class StepLoss:
    """The loss of a step and what its log says.

    Attributes:
        total: () sum over levels of level_weight times the mean over the photos that have a label there.
        values: by name ("loss/country", "tau/country", "lambda/country", "sigma_km/country", "alpha/image", "alpha/entities"), () detached.
    """

    total: Tensor
    values: dict[str, Tensor]


@dataclass(frozen=True)
class _Entities:
    """What one step, or all of inference, needs of the entities: tangents, points, keys and values of each level."""

    points: list[Tensor]
    projected: list[KeysAndValues]


class Sharpness(nn.Module):
    """(B, d_img) standardised features -> (B, 1) a positive factor, about 1 at first: a product, which layers of sums learn badly. Ours, not the paper's."""

    def __init__(self, d_img: int) -> None:
        super().__init__()
        out, self.length = nn.Linear(_SHARPNESS_HIDDEN, 1), nn.Linear(1, 1)
        # Near 1 at first, and not so flat that the layer before learned nothing in the first step.
        for layer in (out, self.length):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(nn.Linear(d_img, _SHARPNESS_HIDDEN), nn.GELU(), out)

    def forward(self, features: Tensor) -> Tensor:
        """Within e^-4 and e^4."""
        size = features.square().mean(-1, keepdim=True).clamp_min(1e-12).log()
        found: Tensor = self.layers(features) + self.length(size)
        return torch.exp(_LARGEST_LOG_SHARPNESS * torch.tanh(found.to(features.dtype) / _LARGEST_LOG_SHARPNESS))


class ImageHead(nn.Module):
    """(B, d_img) features -> (B, d) tangents alpha Delta at the origin."""

    def __init__(self, config: ImageHeadConfig, d_img: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(d_img, config.hidden), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, config.width), nn.Linear(config.width, dim)
        )
        self.skip = nn.Linear(d_img, dim, bias=False) if config.skip else None
        self.log_alpha = nn.Parameter(torch.tensor(log(config.alpha or 1 / sqrt(dim))))

    def forward(self, features: Tensor) -> Tensor:
        """Float32 or wider, whatever autocast says."""
        delta: Tensor = self.layers(features)
        if self.skip is not None:
            delta = delta + self.skip(features)
        return self.log_alpha.exp() * delta.to(features.dtype)


class HierLoc(nn.Module):
    """The model, its twins, and its loss.

    Args:
        config: all settings.
        d_img: numbers that an image feature has.
        levels: what is known of the entities, coarse to fine.
        feature_mean, feature_std: (d_img,) over the training photos, by which features of images and entities are standardised; they are part of the state.

    Raises:
        BadConfig: settings per level that do not fit the levels.
        BadFeatures: features that are missing or do not fit.
    """

    def __init__(
        self,
        config: HierLocConfig,
        d_img: int,
        levels: Sequence[LevelFeatures],
        *,
        feature_mean: ArrayLike | Tensor | None = None,
        feature_std: ArrayLike | Tensor | None = None,
    ) -> None:
        super().__init__()
        geometry = geometry_of(config.geometry, config.curv, in_radii=config.paper_distance)
        table = EntityTable(config.entities, geometry, config.dim, levels, Standardise(d_img, feature_mean, feature_std))
        self._build(config, d_img, table.names, table, Standardise(d_img, feature_mean, feature_std))

    def _build(self, config: HierLocConfig, d_img: int, names: tuple[str, ...], entities: EntityTable | FrozenEntities, scaler: Standardise) -> None:
        config.loss.check_levels(names)
        self.config, self.names, self.d_img = config, names, d_img
        self.geometry = geometry_of(config.geometry, config.curv, in_radii=config.paper_distance)
        self.entities, self.scaler = entities, scaler
        self.image_head = ImageHead(config.image, d_img, config.dim)
        self.sharpness = Sharpness(d_img) if config.image.sharpness else None
        self.fusion = Fusion(config.attention, config.dim, len(names)) if config.attention.is_on else None
        self.temperature = Temperature(config.loss.tau, len(names))
        self.geo_weight = GeoWeight(config.loss.geo)
        self._cache: _Entities | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Where images lie among the entities.

        Args:
            features: (B, d_img), of any float type; a row with NaN gives a row of NaN.

        Returns:
            (B, point_width) float32 points Z*.

        Raises:
            BadFeatures: another width.
        """
        return self._place(features, self._entities())

    def loss(self, features: Tensor, labels: Tensor, place_unit: Tensor, left_out: Sequence[LeftOut] | None = None) -> StepLoss:
        """The loss of a batch, over all entities of every level; the table of entities is computed once.

        Args:
            features: (B, d_img).
            labels: (B, L) the entity that each image shows at each level; -1 where it is not known.
            place_unit: (B, 3) float64 unit vectors of where the photos were taken; NaN where not known, and then negatives weigh 1.
            left_out: for each level the photos that are taken out of the means of entities in this step; None takes none out.

        Returns:
            The total and its parts; a level without any label adds 0.
        """
        entities = self._entities(left_out if self.training else None)
        points = self._place(features, entities)
        total = points[:0].sum()
        values: dict[str, Tensor] = {}
        for index, name in enumerate(self.names):
            tau = self.temperature(index)
            value = self._level_loss(index, points, labels[:, index], place_unit, entities.points[index], tau)
            total = total + self.config.loss.level_weight[index] * value
            values |= {f"loss/{name}": value, f"tau/{name}": tau}
            if self.geo_weight.kernel != "none":
                values |= {f"lambda/{name}": self.geo_weight.strength(index), f"sigma_km/{name}": self.geo_weight.scale_km(index)}
        values["alpha/image"] = self.image_head.log_alpha.exp()
        if isinstance(self.entities, EntityTable):
            values["alpha/entities"] = self.entities.alpha()
        return StepLoss(total, {name: value.detach() for name, value in values.items()})

    def level_log_scores(self, features: Tensor) -> list[Tensor]:
        """Log-probabilities of each level's entities: the logarithm of the softmax of -d^2 / tau, and the prior, over a level, not weighed.

        Args:
            features: (B, d_img).

        Returns:
            For each level (B, n) float32.
        """
        entities = self._entities()
        points = self._place(features, entities)
        return [self._logits(index, points, entities.points[index]).log_softmax(-1) for index in range(len(self.names))]

    def entity_points(self, level: int) -> Tensor:
        """(m, point_width) points of a level, all prototypes of an entity one after the other; row i is of entity `entity_owner(level)[i]`."""
        points, present = self._entities().points[level], self.entities.present(level)
        return points.flatten(0, 1) if present is None else points[present]

    def entity_owner(self, level: int) -> Tensor:
        """(m,) int64 entity of each row of `entity_points`; ascending, and 0..n-1 where each has one prototype."""
        points, present = self._entities().points[level], self.entities.present(level)
        owner = torch.arange(len(points), device=points.device)[:, None].expand(points.shape[:2])
        return owner.flatten() if present is None else owner[present]

    def tau(self, level: int) -> float:
        """The temperature of a level, by which squared distances become log-scores."""
        return float(self.temperature(level).detach())

    def cache_entities(self) -> None:
        """Keep points, keys and values of all entities until the model is trained, loaded or moved: what many calls of inference share."""
        self._cache = None
        with torch.no_grad():
            self._cache = self._entities()

    def train(self, mode: bool = True) -> Self:
        """As of every module; what was kept of the entities is dropped, for it would grow old."""
        self._cache = None
        return super().train(mode)

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        """As of every module; what was kept of the entities is dropped."""
        self._cache = None
        return super().load_state_dict(*arguments, **options)

    def _apply(self, *arguments: Any, **options: Any) -> Self:
        self._cache = None
        super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]
        return self

    def manifold_parameters(self) -> list[nn.Parameter]:
        """Parameters that are points of a manifold, to be stepped by RiemannianAdam."""
        return [parameter for parameter in self.parameters() if hasattr(parameter, "manifold")]

    def euclidean_parameters(self) -> list[nn.Parameter]:
        """All other parameters that are learned."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad and not hasattr(parameter, "manifold")]

    def inference_state(self) -> dict[str, Tensor]:
        """The state of the model without what its entities were made of: contiguous tensors on the processor, for `for_inference`."""
        state = {name: value for name, value in self.state_dict().items() if not name.startswith("entities.")}
        with torch.no_grad():
            for index, tangent in enumerate(self.entities()):
                known = {"tangent": tangent, "present": self.entities.present(index), "log_prior": self.entities.log_prior(index)}
                state |= {f"entities.{what}_{index}": value for what, value in known.items() if value is not None}
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    @classmethod
    def for_inference(cls, config: HierLocConfig, names: Sequence[str], state: Mapping[str, Tensor]) -> Self:
        """A model that scores as the one did whose `inference_state` this is, ready to be called.

        Args:
            config: the same.
            names: of the levels, coarse to fine.
            state: from `inference_state`.

        Raises:
            BadFeatures: a state that does not fit the settings.
        """
        try:
            made = cls.__new__(cls)
            nn.Module.__init__(made)
            tangents = [state[f"entities.tangent_{index}"] for index in range(len(names))]
            present, prior = ([state.get(f"entities.{what}_{index}") for index in range(len(names))] for what in ("present", "log_prior"))
            frozen = FrozenEntities(config.dim, tangents, present, prior)
            d_img = state["scaler.mean"].numel()
            made._build(config, d_img, tuple(names), frozen, Standardise(d_img))
            made.load_state_dict(dict(state), strict=True)
        except (KeyError, RuntimeError) as error:
            raise BadFeatures(f"the weights do not fit the settings: {' '.join(str(error).split())[:200]}; take both from one bundle") from None
        return made.eval()

    def _entities(self, left_out: Sequence[LeftOut] | None = None) -> _Entities:
        if self._cache is not None and not self.training:
            return self._cache
        tangents = self.entities(left_out)
        return _Entities([self.geometry.exp(tangent) for tangent in tangents], self._projected(tangents))

    def _projected(self, tangents: Sequence[Tensor]) -> list[KeysAndValues]:
        if self.fusion is None:
            return []
        seen = [tangent if self.config.attention.trains_entities else tangent.detach() for tangent in tangents]
        masks = [self.entities.present(index) for index in range(len(seen))]
        return self.fusion.project([tangent.flatten(0, 1) if mask is None else tangent[mask] for tangent, mask in zip(seen, masks, strict=True)])

    def _place(self, features: Tensor, entities: _Entities) -> Tensor:
        if features.ndim != 2 or features.shape[1] != self.d_img:
            raise BadFeatures(
                f"features have shape {tuple(features.shape)}, expected (photos, {self.d_img}); take those of the encoder that the model was trained on"
            )
        # What exp and log would do in between cancels: z is log(exp(alpha Delta)).
        scaled = self.scaler(features)
        z = self.geometry.shorten(self.image_head(scaled))
        if self.fusion is not None:
            z = self.geometry.shorten(self.fusion(z, entities.projected))
        return self.geometry.exp(z if self.sharpness is None else self.geometry.shorten(z * self.sharpness(scaled)))

    def _level_loss(self, index: int, points: Tensor, labels: Tensor, unit: Tensor, entities: Tensor, tau: Tensor) -> Tensor:
        is_known = labels >= 0
        level = Level(entities, self.entities.present(index), self.entities.log_prior(index), self._unit(index), tau, index)
        rows = geo_infonce(self.geometry, points[is_known], labels[is_known], unit[is_known], level, self.geo_weight, config=self.config.loss)
        return rows.sum() / max(len(rows), 1)

    def _unit(self, index: int) -> Tensor:
        if not isinstance(self.entities, EntityTable):
            raise BadFeatures("a model for inference has no places of entities and cannot be trained; build it from the features of its entities")
        return self.entities.unit(index)

    def _logits(self, index: int, points: Tensor, entities: Tensor) -> Tensor:
        square = pairwise_squared_distance(self.geometry, points, entities.flatten(0, 1)).view(len(points), *entities.shape[:2])
        logits = entity_logits(square, self.temperature(index), self.entities.present(index), self.config.loss.prototypes)
        prior = self.entities.log_prior(index)
        return logits if prior is None else logits + prior
