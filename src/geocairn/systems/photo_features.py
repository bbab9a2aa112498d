"""From a photo to the features that a bundle was trained on: by the image encoders that made its stores, found anew and known by their hashes."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geocairn.data.feature_store import FeatureStore
from geocairn.errors import BadConfig, BadFeatures, BadPhoto, GeocairnError, MissingExtra
from geocairn.photo.read import Photo, one_line
from geocairn.systems.bundle import Bundle, StoreEncoder

if TYPE_CHECKING:
    from geocairn.models.encoders import ImageEncoder


def encoders_of(store: FeatureStore) -> dict[str, StoreEncoder]:
    """What a bundle keeps of the image encoder that made a store, by the name of its folder; nothing where none did, as with generated features.

    Raises:
        BadFeatures: the store does not tell it whole.
    """
    told = store.meta.notes
    if "encoder" not in told:
        return {}
    try:
        preprocessing = json.loads(store.meta.header.preprocessing)
        encoder = StoreEncoder.parse(str(store.folder), {"name": told["encoder"], "precision": told.get("precision"), "preprocessing": preprocessing})
    except (ValueError, BadConfig) as error:
        raise BadFeatures(f"{store.folder}: does not tell its encoder whole ({' '.join(str(error).split())}); extract the features anew") from None
    return {store.folder.name: encoder}


class PhotoFeatures:
    """The encoders of a bundle's stores, loaded when the first photo comes."""

    def __init__(self, bundle: Bundle, encoder: str | None = None) -> None:
        """
        Args:
            bundle: one that tells its encoders.
            encoder: where the encoder lies now, a folder or a name of the hub; where it lay in training by default.

        Raises:
            BadConfig: `encoder` is given, and the bundle has several.
        """
        self._bundle = bundle
        self._names = {store: told.name for store, told in bundle.config.encoders.items()}
        if encoder is not None:
            if len(self._names) != 1:
                raise BadConfig(f"--encoder {encoder}: the bundle {bundle.config.name!r} has encoders for {', '.join(self._names)}; leave it out")
            self._names = dict.fromkeys(self._names, encoder)

    def of(self, photo: Photo) -> NDArray[np.float32]:
        """(1, F) features of a photo, rounded as a store would hold them: a photo and its row in a store have the same answer.

        Raises:
            BadPhoto: its features are not finite, or an encoder cannot be had.
        """
        import torch

        if isinstance(self._encoders, GeocairnError):
            raise BadPhoto(f"{one_line(photo.name)}: {self._encoders}")
        parts = []
        for store, encoder in self._encoders.items():
            pixels = self._bundle.config.encoders[store].preprocessing.pixels(photo.image)
            with np.errstate(over="ignore"):
                parts.append(encoder.features(torch.from_numpy(pixels[None])).cpu().numpy().astype(np.float16).astype(np.float32))
        features = np.concatenate(parts, axis=1)
        if not np.isfinite(features).all():
            raise BadPhoto(f"{one_line(photo.name)}: its features are not finite, or beyond what fp16 holds; leave it out, or train on another encoder's")
        return features

    @cached_property
    def _encoders(self) -> "Mapping[str, ImageEncoder] | GeocairnError":
        """By store; or why they cannot be had, which is looked into once, not for every photo."""
        try:
            return {store: self._loaded(store, name) for store, name in self._names.items()}
        except GeocairnError as error:
            return error

    def _loaded(self, store: str, name: str) -> "ImageEncoder":
        try:
            from geocairn.models.encoders import load_encoder
        except ImportError as error:
            raise MissingExtra(f"{self._bundle.folder}: to look at photos it needs the package {error.name}; mend: pip install geocairn[encoders]") from None
        wanted = self._bundle.config.stores[store]
        found = load_encoder(name, precision=self._bundle.config.encoders[store].precision)
        if found.identity != wanted:
            raise BadConfig(f"{name}: is the encoder {found.identity!r}, but the bundle takes features of {wanted!r}; give --encoder the folder of that one")
        return found
