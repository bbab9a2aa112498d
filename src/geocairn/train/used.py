"""What a run learns from besides its recipe, as hashes: whether the data are still those of its start."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from geocairn.data.feature_store import open_store
from geocairn.manifest import file_sha256

_NOT_READABLE = "not readable"


def files_used(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Hash of each file, by its name; one that cannot be read says so, and whoever needs it refuses it."""
    return {name: _sha256(folder / name) for name in names}


def store_used(folder: Path) -> dict[str, str]:
    """What a feature store says of itself: encoder, key of its header, hash of the photos' names and of the shards' hashes. No rows are read.

    Raises:
        BadFeatures: it is no finished store.
    """
    meta, name = open_store(folder).meta, folder.name
    shards = "\n".join(shard.file_sha256 for shard in meta.shards)
    told = {"encoder": meta.header.encoder, "key": meta.key, "photos": meta.photos_sha256, "rows": hashlib.sha256(shards.encode()).hexdigest()}
    return {f"{name}.{what}": value for what, value in told.items()}


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError:
        return _NOT_READABLE
