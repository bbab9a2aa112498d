"""The features that a run learns from: those of the store beside its manifests, or of a store of its own, which it first makes from the photos."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.coordinates import read_coordinates
from geocairn.data.extract import ExtractSettings, Watch, extract_features
from geocairn.data.feature_store import META, FeatureStore, open_store
from geocairn.data.feature_writer import names_sha256
from geocairn.errors import BadConfig, BadFeatures
from geocairn.manifest import PhotoList
from geocairn.models.encoders import ImageEncoder, encoder_identity, load_encoder
from geocairn.train.generators import generators_untouched
from geocairn.train.rows import LabelledRecipe, photo_names
from geocairn.train.run_folder import FEATURES, save_features_used

PHOTOS_SAMPLED = 16

# From a recipe and its run folder.
OpenFeatures = Callable[[LabelledRecipe, Path], FeatureStore]
Tell = Callable[[str], None]


def open_features(
    recipe: LabelledRecipe,
    run: Path,
    *,
    watch: Watch = lambda photos, total: iter(photos),
    tell: Tell = lambda words: None,
    tell_error: Tell = lambda error: None,
) -> FeatureStore:
    """Open the store of a recipe; where it names an encoder, extract the features that `run / "features"` does not hold yet.

    A finished store of that encoder with all photos, or more, is taken as it is: rows that were taken out of a manifest cost nothing.

    Args:
        watch: wraps the photos that are to be read, with their number.
        tell: told what happens.
        tell_error: told each photo's error as it comes.

    Raises:
        BadFeatures: the store holds other photos or another encoder's features, is damaged, or no photo has features.
        BadManifest: none of the photos is there, or rows do not name any.
        BadConfig, BadEncoder: no such folder of photos, or the encoder cannot be used.
    """
    data, out = recipe.data, run / FEATURES
    if data.encoder is None:
        return open_store(data.dir / data.store)
    photos = _photos_of(recipe)
    if (out / META).exists():
        store = open_store(out)
        if store.meta.header.encoder == encoder_identity(data.encoder, precision=data.precision) and (store.rows_of(photos.photos) >= 0).all():
            return _with_some(store)
    with generators_untouched():
        encoder = _encoder_of(recipe)
        tell(f"{out}: features of {len(photos)} photos, by {encoder.name} on {encoder.device}")
        store = _extracted(recipe, photos, out, encoder, watch, tell, tell_error)
    save_features_used(run)
    return store


def sample_features(recipe: LabelledRecipe, run: Path, *, tell: Tell) -> FeatureStore:
    """Open the store of a recipe for a dry run; where it names an encoder, the features of a few photos stand in for all, and what all would take is told.

    Raises:
        GeocairnError: as for `open_features`.
    """
    data = recipe.data
    if data.encoder is None:
        return open_store(data.dir / data.store)
    photos = _photos_of(recipe)
    some = photos.photos[:: max(1, len(photos) // PHOTOS_SAMPLED)][:PHOTOS_SAMPLED]
    read_at: list[float] = []

    def watch(items: Iterable[Any], total: int) -> Iterator[Any]:
        for item in items:
            read_at.append(perf_counter())
            yield item

    with generators_untouched():
        encoder = _encoder_of(recipe)
        store = _extracted(recipe, replace(photos, photos=some, sha256=names_sha256(some), n_rows=len(some)), run / FEATURES, encoder, watch, tell, tell)
    each_s = (perf_counter() - read_at[0]) / len(some)
    tell(
        f"photos: {len(photos)} are to be encoded by {encoder.name} on {encoder.device}, about {each_s:.2g} s each, {each_s * len(photos) / 60:.3g} minutes; "
        f"{2 * len(photos) * encoder.dim / 1e6:.3g} MB in RUN/{FEATURES}"
    )
    tell(f"features of {len(some)} photos stand in for all: sizes, memory and times are of the whole run, losses are not")
    return _StandIn(store.folder, store.meta, store.shards, store.names)


class _StandIn(FeatureStore):
    """A store whose few rows with features are those of all photos, over and over."""

    def rows_of(self, photos: Any) -> NDArray[np.int64]:
        features = self.read(np.arange(len(self)))
        return np.resize(np.flatnonzero(np.isfinite(features).all(axis=1)), len(photos))


def _photos_of(recipe: LabelledRecipe) -> PhotoList:
    """The photos of all manifests that are learned from or validated on, each once."""
    data = recipe.data
    if data.photos_dir is not None and not data.photos_dir.is_dir():
        raise BadConfig(f"data.photos_dir = {str(data.photos_dir)!r}: not a folder; give the one that the photos of {data.dir} are relative to")
    names = (name for file, n in recipe.photos_used().items() for name in photo_names(read_coordinates(data.dir / file))[: n or None])
    photos = tuple(dict.fromkeys(names))
    return PhotoList(data.dir, names_sha256(photos), photos, len(photos), {})


def _encoder_of(recipe: LabelledRecipe) -> ImageEncoder:
    return load_encoder(str(recipe.data.encoder), device=recipe.encoder_device, precision=recipe.data.precision)


def _extracted(recipe: LabelledRecipe, photos: PhotoList, out: Path, encoder: ImageEncoder, watch: Watch, tell: Tell, tell_error: Tell) -> FeatureStore:
    settings = ExtractSettings(photos=recipe.data.photos_dir or recipe.data.dir, jobs=recipe.data.jobs)
    extracted = extract_features(photos, out, encoder, settings, watch=watch, tell_error=tell_error)
    for reason, count in extracted.failed.items():
        tell(f"without features: {count} ({reason})")
    return _with_some(extracted.store)


def _with_some(store: FeatureStore) -> FeatureStore:
    if store.meta.n_nan == len(store):
        reasons = ", ".join(store.meta.notes.get("failed", ()))
        raise BadFeatures(f"{store.folder}: none of {len(store)} photos has features ({reasons}); mend the photos or data.photos_dir, and delete that folder")
    return store
