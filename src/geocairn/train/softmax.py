"""Flat softmax as a task: a folder of data with manifests and features -> a hierarchy of the training rows, a classifier of its leaves, and its bundle."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geocairn.models.softmax import FlatSoftmax, SoftmaxConfig
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.bundle import BundleConfig
from geocairn.systems.leaf_scorer import save_leaf_scorer
from geocairn.systems.photo_features import encoders_of
from geocairn.systems.softmax import KIND, SoftmaxSettings
from geocairn.train.inputs import OpenFeatures, open_features
from geocairn.train.leaves import feature_scaling, leaf_metrics, leaf_of_rows, metric_names, no_row_used, unknown_labels
from geocairn.train.rows import RowsRecipe, build_places, read_rows, read_validation
from geocairn.train.task import ParameterGroup

_BLOCK = 256


class SoftmaxRecipe(RowsRecipe):
    """A recipe of the flat softmax."""

    system: Literal["softmax"] = "softmax"
    model: SoftmaxConfig = SoftmaxConfig()


class SoftmaxTask:
    """What the engine trains; see `train.task.Task`. Rows whose labels leave several leaves open are left out."""

    name = "softmax"

    def __init__(self, recipe: SoftmaxRecipe, folder: Path, features: OpenFeatures = open_features) -> None:
        data = recipe.data
        self.recipe = recipe
        self.places = folder / "places"
        self.hierarchy = build_places(recipe, self.places)
        store = features(recipe, folder)
        self.encoder, self.encoders = store.meta.header.encoder, encoders_of(store)
        self.train = read_rows(data.dir / "train.parquet", recipe, self.hierarchy, store)
        self.validation = read_validation(recipe, self.hierarchy, store)
        leaf = leaf_of_rows(self.train.labels, self.hierarchy)
        self.labelled = np.flatnonzero(leaf >= 0)
        if not len(self.labelled):
            raise no_row_used(data.dir, self.train, self.hierarchy, f"no row says which {self.hierarchy.level_names[-1]} it shows")
        self.leaf = torch.from_numpy(leaf[self.labelled])
        self.n_train = len(self.labelled)
        self.scaling = feature_scaling(self.train)
        self.model = FlatSoftmax(recipe.model, store.meta.header.dim, self.hierarchy.log_leaf_weight, *self.scaling)

    @property
    def unused(self) -> Sequence[str]:
        """Labels of places that the hierarchy does not have, and rows that show no leaf."""
        n_left_out, finest = len(self.train) - self.n_train, self.hierarchy.level_names[-1]
        said = f"train.parquet: {n_left_out} of {len(self.train)} rows do not say which {finest} they show, and are left out"
        return [*unknown_labels(self.train, self.hierarchy), *([said] if n_left_out else [])]

    @property
    def metric_names(self) -> Sequence[str]:
        """Levels, and nll."""
        return metric_names(self.validation.labels, self.hierarchy)

    def parameter_groups(self) -> list[ParameterGroup]:
        """All in flat space."""
        return [{"kind": "euclidean", "params": list(self.model.parameters()), "lr_scale": 1.0, "weight_decay": True}]

    def loss(self, rows: Tensor, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """Cross-entropy of some labelled training rows."""
        index = rows.cpu()
        features = self.train.read(self.labelled[index.numpy()])
        return self.model.loss(features.to(rows.device), self.leaf[index].to(rows.device)), {}

    def validate(self) -> Mapping[str, float]:
        """Percentage right at each level, and the mean negative log-probability of the true leaf."""
        return leaf_metrics(self._log_probabilities(len(self.validation)), self.validation.labels, self.hierarchy)

    def state(self) -> Mapping[str, Any]:
        """Nothing besides the model."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Nothing besides the model."""

    def save_bundle(self, folder: Path) -> None:
        """Write the model as a bundle of the kind softmax."""
        head, n_left_out = self.recipe.model.head, len(self.train) - self.n_train
        card = (
            f"# {self.name}\n\nFlat classification ({head}) over {self.hierarchy.n_leaves} places, trained on {self.n_train} photos' features "
            f"of {self.encoder!r}; {n_left_out} training photos whose labels leave several places open are left out. Places were built from the training "
            "rows alone. A baseline: it knows nothing of how places lie. Never calibrated.\n"
        )
        settings = SoftmaxSettings(layers=len(self.model.layers))
        stores = {self.recipe.data.store: self.encoder}
        config = BundleConfig(kind=KIND, name=self.name, stores=stores, encoders=self.encoders, system=settings.model_dump(mode="json"))
        rows_file = self.places / ROWS_FILE
        save_leaf_scorer(folder, config, scaling=self.scaling, arrays=self.model.arrays(), hierarchy=self.hierarchy, rows_file=rows_file, card=card)

    def _log_probabilities(self, n_rows: int) -> Iterator[NDArray[np.float64]]:
        device = next(self.model.parameters()).device
        for start in range(0, n_rows, _BLOCK):
            features = self.validation.read(np.arange(start, min(start + _BLOCK, n_rows)))
            yield self.model(features.to(device)).double().log_softmax(-1).cpu().numpy()


def make_softmax_task(recipe: SoftmaxRecipe, folder: Path, features: OpenFeatures = open_features) -> SoftmaxTask:
    """The task of a recipe; places, and features that it extracts, are kept in `folder`."""
    return SoftmaxTask(recipe, folder, features)
