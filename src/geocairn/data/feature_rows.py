"""The features of a manifest's photos: rows of the stores that lie beside it, joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn.data.feature_store import FeatureStore, open_store
from geocairn.errors import BadFeatures, BadManifest

MANIFEST_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class FeatureRows:
    """Stores whose rows of a photo are joined, in this order."""

    stores: tuple[FeatureStore, ...]

    def read(self, photos: Sequence[str]) -> tuple[NDArray[np.float32], list[str | None]]:
        """Features of photos.

        Returns:
            (M, F) float32, and for each photo why it has none, None where it has: it is in no store, or its features are not finite.
        """
        joined = np.zeros((len(photos), sum(store.meta.header.dim for store in self.stores)), dtype=np.float32)
        faults: list[str | None] = [None] * len(photos)
        first = 0
        for store in self.stores:
            rows, dim = store.rows_of(photos), store.meta.header.dim
            joined[rows >= 0, first : first + dim] = store.read(rows[rows >= 0])
            for row in np.flatnonzero(rows < 0).tolist():
                faults[row] = f"{photos[row]}: has no features in {store.folder}; extract them"
            first += dim
        for row in np.flatnonzero(~np.isfinite(joined).all(axis=1)).tolist():
            faults[row] = faults[row] or f"{photos[row]}: its features are not finite; extract them anew"
        return joined, faults


def rows_beside(manifest: Path, stores: Mapping[str, str]) -> FeatureRows | None:
    """The stores beside a manifest that a system takes.

    Args:
        stores: name of each store's folder, and the encoder that must have made it.

    Returns:
        None where none of them is there, or no store is wanted.

    Raises:
        BadFeatures: only some of them are there, one cannot be used, or was made by another encoder.
    """
    folders = {manifest.parent / name: encoder for name, encoder in stores.items()}
    if not any(folder.is_dir() for folder in folders):
        return None
    opened = []
    for folder, encoder in folders.items():
        store = open_store(folder)
        if store.meta.header.encoder != encoder:
            raise BadFeatures(f"{folder}: made by {store.meta.header.encoder!r}, but the bundle takes features of {encoder!r}; extract them with that one")
        opened.append(store)
    return FeatureRows(tuple(opened))


def manifest_named(paths: Sequence[str]) -> Path | None:
    """The manifest that `paths` is, where it is a table and nothing else; None where photos are named.

    Raises:
        BadManifest: several tables and nothing else.
    """
    tables = [path for path in map(Path, paths) if path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file()]
    if not tables or len(tables) < len(paths):
        return None
    if len(tables) > 1:
        raise BadManifest(f"{tables[1]}: is a second manifest; name one manifest at a time")
    return tables[0]
