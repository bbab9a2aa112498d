"""From the photos of a manifest to a feature store: decoded in worker processes, encoded in this one, kept part by part."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.data.feature_store import FeatureStore, StoreHeader, write_store
from geocairn.errors import BadFeatures, BadManifest, BadPhoto
from geocairn.manifest import PhotoList
from geocairn.models.preprocess import Preprocessing
from geocairn.photo.read import PhotoLimits, one_line, read_photo
from geocairn.storage import appearing_at_once
from geocairn.workers import in_order

if TYPE_CHECKING:
    from torch import Tensor

ERRORS, PARTS = "errors.jsonl", "parts"
ROWS_PER_PART = 1024  # what an interruption costs at most; divides the rows of a shard
PHOTOS_HANDED_OVER = 4
PHOTOS_LOOKED_FOR = 1000
HIGHEST_FP16 = float(np.finfo(np.float16).max)

Array = NDArray[np.float32]
Watch = Callable[[Iterable[Any], int], Iterator[Any]]


class Encoder(Protocol):
    """What makes the features (`geocairn.models.encoders.ImageEncoder`)."""

    @property
    def name(self) -> str:
        """As the user gave it."""

    @property
    def identity(self) -> str:
        """Family, pooling, precision and hash: what the features depend on."""

    @property
    def dim(self) -> int:
        """Numbers per photo."""

    @property
    def device(self) -> str:
        """Where it runs."""

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to a photo before."""

    def features(self, pixels: "Tensor") -> "Tensor":
        """(B, 3, H, W) pixels -> (B, dim); a row does not depend on the others."""


class ExtractSettings(Config):
    """How the work is done; the features depend on none of it but `limits`."""

    photos: Path | None = Field(None, description="folder that the photos are relative to; the manifest's by default")
    batch_size: int = Field(64, ge=1, description="photos that go to the encoder at a time")
    jobs: int = Field(1, ge=1, description="processes that decode photos")
    limits: PhotoLimits = Field(default_factory=PhotoLimits, description="how much a single photo may cost")


@dataclass(frozen=True)
class Extracted:
    """A finished store, and the photos without features in it, by reason."""

    store: FeatureStore
    failed: dict[str, int]


def extract_features(
    manifest: PhotoList,
    out: Path,
    encoder: Encoder,
    settings: ExtractSettings,
    *,
    watch: Watch = lambda photos, total: iter(photos),
    tell_error: Callable[[str], None] = lambda error: None,
) -> Extracted:
    """Write the features of a manifest's photos to the store `out`; an interrupted run goes on, a finished one stays as it is.

    A photo that cannot be read, or whose features are not finite, is a row of NaN: told, counted by reason in `meta.json`, and listed in `errors.jsonl`.

    Args:
        watch: wraps the photos that are to be read, with their number.
        tell_error: told each photo's error as it comes.

    Raises:
        BadManifest: none of the photos is there.
        BadFeatures: `out` holds features of other photos or of another encoder.
    """
    paths = manifest.photo_paths(settings.photos)
    if not any(path.exists() for path in paths[:PHOTOS_LOOKED_FOR]):
        raise BadManifest(f"{paths[0]}: does not exist, nor do the photos after it; give --photos the folder that the names in {manifest.path} are relative to")
    preprocessing = json.dumps(encoder.preprocessing.model_dump(mode="json"), sort_keys=True)
    header = StoreHeader(encoder=encoder.identity, preprocessing=preprocessing, manifest_sha256=manifest.sha256, dim=encoder.dim)
    work = _Work(out, manifest, paths, encoder, settings, watch, tell_error)
    with closing(work):
        store = write_store(out, header, manifest.photos, work.compute, notes=work.notes)
    _remove(out / PARTS)
    return Extracted(store, dict(store.meta.notes["failed"]))


@dataclass
class _Work:
    """The stream of photos through workers and encoder. Parts of shards are kept until their shard is written, their errors until the store is."""

    out: Path
    manifest: PhotoList
    paths: Sequence[Path]
    encoder: Encoder
    settings: ExtractSettings
    watch: Watch
    tell_error: Callable[[str], None]
    _read: Iterator["Array | str"] | None = None
    _watched: Iterator["Array | str"] = field(default_factory=lambda: iter(()))

    def compute(self, rows: range) -> NDArray[np.float16]:
        """(len(rows), dim) features of a shard."""
        if self._read is None:
            self._start(rows.start)
        for part in _parts(0, rows.start):
            self._file(part).unlink(missing_ok=True)
        return np.concatenate([self._part(part) for part in _parts(rows.start, rows.stop)])

    def notes(self) -> dict[str, Any]:
        """What `meta.json` is to say of how the features came about; also brings the errors of all parts together."""
        path = self.out / ERRORS
        if (self.out / PARTS).is_dir():
            lines = "".join(file.read_text(encoding="utf-8") for file in sorted((self.out / PARTS).glob("*.jsonl")))
            with appearing_at_once(path) as draft:
                draft.write_text(lines, encoding="utf-8")
        if not path.is_file():
            raise BadFeatures(f"{path}: missing, though the rows are there; extract the features anew")
        errors = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        return {
            "manifest": self.manifest.path.name,
            "rows": self.manifest.n_rows,
            "rejected": dict(self.manifest.rejected),
            "failed": dict(Counter(error["reason"] for error in errors).most_common()),
            "errors": ERRORS,
            "encoder": self.encoder.name,
            "device": self.encoder.device,
            "limits": self.settings.limits.model_dump(mode="json"),
            "versions": {package: version(package) for package in ("geocairn", "torch", "transformers", "pillow", "numpy")},
        }

    def close(self) -> None:
        """End the worker processes."""
        if self._read is not None:
            self._read.close()  # type: ignore[attr-defined]

    def _start(self, start: int) -> None:
        todo = [row for part in _parts(start, len(self.paths)) if not self._file(part).is_file() for row in part]
        setup = _ReadSetup(self.encoder.preprocessing, self.settings.limits)
        self._read = in_order(setup, (self.paths[row] for row in todo), jobs=self.settings.jobs, batch_size=PHOTOS_HANDED_OVER, on_loss=_lost)
        self._watched = self.watch(self._read, len(todo))

    def _part(self, rows: range) -> NDArray[np.float16]:
        file = self._file(rows)
        if file.is_file():
            kept: NDArray[np.float16] = np.load(file, allow_pickle=False)
            return kept
        features = np.full((len(rows), self.encoder.dim), np.nan, dtype=np.float16)
        errors: dict[int, str] = {}
        left = iter(rows)
        while batch := list(islice(left, self.settings.batch_size)):
            seen = dict(zip(batch, islice(self._watched, len(batch)), strict=True))
            errors |= {row: found for row, found in seen.items() if isinstance(found, str)}
            for row, found in self._encoded({row: found for row, found in seen.items() if not isinstance(found, str)}):
                if isinstance(found, str):
                    errors[row] = found
                else:
                    features[row - rows.start] = found
        self._keep(file, features, errors)
        return features

    def _encoded(self, pixels: dict[int, Array]) -> Iterator[tuple[int, "Array | str"]]:
        import torch

        if not pixels:
            return
        encoded = self.encoder.features(torch.from_numpy(np.stack(list(pixels.values())))).cpu().numpy()
        for row, found in zip(pixels, encoded, strict=True):
            if not np.isfinite(found).all():
                yield row, f"{one_line(str(self.paths[row]))}: its features are not finite; try --precision float32, or another encoder"
            elif np.abs(found).max() > HIGHEST_FP16:
                yield row, f"{one_line(str(self.paths[row]))}: its features are beyond what fp16 holds; use another encoder"
            else:
                yield row, found

    def _keep(self, file: Path, features: NDArray[np.float16], errors: dict[int, str]) -> None:
        """Write a finished part, its errors first: a part that is there is never without them."""
        lines = []
        for row, error in sorted(errors.items()):
            self.tell_error(error)
            told = {"row": row, "photo": self.manifest.photos[row], "reason": _reason(error, self.paths[row]), "error": error}
            lines.append(json.dumps(told, ensure_ascii=False) + "\n")
        with appearing_at_once(file.with_suffix(".jsonl")) as draft:
            draft.write_text("".join(lines), encoding="utf-8", errors="backslashreplace")
        with appearing_at_once(file) as draft, draft.open("wb") as stream:
            np.save(stream, features, allow_pickle=False)

    def _file(self, part: range) -> Path:
        return self.out / PARTS / f"{part.start:09d}.npy"


@dataclass(frozen=True)
class _ReadSetup:
    """Prepares a worker process to decode and preprocess photos."""

    preprocessing: Preprocessing
    limits: PhotoLimits

    def __call__(self) -> Callable[[Path], "Array | str"]:
        return self._read

    def _read(self, path: Path) -> "Array | str":
        """(3, H, W) pixels, or why there are none."""
        try:
            return self.preprocessing.pixels(read_photo(path, self.limits).image)
        except BadPhoto as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a library may fail on one photo as nobody foresaw; the row says so and the run goes on
            return f"{one_line(str(path))}: unexpected {one_line(f'{type(error).__name__}: {error}')}; please report it with the photo"


def _lost(path: Path) -> str:
    return f"{one_line(str(path))}: reading it ended the worker process; look at the file with care, and give it more memory or leave it out"


def _reason(error: str, path: Path) -> str:
    """What is wrong, without the photo's name, numbers and mend: the same for all photos with the same fault."""
    words = re.split(r"[:;(]", error.removeprefix(f"{one_line(str(path))}: "), maxsplit=1)[0].strip()
    return re.sub(r"\d[\d.,]*", "N", words)


def _parts(start: int, stop: int) -> list[range]:
    return [range(first, min(first + ROWS_PER_PART, stop)) for first in range(start, stop, ROWS_PER_PART)]


def _remove(parts: Path) -> None:
    """Remove the folder of parts, at once by its name: a half-removed one would look like a run to be continued."""
    done = parts.with_name(f".{parts.name}-done")
    rmtree(done, ignore_errors=True)  # an earlier run was stopped here
    if parts.is_dir():
        rmtree(parts.replace(done))
