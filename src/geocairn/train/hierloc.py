"""HierLoc as a task: a folder of data with manifests and features -> a hierarchy of the training rows, entity features, a model and its bundle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator
from torch import Tensor

from geocairn.data.feature_store import FeatureStore
from geocairn.geo.sphere import latlon_from_unit
from geocairn.models.entity_features import LeftOut, LevelFeatures
from geocairn.models.hierloc import HierLoc, HierLocConfig
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.bundle import BundleConfig
from geocairn.systems.hierloc import KIND, save_hierloc
from geocairn.systems.leaf_scorer import Scaling
from geocairn.systems.photo_features import encoders_of
from geocairn.train.author_spread import AugmentSettings, author_spread
from geocairn.train.entity_means import EntityMeans, PrototypeSettings, entity_means, entity_prototypes
from geocairn.train.inputs import OpenFeatures, open_features
from geocairn.train.leaked import LEAKED_SPLITS, LeakablePlaces, build_leaked_places
from geocairn.train.leaves import feature_scaling, labelled_levels, right_pct, unknown_labels
from geocairn.train.left_out import AuthorSums, own_photos
from geocairn.train.names import NameSettings
from geocairn.train.row_labels import UNKNOWN
from geocairn.train.rows import RowsRecipe, build_places, read_rows, read_validation
from geocairn.train.task import ParameterGroup
from geocairn.train.used import files_used

_LEAKED_ORIGIN = (
    "training, validation and TEST rows (places.leaked = true), as are the mean features of places. LEAKED: its figures on those rows are no honest test, "
    "and it is to be used for nothing but to measure what the leak is worth."
)


class HierLocRecipe(RowsRecipe):
    """A recipe of HierLoc."""

    system: Literal["hierloc"] = "hierloc"
    places: LeakablePlaces = LeakablePlaces()
    text: NameSettings = NameSettings()
    prototypes: PrototypeSettings = PrototypeSettings()
    augment: AugmentSettings = AugmentSettings()
    model: HierLocConfig = HierLocConfig()

    def data_used(self) -> Mapping[str, str]:
        """Also the test rows where they leak, and the encoder of names."""
        leaked = files_used(self.data.dir, ("test.parquet",)) if self.places.leaked else {}
        return {**super().data_used(), **leaked, **(self.text.encoder_used() if self.model.entities.use_text else {})}

    def photos_used(self) -> Mapping[str, int]:
        """All validation and test rows where they leak."""
        return {**super().photos_used(), **({f"{split}.parquet": 0 for split in LEAKED_SPLITS[1:]} if self.places.leaked else {})}

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        if self.train.accumulate > 1:
            raise ValueError(
                f"train.accumulate = {self.train.accumulate}: each part would weigh its labels and make its entities alone, which is another step; "
                "set it to 1, and lower model.loss.pairs_at_once to save memory"
            )
        return self

    @model_validator(mode="after")
    def _prototypes_keep_their_photos(self) -> Self:
        if self.prototypes.per_entity > 1 and self.model.entities.leave_out != "none":
            raise ValueError(
                f"model.entities.leave_out takes photos out of one mean for each entity, not out of prototypes.per_entity = {self.prototypes.per_entity}; "
                "set it to none, or prototypes.per_entity to 1"
            )
        return self


class HierLocTask:
    """What the engine trains; see `train.task.Task`."""

    name = "hierloc"

    def __init__(self, recipe: HierLocRecipe, folder: Path, features: OpenFeatures = open_features) -> None:
        self.recipe = recipe
        self.places = folder / "places"
        data = recipe.data
        if recipe.places.leaked:
            self.hierarchy = build_leaked_places(data, recipe.places, self.places)
        else:
            self.hierarchy = build_places(recipe, self.places)
        store = features(recipe, folder)
        self.encoder, self.encoders = store.meta.header.encoder, encoders_of(store)
        self.train = read_rows(data.dir / "train.parquet", recipe, self.hierarchy, store)
        self.validation = read_validation(recipe, self.hierarchy, store)
        self.n_train = len(self.train)
        scaling = feature_scaling(self.train)
        # All names at once, for an encoder of names is loaded once.
        text = recipe.text.embed(_names(self.hierarchy)) if recipe.model.entities.use_text else None
        spread = recipe.augment.author_spread
        self._spread = spread * author_spread(self.train, self.hierarchy, scaling, recipe.augment, seed=recipe.train.seed) if spread else None
        self._author_sums = AuthorSums.of(self.train) if recipe.model.entities.leave_out == "authors" else None
        levels = [_level_features(self.hierarchy, level, means, text) for level, means in enumerate(self._means(store, scaling))]
        self.model = HierLoc(recipe.model, store.meta.header.dim, levels, feature_mean=scaling.mean, feature_std=scaling.std)

    def _means(self, store: FeatureStore, scaling: Scaling) -> list[EntityMeans]:
        """What the entities of each level look like, by the training rows; with leaked places by all rows."""
        recipe, parts = self.recipe, [self.train]
        if recipe.places.leaked:
            others = (recipe.data.dir / f"{split}.parquet" for split in LEAKED_SPLITS[1:])
            parts += [read_rows(manifest, recipe, self.hierarchy, store) for manifest in others]
        means = entity_means(parts, [len(self.hierarchy.places_of(level)) for level in range(len(self.hierarchy.level_names))])
        if recipe.prototypes.per_entity == 1 or not recipe.model.entities.use_image:
            return means
        seed = recipe.train.seed
        return [entity_prototypes(mean, parts, level, scaling, recipe.prototypes, seed=seed) for level, mean in enumerate(means)]

    @property
    def unused(self) -> Sequence[str]:
        """Labels of places that the hierarchy does not have."""
        return unknown_labels(self.train, self.hierarchy)

    @property
    def metric_names(self) -> Sequence[str]:
        """The levels that validation rows have labels of."""
        return labelled_levels(self.validation.labels, self.hierarchy)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Anchors on their manifold, everything else in flat space."""
        groups: list[ParameterGroup] = [{"kind": "euclidean", "params": self.model.euclidean_parameters(), "lr_scale": 1.0, "weight_decay": True}]
        if self.model.manifold_parameters():
            groups.append({"kind": "manifold", "params": self.model.manifold_parameters(), "lr_scale": 1.0, "weight_decay": False})
        return groups

    def loss(self, rows: Tensor, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """GWH-InfoNCE of some training rows."""
        index = rows.cpu().numpy()
        device = rows.device
        features = self.train.read(index).to(device)
        labels, unit = (torch.from_numpy(of_rows[index]).to(device) for of_rows in (self.train.labels, self.train.unit))
        found = self.model.loss(self._altered(features), labels, unit, self._left_out(index, features, labels))
        return found.total, {name: float(value) for name, value in found.values.items()}

    def _left_out(self, index: NDArray[np.int64], features: Tensor, labels: Tensor) -> list[LeftOut] | None:
        """What a batch takes out of the means of entities."""
        match self.recipe.model.entities.leave_out:
            case "none":
                return None
            case "photos":
                return own_photos(features, labels)
            case "authors":
                assert self._author_sums is not None
                return self._author_sums.left_out(index, features.device)

    def _altered(self, features: Tensor) -> Tensor:
        """(B, F) features as if others had taken the photos."""
        if self._spread is None:
            return features
        spread = self._spread.to(features.device)
        return features + (torch.randn_like(features) @ spread.T) * self.model.scaler.std

    def validate(self) -> Mapping[str, float]:
        """Percentage right at each level, of the validation rows with a label there; places without training rows and rows without features are wrong."""
        self.model.cache_entities()
        device = next(self.model.parameters()).device
        rows, n_at_once = np.arange(len(self.validation)), self._photos_at_once()
        hits: list[NDArray[np.bool_]] = []
        for start in range(0, len(rows), n_at_once):
            block = rows[start : start + n_at_once]
            features = self.validation.read(block)
            has_features = features.isfinite().all(dim=1).numpy()
            best = np.stack([_likeliest(level) for level in self.model.level_log_scores(features.to(device))], axis=1)
            hits.append((best == self.validation.labels[block]) & has_features[:, None])
        return right_pct(np.concatenate(hits), self.validation.labels, self.hierarchy)

    def _photos_at_once(self) -> int:
        """How many photos are validated at a time: with all entities they are no more pairs than in a step, nor more photos."""
        n_embeddings = len(self.hierarchy) * self.recipe.prototypes.per_entity
        return max(1, min(self.recipe.model.loss.pairs_at_once // n_embeddings, self.recipe.train.batch_size))

    def state(self) -> Mapping[str, Any]:
        """Nothing besides the model."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Nothing besides the model."""

    def save_bundle(self, folder: Path) -> None:
        """Write the model as a bundle of the kind hierloc."""
        is_leaked = self.recipe.places.leaked
        origin = _LEAKED_ORIGIN if is_leaked else "the training rows alone."
        card = (
            f"# {self.name}\n\nHierLoc, {self.recipe.model.geometry}, trained on {self.n_train} photos' features of {self.encoder!r}; places: "
            + ", ".join(f"{len(self.hierarchy.places_of(level))} of the level {level}" for level in self.hierarchy.level_names)
            + f", built from {origin} Never calibrated.\n"
        )
        stores = {self.recipe.data.store: self.encoder}
        rows_file = self.places / ROWS_FILE
        config = BundleConfig(kind=KIND, name=self.name, stores=stores, encoders=self.encoders, leaked=is_leaked)
        save_hierloc(folder, config, model=self.model, hierarchy=self.hierarchy, rows_file=rows_file, card=card)


def make_hierloc_task(recipe: HierLocRecipe, folder: Path, features: OpenFeatures = open_features) -> HierLocTask:
    """The task of a recipe; places, and features that it extracts, are kept in `folder`."""
    return HierLocTask(recipe, folder, features)


def _likeliest(scores: Tensor) -> NDArray[np.int64]:
    """(B,) the entity with the highest of (B, n) scores; UNKNOWN at a level without any."""
    return np.asarray(scores.argmax(-1).cpu().numpy()) if scores.shape[1] else np.full(len(scores), UNKNOWN)


def _level_features(hierarchy: Hierarchy, level: int, means: EntityMeans, text: NDArray[np.float32] | None) -> LevelFeatures:
    places = hierarchy.places_of(level)
    here = slice(places.start, places.stop)
    return LevelFeatures(
        name=hierarchy.level_names[level],
        latlon_deg=latlon_from_unit(hierarchy.unit[here]),
        image=means.image,
        text=None if text is None else text[here],
        count=means.count,
        above=hierarchy.parent[here],
    )


def _names(hierarchy: Hierarchy) -> list[str]:
    """Of all places, each with what it lies in: `Paris, Ile-de-France, France`."""
    names = hierarchy.names.to_list()
    return [", ".join(names[above] for above in reversed(hierarchy.chain(place))) for place in range(len(hierarchy))]
