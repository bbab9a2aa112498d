"""What became of an import: the report beside the manifest, and the lists of rows left out and of photos without a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from geocairn.data.rows import HARMLESS
from geocairn.storage import appearing_at_once, write_json

FORMAT = "geocairn-import-1"
BESIDE = ("report.json", "rejected.csv", "missing.txt")


@dataclass(frozen=True)
class ImportReport:
    """What became of an import.

    Attributes:
        dataset: name of the set.
        manifest, manifest_sha256: the file written and its hash.
        n_rows, n, n_expected: rows in the sources; photos in the manifest; photos that the whole set has, None where nobody knows.
        rejected: rows left out, by reason.
        n_places, n_shared: different coordinates; photos that share theirs with another.
        n_authors: groups of photos by one author.
        pictures: `n_found`, `n_missing`, `n_empty`, `n_unlisted` (no row names them); None where none were looked for.
        unreadable: one line for each part of a source or archive that could not be read.
        columns: of the manifest.
        authors: how authors were made groups.
        sources: path, sha256 (None for a folder), n_bytes and n_rows of each.
        licence: whose the photos are.
        notes: what whoever uses the manifest must know.
    """

    dataset: str
    manifest: str
    manifest_sha256: str
    n_rows: int
    n: int
    n_expected: int | None
    rejected: Mapping[str, int]
    n_places: int
    n_shared: int
    n_authors: int
    pictures: Mapping[str, int] | None
    unreadable: Sequence[str]
    columns: Sequence[str]
    authors: str
    sources: Sequence[Mapping[str, Any]]
    licence: str
    notes: Sequence[str]

    @property
    def is_damaged(self) -> bool:
        """Something could not be read, or rows were wrong in a way that the set is not known for."""
        return bool(self.unreadable) or any(reason not in HARMLESS for reason in self.rejected)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {"format": FORMAT, **asdict(self)}


def beside(out: Path, what: str) -> Path:
    """The file of a manifest that holds `what`, one of `BESIDE`."""
    return out.with_name(f"{out.name}.{what}")


def count_reasons(rejected: pa.Table) -> dict[str, int]:
    """How many rows are left out, by reason, in the order of the alphabet."""
    return dict(sorted((entry["values"], entry["counts"]) for entry in rejected["reason"].value_counts().to_pylist()))


def write_report(out: Path, report: ImportReport) -> None:
    """Write OUT.report.json."""
    write_json(beside(out, "report.json"), report.to_dict())


def write_rejected(out: Path, rejected: pa.Table) -> None:
    """Write OUT.rejected.csv: source, row, photo and reason of each row left out. Without such rows an older file goes."""
    path = beside(out, "rejected.csv")
    if not rejected.num_rows:
        path.unlink(missing_ok=True)
        return
    photo = pc.fill_null(rejected["photo"], "")
    # No spreadsheet may take a cell for a formula; `geocairn.cells.plain_cell` undoes it.
    guarded = pc.if_else(pc.match_substring_regex(photo, "^[=+\\-@\\t\\r\\n]"), pc.binary_join_element_wise(pa.scalar("'"), photo, ""), photo)
    with appearing_at_once(path) as draft:
        pc_csv.write_csv(rejected.set_column(rejected.column_names.index("photo"), "photo", guarded), draft)


def write_missing(out: Path, missing: Sequence[str]) -> None:
    """Write OUT.missing.txt: the name of each photo without a picture, one a line. Without such photos an older file goes."""
    path = beside(out, "missing.txt")
    if not missing:
        path.unlink(missing_ok=True)
        return
    with appearing_at_once(path) as draft:
        draft.write_text("".join(f"{name}\n" for name in missing), encoding="utf-8")
