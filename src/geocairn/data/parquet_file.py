"""Parquet files that appear at once, and whose bytes depend on nothing but their rows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geocairn.errors import BadOutput
from geocairn.storage import appearing_at_once

if TYPE_CHECKING:
    import pyarrow as pa


def write_parquet(table: "pa.Table", out: Path, *, described: Mapping[str, Any] | None = None) -> None:
    """Write a table; equal tables give equal bytes.

    Args:
        table: any columns, in any chunks.
        out: the `.parquet` file; one that is there is replaced.
        described: what made the rows, kept as JSON in the file's metadata under the key `geocairn`.

    Raises:
        BadOutput: `out` is no `.parquet`, or cannot be written.
    """
    import pyarrow.parquet as pq

    check_parquet_target(out)
    metadata = {**(table.schema.metadata or {}), **({} if described is None else {"geocairn": json.dumps(described, ensure_ascii=False)})}
    # One chunk, for the bytes would tell how the table was put together.
    whole = table.combine_chunks().replace_schema_metadata(metadata or None)
    with appearing_at_once(out) as draft:
        pq.write_table(whole, draft, compression="zstd")


def check_parquet_target(out: Path) -> None:
    """Check before the work that `out` can be a Parquet file.

    Raises:
        BadOutput: another suffix, or a folder.
    """
    if out.suffix.lower() != ".parquet":
        raise BadOutput(f"{out}: a manifest is written as Parquet; name a .parquet file")
    if out.is_dir():
        raise BadOutput(f"{out}: is a folder; name a file in it")
