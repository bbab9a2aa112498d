"""A system that scores the leaves from features alone: what such systems share, and how they are written as bundles."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geocairn.answer.decide import Calibration
from geocairn.config import Config
from geocairn.errors import BadBundle, BadConfig
from geocairn.photo.read import Photo
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import ROWS_FILE
from geocairn.systems.bundle import Bundle, BundleConfig, save_bundle
from geocairn.systems.limits import ConstantSystem, no_photos_taken
from geocairn.systems.photo_features import PhotoFeatures
from geocairn.systems.strictly import check_finite_features, check_no_other_arrays, check_spread, check_takes_features, checked_array, without_broken_rows
from geocairn.systems.system import Evidence

Settings = TypeVar("Settings", bound=Config)
ROWS_AT_ONCE = 64


class Scaling(NamedTuple):
    """What training photos have on average, by which features are standardised; a feature that never varied becomes its difference from the mean."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, F) standardised features."""
        return np.asarray((features - self.mean) / np.where(self.std > 0, self.std, np.float32(1)), dtype=np.float32)


class LeafScorer(ConstantSystem):
    """A system that takes features, and photos where its bundle tells the encoder that made them; a subclass says what features mean.

    Attributes:
        dim: numbers of a feature.
        photo_features: what encodes photos; None where they cannot be encoded.
    """

    dim: int

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        check_takes_features(bundle)
        self.looks_at_photos = bool(bundle.config.encoders)
        self.photo_features = PhotoFeatures(bundle) if bundle.config.encoders else None

    @abstractmethod
    def log_scores_of_block(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, L) log-scores of the leaves, up to a constant of the row, of (B, F) finite features, B at most ROWS_AT_ONCE.

        A row does not depend on the others, to the last bit.
        """

    def evidence(self, photo: Photo) -> Evidence:
        """Encode a photo and weigh its features; what stands in it adds clues.

        Raises:
            BadPhoto: the bundle does not tell what made its features, or that cannot be had.
            MissingExtra: reading text needs the `text` extra.
        """
        if self.photo_features is None:
            raise no_photos_taken(photo, self.name)
        (weighed,) = self.evidence_of_features(self.photo_features.of(photo))
        clues, not_photo = self.words.in_photo(photo)
        return Evidence(weighed.scores, tuple(clues), not_photo)

    def evidence_of_features(self, features: NDArray[Any]) -> list[Evidence]:
        """Weigh (B, F) features."""
        return [Evidence(_by_level(self.hierarchy, row)) for row in self.log_scores(features)]

    def log_scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Log-scores of all leaves, up to a constant of the row.

        Args:
            features: (B, F) numbers.

        Returns:
            (B, L) float64; a row is NaN where the arithmetic left the finite.

        Raises:
            BadFeatures: of another width, or not finite.
        """
        known = np.asarray(features, dtype=np.float32)
        check_finite_features(known, self.name, self.dim)
        scores = np.empty((len(known), self.hierarchy.n_leaves))
        with np.errstate(all="ignore"):
            for start in range(0, len(known), ROWS_AT_ONCE):
                scores[start : start + ROWS_AT_ONCE] = self.log_scores_of_block(known[start : start + ROWS_AT_ONCE])
        return without_broken_rows(scores)


class ScaledLeafScorer(LeafScorer):
    """A leaf scorer that is made of arrays, and standardises features first."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._read: set[str] = set()
        self.scaling = Scaling(self.array("feature_mean", 1), self.array("feature_std", 1))
        self.dim = len(self.scaling.mean)
        if len(self.scaling.std) != self.dim:
            raise BadBundle(f"{bundle.folder}: {self.dim} means and {len(self.scaling.std)} spreads of features do not fit each other; train it anew")
        check_spread(self.scaling.std, "feature_std", bundle)

    def array(self, name: str, n_dims: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """An array of the bundle.

        Raises:
            BadBundle: it is not there, of another type or shape, or not finite.
        """
        self._read.add(name)
        return checked_array(self.bundle, name, n_dims, dtype)

    def check_all_read(self) -> None:
        """Refuse arrays that were not asked for; the last thing that a subclass does at the start.

        Raises:
            BadBundle: naming the first one.
        """
        check_no_other_arrays(self.bundle, self._read)


def save_leaf_scorer(
    folder: Path, config: BundleConfig, *, scaling: Scaling, arrays: Mapping[str, NDArray[Any]], hierarchy: Hierarchy, rows_file: Path, card: str
) -> Path:
    """Write a trained scorer as a bundle, never calibrated yet.

    Args:
        arrays: what it has learned besides its scaling.
        rows_file: fingerprints of the rows that the hierarchy was built from; kept, so that a test on one of them is refused.
        card: what it is, in Markdown.
    """

    def more(draft: Path) -> None:
        (draft / ROWS_FILE).write_bytes(rows_file.read_bytes())

    known = {"feature_mean": scaling.mean, "feature_std": scaling.std, **arrays}
    return save_bundle(folder, config, hierarchy=hierarchy, calibration=Calibration(calibrated=False), card=card, arrays=known, more=more)


def parsed_settings(bundle: Bundle, kind: type[Settings]) -> Settings:
    """The settings of the system itself.

    Raises:
        BadBundle: unknown keys, or values out of range.
    """
    try:
        return kind.parse(str(bundle.folder / "config.json"), bundle.config.system)
    except BadConfig as error:
        raise BadBundle(f"{error}; train it anew") from None


def _by_level(hierarchy: Hierarchy, of_leaves: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Scores as the levels want them: each leaf's at its own level, nought for what lies above."""
    of_places = np.zeros(len(hierarchy))
    of_places[hierarchy.leaves] = of_leaves
    return tuple(of_places[slice(places.start, places.stop)] for places in map(hierarchy.places_of, range(len(hierarchy.level_names))))
