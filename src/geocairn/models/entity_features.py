"""Entities as points: an anchor of their own, moved by what their photos, their place and their name look like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import Field
from torch import Tensor, nn

from geocairn.config import Config
from geocairn.errors import BadConfig, BadFeatures
from geocairn.geo.sphere import unit_from_latlon
from geocairn.models.geometry import Geometry
from geocairn.models.limits import MOST_UNITS
from geocairn.models.location import LocationConfig, LocationReader, frequencies, sphere_m_plus


class EntityConfig(Config):
    """What an entity's embedding is made of. Source: HierLoc, section 3.3."""

    use_image: bool = True
    no_image_at: tuple[str, ...] = Field((), description="names of levels whose entities do without their photos' features")
    use_location: bool = True
    use_text: bool = True
    leave_out: Literal["none", "photos", "authors"] = Field(
        "none",
        description="in training, take a batch's own photos out of the means of their entities (not of prototypes), lest it learn to find a photo in its mean; "
        "or all that their authors took there, for a new photo has another author",
    )
    encoder: Literal["shared", "per_level"] = Field("shared", description="one network with an embedding of the level, or one network for each level")
    hidden: int = Field(512, ge=1, le=MOST_UNITS)
    dropout: float = Field(0.1, ge=0, lt=1)
    anchor: Literal["manifold", "tangent", "none"] = Field(
        "manifold",
        description="anchors are points stepped by RiemannianAdam, or tangents at the origin stepped by AdamW; none leaves entities to their features",
    )
    anchor_std: float = Field(0.01, ge=0)
    alpha: float | None = Field(None, gt=0, description="first scale of what the features add; none is one over the root of the dimensions")
    inherit: bool = Field(False, description="tangents add up down the tree: an entity begins where the one above it is")
    skip: bool = Field(False, description="add a linear map of the features to what they add, past the layers")
    shrink_photos: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (),
        description="for each level, how many photos of its own weigh as much in an entity's mean as the mean of the one above: learned, these are the first "
        "values; empty for means as they are",
    )
    prior: bool = Field(False, description="add the logarithm of an entity's share of the training photos to its score, which embeddings then need not learn")
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
        count: (n,) how many training photos each mean is of; None where they are neither left out nor a prior.
        above: (n,) the entity above each, counted through all coarser levels one after the other; -1 for none. None where nothing is inherited.
    """

    name: str
    latlon_deg: ArrayLike
    image: ArrayLike | Tensor | None = None
    text: ArrayLike | Tensor | None = None
    count: ArrayLike | Tensor | None = None
    above: ArrayLike | Tensor | None = None


class LeftOut(NamedTuple):
    """Photos that are taken out of the means of a level: (K,) entities, of which one may stand several times, (K, d_img) sums of features, (K,) photos."""

    entity: Tensor
    total: Tensor
    n_photos: Tensor


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

    Ours, not the paper's: with `inherit` the tangent of the entity above is added, and with `shrink_photos` means of few photos are drawn to the mean above.
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
            # Standardised here and not in each step, which would make and keep a copy of the features of all entities.
            self._keep("image", index, None if image is None else _standardised(image, scaler, level.name))
            needs_count = (config.leave_out != "none" or config.shrink_photos) and image is not None and image.shape[1] == 1
            self._keep("count", index, torch.as_tensor(level.count).float() if needs_count else None)
            self._keep("present", index, None if present is None or bool(present.all()) else present)
            self._keep("above", index, torch.as_tensor(level.above).long() if config.inherit or config.shrink_photos else None)
            self._keep("log_prior", index, _log_share(level.count) if config.prior else None)
        self.scaler = scaler
        self.location = LocationReader(config.location) if config.use_location else None
        everything = self._input_widths(range(len(levels)))
        if config.encoder == "shared":
            self.encoders = nn.ModuleList([_EntityEncoder(everything, len(levels), config, dim)])
        else:
            own = (self._input_widths([index]) for index in range(len(levels)))
            self.encoders = nn.ModuleList(_EntityEncoder(inputs, 1, config, dim) for inputs in own)
        self.log_alpha = nn.Parameter(torch.tensor(log(config.alpha or 1 / sqrt(dim))))
        self.log_shrink = nn.Parameter(torch.tensor(config.shrink_photos).log()) if config.shrink_photos else None
        numbers = () if config.anchor == "none" else range(len(levels))
        self.anchors = nn.ParameterList(self._anchor(len(self.unit(index)), dim) for index in numbers)

    def forward(self, left_out: Sequence[LeftOut] | None = None) -> list[Tensor]:
        """Tangents of each level's entities.

        Args:
            left_out: for each level what is to be left out of the means; None leaves nothing out.

        Returns:
            For each level (n, P, d); prototypes that are not `present` hold anything.
        """
        images = self._images(left_out)
        tangents: list[Tensor] = []
        for level, image in enumerate(images):
            own = self._own(level, image)
            tangents.append(own + self._inherited(tangents, level) if self._config.inherit and level else own)
        return [self._geometry.shorten(tangent) for tangent in tangents]

    def _own(self, level: int, image: Tensor | None) -> Tensor:
        """(n, P, d) what a level's entities do not inherit."""
        place, text = self._buffer("place", level), self.text(level)
        encoder = self.encoders[0 if self._config.encoder == "shared" else level]
        location = None if place is None or self.location is None else self.location(place)
        delta = encoder(image, location, text, len(self.unit(level)), level if self._config.encoder == "shared" else 0)
        moved: Tensor = self.log_alpha.exp() * delta.to(self.log_alpha.dtype)
        if self._config.anchor == "none":
            return moved
        anchor = self.anchors[level]
        return moved + (self._geometry.log(self._geometry.point_from_parameter(anchor)) if self._config.anchor == "manifold" else anchor)[:, None]

    def unit(self, level: int) -> Tensor:
        """(n, 3) float64 unit vectors of the entities' places; NaN where there is none."""
        found = self._buffer("unit", level)
        assert found is not None
        return found

    def image(self, level: int) -> Tensor | None:
        """(n, P, d_img) standardised image features, 0 where there is none; or None where the level does without."""
        return self._buffer("image", level)

    def text(self, level: int) -> Tensor | None:
        """(n, d_text) text embeddings of length sqrt(d_text), 0 where there is none; or None."""
        return self._buffer("text", level)

    def present(self, level: int) -> Tensor | None:
        """(n, P) whether an entity has a prototype; None where all have all."""
        return self._buffer("present", level)

    def log_prior(self, level: int) -> Tensor | None:
        """(n,) what is added to the entities' scores; None without a prior."""
        return self._buffer("log_prior", level)

    def alpha(self) -> Tensor:
        """The scale of what features add, detached."""
        return self.log_alpha.detach().exp()

    def _images(self, left_out: Sequence[LeftOut] | None) -> list[Tensor | None]:
        """For each level (n, P, d_img) standardised means, without what is left out and drawn towards the means above where it is so set."""
        found: list[Tensor | None] = []
        for level in range(len(self.names)):
            image, count = self.image(level), self._buffer("count", level)
            if image is not None and count is not None and (left_out is not None or self.log_shrink is not None):
                image = self._means(level, image[:, 0] * count[:, None], count, None if left_out is None else left_out[level], found)
            found.append(image)
        return found

    def _means(self, level: int, total: Tensor, count: Tensor, left_out: LeftOut | None, coarser: Sequence[Tensor | None]) -> Tensor:
        """(n, 1, d_img) means from (n, d_img) sums of (n,) photos; without any photo what lies above, or 0."""
        if left_out is not None:
            n_photos = left_out.n_photos.to(count.dtype)
            means = self.scaler(left_out.total / n_photos[:, None])
            total = total.index_add(0, left_out.entity, -(means * n_photos[:, None]).to(total.dtype))
            count = count.index_add(0, left_out.entity, -n_photos)
        # What is left of a sum without any photo is rounding.
        total = total * (count > 0)[:, None]
        if self.log_shrink is None:
            return (total / count.clamp_min(1)[:, None])[:, None]
        n_above = self.log_shrink[level].exp()
        above = self._rows_above(level, [image[:, 0] for image in coarser if image is not None], total)
        return ((total + n_above * above) / (count + n_above)[:, None])[:, None]

    def _rows_above(self, level: int, coarser: Sequence[Tensor], like: Tensor) -> Tensor:
        """(n, k) rows of the entities above among (m, k) of all coarser levels; 0 where there is none."""
        above = self._buffer("above", level)
        assert above is not None
        # A last row of zeros is what -1 points at.
        return torch.cat([*coarser, torch.zeros_like(like[:1])])[above]

    def _inherited(self, coarser: Sequence[Tensor], level: int) -> Tensor:
        """(n, 1, d) tangents of the entities above, of several prototypes their mean; 0 where there is none."""
        found = []
        for index, tangent in enumerate(coarser):
            present = self.present(index)
            weight = torch.ones_like(tangent[..., :1]) if present is None else present[..., None].to(tangent.dtype)
            found.append((tangent * weight).sum(1) / weight.sum(1))
        return self._rows_above(level, found, found[0])[:, None]

    def _input_widths(self, levels: Sequence[int]) -> dict[str, int | None]:
        return {
            "image": _width(self.image(level) for level in levels),
            "location": self._config.location.width if self._config.use_location else None,
            "text": _width(self.text(level) for level in levels),
        }

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
    """The tangents that training ended with, without what they were made of: what a bundle carries.

    Args:
        dim: d.
        tangents: for each level (n, P, d).
        present: for each level (n, P) bool which of them there are, the first of each entity at least; None for all.
        log_prior: for each level (n,) what is added to the entities' scores; None for nothing.

    Raises:
        BadFeatures: other shapes, or an entity without a tangent.
    """

    def __init__(self, dim: int, tangents: Sequence[Tensor], present: Sequence[Tensor | None], log_prior: Sequence[Tensor | None]) -> None:
        super().__init__()
        self._n_levels = len(tangents)
        for index, (tangent, mask, prior) in enumerate(zip(tangents, present, log_prior, strict=True)):
            _check_frozen(index, dim, tangent, mask, prior)
            self.register_buffer(f"tangent_{index}", tangent)
            self.register_buffer(f"present_{index}", mask)
            self.register_buffer(f"log_prior_{index}", prior)

    def forward(self, left_out: Sequence[LeftOut] | None = None) -> list[Tensor]:
        """For each level (n, P, d) tangents of its entities, whatever is left out."""
        return [getattr(self, f"tangent_{level}") for level in range(self._n_levels)]

    def log_prior(self, level: int) -> Tensor | None:
        """(n,) what is added to the entities' scores; None without a prior."""
        found: Tensor | None = getattr(self, f"log_prior_{level}")
        return found

    def present(self, level: int) -> Tensor | None:
        """(n, P) whether an entity has a prototype; None where all have all."""
        found: Tensor | None = getattr(self, f"present_{level}")
        return found


def _check_frozen(level: int, dim: int, tangent: Tensor, present: Tensor | None, log_prior: Tensor | None) -> None:
    if tangent.ndim != 3 or tangent.shape[1] == 0 or tangent.shape[2] != dim:
        raise BadFeatures(f"'entities.tangent_{level}' has shape {tuple(tangent.shape)}, expected (entities, prototypes, {dim}); take them from one training")
    for what, found, expected in (("present", present, tangent.shape[:2]), ("log_prior", log_prior, tangent.shape[:1])):
        if found is not None and found.shape != expected:
            raise BadFeatures(f"'entities.{what}_{level}' has shape {tuple(found.shape)}, expected {tuple(expected)}; take them from one training")
    if present is not None and not bool(present[:, 0].all()):
        raise BadFeatures(f"'entities.present_{level}' leaves an entity without its first prototype; take them from one training")


class _EntityEncoder(nn.Module):
    """Linear layer over the concatenation [image; location; text], GELU, dropout, linear layer.

    The first layer is a sum of one for each part, which equals one over the concatenation and needs no copy of the features at each step (but where photos
    are left out of means or means are drawn together, which makes other features of them).
    """

    def __init__(self, inputs: dict[str, int | None], n_levels: int, config: EntityConfig, dim: int) -> None:
        super().__init__()
        known = {part: width for part, width in inputs.items() if width is not None}
        self.parts = nn.ModuleDict({part: nn.Linear(width, config.hidden, bias=False) for part, width in known.items()})
        self.skips = nn.ModuleDict({part: nn.Linear(width, dim, bias=False) for part, width in known.items() if config.skip})
        self.level = nn.Parameter(torch.randn(n_levels, config.hidden) * 0.1)
        self.rest = nn.Sequential(nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, dim))

    def forward(self, image: Tensor | None, location: Tensor | None, text: Tensor | None, n: int, level: int) -> Tensor:
        known = {"image": image, "location": None if location is None else location[:, None], "text": None if text is None else text[:, None]}
        inputs = {part: value.to(self.level.dtype) for part, value in known.items() if value is not None}
        hidden = self.level[level].expand(n, 1, -1)
        for part, value in inputs.items():
            hidden = hidden + self.parts[part](value)
        delta: Tensor = self.rest(hidden)
        for part, value in inputs.items():
            if part in self.skips:
                delta = delta + self.skips[part](value)
        return delta


def _check_levels(config: EntityConfig, levels: Sequence[LevelFeatures]) -> None:
    def is_set(key: str) -> bool:
        return getattr(config, key) not in (False, "none", ())

    names = [level.name for level in levels]
    for name in config.no_image_at:
        if name not in names:
            raise BadConfig(f"entities.no_image_at names {name!r}, which is no level; levels: {', '.join(names)}")
    if config.anchor == "none" and not (config.use_image or config.use_location or config.use_text):
        raise BadConfig("entities.anchor is none, and no features are used: nothing would tell entities apart; use some, or anchors")
    if config.shrink_photos and (len(config.shrink_photos) != len(levels) or not config.use_image or config.no_image_at):
        raise BadConfig(
            f"entities.shrink_photos has {len(config.shrink_photos)} values: give one for each of the levels {', '.join(names)}, all with image features"
        )
    for level in levels:
        n = len(np.asarray(level.latlon_deg))
        for what, value in (("image features", level.image), ("text embeddings", level.text), ("counts", level.count), ("entities above", level.above)):
            if value is not None and len(torch.as_tensor(value)) != n:
                raise BadFeatures(f"level {level.name}: {len(torch.as_tensor(value))} {what} for {n} entities; give one row for each entity")
        if config.use_text and level.text is None:
            raise BadFeatures(f"level {level.name} has no text embeddings; give them, or set entities.use_text to false")
        if config.use_image and level.name not in config.no_image_at and level.image is None:
            raise BadFeatures(f"level {level.name} has no image features; give them, or name it in entities.no_image_at")
        prototypes = _prototypes(level.image)
        for key in ("leave_out", "shrink_photos"):
            if is_set(key) and prototypes is not None and prototypes.shape[1] > 1:
                raise BadConfig(
                    f"model.entities.{key} works on one mean for each entity, and level {level.name} has {prototypes.shape[1]} prototypes; "
                    f"set it to {'none' if key == 'leave_out' else '[]'}, or prototypes.per_entity to 1"
                )
        for key in ("leave_out", "shrink_photos", "prior"):
            if is_set(key) and level.count is None:
                raise BadFeatures(f"level {level.name} has no counts of photos; give them, or do without entities.{key}")
        for key in ("inherit", "shrink_photos"):
            if is_set(key) and level.above is None:
                raise BadFeatures(f"level {level.name} does not say what lies above its entities; give it, or do without entities.{key}")


def _log_share(count: ArrayLike | Tensor | None) -> Tensor:
    """Half a photo more each, so that an entity without any is possible still."""
    more = torch.as_tensor(count).double() + 0.5
    return (more / more.sum()).log().float()


def _prototypes(image: ArrayLike | Tensor | None) -> Tensor | None:
    if image is None:
        return None
    found = torch.as_tensor(image).float()
    return found[:, None] if found.ndim == 2 else found


def _standardised(image: Tensor, scaler: Standardise, name: str) -> Tensor:
    if image.shape[-1] != len(scaler.mean):
        raise BadFeatures(f"level {name}: image features of {image.shape[-1]} numbers, where photos have {len(scaler.mean)}; encode all with one encoder")
    return scaler(image).nan_to_num(0.0)  # type: ignore[no-any-return]


def _known(text: ArrayLike | Tensor | None) -> Tensor | None:
    """Texts of unit length have numbers of a few hundredths: all are brought to the size of standardised features."""
    if text is None:
        return None
    found = torch.as_tensor(text).float().nan_to_num(0.0)
    length: Tensor = torch.linalg.vector_norm(found, dim=-1, keepdim=True)
    return found * (sqrt(found.shape[-1]) / length.clamp_min(1e-12))


def _width(parts: Iterable[Tensor | None]) -> int | None:
    widths = {part.shape[-1] for part in parts if part is not None}
    if len(widths) > 1:
        raise BadFeatures(f"levels disagree on the width of their features: {sorted(widths)}; encode them all with one encoder")
    return widths.pop() if widths else None
