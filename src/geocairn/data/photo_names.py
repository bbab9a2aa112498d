"""Names of a feature store's photos in the order of its rows, and the row of a name without a look at all the others."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadFeatures

ANEW = "extract the features anew, into a new folder"
_BLOCK = 65536


@dataclass(frozen=True)
class PhotoNames:
    """N names with an index of 12 bytes for each, which a dict of as many would need ten times.

    Attributes:
        names: (N,) pyarrow strings.
        crc32: (N,) checksums of the names, ascending; names may share one.
        row: (N,) int64 the row of the name that each checksum is of.
    """

    names: Any
    crc32: NDArray[np.uint32]
    row: NDArray[np.int64]

    @classmethod
    def of(cls, names: Any) -> Self:
        """Index names, a pyarrow array of strings."""
        crc32 = _crc32(names)
        row = np.argsort(crc32, kind="stable")
        return cls(names, crc32[row], row)

    def rows_of(self, photos: Sequence[str]) -> NDArray[np.int64]:
        """(M,) row of each photo; -1 for one that has none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        asked = pa.array(photos, pa.string())
        crc32 = _crc32(asked)
        at = np.searchsorted(self.crc32, crc32)
        rows = np.full(len(asked), -1, dtype=np.int64)
        left = np.arange(len(asked))
        while len(left := left[self._has(at[left], crc32[left])]):  # once, but for names that share a checksum
            found = self.row[at[left]]
            is_same = pc.equal(self.names.take(pa.array(found)), asked.take(pa.array(left))).to_numpy(zero_copy_only=False)
            rows[left[is_same]] = found[is_same]
            left = left[~is_same]
            at[left] += 1
        return rows

    def _has(self, at: NDArray[np.int64], crc32: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """(M,) whether these places of the index hold these checksums; places after the last hold none."""
        held = at < len(self.crc32)
        held[held] = self.crc32[at[held]] == crc32[held]
        return held

    def repeated(self) -> str | None:
        """A name that stands for several rows; None where each stands for one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        shared = np.zeros(len(self.crc32), dtype=np.bool_)
        follows = self.crc32[1:] == self.crc32[:-1]
        shared[1:] |= follows
        shared[:-1] |= follows
        counts = pc.value_counts(self.names.take(pa.array(self.row[shared])))
        return next((count["values"] for count in counts.to_pylist() if count["counts"] > 1), None)


def read_photo_names(file: Path, n: int) -> PhotoNames:
    """Names of a store's photos.

    Args:
        n: rows of the store.

    Raises:
        BadFeatures: the file is no table of n names, each once.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            column = table.read(columns=["photo"])["photo"]
        column.validate(full=True)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise BadFeatures(f"{file}: not readable as Parquet with a column 'photo' ({' '.join(str(error).split())}); {ANEW}") from None
    if column.type != pa.string() or column.null_count or len(column) != n:
        told = f"{len(column)} of {column.type}" if column.type != pa.string() else f"{len(column) - column.null_count}"
        raise BadFeatures(f"{file}: names {told} where the store has {n} rows; {ANEW}")
    names = PhotoNames.of(column.combine_chunks())
    repeated = names.repeated()
    if repeated is not None:
        raise BadFeatures(f"{file}: names {repeated!r} twice; {ANEW}")
    return names


def _crc32(names: Any) -> NDArray[np.uint32]:
    """(N,) checksums, a block at a time: Python's strings take more than the names."""
    import pyarrow as pa

    found = np.empty(len(names), dtype=np.uint32)
    for start in range(0, len(names), _BLOCK):
        block = names.slice(start, _BLOCK).cast(pa.binary()).to_pylist()
        found[start : start + len(block)] = np.fromiter(map(zlib.crc32, block), np.uint32, len(block))
    return found
