"""The feature store: one row of numbers per photo, memory-mapped shards of fp16, the photos' names, and a hash of all that the rows depend on."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.data.parquet_file import write_parquet
from geocairn.errors import BadConfig, BadFeatures
from geocairn.manifest import file_sha256
from geocairn.storage import appearing_at_once

FORMAT = "geocairn-features-1"
META, PHOTOS = "meta.json", "photos.parquet"
ROWS_PER_SHARD = 65536


class StoreHeader(Config):
    """What the rows of a store depend on; equal headers have equal keys."""

    encoder: str = Field(min_length=1, description="what made the features: its name or folder, and the hash of its weights")
    preprocessing: str = Field("", description="what was done to a photo before, in words or as JSON")
    manifest_sha256: str = Field("", description="hash of the manifest, or of the settings, that name the photos")
    dim: int = Field(ge=1, description="numbers per photo")
    dtype: Literal["float16", "uint8"] = Field("float16", description="uint8 is for classes, such as those of a segmentation")

    @property
    def key(self) -> str:
        """Hash of the header."""
        return self.sha256()


class ShardRecord(Config):
    """One file of rows."""

    file: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    rows: int = Field(ge=1)
    file_sha256: str


class StoreMeta(Config):
    """What `meta.json` says."""

    format: str = Field(FORMAT, pattern=f"^{FORMAT}$")
    key: str
    header: StoreHeader
    n: int = Field(ge=1)
    n_nan: int = Field(0, ge=0, description="photos without features: their rows are NaN")
    notes: dict[str, Any] = Field(default_factory=dict, description="what else its writer has to say; the key does not depend on it")
    photos_sha256: str
    shards: tuple[ShardRecord, ...]


@dataclass(frozen=True)
class FeatureStore:
    """A store that was found whole; rows are read from disk when they are asked for."""

    folder: Path
    meta: StoreMeta
    shards: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, folder: Path, meta: StoreMeta) -> Self:
        """The store that `meta` describes, its shards mapped into memory.

        Raises:
            BadFeatures: a shard is missing, truncated or of another kind.
        """
        return cls(folder, meta, tuple(_map_shard(folder / shard.file, (shard.rows, meta.header.dim), meta.header.dtype) for shard in meta.shards))

    def __len__(self) -> int:
        return self.meta.n

    @cached_property
    def photos(self) -> "Any":
        """(N,) names of the photos, as a pyarrow array, in the order of the rows."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / PHOTOS).column("photo").combine_chunks()

    def rows_of(self, photos: Sequence[str]) -> NDArray[np.int64]:
        """(M,) row of each photo; -1 for one that is not in the store."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return np.asarray(pc.fill_null(pc.index_in(pa.array(photos, pa.string()), value_set=self.photos), -1).to_numpy(zero_copy_only=False), dtype=np.int64)

    def read(self, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Features of the given rows.

        Args:
            rows: (M,) in [0, N), in any order.

        Returns:
            (M, dim) of the store's dtype.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise BadFeatures(f"{self.folder}: row {int(rows.min() if rows.min() < 0 else rows.max())} is asked for, but it has {len(self)} rows")
        starts = np.cumsum([0, *(shard.rows for shard in self.meta.shards)])
        shard_of = np.searchsorted(starts, rows, side="right") - 1
        found = np.empty((len(rows), self.meta.header.dim), dtype=self.meta.header.dtype)
        for shard in np.unique(shard_of).tolist():
            here = shard_of == shard
            found[here] = self.shards[shard][rows[here] - starts[shard]]
        return found


def write_store(
    folder: Path,
    header: StoreHeader,
    photos: Sequence[str],
    compute: Callable[[range], NDArray[Any]],
    *,
    rows_per_shard: int = ROWS_PER_SHARD,
    notes: Callable[[], dict[str, Any]] = dict,
) -> FeatureStore:
    """Write the store of the photos' features; shards that an interrupted run has finished are kept.

    Args:
        header: what the features depend on; a folder with shards of another header is refused.
        photos: N >= 1 names, each once.
        compute: from a range of rows to their (len, dim) features; NaN rows are photos without features, and counted.
        rows_per_shard: changes the files, not the rows.
        notes: asked after the last row for what `meta.json` is to hold besides.

    Raises:
        BadFeatures: the folder holds another store, features are too large for fp16, or of another shape.
        BadOutput: the folder cannot be written.
    """
    if len(set(photos)) < len(photos) or not photos:
        raise BadFeatures(f"{folder}: {len(photos) - len(set(photos)) if photos else 'all'} photos are named twice or not at all; name each photo once")
    _claim(folder, header, photos)
    ranges = [range(start, min(start + rows_per_shard, len(photos))) for start in range(0, len(photos), rows_per_shard)]
    shards, n_nan = [], 0
    for rows in ranges:
        file = folder / f"rows-{rows.start:09d}-{rows.stop:09d}.npy"
        if not file.is_file():
            _write_shard(file, _checked(file, compute(rows), (len(rows), header.dim), header.dtype))
        n_nan += int(np.isnan(_map_shard(file, (len(rows), header.dim), header.dtype)).any(axis=1).sum())
        shards.append(ShardRecord(file=file.name, rows=len(rows), file_sha256=file_sha256(file)))
    photos_sha256 = file_sha256(folder / PHOTOS)
    meta = StoreMeta(key=header.key, header=header, n=len(photos), n_nan=n_nan, photos_sha256=photos_sha256, shards=tuple(shards), notes=notes())
    _write_json(folder / META, meta.model_dump(mode="json"))
    return FeatureStore.of(folder, meta)


def open_store(folder: Path, *, verify: bool = False) -> FeatureStore:
    """Open a store after checking its format and the lengths of its files.

    Args:
        verify: also check the hash of every file, which reads them all.

    Raises:
        BadFeatures: naming the first fault.
    """
    meta = _meta_of(folder / META, _meta_text(folder / META))
    store = FeatureStore.of(folder, meta)
    for name, told in ((PHOTOS, meta.photos_sha256), *((shard.file, shard.file_sha256) for shard in meta.shards if verify)):
        _check_bytes(folder / name, told)
    return store


def store_faults(folder: Path) -> Iterator[str]:
    """Read every byte of a store and tell its faults, at most one for each file.

    Raises:
        BadFeatures: the folder is no finished store, or may not be read.
    """
    text = _meta_text(folder / META)
    try:
        meta = _meta_of(folder / META, text)
    except BadFeatures as fault:
        yield str(fault)
        return
    checks: list[Callable[[], object]] = [partial(_check_bytes, folder / PHOTOS, meta.photos_sha256)]
    checks += [partial(_check_shard, folder, shard, meta.header) for shard in meta.shards]
    for check in checks:
        try:
            check()
        except BadFeatures as fault:
            yield str(fault)


def names_sha256(names: Iterable[str]) -> str:
    """Hash of names in their order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _claim(folder: Path, header: StoreHeader, photos: Sequence[str]) -> None:
    """Write down whose shards are to come, before the first one."""
    import pyarrow as pa

    claim = {"key": header.key, "photos_sha256": names_sha256(photos), "header": header.model_dump(mode="json")}
    path = folder / "started.json"
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != claim:
            raise BadFeatures(f"{folder}: holds features of other photos or of another encoder; name a new folder")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadFeatures(f"{folder}: is a file or holds other files; name a new folder")
    if not (folder / PHOTOS).exists():
        write_parquet(pa.table({"photo": pa.array(photos, pa.string())}), folder / PHOTOS)
        _write_json(path, claim)


def _checked(file: Path, features: NDArray[Any], shape: tuple[int, int], dtype: str) -> NDArray[Any]:
    if features.shape != shape:
        raise BadFeatures(f"{file}: {features.shape} features were computed where {shape} were expected; look at the encoder")
    highest = float(np.finfo(dtype).max if dtype == "float16" else np.iinfo(dtype).max)
    n_over = int((np.abs(features) > highest).sum())
    if n_over:
        raise BadFeatures(f"{file}: {n_over} numbers are beyond {highest:.0f}, the largest that {dtype} holds; normalise or scale the features")
    return features.astype(dtype)


def _write_shard(file: Path, features: NDArray[Any]) -> None:
    with appearing_at_once(file) as draft, draft.open("wb") as stream:
        np.save(stream, features, allow_pickle=False)


def _check_shard(folder: Path, shard: ShardRecord, header: StoreHeader) -> None:
    _check_bytes(folder / shard.file, shard.file_sha256)
    _map_shard(folder / shard.file, (shard.rows, header.dim), header.dtype)


def _check_bytes(path: Path, sha256: str) -> None:
    try:
        found = file_sha256(path) if path.is_file() else None
    except OSError as error:
        raise _unreadable(path, error) from None
    if found is None:
        raise BadFeatures(f"{path}: missing; extract the features anew")
    if found != sha256:
        raise BadFeatures(f"{path}: these are not the bytes that were written (sha256 differs); extract the features anew")


def _unreadable(path: Path, error: OSError) -> BadFeatures:
    mend = "change its permissions or those of its folder" if isinstance(error, PermissionError) else "look at it and at the disk"
    return BadFeatures(f"{path}: cannot be read ({error.strerror}); {mend}")


def _map_shard(file: Path, shape: tuple[int, int], dtype: str) -> NDArray[Any]:
    try:
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadFeatures(f"{file}: missing; extract the features anew") from None
    except OSError as error:
        raise _unreadable(file, error) from None
    except Exception as error:  # noqa: BLE001 - damaged bytes make numpy raise anything
        raise BadFeatures(f"{file}: truncated or no .npy ({' '.join(str(error).split())}); extract the features anew") from None
    if not isinstance(mapped, np.ndarray) or mapped.shape != shape or mapped.dtype != dtype:
        told = f"{mapped.dtype} {mapped.shape}" if isinstance(mapped, np.ndarray) else "several arrays"
        raise BadFeatures(f"{file}: holds {told} where {dtype} {shape} was written; extract the features anew")
    return mapped


def _meta_text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadFeatures(f"{path}: no such file; a feature store is a folder with a {META}, which is written last") from None
    except OSError as error:
        raise _unreadable(path, error) from None


def _meta_of(path: Path, text: bytes) -> StoreMeta:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFeatures(f"{path}: not readable as JSON ({' '.join(str(error).split())}); extract the features anew") from None
    try:
        meta = StoreMeta.parse(str(path), values if isinstance(values, dict) else {"": values})
    except BadConfig as error:
        raise BadFeatures(str(error)) from None
    if meta.key != meta.header.key or meta.n != sum(shard.rows for shard in meta.shards):
        raise BadFeatures(f"{path}: its key or number of rows does not fit what it lists; extract the features anew")
    return meta


def _write_json(path: Path, values: Any) -> None:
    with appearing_at_once(path) as draft:
        draft.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
