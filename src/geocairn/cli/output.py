"""Where answers go: a table, a stream, a file, a map."""

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import typer

from geocairn.answer.prediction import Prediction
from geocairn.cli.progress import tell
from geocairn.cli.table import print_table
from geocairn.errors import BadConfig
from geocairn.export.files import format_of, open_rows, write_jsonl, write_predictions
from geocairn.export.map import write_map
from geocairn.export.rows import resume_rows, row_key
from geocairn.export.target import check_target


@dataclass(frozen=True)
class Output:
    """What was asked for; `format` is settled by `check_output`."""

    out: Path | None
    format: str | None
    map: Path | None
    resume: bool
    together: bool

    def check_spares(self, photos: Sequence[str]) -> None:
        """Refuse to write over a photo that is to be read.

        Raises:
            BadConfig: naming the photo.
        """
        targets = {os.path.realpath(target) for target in (self.out, self.map) if target is not None and target.is_file()}
        for photo in photos if targets else ():
            if os.path.realpath(photo) in targets:
                raise BadConfig(f"{photo}: is one of the photos to read and would be overwritten; choose another name for the output")

    def without_done(self, photos: Sequence[str], bundle_sha256: str, settings_sha256: str) -> list[str]:
        """The photos that an interrupted `--out` does not answer yet; all of them without `--resume`.

        Rows of another bundle or other settings stay, and are told.
        """
        if not self.resume or self.out is None:
            return list(photos)
        done = Counter(resume_rows(self.out))
        n_others = sum(count for (_, _, *made_by), count in done.items() if made_by != [bundle_sha256, settings_sha256])
        if n_others:
            tell(f"{self.out}: {n_others} rows of other settings or another bundle are in it and stay; name another --out to keep the runs apart")
        left = []
        for photo in photos:
            keys = [row_key(photo, digest, bundle_sha256, settings_sha256) for digest in (_sha256_of(photo), None)]
            held = next((key for key in keys if done[key] > 0), None)
            if held is None:
                left.append(photo)
            else:
                done[held] -= 1
        return left

    def write(self, predictions: Iterable[Prediction], name_of: Callable[[str], str]) -> "Ended":
        """Write all predictions as they come; an interruption ends the files where it struck, whole and readable.

        Args:
            name_of: from the id of a place to its name, for table and map.
        """
        ended = Ended()
        rows = ended.watched(predictions, keep=self.map is not None)
        if self.format == "table":
            print_table(rows, name_of)
        elif self.out is None:
            write_predictions(rows, sys.stdout, str(self.format))
        elif self.format == "jsonl":
            with open_rows(self.out, resume=self.resume) as stream:
                write_jsonl(rows, stream)
        else:
            write_predictions(rows, self.out, str(self.format))
        if self.map is not None:
            write_map(ended.kept, self.map, name_of=name_of)
        return ended


@dataclass
class Ended:
    """How a run ended."""

    n_failed: int = 0
    interrupted: bool = False
    kept: list[Prediction] = field(default_factory=list)

    def watched(self, predictions: Iterable[Prediction], *, keep: bool) -> Iterator[Prediction]:
        """The predictions; each error is also told on standard error, and Ctrl-C ends them instead of the program."""
        try:
            for prediction in predictions:
                if prediction.error is not None:
                    self.n_failed += 1
                    typer.echo(f"geocairn: {prediction.error}", err=True)
                if keep:
                    self.kept.append(prediction)
                yield prediction
        except KeyboardInterrupt:
            self.interrupted = True


def check_output(asked: Output) -> Output:
    """Settle the format and find out before the work whether the targets can be written.

    Raises:
        BadConfig: flags that exclude each other.
        UnknownName: no format has this suffix or name.
        BadOutput: a target cannot be written.
    """
    format = asked.format or (format_of(asked.out) if asked.out is not None else "table" if sys.stdout.isatty() else "jsonl")
    if format == "table" and asked.out is not None:
        raise BadConfig(f"--format table --out {asked.out}: a table is for the terminal; choose csv, json, jsonl, geojson, kml or gpx for a file")
    if asked.resume and (asked.out is None or format != "jsonl"):
        raise BadConfig("--resume: only a JSONL file can be continued; add --out FILE.jsonl")
    if asked.resume and asked.together:
        raise BadConfig("--resume --together: a joint answer cannot be continued; leave one of them out")
    if asked.resume and asked.map is not None:
        raise BadConfig("--resume --map: the map would lack the photos answered before; leave one of them out")
    if asked.map is not None and asked.map.suffix.lower() not in (".html", ".htm"):
        raise BadConfig(f"--map {asked.map}: a map is an HTML page; name it {asked.map.with_suffix('.html').name}")
    for target in (asked.out, asked.map):
        if target is not None:
            check_target(target)
    return replace(asked, format=format)


def _sha256_of(photo: str) -> str | None:
    path = Path(photo)
    try:
        # Only regular files: reading a FIFO would wait for ever.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None
