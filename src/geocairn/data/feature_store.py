"""The feature store: one row of numbers per photo, memory-mapped shards of fp16, the photos' names, and a hash of all that the rows depend on."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.data.photo_names import ANEW, PhotoNames, read_photo_names
from geocairn.errors import BadConfig, BadFeatures
from geocairn.manifest import file_sha256

FORMAT = "geocairn-features-1"
META, PHOTOS = "meta.json", "photos.parquet"

Described = TypeVar("Described", bound=Config)


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
    names: PhotoNames

    def __len__(self) -> int:
        return self.meta.n

    @property
    def photos(self) -> "Any":
        """(N,) names of the photos, as a pyarrow array, in the order of the rows."""
        return self.names.names

    def rows_of(self, photos: Sequence[str]) -> NDArray[np.int64]:
        """(M,) row of each photo; -1 for one that is not in the store."""
        return self.names.rows_of(photos)

    def verify(self) -> None:
        """Read every byte of the rows.

        Raises:
            BadFeatures: naming the first file that is not as it was written.
        """
        for shard in self.meta.shards:
            _check_bytes(self.folder / shard.file, shard.file_sha256)

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


def open_store(folder: Path, *, verify: bool = False) -> FeatureStore:
    """Open a store after checking its format, its names and the lengths of its files.

    Args:
        verify: also check the hash of every file, which reads them all.

    Raises:
        BadFeatures: naming the first fault.
    """
    meta = _meta_of(folder / META, _meta_text(folder / META))
    shards = tuple(map_shard(folder, shard, meta.header) for shard in meta.shards)
    store = FeatureStore(folder, meta, shards, _names_of(folder, meta))
    if verify:
        store.verify()
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
    checks: list[Callable[[], object]] = [partial(_names_of, folder, meta)]
    checks += [partial(_check_shard, folder, shard, meta.header) for shard in meta.shards]
    for check in checks:
        try:
            check()
        except BadFeatures as fault:
            yield str(fault)


def _names_of(folder: Path, meta: StoreMeta) -> PhotoNames:
    _check_bytes(folder / PHOTOS, meta.photos_sha256)
    return read_photo_names(folder / PHOTOS, meta.n)


def _check_shard(folder: Path, shard: ShardRecord, header: StoreHeader) -> None:
    _check_bytes(folder / shard.file, shard.file_sha256)
    map_shard(folder, shard, header)


def _check_bytes(path: Path, sha256: str) -> None:
    found = sha256_or_none(path)
    if found is None:
        raise BadFeatures(f"{path}: missing; {ANEW}")
    if found != sha256:
        raise BadFeatures(f"{path}: these are not the bytes that were written (sha256 differs); {ANEW}")


def sha256_or_none(path: Path) -> str | None:
    """Hash of a file; None where it is missing."""
    try:
        return file_sha256(path) if path.is_file() else None
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> BadFeatures:
    """What to tell of a file that is there."""
    mend = "change its permissions or those of its folder" if isinstance(error, PermissionError) else "look at it and at the disk"
    return BadFeatures(f"{path}: cannot be read ({error.strerror}); {mend}")


def map_shard(folder: Path, shard: ShardRecord, header: StoreHeader) -> NDArray[Any]:
    """(rows, dim) of one file of rows, mapped into memory.

    Raises:
        BadFeatures: it is missing, truncated or of another kind.
    """
    file, shape, dtype = folder / shard.file, (shard.rows, header.dim), header.dtype
    try:
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise BadFeatures(f"{file}: missing; {ANEW}") from None
    except OSError as error:
        raise unreadable(file, error) from None
    except Exception as error:  # noqa: BLE001 - damaged bytes make numpy raise anything
        raise BadFeatures(f"{file}: truncated or no .npy ({' '.join(str(error).split())}); {ANEW}") from None
    if not isinstance(mapped, np.ndarray) or mapped.shape != shape or mapped.dtype != dtype:
        told = f"{mapped.dtype} {mapped.shape}" if isinstance(mapped, np.ndarray) else "several arrays"
        raise BadFeatures(f"{file}: holds {told} where {dtype} {shape} was written; {ANEW}")
    return mapped


def _meta_text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BadFeatures(f"{path}: no such file; a feature store is a folder with a {META}, which is written last") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _meta_of(path: Path, text: bytes) -> StoreMeta:
    meta = parsed(path, text, StoreMeta)
    if meta.key != meta.header.key or meta.n != sum(shard.rows for shard in meta.shards):
        raise BadFeatures(f"{path}: its key or number of rows does not fit what it lists; {ANEW}")
    return meta


def parsed(path: Path, text: bytes, kind: type[Described]) -> Described:
    """What the text of a store's JSON file says.

    Raises:
        BadFeatures: it says nothing of that kind.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFeatures(f"{path}: not readable as JSON ({' '.join(str(error).split())}); {ANEW}") from None
    try:
        return kind.parse(str(path), values if isinstance(values, dict) else {"": values})
    except BadConfig as error:
        raise BadFeatures(f"{error}; {ANEW}") from None
