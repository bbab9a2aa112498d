"""Entities as points: an anchor of their own, moved by what their photos, their place and their name look like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import Field
from torch import Tensor, nn

from geocairn.config import Config
from geocairn.errors import BadConfig, BadFeatures
from geocairn.geo.sphere import unit_from_latlon
from geocairn.models.geometry import Geometry
from geocairn.models.location import LocationConfig, LocationReader, frequencies, sphere_m_plus


class EntityConfig(Config):
    """What an entity's embedding is made of. Source: HierLoc, section 3.3."""

    use_image: bool = True
    no_image_at: tuple[str, ...] = Field((), description="names of levels whose entities do without their photos' features")
    use_location: bool = True
    use_text: bool = True
    leave_out: bool = Field(
        False,
        description="in training, take a batch's own photos out of the means of their entities (not of prototypes), lest it learn to find a photo in its mean",
    )
    encoder: Literal["shared", "per_level"] = Field("shared", description="one network with an embedding of the level, or one network for each level")
    hidden: int = Field(512, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    anchor: Literal["manifold", "tangent"] = Field(
        "manifold", description="anchors are points stepped by RiemannianAdam, or tangents at the origin stepped by AdamW"
    )
    anchor_std: float = Field(0.01, ge=0)
    alpha: float | None = Field(None, gt=0, description="first scale of what the features add; none is one over the root of the dimensions")
    location: LocationConfig = LocationConfig()


@dataclass(frozen=True)
class LevelFeatures:
    """What is known of the n entities of one level before training.

    Attributes:
        name: of the level.
        latlon_deg: (n, 2) degrees, means on the sphere of the training photos; NaN where there is none.
        image: (n, d_img) mean features of an entity's training photos, or (n, P, d_img) of P groups of them (prototypes); NaN where an entity has no such
            prototype, first ones first. None without photos.
        text: (n, d_text) embeddings of the names, NaN where there is none; or None.
        count: (n,) how many training photos each mean is of; None where they are never left out.
    """

    name: str
    latlon_deg: ArrayLike
    image: ArrayLike | Tensor | None = None
    text: ArrayLike | Tensor | None = None
    count: ArrayLike | Tensor | None = None


class Shown(NamedTuple):
    """A batch of training photos: (B, d_img) features, (B,) the entity of each at a level, -1 where it is not known."""

    features: Tensor
    labels: Tensor


class Standardise(nn.Module):
    """Shift and scale features by what training photos have on average: (..., d_img) -> (..., d_img) float32 or wider."""

    mean: Tensor
    std: Tensor

    def __init__(self, d_img: int, mean: ArrayLike | Tensor | None = None, std: ArrayLike | Tensor | None = None) -> None:
        super().__init__()
        for what, value, default in (("mean", mean, torch.zeros(d_img)), ("std", std, torch.ones(d_img))):
            found = default if value is None else torch.as_tensor(value).float()
            if found.shape != (d_img,):
                raise BadFeatures(f"{what} of the features has shape {tuple(found.shape)}, expected ({d_img},)")
            self.register_buffer(what, found.clone())

    def forward(self, features: Tensor) -> Tensor:
        """A feature that never varied (std 0) becomes its difference from the mean."""
        wide = features if features.dtype in (torch.float32, torch.float64) else features.float()
        return (wide - self.mean) / torch.where(self.std > 0, self.std, torch.ones_like(self.std))


class EntityTable(nn.Module):
    """The tangents of all entities: log(A) + alpha Delta, with A an anchor for each entity and Delta read off its features.

    An entity with P image prototypes has P embeddings that share its anchor, place and text; its distance is that to the nearest (or a soft minimum, see
    `LossConfig.prototypes`). What is known beforehand is kept outside of the state: give the same `LevelFeatures` to load a state.
    """

    def __init__(self, config: EntityConfig, geometry: Geometry, dim: int, levels: Sequence[LevelFeatures], scaler: Standardise) -> None:
        super().__init__()
        self.names = tuple(level.name for level in levels)
        _check_levels(config, levels)
        self._geometry, self._config = geometry, config
        scale = frequencies(config.location)
        for index, level in enumerate(levels):
            latlon = torch.as_tensor(np.asarray(level.latlon_deg, dtype=np.float64).reshape(-1, 2))
            self._keep("unit", index, torch.as_tensor(unit_from_latlon(latlon.numpy())))
            self._keep("place", index, sphere_m_plus(latlon, scale).float() if config.use_location else None)
            self._keep("text", index, _known(level.text) if config.use_text else None)
            image = _prototypes(level.image) if config.use_image and level.name not in config.no_image_at else None
            # An entity without any photo keeps one embedding, of features 0.
            present = None if image is None else (~image.isnan().any(-1)).index_fill(1, torch.tensor([0]), True)
            self._keep("image", index, image)
            can_leave_out = config.leave_out and image is not None and image.shape[1] == 1
            self._keep("count", index, torch.as_tensor(level.count).float() if can_leave_out else None)
            self._keep("present", index, None if present is None or bool(present.all()) else present)
        self.scaler = scaler
        self.location = LocationReader(config.location) if config.use_location else None
        everything = self._input_widths(range(len(levels)))
        if config.encoder == "shared":
            self.encoders = nn.ModuleList([_EntityEncoder(everything, len(levels), config.hidden, dim, config.dropout)])
        else:
            own = (self._input_widths([index]) for index in range(len(levels)))
            self.encoders = nn.ModuleList(_EntityEncoder(inputs, 1, config.hidden, dim, config.dropout) for inputs in own)
        self.log_alpha = nn.Parameter(torch.tensor(log(config.alpha or 1 / sqrt(dim))))
        self.anchors = nn.ParameterList(self._anchor(len(self.unit(index)), dim) for index in range(len(levels)))

    def forward(self, level: int, shown: Shown | None = None) -> Tensor:
        """(n, P, d) tangents of a level's entities, without photos `shown` where they are to be left out; prototypes that are not `present` hold anything."""
        anchor = self.anchors[level]
        if self._config.anchor == "manifold":
            anchor = self._geometry.log(self._geometry.point_from_parameter(anchor))
        place, text, image = self._buffer("place", level), self.text(level), self.image(level)
        encoder = self.encoders[0 if self._config.encoder == "shared" else level]
        location = None if place is None or self.location is None else self.location(place)
        if image is not None:
            image = self._without(shown, level, self.scaler(image).nan_to_num(0.0))
        delta = encoder(image, location, text, len(anchor), level if self._config.encoder == "shared" else 0)
        return self._geometry.shorten(anchor[:, None] + self.log_alpha.exp() * delta.to(self.log_alpha.dtype))

    def unit(self, level: int) -> Tensor:
        """(n, 3) float64 unit vectors of the entities' places; NaN where there is none."""
        found = self._buffer("unit", level)
        assert found is not None
        return found

    def image(self, level: int) -> Tensor | None:
        """(n, P, d_img) image features as they were given, or None where the level does without."""
        return self._buffer("image", level)

    def text(self, level: int) -> Tensor | None:
        """(n, d_text) text embeddings of length sqrt(d_text), 0 where there is none; or None."""
        return self._buffer("text", level)

    def present(self, level: int) -> Tensor | None:
        """(n, P) whether an entity has a prototype; None where all have all."""
        return self._buffer("present", level)

    def alpha(self) -> Tensor:
        """The scale of what features add, detached."""
        return self.log_alpha.detach().exp()

    def _input_widths(self, levels: Sequence[int]) -> dict[str, int | None]:
        return {
            "image": _width(self.image(level) for level in levels),
            "location": self._config.location.width if self._config.use_location else None,
            "text": _width(self.text(level) for level in levels),
        }

    def _without(self, shown: Shown | None, level: int, image: Tensor) -> Tensor:
        """Scaled means less the photos shown; of an entity without any other photo nothing is known: 0."""
        count = self._buffer("count", level)
        if shown is None or count is None:
            return image
        is_known = shown.labels >= 0
        rows, place = torch.unique(shown.labels[is_known], return_inverse=True)
        total = torch.zeros(len(rows), image.shape[-1], device=image.device, dtype=image.dtype)
        total.index_add_(0, place, self.scaler(shown.features[is_known]).to(image.dtype))
        left = (count[rows] - place.bincount(minlength=len(rows)))[:, None]
        rest = (image[rows, 0] * count[rows, None] - total) / left.clamp_min(1)
        return image.index_put((rows,), torch.where(left > 0, rest, torch.zeros_like(rest))[:, None].to(image.dtype))

    def _anchor(self, n: int, dim: int) -> nn.Parameter:
        tangent = torch.randn(n, dim) * self._config.anchor_std
        if self._config.anchor == "tangent":
            return nn.Parameter(tangent)
        manifold = self._geometry.manifold()
        from geoopt import ManifoldParameter

        point = self._geometry.parameter_from_point(self._geometry.exp(tangent))
        made: nn.Parameter = ManifoldParameter(point, manifold=manifold)
        return made

    def _keep(self, what: str, level: int, value: Tensor | None) -> None:
        self.register_buffer(f"{what}_{level}", value, persistent=False)

    def _buffer(self, what: str, level: int) -> Tensor | None:
        found: Tensor | None = getattr(self, f"{what}_{level}")
        return found


class FrozenEntities(nn.Module):
    """The tangents that training ended with, without what they were made of: what a bundle carries."""

    def __init__(self, tangents: Sequence[Tensor], present: Sequence[Tensor | None]) -> None:
        super().__init__()
        for index, (tangent, mask) in enumerate(zip(tangents, present, strict=True)):
            self.register_buffer(f"tangent_{index}", tangent)
            self.register_buffer(f"present_{index}", mask)

    def forward(self, level: int, shown: Shown | None = None) -> Tensor:
        """(n, P, d) tangents of a level's entities, whatever is shown."""
        found: Tensor = getattr(self, f"tangent_{level}")
        return found

    def present(self, level: int) -> Tensor | None:
        """(n, P) whether an entity has a prototype; None where all have all."""
        found: Tensor | None = getattr(self, f"present_{level}")
        return found


class _EntityEncoder(nn.Module):
    """Linear layer over the concatenation [image; location; text], GELU, dropout, linear layer.

    The first layer is a sum of one for each part, which equals one over the concatenation and needs no copy of the features at each step.
    """

    def __init__(self, inputs: dict[str, int | None], n_levels: int, hidden: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({part: nn.Linear(width, hidden, bias=False) for part, width in inputs.items() if width is not None})
        self.level = nn.Parameter(torch.randn(n_levels, hidden) * 0.1)
        self.rest = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, dim))

    def forward(self, image: Tensor | None, location: Tensor | None, text: Tensor | None, n: int, level: int) -> Tensor:
        hidden = self.level[level].expand(n, 1, -1)
        for part, value in (("location", location), ("text", text)):
            if value is not None:
                hidden = hidden + self.parts[part](value.to(self.level.dtype))[:, None]
        if image is not None:
            hidden = hidden + self.parts["image"](image.to(self.level.dtype))
        delta: Tensor = self.rest(hidden)
        return delta


def _check_levels(config: EntityConfig, levels: Sequence[LevelFeatures]) -> None:
    names = [level.name for level in levels]
    for name in config.no_image_at:
        if name not in names:
            raise BadConfig(f"entities.no_image_at names {name!r}, which is no level; levels: {', '.join(names)}")
    for level in levels:
        n = len(np.asarray(level.latlon_deg))
        for what, value in (("image features", level.image), ("text embeddings", level.text), ("counts", level.count)):
            if value is not None and len(torch.as_tensor(value)) != n:
                raise BadFeatures(f"level {level.name}: {len(torch.as_tensor(value))} {what} for {n} entities; give one row for each entity")
        if config.use_text and level.text is None:
            raise BadFeatures(f"level {level.name} has no text embeddings; give them, or set entities.use_text to false")
        if config.use_image and level.name not in config.no_image_at and level.image is None:
            raise BadFeatures(f"level {level.name} has no image features; give them, or name it in entities.no_image_at")
        if config.leave_out and level.count is None:
            raise BadFeatures(f"level {level.name} has no counts of photos; give them, or set entities.leave_out to false")


def _prototypes(image: ArrayLike | Tensor | None) -> Tensor | None:
    if image is None:
        return None
    found = _at_most_float32(image)
    return found[:, None] if found.ndim == 2 else found


def _at_most_float32(features: ArrayLike | Tensor) -> Tensor:
    found = torch.as_tensor(features)
    return found.float() if found.dtype == torch.float64 else found


def _known(text: ArrayLike | Tensor | None) -> Tensor | None:
    """Texts of unit length have numbers of a few hundredths: all are brought to the size of standardised features."""
    if text is None:
        return None
    found = _at_most_float32(text).nan_to_num(0.0)
    wide = found.float()
    length: Tensor = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    return (wide * (sqrt(wide.shape[-1]) / length.clamp_min(1e-12))).to(found.dtype)


def _width(parts: Iterable[Tensor | None]) -> int | None:
    widths = {part.shape[-1] for part in parts if part is not None}
    if len(widths) > 1:
        raise BadFeatures(f"levels disagree on the width of their features: {sorted(widths)}; encode them all with one encoder")
    return widths.pop() if widths else None
