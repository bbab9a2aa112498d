"""The limits of the synthetic Earth as systems: Bayes' (no model beats it in expectation), the learnable one (what the training rows allow), and the prior."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geocairn.answer.decide import Calibration
from geocairn.clues.clue import Clue, Tier, shipped_reliability
from geocairn.errors import BadBundle, BadPhoto
from geocairn.photo.read import Photo
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.bundle import WEIGHTS, Bundle, BundleConfig, save_bundle
from geocairn.systems.map_likelihood import MapModel
from geocairn.systems.place_likelihood import PlaceModel, padded
from geocairn.systems.strictly import check_finite_features, check_no_other_arrays, check_takes_features, checked_array, without_broken_rows
from geocairn.systems.system import Evidence
from geocairn.systems.warp import Warp
from geocairn.systems.words import CarriedWords

KIND = "synthetic-limit"
PRIOR_KIND = "constant"
_NUMBERS = ("rotation", "inner", "outer", "strength", "mean", "variance", "sharpness", "sigma", "scene_scale", "map_shares", "map_concentration")
# Of the arrays of a warp, of places and of maps.
_TYPES: Mapping[str, DTypeLike] = {**dict.fromkeys(_NUMBERS, np.float64), "gate": np.bool_, "gate_of_scene": np.int64, "map_region_of_city": np.int64}

Array = NDArray[np.float64]


class ConstantSystem:
    """The shares of the leaves, whatever the photo or its features: the floor."""

    looks_at_photos = True

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.name = bundle.config.name
        self.sha256 = bundle.sha256
        self.hierarchy: Hierarchy = bundle.hierarchy
        self.territory: Path = bundle.territory
        self.calibration: Calibration = bundle.calibration
        self.reliability: Mapping[Tier, float] = shipped_reliability()
        self.stores: Mapping[str, str] = bundle.config.stores
        self.words = CarriedWords(self.hierarchy)
        self._prior = Evidence(self._levels(self.hierarchy.log_leaf_weight))

    def evidence(self, photo: Photo) -> Evidence:
        """The prior, for every photo."""
        return self._prior

    def evidence_of_features(self, features: NDArray[Any]) -> list[Evidence]:
        """The prior, for every row of (B, F) features."""
        return [self._prior] * len(features)

    def hint_clues(self, words: str) -> list[Clue]:
        """Read a user's words over the atlas, and carry them to the places of the bundle."""
        return self.words.in_hint(words)

    def _levels(self, of_leaves: Array) -> tuple[Array | None, ...]:
        return (*(None for _ in self.hierarchy.level_names[:-1]), of_leaves)


class FloorSystem(ConstantSystem):
    """The prior of a bundle, which has neither settings nor arrays."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        check_no_settings(bundle)
        check_no_other_arrays(bundle, ())


class LimitSystem(ConstantSystem):
    """The exact posterior over the cities of a synthetic Earth, as far as the bundle knows that Earth."""

    looks_at_photos = False

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        check_no_settings(bundle)
        check_takes_features(bundle)
        _check_arrays(bundle)
        try:
            self.warp = Warp.of_arrays(bundle.arrays)
            self.places = PlaceModel.of_arrays(bundle.arrays)
            self.maps = MapModel.of_arrays(bundle.arrays)
        except KeyError as error:
            raise BadBundle(f"{bundle.folder}: holds no array {error}; make the data set anew") from None
        except BadBundle as error:
            raise BadBundle(f"{bundle.folder / WEIGHTS}: {error}; make the data set anew") from None
        self._check_fit()

    def evidence(self, photo: Photo) -> Evidence:
        """Nothing here looks at pixels.

        Raises:
            BadPhoto: always.
        """
        raise no_photos_taken(photo, self.name)

    def evidence_of_features(self, features: NDArray[Any]) -> list[Evidence]:
        """Weigh (B, F) features, the rows of the bundle's stores joined."""
        return [Evidence(self._levels(row)) for row in self.log_scores(features)]

    def log_scores(self, features: NDArray[Any]) -> Array:
        """Log of the joint probability of each city and the features, up to a constant of the row.

        Args:
            features: (B, F) numbers; after the features proper the classes of the map, where the bundle takes maps.

        Returns:
            (B, L) float64; a row is NaN where the arithmetic left the finite.

        Raises:
            BadFeatures: of another width, not finite, or with classes that no map has.
        """
        known = np.asarray(features, dtype=np.float64)
        check_finite_features(known, self.name, self.warp.dim, more=self.maps is not None)
        with np.errstate(all="ignore"):
            latent = self.warp.latent_from_feature(padded(known[:, : self.warp.dim]))[: len(known)]
            scores = self.places.log_likelihood(latent) + self.hierarchy.log_leaf_weight
            if self.maps is not None:
                scores += self.maps.log_likelihood(known[:, self.warp.dim :])
        return without_broken_rows(scores)

    def _check_fit(self) -> None:
        """Refuse models that do not fit to each other and to the hierarchy."""
        of_cities = {"means": len(self.places.mean)} | ({} if self.maps is None else {"map_region_of_city": len(self.maps.region_of_city)})
        for what, n in of_cities.items():
            if n != self.hierarchy.n_leaves:
                raise BadBundle(f"{self.bundle.folder}: {n} {what} for {self.hierarchy.n_leaves} cities; make the data set anew")
        if self.places.place_dim + self.places.n_scenes > self.warp.dim:
            said = f"{self.places.place_dim} numbers of the place and {self.places.n_scenes} of the scene, but features of {self.warp.dim}"
            raise BadBundle(f"{self.bundle.folder}: {said}; make the data set anew")


def no_photos_taken(photo: Photo, bundle_name: str) -> BadPhoto:
    """What to tell of a photo that is given to a bundle which takes features alone."""
    return BadPhoto(f"{photo.name}: the bundle {bundle_name!r} takes features, not photos; name a manifest with a feature store beside it")


def _check_arrays(bundle: Bundle) -> None:
    """Refuse arrays of other types, not finite, or not known; those that are missing are told where they are read."""
    for name, array in bundle.arrays.items():
        if name in _TYPES:
            checked_array(bundle, name, array.ndim, _TYPES[name])
    check_no_other_arrays(bundle, _TYPES)


def check_no_settings(bundle: Bundle) -> None:
    """Refuse settings in the bundle of a system that has none.

    Raises:
        BadBundle: naming the first key.
    """
    for key in bundle.config.system:
        raise BadBundle(f"{bundle.folder / 'config.json'}: system.{key}: the kind {bundle.config.kind!r} has no settings; take it out")


def save_limit(
    folder: Path, name: str, *, hierarchy: Hierarchy, stores: Mapping[str, str], card: str, models: tuple[Warp, PlaceModel, MapModel | None] | None
) -> Path:
    """Write a limit as a bundle.

    Args:
        name: what answers call it.
        hierarchy: of cities, weighted by the prior.
        stores: the feature stores that it takes, and their encoders.
        card: what it is, in Markdown.
        models: what the limit knows; None for the prior.
    """
    arrays = None if models is None else {key: array for model in models if model is not None for key, array in model.to_arrays().items()}
    config = BundleConfig(kind=PRIOR_KIND if models is None else KIND, name=name, stores=dict(stores))
    # An exact posterior needs no calibration.
    calibration = Calibration(calibrated=True, fitted_on={"posterior": "exact"})
    return save_bundle(folder, config, hierarchy=hierarchy, calibration=calibration, card=card, arrays=arrays)
