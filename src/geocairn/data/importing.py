"""From the files of a public data set to a manifest: every row checked, every row left out counted by reason, authors hidden."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geocairn.data.benchmarks import Benchmark, known_benchmark
from geocairn.data.found import Found, plain_text
from geocairn.data.import_report import BESIDE, ImportReport, beside, count_reasons, write_missing, write_rejected, write_report
from geocairn.data.import_settings import ImportSettings
from geocairn.data.people import names_without_users
from geocairn.data.pictures import Pictures, find_pictures, is_archive, match_pictures
from geocairn.data.rows import NO_PICTURE, Rows, gather_rows, hide_people, manifest_table, reject_repeats, reject_unlisted, rejected_rows
from geocairn.data.swapped import check_not_swapped
from geocairn.errors import BadManifest, BadOutput
from geocairn.manifest import file_sha256
from geocairn.storage import appearing_at_once, check_spares

DEFAULTS = ImportSettings()


def import_dataset(name: str, sources: Sequence[Path], out: Path, settings: ImportSettings = DEFAULTS) -> ImportReport:
    """Read a data set and write its manifest.

    Args:
        name: of `BENCHMARKS`.
        sources: its lists, and archives of its pictures where it has such.
        out: `.parquet` file; the report, the list of rows left out and that of photos without a picture appear beside it.

    Returns:
        The report, as it stands in OUT.report.json.

    Raises:
        UnknownName, BadManifest, BadCoordinate, BadOutput, MissingExtra: nothing is written.
    """
    sources = [Path(source) for source in sources]
    benchmark = known_benchmark(name)
    _check_out(out, sources)
    archives = [source for source in sources if is_archive(source) and _reader_suffix(benchmark, source) is None]
    found = [_read_source(name, benchmark, source, settings) for source in sources if source not in archives]
    salt = settings.salt or secrets.token_hex(16)
    rows, unplaced, renamed = _judged_rows(found, settings, salt)
    taken = _take_pictures(rows, [*settings.images, *archives], settings, renamed)
    rejected = rejected_rows(found, rows, unplaced)
    if not rows.is_kept.any():
        reasons = ", ".join(f"{reason}: {n}" for reason, n in count_reasons(rejected).items()) or "it has no rows"
        raise BadManifest(f"{found[0].path}: no row can be used ({reasons})")
    return _written(name, _Imported(found, manifest_table(rows), rejected, renamed, taken, archives), out, settings)


def _judged_rows(found: Sequence[Found], settings: ImportSettings, salt: str) -> tuple[Rows, pa.Array, "_Renamed"]:
    """All rows with what speaks against them, names of photos that no row places, and how names lost user numbers."""
    lists, placed = [one for one in found if not one.has_places], [one for one in found if one.has_places]
    if not placed:
        named = ", ".join(str(one.path) for one in found) or "archives alone"
        raise BadManifest(f"{named}: no coordinates; also name a list that gives the same photos LAT and LON")
    rows = gather_rows(found)
    if not settings.trust_coordinates:
        check_not_swapped(", ".join(str(one.path) for one in placed), rows.latlon_deg)
    # Lists name photos as rows do, user numbers and all: they are compared before those go.
    unplaced = reject_unlisted(rows, lists) if lists else pa.array([], pa.string())
    n_renamed, shared = hide_people(rows, salt, keep_photo_ids=settings.keep_photo_ids)
    reject_repeats(rows)
    return rows, unplaced, _Renamed(n_renamed, shared, salt, keep=settings.keep_photo_ids)


@dataclass(frozen=True)
class _Renamed:
    """How many photo names lost a user number, and how others lose it alike."""

    n: int
    shared: pa.Array
    salt: str
    keep: bool

    def alike(self, names: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        return names if self.keep else names_without_users(names, self.salt, self.shared)[0]


@dataclass(frozen=True)
class Taken:
    """Pictures as matched to photos: how many photos have one, and the names of those that do not."""

    pictures: Pictures
    n_found: int
    missing: list[str]


@dataclass(frozen=True)
class _Imported:
    """All that a report tells of."""

    found: Sequence[Found]
    table: pa.Table
    rejected: pa.Table
    renamed: _Renamed
    taken: Taken | None
    archives: Sequence[Path]


def _written(name: str, done: _Imported, out: Path, settings: ImportSettings) -> ImportReport:
    with appearing_at_once(out) as draft:
        pq.write_table(done.table, draft)
    paths = pa.array([plain_text(str(one.path)) for one in done.found]).take(done.rejected["source"].combine_chunks())
    names = done.renamed.alike(done.rejected["photo"])
    write_rejected(out, pa.table({"source": paths, "row": done.rejected["row"], "photo": names, "reason": done.rejected["reason"]}))
    write_missing(out, done.taken.missing if done.taken else ())
    report = _report(name, done, out, settings)
    write_report(out, report)
    return report


def _report(name: str, done: _Imported, out: Path, settings: ImportSettings) -> ImportReport:
    benchmark = known_benchmark(name)
    # As complex numbers, which sort many times faster than rows do.
    _, n_photos_of_place = np.unique(done.table["lat_deg"].to_numpy() + 1j * done.table["lon_deg"].to_numpy(), return_counts=True)
    n_expected = benchmark.expected([one.path for one in done.found])
    unreadable = [line for one in done.found for line in one.unreadable] + (done.taken.pictures.unreadable if done.taken else [])
    return ImportReport(
        dataset=name,
        manifest=plain_text(str(out)),
        manifest_sha256=file_sha256(out),
        n_rows=done.table.num_rows + done.rejected.num_rows,
        n=done.table.num_rows,
        n_expected=n_expected,
        rejected=count_reasons(done.rejected),
        n_places=len(n_photos_of_place),
        n_shared=int(n_photos_of_place[n_photos_of_place > 1].sum()),
        n_authors=len(done.table["author"].combine_chunks().drop_null().unique()) if "author" in done.table.column_names else 0,
        pictures=_picture_counts(done.taken),
        unreadable=[plain_text(line) for line in unreadable],
        columns=done.table.column_names,
        authors="salted groups; the salt was given" if settings.salt else "salted groups; the salt was random and is not kept",
        sources=[_source_entry(one.path, one.n_rows) for one in done.found] + [_source_entry(path, None) for path in done.archives],
        licence=benchmark.licence,
        notes=[*_notes(done, n_expected), *benchmark.notes],
    )


def _picture_counts(taken: Taken | None) -> dict[str, int] | None:
    if taken is None:
        return None
    n_listed = len(taken.pictures.names)
    return {"n_found": taken.n_found, "n_missing": len(taken.missing), "n_empty": taken.pictures.n_empty, "n_unlisted": n_listed - taken.n_found}


def _source_entry(path: Path, n_rows: int | None) -> dict[str, Any]:
    is_file = path.is_file()
    return {
        "path": plain_text(str(path)),
        "sha256": file_sha256(path) if is_file else None,
        "n_bytes": path.stat().st_size if is_file else None,
        "n_rows": n_rows,
    }


def _notes(done: _Imported, n_expected: int | None) -> list[str]:
    notes, n = [], done.table.num_rows
    if n_expected is not None and n < n_expected:
        notes.append(f"{n} of {n_expected} photos: results on it are not those of the whole set; count the rest as failures")
    if n_expected is not None and n > n_expected:
        notes.append(f"{n} photos where the set has {n_expected}: this is another list")
    if done.renamed.n:
        notes.append(f"{done.renamed.n} photo names have lost their author's user number, which files may still bear; to find these, give --keep-photo-ids")
    if done.taken is not None and done.taken.missing:
        notes.append(f"{len(done.taken.missing)} photos have no picture; their names are beside the manifest")
    return notes


def _check_out(out: Path, sources: Sequence[Path]) -> None:
    if out.suffix.lower() != ".parquet":
        raise BadOutput(f"{out}: a manifest of an import is a .parquet file; rename --out")
    if out.is_dir():
        raise BadOutput(f"{out}: a folder; name a file with --out")
    for written in (out, *(beside(out, what) for what in BESIDE)):
        check_spares(written, sources)
    if not sources:
        raise BadManifest("no source; name the files of the data set")
    twice = next((source for index, source in enumerate(sources) if source in sources[:index]), None)
    if twice is not None:
        raise BadManifest(f"{twice}: named twice; name each source once")


def _reader_suffix(benchmark: Benchmark, source: Path) -> str | None:
    return next((suffix for suffix in benchmark.readers if suffix and source.name.lower().endswith(suffix)), None)


def _read_source(name: str, benchmark: Benchmark, source: Path, settings: ImportSettings) -> Found:
    """One source through the reader that the end of its name asks for."""
    if "" in benchmark.readers:
        return benchmark.readers[""](source, settings)
    suffix = _reader_suffix(benchmark, source)
    if not source.is_file():
        raise BadManifest(f"{source}: {'not a plain file' if source.exists() else 'no such file'}; name the files of {name}")
    if suffix is None:
        raise BadManifest(f"{source}: {name} is read from {', '.join(benchmark.readers)} files; rename or convert it")
    if source.stat().st_size == 0:
        raise BadManifest(f"{source}: it is empty (0 bytes); copy it again from its source")
    return benchmark.readers[suffix](source, settings)


def _take_pictures(rows: Rows, places: Sequence[Path], settings: ImportSettings, renamed: _Renamed) -> Taken | None:
    """Match kept photos to pictures and give them the pictures' names, so that they are found below the folder."""
    if not places:
        if settings.require_images:
            raise BadManifest("--require-images: no picture is looked for; say with --images where they are")
        return None
    pictures = find_pictures(places)
    kept = np.flatnonzero(rows.is_kept)
    photos = rows.table["photo"].combine_chunks()
    # Both sides without user numbers: the names on disk still bear them.
    on_disk = renamed.alike(pa.array(pictures.names, pa.string())).to_pylist()
    matched = match_pictures(photos.take(kept).to_pylist(), list(dict.fromkeys(on_disk)))
    is_found = np.array([name is not None for name in matched], dtype=bool)
    missing = sorted(photos.take(kept[~is_found]).to_pylist())
    named = photos.to_numpy(zero_copy_only=False).copy()
    named[kept[is_found]] = [name for name in matched if name is not None]
    rows.table = rows.table.set_column(rows.table.column_names.index("photo"), "photo", pa.array(named, pa.string()))
    if settings.require_images:
        rows.reject(kept[~is_found], NO_PICTURE)
    return Taken(pictures, int(is_found.sum()), missing)
