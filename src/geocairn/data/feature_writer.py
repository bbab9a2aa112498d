"""Feature stores as they are written: shard by shard, gone on with where a run was interrupted, and never touched again once they are finished."""

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.config import Config
from geocairn.data.feature_store import (
    META,
    PHOTOS,
    FeatureStore,
    ShardRecord,
    StoreHeader,
    StoreMeta,
    map_shard,
    open_store,
    parsed,
    sha256_or_none,
    unreadable,
)
from geocairn.data.parquet_file import write_parquet
from geocairn.errors import BadFeatures
from geocairn.manifest import file_sha256
from geocairn.storage import appearing_at_once, names_held, write_json

STARTED = "started.json"
ROWS_PER_SHARD = 65536

Compute = Callable[[Sequence[range]], Generator[NDArray[Any], None, None]]


class StoreStart(Config):
    """What `started.json` says: whose rows are being written, and which are."""

    header: StoreHeader
    names_sha256: str
    shards: tuple[ShardRecord, ...] = ()


def write_store(
    folder: Path,
    header: StoreHeader,
    photos: Sequence[str],
    compute: Callable[[range], NDArray[Any]],
    *,
    rows_per_shard: int = ROWS_PER_SHARD,
) -> FeatureStore:
    """Write the store of the photos' features, as `write_shards` does, with features that come range by range.

    Args:
        compute: from a range of rows to their (len, dim) features; NaN rows are photos without features, and counted.
    """
    return write_shards(folder, header, photos, lambda wanted: (compute(rows) for rows in wanted), rows_per_shard=rows_per_shard)


def write_shards(
    folder: Path,
    header: StoreHeader,
    photos: Sequence[str],
    compute: Compute,
    *,
    rows_per_shard: int = ROWS_PER_SHARD,
    notes: Callable[[], dict[str, Any]] = dict,
) -> FeatureStore:
    """Write the store of the photos' features; shards that an interrupted run has finished are kept, and a finished store is read through and stays as it is.

    Args:
        header: what the features depend on; a folder with shards of another header is refused.
        photos: N >= 1 names, each once.
        compute: from the ranges of rows that are not there yet to the (len, dim) features of each; asked on when a range has been written.
        rows_per_shard: changes the files, not the rows.
        notes: asked after the last row for what `meta.json` is to hold besides.

    Raises:
        BadFeatures: the folder holds another store or a damaged one, features are too large for fp16, or of another shape.
        BadOutput: the folder cannot be written.
    """
    if len(set(photos)) < len(photos) or not photos:
        raise BadFeatures(f"{folder}: {len(photos) - len(set(photos)) if photos else 'all'} photos are named twice or not at all; name each photo once")
    if os.path.exists(folder / META):
        return _finished(folder, header, photos)
    started = _start(folder, header, photos)
    photos_sha256 = _write_names(folder / PHOTOS, photos)
    shards = _write_missing(folder, started, _shard_files(len(photos), rows_per_shard), compute)
    n_nan = sum(int(np.isnan(map_shard(folder, shard, header)).any(axis=1).sum()) for shard in shards)
    meta = StoreMeta(key=header.key, header=header, n=len(photos), n_nan=n_nan, photos_sha256=photos_sha256, shards=shards, notes=notes())
    write_json(folder / META, meta.model_dump(mode="json"))
    return open_store(folder)


def names_sha256(names: Iterable[str]) -> str:
    """Hash of names in their order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _finished(folder: Path, header: StoreHeader, photos: Sequence[str]) -> FeatureStore:
    """A finished store that is asked for again. Nothing in it is written anew: a hash of what it holds by now would vouch for any damage."""
    import pyarrow as pa

    store = open_store(folder)
    if store.meta.header != header or not store.photos.equals(pa.array(photos, pa.string())):
        raise _of_others(folder)
    store.verify()
    return store


def _start(folder: Path, header: StoreHeader, photos: Sequence[str]) -> StoreStart:
    """Write down whose shards are to come, before any other file; or what an interrupted run has written down."""
    path = folder / STARTED
    wanted = StoreStart(header=header, names_sha256=names_sha256(photos))
    if os.path.exists(path):
        try:
            found = parsed(path, path.read_bytes(), StoreStart)
        except OSError as error:
            raise unreadable(path, error) from None
        if found.model_copy(update={"shards": ()}) != wanted:
            raise _of_others(folder)
        return found
    if os.path.exists(folder) and (not folder.is_dir() or names_held(folder)):
        raise BadFeatures(f"{folder}: is a file or holds other files; name a new folder")
    write_json(path, wanted.model_dump(mode="json"))
    return wanted


def _of_others(folder: Path) -> BadFeatures:
    return BadFeatures(f"{folder}: holds features of other photos or of another encoder; name a new folder")


def _write_names(path: Path, photos: Sequence[str]) -> str:
    """Write the names; the hash of their file."""
    import pyarrow as pa

    write_parquet(pa.table({"photo": pa.array(photos, pa.string())}), path)
    return file_sha256(path)


def _shard_files(n: int, rows_per_shard: int) -> dict[str, range]:
    """Rows of each file."""
    ranges = [range(start, min(start + rows_per_shard, n)) for start in range(0, n, rows_per_shard)]
    return {f"rows-{rows.start:09d}-{rows.stop:09d}.npy": rows for rows in ranges}


def _write_missing(folder: Path, started: StoreStart, files: Mapping[str, range], compute: Compute) -> tuple[ShardRecord, ...]:
    """Write the files that are not there as they were written; all of them, in order."""
    header = started.header
    done = {shard.file: shard for shard in started.shards if shard.file in files and sha256_or_none(folder / shard.file) == shard.file_sha256}
    wanted = [file for file in files if file not in done]
    with closing(compute([files[file] for file in wanted])) as computed:
        for file, features in zip(wanted, computed, strict=True):
            done[file] = _write_shard(folder / file, _checked(folder / file, features, (len(files[file]), header.dim), header.dtype))
            so_far = started.model_copy(update={"shards": tuple(done[file] for file in files if file in done)})
            write_json(folder / STARTED, so_far.model_dump(mode="json"))
    return tuple(done[file] for file in files)


def _checked(file: Path, features: NDArray[Any], shape: tuple[int, int], dtype: str) -> NDArray[Any]:
    if features.shape != shape:
        raise BadFeatures(f"{file}: {features.shape} features were computed where {shape} were expected; look at the encoder")
    highest = float(np.finfo(dtype).max if dtype == "float16" else np.iinfo(dtype).max)
    n_over = int((np.abs(features) > highest).sum())
    if n_over:
        raise BadFeatures(f"{file}: {n_over} numbers are beyond {highest:.0f}, the largest that {dtype} holds; normalise or scale the features")
    return features.astype(dtype)


def _write_shard(file: Path, features: NDArray[Any]) -> ShardRecord:
    with appearing_at_once(file) as draft, draft.open("wb") as stream:
        np.save(stream, features, allow_pickle=False)
    return ShardRecord(file=file.name, rows=len(features), file_sha256=file_sha256(file))
