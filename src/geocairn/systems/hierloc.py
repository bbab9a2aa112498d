"""HierLoc as a system: features of a photo -> log-scores of all entities of each level -> a log-score of each leaf."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.answer.decide import Calibration
from geocairn.config import Config
from geocairn.errors import BadBundle, BadConfig, BadFeatures, BadPhoto, MissingExtra
from geocairn.photo.read import Photo
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.bundle import Bundle, BundleConfig, save_bundle
from geocairn.systems.limits import ConstantSystem
from geocairn.systems.system import Evidence

KIND = "hierloc"
WEIGHTS = "model.safetensors"
_ROWS_AT_ONCE = 64  # batches are filled up to so many: a row's scores do not depend on the others, to the last bit


class HierLocSettings(Config):
    """What the bundle of a HierLoc says besides its weights."""

    model: dict[str, Any] = Field(description="the model's settings (models.hierloc.HierLocConfig)")


class HierLocSystem(ConstantSystem):
    """A trained HierLoc.

    A leaf's log-score is the mean over the levels of its chain of its ancestors' log-probabilities, times the number of levels: the product over ancestors, in
    which a leaf whose chain lacks a level neither gains nor loses by that.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._model = _load_model(bundle)
        self.dim: int = self._model.d_img
        names = bundle.hierarchy.level_names
        ancestors = np.stack([bundle.hierarchy.ancestor_of_leaves(level) for level in range(len(names))])
        starts = np.array([bundle.hierarchy.places_of(level).start for level in range(len(names))])
        self._ancestors = np.where(ancestors >= 0, ancestors - starts[:, None], -1)
        for level, name in enumerate(names):
            n_points = int(self._model.entity_owner(level)[-1]) + 1 if len(self._model.entity_owner(level)) else 0
            if n_points != len(bundle.hierarchy.places_of(level)):
                raise BadBundle(f"{bundle.folder}: {n_points} entities for {len(bundle.hierarchy.places_of(level))} places of the level {name}; train it anew")

    def evidence(self, photo: Photo) -> Evidence:
        """This bundle was trained on features.

        Raises:
            BadPhoto: always.
        """
        raise BadPhoto(f"{photo.name}: the bundle {self.name!r} takes features, not photos; name a manifest with a feature store beside it")

    def evidence_of_features(self, features: NDArray[Any]) -> list[Evidence]:
        """Weigh (B, F) features."""
        return [Evidence(self._by_level(row)) for row in self.log_scores(features)]

    def log_scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Log-scores of all leaves, up to a constant of the row.

        Args:
            features: (B, F) numbers.

        Returns:
            (B, L) float64.

        Raises:
            BadFeatures: of another width, or not finite.
        """
        known = np.asarray(features, dtype=np.float32)
        if known.ndim != 2 or known.shape[1] != self.dim:
            raise BadFeatures(f"features of shape {known.shape}: the bundle {self.name!r} takes {self.dim} numbers per photo")
        if not np.isfinite(known).all():
            raise BadFeatures(f"{int((~np.isfinite(known)).any(axis=1).sum())} of {len(known)} rows of features are not finite; extract them anew")
        blocks = [self._block(known[start : start + _ROWS_AT_ONCE]) for start in range(0, len(known), _ROWS_AT_ONCE)]
        return np.concatenate(blocks) if blocks else np.zeros((0, self.hierarchy.n_leaves))

    def _block(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        import torch

        padded = np.zeros((_ROWS_AT_ONCE, self.dim), dtype=np.float32)
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

    def _by_level(self, of_leaves: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Scores as the levels want them: each leaf's at its own level, nought for what lies above."""
        hierarchy = self.hierarchy
        of_places = np.zeros(len(hierarchy))
        of_places[hierarchy.leaves] = of_leaves
        return tuple(of_places[slice(places.start, places.stop)] for places in map(hierarchy.places_of, range(len(hierarchy.level_names))))


def save_hierloc(
    folder: Path,
    name: str,
    *,
    model: Any,
    hierarchy: Hierarchy,
    stores: dict[str, str],
    rows_file: Path,
    card: str,
    leaked: bool = False,
) -> Path:
    """Write a trained model as a bundle, never calibrated yet.

    Args:
        model: models.hierloc.HierLoc, on any device.
        stores: the feature stores that it takes, and their encoders.
        rows_file: fingerprints of the rows that the hierarchy was built from; kept, so that a test on one of them is refused.
        card: what it is, in Markdown.
        leaked: whether test rows are knowingly among those that the hierarchy was built from.
    """
    from safetensors.torch import save_file

    def more(draft: Path) -> None:
        save_file(model.inference_state(), draft / WEIGHTS)
        (draft / ROWS_FILE).write_bytes(rows_file.read_bytes())

    settings = HierLocSettings(model=model.config.model_dump(mode="json"))
    config = BundleConfig(kind=KIND, name=name, stores=stores, leaked=leaked, system=settings.model_dump(mode="json"))
    return save_bundle(folder, config, hierarchy=hierarchy, calibration=Calibration(calibrated=False), card=card, more=more)


def _load_model(bundle: Bundle) -> Any:
    try:
        from safetensors.torch import load_file

        from geocairn.models.hierloc import HierLoc, HierLocConfig
    except ImportError as error:
        raise MissingExtra(f"{bundle.folder}: this bundle needs the package {error.name}; mend: pip install geocairn[train]") from None
    try:
        settings = HierLocSettings.parse(str(bundle.folder / "config.json"), bundle.config.system)
        config = HierLocConfig.parse(f"{bundle.folder / 'config.json'}: model", settings.model)
        model = HierLoc.for_inference(config, bundle.hierarchy.level_names, _weights(load_file, bundle.folder / WEIGHTS))
    except (BadConfig, BadFeatures) as error:
        raise BadBundle(f"{bundle.folder}: {error}") from None
    model.cache_entities()
    return model


def _weights(load_file: Callable[[Path], Any], path: Path) -> Any:
    try:
        return load_file(path)
    except FileNotFoundError:
        raise BadBundle(f"{path}: missing; fetch or export the bundle anew") from None
    except Exception as error:  # noqa: BLE001 - damaged bytes make safetensors raise its own and others' errors
        raise BadBundle(f"{path}: not readable as safetensors ({' '.join(str(error).split())}); fetch or export the bundle anew") from None
