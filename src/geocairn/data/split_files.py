"""A manifest in, a folder of train.parquet, val.parquet, test.parquet and split.json out; it appears at once, and the same split is not made twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from geocairn.config import Config
from geocairn.coordinates import Coded, Coordinates, read_coordinates
from geocairn.data.parquet_file import write_parquet
from geocairn.data.split import COLUMN_KEYS, PARTS, Rows, SplitSettings, count_leaks, group_rows, order_groups, share_out, too_large, unseen_values
from geocairn.errors import BadConfig, BadManifest, BadOutput
from geocairn.manifest import file_sha256, read_table
from geocairn.storage import folder_appearing_at_once

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "geocairn-split-1"
# What the rows of a part may differ from what was asked for before it is told, in percent of all rows.
_TELL_FROM_PCT = 1.0


class Part(Config):
    """One part of a split."""

    rows: int
    pct: float = Field(description="of the rows that were shared out")
    wanted_pct: float
    groups: int
    file_sha256: str | None = Field(description="of the file; null for a part that was to have nothing and has no file")


class LargestGroup(Config):
    """The group with the most rows."""

    rows: int
    pct: float
    part: str


class SplitReport(Config):
    """split.json: how rows were shared out, and what still leaks."""

    format: str
    source: str = Field(description="name of the manifest, without its folder")
    source_sha256: str
    settings: SplitSettings
    rows_read: int
    rejected: dict[str, int]
    rows: int
    groups: int
    largest_group: LargestGroup
    parts: dict[str, Part]
    rows_without_key: dict[str, int] = Field(description="for each column split by, the rows that have nothing there")
    leaks: dict[str, dict[str, int]] = Field(description="for val and test: rows that share an author, ... or have a neighbour within cell_km in train")
    countries_unseen_in_train: dict[str, dict[str, int]] | None = Field(description="for val and test: rows by country; null without a column country")
    told: tuple[str, ...] = Field(description="what did not come as asked")


def split_manifest(manifest: Path, settings: SplitSettings, out: Path) -> SplitReport:
    """Split a manifest (`.csv` or `.parquet`) into the folder `out`; the same split found there is finished work.

    Raises:
        BadConfig: settings that contradict each other, or fewer groups than parts.
        BadManifest, BadCoordinate: the manifest cannot be read, or lacks a column to split by.
        BadOutput: `out` cannot be written, or holds something else.
    """
    settings.check()
    read = read_coordinates(manifest, columns=[*(name for names in COLUMN_KEYS.values() for name in names), "country"])
    rows = _rows(read, settings)
    source_sha256 = file_sha256(manifest)
    finished = finished_split(out, source_sha256, settings)
    if finished is not None:
        return finished
    group = group_rows(rows, settings)
    sizes = np.bincount(group)
    try:
        part_of_group = share_out(sizes, order_groups(rows, group, settings), settings.fractions)
    except BadConfig as error:
        raise BadConfig(f"{manifest}: {error}") from None
    part = part_of_group[group]
    table = _table(manifest, read)
    with folder_appearing_at_once(out) as draft:
        digests = {PARTS[index]: _write_part(table, part, index, draft) for index in range(len(PARTS)) if settings.fractions[index]}
        report = SplitReport(
            format=FORMAT,
            source=manifest.name,
            source_sha256=source_sha256,
            settings=settings,
            rows_read=read.n_rows,
            rejected=dict(read.rejected),
            rows=len(rows),
            groups=len(sizes),
            largest_group=LargestGroup(rows=int(sizes.max()), pct=_pct(sizes.max(), len(rows)), part=PARTS[part_of_group[np.argmax(sizes)]]),
            parts={name: _part(index, part, part_of_group, settings, digests.get(name)) for index, name in enumerate(PARTS)},
            rows_without_key={key: int((rows.columns[key].codes < 0).sum()) for key in settings.by if key in COLUMN_KEYS},
            leaks=count_leaks(rows, part, settings.cell_km),
            countries_unseen_in_train=unseen_values(read.columns["country"], part) if "country" in read.columns else None,
            told=tuple(_told(sizes, part_of_group, settings, has_split="split" in table.column_names)),
        )
        (draft / "split.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return report


def finished_split(out: Path, source_sha256: str, settings: SplitSettings) -> SplitReport | None:
    """The report of the split that is in `out`; None where there is nothing yet.

    Raises:
        BadOutput: `out` is no folder, or holds anything but this split, whole and unchanged.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    mend = "name another folder, or remove this one"
    if not out.is_dir():
        raise BadOutput(f"{out}: is no folder; name one for the split")
    try:
        report = SplitReport.model_validate_json((out / "split.json").read_bytes())
    except (OSError, ValidationError):
        raise BadOutput(f"{out}: is not empty and holds no whole split; {mend}") from None
    if (report.format, report.source_sha256, report.settings) != (FORMAT, source_sha256, settings):
        different = "the manifest" if report.settings == settings else "the settings"
        raise BadOutput(f"{out}: holds another split of {report.source} ({different} differ); {mend}")
    for name, part in report.parts.items():
        path = out / f"{name}.parquet"
        if part.file_sha256 is not None and (not path.is_file() or file_sha256(path) != part.file_sha256):
            raise BadOutput(f"{path}: is not as it was written; {mend}")
    return report


def _rows(read: Coordinates, settings: SplitSettings) -> Rows:
    if read.photos is None:
        raise BadManifest(f"{read.path}: no column 'photo'; a manifest needs photo, lat_deg and lon_deg")
    columns: dict[str, Coded] = {}
    for key, names in COLUMN_KEYS.items():
        name = next((name for name in names if name in read.columns), None)
        if name is not None:
            columns[key] = read.columns[name]
    absent = [key for key in settings.by if key in COLUMN_KEYS and key not in columns]
    if absent:
        usable = ", ".join([*columns, "cell", "photo"])
        raise BadManifest(f"{read.path}: no column {' or '.join(map(repr, COLUMN_KEYS[absent[0]]))} to split by; it can be split by {usable}")
    return Rows(read.photos, read.latlon_deg, columns)


def _table(path: Path, read: Coordinates) -> "pa.Table":
    """The usable rows with all their columns; those of a `.csv` as text, but for the coordinates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        return pq.read_table(path, partitioning=None).take(pa.array(read.rows))
    text = read_table(path)
    if len(text.rows) != read.n_rows:
        raise BadManifest(f"{path}: changed while it was read; split it again")
    columns = {name: pa.array([cells[row] for row in read.rows.tolist()], pa.string()) for name, cells in text.columns.items()}
    return pa.table({**columns, "lat_deg": read.latlon_deg[:, 0], "lon_deg": read.latlon_deg[:, 1]})


def _write_part(table: "pa.Table", part: NDArray[np.int8], index: int, folder: Path) -> str:
    """Write one part; return the hash of its file."""
    import pyarrow as pa

    mine = table.filter(pa.array(part == index))
    name = pa.array([PARTS[index]] * mine.num_rows, pa.string())
    at = mine.column_names.index("split") if "split" in mine.column_names else mine.num_columns
    mine = mine.set_column(at, "split", name) if at < mine.num_columns else mine.append_column("split", name)
    write_parquet(mine, folder / f"{PARTS[index]}.parquet")
    return file_sha256(folder / f"{PARTS[index]}.parquet")


def _part(index: int, part: NDArray[np.int8], part_of_group: NDArray[np.int8], settings: SplitSettings, digest: str | None) -> Part:
    n_rows = int((part == index).sum())
    return Part(rows=n_rows, pct=_pct(n_rows, len(part)), wanted_pct=settings.fractions[index], groups=int((part_of_group == index).sum()), file_sha256=digest)


def _told(sizes: NDArray[np.int64], part_of_group: NDArray[np.int8], settings: SplitSettings, *, has_split: bool) -> Iterator[str]:
    large = too_large(sizes, settings.fractions)
    if large.any():
        smallest = PARTS[int(np.argmin([fraction or np.inf for fraction in settings.fractions]))]
        yield (
            f"{int(large.sum())} of {len(sizes)} groups hold more rows than {smallest} was to have; together they hold "
            f"{_pct(sizes[large].sum(), sizes.sum())} % of the rows, the largest {_pct(sizes.max(), sizes.sum())} %"
        )
    for index, name in enumerate(PARTS):
        pct = _pct(sizes[part_of_group == index].sum(), sizes.sum())
        if abs(pct - settings.fractions[index]) > _TELL_FROM_PCT:
            yield f"{name} has {pct} % of the rows, not {settings.fractions[index]:g} %: groups are not cut"
    if has_split:
        yield "the column split that the manifest had was replaced"


def _pct(part: Any, whole: Any) -> float:
    return round(100 * float(part) / float(whole), 4)
