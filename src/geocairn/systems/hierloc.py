"""HierLoc as a system: features of a photo -> log-scores of all entities of each level -> a log-score of each leaf."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.answer.decide import Calibration
from geocairn.config import Config
from geocairn.errors import BadBundle, BadConfig, BadFeatures, MissingExtra
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE
from geocairn.search.beam import Score, beam_search
from geocairn.search.index import EntityIndex, Found
from geocairn.search.space import Metric, Space
from geocairn.systems.bundle import WEIGHTS, Bundle, BundleConfig, save_bundle
from geocairn.systems.leaf_scorer import ROWS_AT_ONCE, LeafScorer
from geocairn.systems.strictly import check_finite_features, check_spread

KIND = "hierloc"
_METRICS: Mapping[str, Metric] = {"hyperbolic": "lorentz", "euclidean": "euclidean", "spherical": "sphere"}


class HierLocSettings(Config):
    """What the bundle of a HierLoc says besides its weights."""

    model: dict[str, Any] = Field(description="the model's settings (models.hierloc.HierLocConfig)")


class HierLocSystem(LeafScorer):
    """A trained HierLoc.

    A leaf's log-score is the mean over the levels of its chain of its ancestors' log-probabilities, times the number of levels: the product over ancestors, in
    which a leaf whose chain lacks a level neither gains nor loses by that.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._model = _load_model(bundle)
        self.dim = self._model.d_img
        names = bundle.hierarchy.level_names
        ancestors = np.stack([bundle.hierarchy.ancestor_of_leaves(level) for level in range(len(names))])
        starts = np.array([bundle.hierarchy.places_of(level).start for level in range(len(names))])
        self._ancestors = np.where(ancestors >= 0, ancestors - starts[:, None], -1)
        for level, name in enumerate(names):
            n_points = int(self._model.entity_owner(level)[-1]) + 1 if len(self._model.entity_owner(level)) else 0
            if n_points != len(bundle.hierarchy.places_of(level)):
                raise BadBundle(f"{bundle.folder}: {n_points} entities for {len(bundle.hierarchy.places_of(level))} places of the level {name}; train it anew")

    def log_scores_of_block(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, L) log-scores."""
        import torch

        # Filled up to a full block: a row's scores do not depend on the others, to the last bit.
        padded = np.zeros((ROWS_AT_ONCE, self.dim), dtype=np.float32)
        padded[: len(features)] = features
        with torch.no_grad():
            levels = [scores[: len(features)].double().numpy() for scores in self._model.level_log_scores(torch.from_numpy(padded))]
        total = np.zeros((len(features), self.hierarchy.n_leaves))
        n_levels = np.zeros(self.hierarchy.n_leaves)
        for scores, ancestor in zip(levels, self._ancestors, strict=True):
            inside = ancestor >= 0
            total[:, inside] += scores[:, ancestor[inside]]
            n_levels += inside
        return np.asarray(total * (len(levels) / n_levels))

    def nearest_by_beam(self, features: NDArray[Any], *, width: int = 10, top: int = 1, score: Score = "last", threads: int = 1) -> Found:
        """The leaves that a beam down the tree finds by distances alone, as HierLoc's paper answers; nothing of it is a probability.

        Args:
            features: (B, F) numbers.
            width, top, score, threads: as `search.beam.beam_search` takes them.

        Raises:
            BadFeatures: of another width, or not finite.
            BadConfig: the model adds a prior to its scores or has several prototypes of an entity, of which distances say nothing; or a number is below 1.

        Source: HierLoc, section on inference.
        """
        return beam_search(self.points(features), self.index, width=width, top=top, score=score, threads=threads)

    def points(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """(B, D) where photos lie among the entities of `index`, from (B, F) features."""
        import torch

        known = np.asarray(features, dtype=np.float32)
        check_finite_features(known, self.name, self.dim)
        with torch.no_grad():
            return np.asarray(self._model(torch.from_numpy(known)).numpy())

    @cached_property
    def index(self) -> EntityIndex:
        """The points of all entities, for searches by distance."""
        import torch

        config, levels = self._model.config, range(len(self.hierarchy.level_names))
        points = torch.cat([self._model.entity_points(level) for level in levels]).numpy()
        more = {"with model.entities.prior": config.entities.prior, "on several prototypes of an entity": len(points) > len(self.hierarchy)}
        for words in (words for words, is_so in more.items() if is_so):
            raise BadConfig(f"{self.bundle.folder}: was trained {words}, so that distances alone are not its scores; search with a bundle that was not")
        tau = tuple(self._model.tau(level) for level in levels)
        bent = {} if config.geometry == "euclidean" else {"curv": config.curv, "in_radii": config.paper_distance}
        return EntityIndex.of(points, self.hierarchy, Space(metric=_METRICS[config.geometry], tau=tau, **bent))


def save_hierloc(folder: Path, config: BundleConfig, *, model: Any, hierarchy: Hierarchy, rows_file: Path, card: str) -> Path:
    """Write a trained model as a bundle, never calibrated yet.

    Args:
        config: of the bundle, without the settings of the model.
        model: models.hierloc.HierLoc, on any device.
        rows_file: fingerprints of the rows that the hierarchy was built from; kept, so that a test on one of them is refused.
        card: what it is, in Markdown.
    """
    from safetensors.torch import save_file

    def more(draft: Path) -> None:
        save_file(model.inference_state(), draft / WEIGHTS)
        (draft / ROWS_FILE).write_bytes(rows_file.read_bytes())

    settings = HierLocSettings(model=model.config.model_dump(mode="json"))
    whole = config.model_copy(update={"system": settings.model_dump(mode="json")})
    return save_bundle(folder, whole, hierarchy=hierarchy, calibration=Calibration(calibrated=False), card=card, more=more)


def _load_model(bundle: Bundle) -> Any:
    try:
        from safetensors.torch import load_file

        from geocairn.models.hierloc import HierLoc, HierLocConfig
    except ImportError as error:
        raise MissingExtra(f"{bundle.folder}: this bundle needs the package {error.name}; mend: pip install geocairn[train]") from None
    try:
        settings = HierLocSettings.parse(str(bundle.folder / "config.json"), bundle.config.system)
        config = HierLocConfig.parse(f"{bundle.folder / 'config.json'}: model", settings.model)
        weights = _weights(load_file, bundle.folder / WEIGHTS)
        _check_weights(weights, bundle)
        model = HierLoc.for_inference(config, bundle.hierarchy.level_names, weights)
    except BadConfig as error:
        raise BadBundle(str(error)) from None
    except BadFeatures as error:
        raise BadBundle(f"{bundle.folder}: {error}") from None
    model.cache_entities()
    return model


def _check_weights(weights: Mapping[str, Any], bundle: Bundle) -> None:
    """Refuse weights of other types, which would be cast, and numbers that no training ends with; names and shapes are the model's to check."""
    for name, tensor in weights.items():
        array = tensor.numpy()
        wanted = np.bool_ if name.startswith("entities.present_") else np.float32
        if array.dtype != wanted or not np.isfinite(array).all():
            fault = "not finite" if array.dtype == wanted else f"{array.dtype}, not {np.dtype(wanted)}"
            raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {name!r} is {fault}; train it anew")
    if "scaler.std" in weights:
        check_spread(weights["scaler.std"].numpy(), "scaler.std", bundle)


def _weights(load_file: Callable[[Path], Any], path: Path) -> Any:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise BadBundle(f"{path}: missing; fetch or export the bundle anew") from None
    except Exception as error:  # noqa: BLE001 - damaged bytes make safetensors raise its own and others' errors
        raise BadBundle(f"{path}: not readable as safetensors ({' '.join(str(error).split())}); fetch or export the bundle anew") from None
