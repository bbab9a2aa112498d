"""HierLoc as a task: a folder of data with manifests and features -> a hierarchy of the training rows, entity features, a model and its bundle."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geocairn.data.feature_store import open_store
from geocairn.errors import BadFeatures
from geocairn.geo.sphere import latlon_from_unit
from geocairn.models.entity_features import LevelFeatures
from geocairn.models.hierloc import HierLoc, HierLocConfig
from geocairn.models.text_features import HashedText
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.hierloc import save_hierloc
from geocairn.train.rows import Rows, RowsRecipe, build_places, read_rows
from geocairn.train.task import ParameterGroup

_BLOCK = 65536


class HierLocRecipe(RowsRecipe):
    """A recipe of HierLoc."""

    system: Literal["hierloc"] = "hierloc"
    text: HashedText = HashedText()
    model: HierLocConfig = HierLocConfig()


class HierLocTask:
    """What the engine trains; see `train.task.Task`."""

    name = "hierloc"

    def __init__(self, recipe: HierLocRecipe, folder: Path) -> None:
        self.recipe = recipe
        self.places = folder / "places"
        self.hierarchy = build_places(recipe, self.places)
        store = open_store(recipe.data.dir / recipe.data.store)
        self.encoder = store.meta.header.encoder
        self.train = read_rows(recipe.data.dir / "train.parquet", recipe, self.hierarchy, store)
        self.validation = read_rows(recipe.data.dir / "val.parquet", recipe, self.hierarchy, store)
        self.n_train = len(self.train)
        means, counts, mean, std = _entity_means(self.train, self.hierarchy)
        levels = [_level_features(self.hierarchy, level, means[level], counts[level], recipe) for level in range(len(self.hierarchy.level_names))]
        self.model = HierLoc(recipe.model, store.meta.header.dim, levels, feature_mean=mean, feature_std=std)

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
        found = self.model.loss(
            self.train.read(index).to(device), torch.from_numpy(self.train.labels[index]).to(device), torch.from_numpy(self.train.unit[index]).to(device)
        )
        return found.total, {name: float(value) for name, value in found.values.items()}

    def validate(self) -> Mapping[str, float]:
        """Percentage right at each level, of the validation rows with a label there; a place that no training row shows counts as wrong."""
        self.model.cache_entities()
        device = next(self.model.parameters()).device
        rows = np.arange(min(len(self.validation), self.recipe.data.validation_photos))
        hits: list[NDArray[np.bool_]] = []
        for start in range(0, len(rows), 1024):
            block = rows[start : start + 1024]
            scores = self.model.level_log_scores(self.validation.read(block).to(device))
            best = np.stack([level.argmax(-1).cpu().numpy() for level in scores], axis=1)
            hits.append(best == self.validation.labels[block])
        is_known = self.validation.labels[rows] != -1
        right = np.concatenate(hits)
        return {name: 100 * float(right[is_known[:, level], level].mean()) for level, name in enumerate(self.hierarchy.level_names) if is_known[:, level].any()}

    def state(self) -> Mapping[str, Any]:
        """Nothing besides the model."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Nothing besides the model."""

    def save_bundle(self, folder: Path) -> None:
        """Write the model as a bundle of the kind hierloc."""
        card = (
            f"# {self.name}\n\nHierLoc, {self.recipe.model.geometry}, trained on {self.n_train} photos' features of {self.encoder!r}; places: "
            + ", ".join(f"{len(self.hierarchy.places_of(level))} of the level {level}" for level in self.hierarchy.level_names)
            + ", built from the training rows alone. Never calibrated.\n"
        )
        stores = {self.recipe.data.store: self.encoder}
        save_hierloc(folder, self.name, model=self.model, hierarchy=self.hierarchy, stores=stores, rows_file=self.places / ROWS_FILE, card=card)


def make_hierloc_task(recipe: HierLocRecipe, folder: Path) -> HierLocTask:
    """The task of a recipe; places are kept in `folder`."""
    return HierLocTask(recipe, folder)


def _entity_means(rows: Rows, hierarchy: Hierarchy) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]], NDArray[np.float32], NDArray[np.float32]]:
    """Per level (n, F) mean features of the rows labelled so, NaN where there is none, and their number; and mean and spread of all rows' features."""
    dim = rows.features.meta.header.dim
    sums = [np.zeros((len(hierarchy.places_of(level)), dim)) for level in range(len(hierarchy.level_names))]
    counts = [np.zeros(len(total)) for total in sums]
    total, squares = np.zeros(dim), np.zeros(dim)
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        features = rows.read(block).double().numpy()
        if not np.isfinite(features).all():
            raise BadFeatures(
                f"{rows.features.folder}: {int((~np.isfinite(features)).any(axis=1).sum())} training photos have no finite features; leave them out"
            )
        total += features.sum(axis=0)
        squares += (features**2).sum(axis=0)
        for level, place in enumerate(rows.labels[block].T):
            known = place >= 0
            np.add.at(sums[level], place[known], features[known])
            counts[level] += np.bincount(place[known], minlength=len(counts[level]))
    mean = total / len(rows)
    std = np.sqrt(np.maximum(squares / len(rows) - mean**2, 0.0))
    with np.errstate(invalid="ignore"):
        means = [(each / count[:, None]).astype(np.float32) for each, count in zip(sums, counts, strict=True)]
    return means, [each.astype(np.int64) for each in counts], mean.astype(np.float32), std.astype(np.float32)


def _level_features(hierarchy: Hierarchy, level: int, image: NDArray[np.float32], count: NDArray[np.int64], recipe: HierLocRecipe) -> LevelFeatures:
    places = hierarchy.places_of(level)
    return LevelFeatures(
        name=hierarchy.level_names[level],
        latlon_deg=latlon_from_unit(hierarchy.unit[places.start : places.stop]),
        image=image,
        text=recipe.text.embed(_names(hierarchy, places)) if recipe.model.entities.use_text else None,
        count=count,
    )


def _names(hierarchy: Hierarchy, places: range) -> Sequence[str]:
    return [", ".join(hierarchy.names[above] for above in reversed(hierarchy.chain(place))) for place in places]
