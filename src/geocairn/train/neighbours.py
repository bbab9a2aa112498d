"""Nearest neighbours as a fit: a folder of data with manifests and features -> a gallery of the training rows, settings chosen on validation rows, a bundle."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from geocairn.config import Config
from geocairn.errors import BadConfig
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.bundle import BundleConfig
from geocairn.systems.leaf_scorer import save_leaf_scorer
from geocairn.systems.neighbours import KIND, Gallery, Metric, Nearest, NeighbourSettings, Weights, gallery_vectors, smoothed_log, vote
from geocairn.systems.photo_features import encoders_of
from geocairn.train.inputs import OpenFeatures, open_features
from geocairn.train.leaves import deepest_places, feature_scaling, leaf_metrics, metric_names, no_row_used, unknown_labels
from geocairn.train.rows import LabelledRecipe, Rows, build_places, read_rows, read_validation

Share = Annotated[float, Field(gt=0, lt=1)]
_BLOCK = 256


class NeighboursGrid(Config):
    """Settings that are tried on the validation rows: all combinations, then how much smoothing the best one wants."""

    metric: tuple[Metric, ...] = Field(("euclidean", "cosine"), min_length=1)
    k: tuple[PositiveInt, ...] = Field((1, 3, 10, 30, 100), min_length=1, description="numbers of neighbours; 1: plain retrieval")
    weights: tuple[Weights, ...] = Field(("equal", "distance"), min_length=1)
    temperature: tuple[PositiveFloat, ...] = Field((0.02, 0.05, 0.1, 0.2), min_length=1, description="where the distance weighs")
    smoothing: tuple[Share, ...] = Field((0.1, 0.3, 0.5), min_length=1, description="the first one for all; then the likeliest of them")
    choose_by: str = Field("nll", description="the validation metric that says which is best: nll, or a level, for the percentage right there")

    def settings(self) -> list[NeighbourSettings]:
        """All combinations, with the first smoothing."""
        found = []
        for metric in self.metric:
            for k in self.k:
                for weights in self.weights:
                    for temperature in self.temperature if weights == "distance" else self.temperature[:1]:
                        found.append(NeighbourSettings(metric=metric, k=k, weights=weights, temperature=temperature, smoothing=self.smoothing[0]))
        return found


class NeighboursRecipe(LabelledRecipe):
    """A recipe of nearest neighbours."""

    system: Literal["neighbours"] = "neighbours"
    neighbours: NeighboursGrid = NeighboursGrid()


class NeighboursFit:
    """What is fitted; see `train.fit.Fit`.

    A training photo whose labels leave several leaves open still says in which place it was taken, so it stays, and votes for all leaves below that place.
    """

    name = "neighbours"

    def __init__(self, recipe: NeighboursRecipe, folder: Path, features: OpenFeatures = open_features) -> None:
        data = recipe.data
        self.recipe = recipe
        self.places = folder / "places"
        self.hierarchy = build_places(recipe, self.places)
        store = features(recipe, folder)
        self.encoder, self.encoders = store.meta.header.encoder, encoders_of(store)
        self.train = read_rows(data.dir / "train.parquet", recipe, self.hierarchy, store)
        self.validation = read_validation(recipe, self.hierarchy, store)
        place = deepest_places(self.train.labels, self.hierarchy)
        self.labelled = np.flatnonzero(place >= 0)
        if not len(self.labelled):
            raise no_row_used(data.dir, self.train, self.hierarchy, "no row says where it was taken by a label")
        self.place = place[self.labelled]
        self._check_metrics(data.dir / "val.parquet")
        self.scaling = feature_scaling(self.train)
        self.found: Mapping[str, Any] = {}
        self._best: tuple[NeighbourSettings, dict[str, float]] | None = None

    @property
    def sizes(self) -> Sequence[str]:
        """Rows, bytes and settings."""
        n, dim, grid = len(self.labelled), len(self.scaling.mean), self.recipe.neighbours
        return (
            f"{self.name}: {n} training rows of {dim} numbers",
            f"memory: {2 * n * dim / 1e6:.3g} MB in the bundle, {6 * n * dim / 1e6:.3g} MB where it answers",
            f"{len(grid.settings()) + len(grid.smoothing) - 1} settings are tried on {len(self.validation)} validation rows, after {len(grid.metric)} searches",
        )

    @property
    def unused(self) -> Sequence[str]:
        """Labels of places that the hierarchy does not have, and rows that show no place."""
        n_left_out = len(self.train) - len(self.labelled)
        said = f"train.parquet: {n_left_out} of {len(self.train)} rows say nothing of where they were taken, and are left out"
        return [*unknown_labels(self.train, self.hierarchy), *([said] if n_left_out else [])]

    def tries(self) -> Iterator[Mapping[str, Any]]:
        """Try every combination, and then each smoothing for the best of them."""
        grid = self.recipe.neighbours
        step, nearest = 0, {metric: self._nearest(metric, max(grid.k)) for metric in grid.metric}
        for settings in grid.settings():
            step += 1
            yield self._try(step, settings, nearest[settings.metric], grid.choose_by)
        for smoothing in grid.smoothing[1:]:
            step += 1
            best, _ = self._chosen()
            yield self._try(step, best.model_copy(update={"smoothing": smoothing}), nearest[best.metric], "nll")
        settings, metrics = self._chosen()
        self.found = {"tried": step, "settings": settings.model_dump(mode="json"), "validation": metrics}

    def save_bundle(self, folder: Path) -> None:
        """Write the gallery as a bundle of the kind neighbours."""
        settings, metrics = self._chosen()
        said = "; ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        n_coarse = int((self.hierarchy.leaf_stop[self.place] - self.hierarchy.leaf_start[self.place] > 1).sum())
        card = (
            f"# {self.name}\n\nThe {settings.k} nearest of {len(self.labelled)} training photos, by features of {self.encoder!r}, vote for "
            f"{self.hierarchy.n_leaves} places; {n_coarse} of the photos are labelled with a coarser place and vote for all below it. Chosen on "
            f"{len(self.validation)} validation photos: metric {settings.metric}, weights {settings.weights}, temperature {settings.temperature:g}, "
            f"smoothing {settings.smoothing:g} ({said}). Places were built from the training rows alone. A baseline. Never calibrated.\n"
        )
        arrays: dict[str, NDArray[Any]] = {"vectors": self._vectors(self.train, self.labelled, settings.metric), "place": self.place.astype(np.int32)}
        stores = {self.recipe.data.store: self.encoder}
        config = BundleConfig(kind=KIND, name=self.name, stores=stores, encoders=self.encoders, system=settings.model_dump(mode="json"))
        rows_file = self.places / ROWS_FILE
        save_leaf_scorer(folder, config, scaling=self.scaling, arrays=arrays, hierarchy=self.hierarchy, rows_file=rows_file, card=card)

    def _check_metrics(self, manifest: Path) -> None:
        grid, known = self.recipe.neighbours, metric_names(self.validation.labels, self.hierarchy)
        if grid.choose_by not in known:
            raise BadConfig(f"neighbours.choose_by = {grid.choose_by!r}: the rows of {manifest} tell {', '.join(known)}")
        if len(grid.smoothing) > 1 and "nll" not in known:
            raise BadConfig(
                f"neighbours.smoothing = {list(grid.smoothing)}: no row of {manifest} shows a known leaf by which one could be chosen; give one value"
            )

    @cached_property
    def _is_empty(self) -> NDArray[np.bool_]:
        """(N,) which validation photos have no features."""
        return ~self.validation.read(np.arange(len(self.validation))).isfinite().all(dim=1).numpy()

    def _chosen(self) -> tuple[NeighbourSettings, dict[str, float]]:
        if self._best is None:
            raise ValueError("settings are chosen by tries")
        return self._best

    def _vectors(self, rows: Rows, which: NDArray[np.int64], metric: Metric) -> NDArray[np.float16]:
        blocks = np.array_split(which, range(_BLOCK, len(which), _BLOCK))
        return np.concatenate([gallery_vectors(self.scaling(rows.read(block).numpy()), metric) for block in blocks])

    def _nearest(self, metric: Metric, k: int) -> Nearest:
        gallery = Gallery.of(self._vectors(self.train, self.labelled, metric), self.place)
        asked = self._vectors(self.validation, np.arange(len(self.validation)), metric)
        # Photos without features look like no other; what is found for them does not count.
        return gallery.nearest(np.where(self._is_empty[:, None], np.float16(0), asked), k)

    def _try(self, step: int, settings: NeighbourSettings, nearest: Nearest, choose_by: str) -> dict[str, Any]:
        metrics = leaf_metrics(self._log_probabilities(settings, nearest), self.validation.labels, self.hierarchy)
        sign = -1 if choose_by == "nll" else 1
        is_best = self._best is None or sign * metrics[choose_by] > sign * self._best[1][choose_by]
        if is_best:
            self._best = settings, metrics
        return {"step": step, "settings": settings.model_dump(mode="json"), "validation": metrics, "is_best": is_best}

    def _log_probabilities(self, settings: NeighbourSettings, nearest: Nearest) -> Iterator[NDArray[np.float64]]:
        for start in range(0, len(nearest.place), _BLOCK):
            block = Nearest(nearest.place[start : start + _BLOCK], nearest.distance2[start : start + _BLOCK])
            scores = smoothed_log(vote(block, self.hierarchy, settings), self.hierarchy, settings.smoothing)
            scores[self._is_empty[start : start + _BLOCK]] = np.nan
            yield scores


def make_neighbours_fit(recipe: NeighboursRecipe, folder: Path, features: OpenFeatures = open_features) -> NeighboursFit:
    """The fit of a recipe; places, and features that it extracts, are kept in `folder`."""
    return NeighboursFit(recipe, folder, features)
