"""From the photos of a manifest to a feature store: decoded in worker processes, encoded in this one, kept part by part."""

import json
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.data.feature_store import FeatureStore, StoreHeader
from geocairn.data.feature_writer import write_shards
from geocairn.data.photo_names import ANEW
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
    def precision(self) -> str:
        """Of weights and arithmetic."""

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
        BadFeatures: `out` holds features of other photos or of another encoder, or is damaged.
    """
    paths = manifest.photo_paths(settings.photos)
    if not any(path.exists() for path in paths[:PHOTOS_LOOKED_FOR]):
        raise BadManifest(
            f"{paths[0]}: does not exist, nor do the photos after it; give --photos (in a recipe data.photos_dir) the folder that the names in "
            f"{manifest.path} are relative to"
        )
    preprocessing = json.dumps(encoder.preprocessing.model_dump(mode="json"), sort_keys=True)
    header = StoreHeader(encoder=encoder.identity, preprocessing=preprocessing, manifest_sha256=manifest.sha256, dim=encoder.dim)
    work = _Work(out, manifest, paths, encoder, settings, watch, tell_error)
    store = write_shards(out, header, manifest.photos, work.shards, notes=work.notes)
    errors = _read_errors(out / ERRORS)
    if len(errors) != store.meta.n_nan:
        raise BadFeatures(f"{out / ERRORS}: tells of {len(errors)} photos, but {store.meta.n_nan} are without features; {ANEW}")
    _remove(out / PARTS)
    return Extracted(store, _by_reason(errors))


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

    def shards(self, wanted: Sequence[range]) -> Generator[NDArray[np.float16], None, None]:
        """(rows, dim) features of each of the wanted shards. The photos of their rows are read and no others, but for those of parts that are kept."""
        kept = {part: features for shard in wanted for part in _parts(shard) if (features := self._kept(part)) is not None}
        rows = [row for shard in wanted for part in _parts(shard) if part not in kept for row in part]
        setup = _ReadSetup(self.encoder.preprocessing, self.settings.limits)
        paths = (self.paths[row] for row in rows)
        with closing(in_order(setup, paths, jobs=self.settings.jobs, batch_size=PHOTOS_HANDED_OVER, on_loss=_lost)) as read:
            seen = self.watch(read, len(rows))
            for shard in wanted:
                yield np.concatenate([kept.pop(part) if part in kept else self._part(part, seen) for part in _parts(shard)])
                for part in _parts(shard):  # whoever asks on has written the shard
                    self._file(part).unlink(missing_ok=True)

    def notes(self) -> dict[str, Any]:
        """What `meta.json` is to say of how the features came about; also brings the errors of all parts together."""
        errors = [error for part in _parts(range(len(self.paths))) for error in _read_errors(self._errors_file(part))]
        _write_errors(self.out / ERRORS, errors)
        return {
            "manifest": self.manifest.path.name,
            "rows": self.manifest.n_rows,
            "rejected": dict(self.manifest.rejected),
            "failed": _by_reason(errors),
            "errors": ERRORS,
            "encoder": self.encoder.name,
            "precision": self.encoder.precision,
            "device": self.encoder.device,
            "limits": self.settings.limits.model_dump(mode="json"),
            "versions": {package: version(package) for package in ("geocairn", "torch", "transformers", "pillow", "numpy")},
        }

    def _part(self, rows: range, seen: Iterator["Array | str"]) -> NDArray[np.float16]:
        """Features of the next rows that were read."""
        features = np.full((len(rows), self.encoder.dim), np.nan, dtype=np.float16)
        errors: dict[int, str] = {}
        for batch in (rows[start : start + self.settings.batch_size] for start in range(0, len(rows), self.settings.batch_size)):
            found = dict(zip(batch, islice(seen, len(batch)), strict=True))
            errors |= {row: error for row, error in found.items() if isinstance(error, str)}
            for row, encoded in self._encoded({row: pixels for row, pixels in found.items() if not isinstance(pixels, str)}):
                if isinstance(encoded, str):
                    errors[row] = encoded
                else:
                    features[row - rows.start] = encoded
        self._keep(rows, features, errors)
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

    def _keep(self, part: range, features: NDArray[np.float16], errors: dict[int, str]) -> None:
        """Write a finished part, its errors first: a part that is there is never without them."""
        told = []
        for row, error in sorted(errors.items()):
            self.tell_error(error)
            told.append({"row": row, "photo": self.manifest.photos[row], "reason": _reason(error, self.paths[row]), "error": error})
        _write_errors(self._errors_file(part), told)
        with appearing_at_once(self._file(part)) as draft, draft.open("wb") as stream:
            np.savez(stream, features=features)  # with a checksum, unlike a .npy

    def _kept(self, part: range) -> NDArray[np.float16] | None:
        """A part that an interrupted run has finished; None where it or its errors are missing or damaged."""
        try:
            with self._file(part).open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                features: NDArray[np.float16] = held["features"]
            n_errors = len(_read_errors(self._errors_file(part)))
        except Exception:  # noqa: BLE001 - damaged bytes make numpy raise anything; what cannot be used is made again
            return None
        is_whole = features.shape == (len(part), self.encoder.dim) and n_errors == np.isnan(features).any(axis=1).sum()
        return features if is_whole else None

    def _file(self, part: range) -> Path:
        return self.out / PARTS / f"{part.start:09d}.npz"

    def _errors_file(self, part: range) -> Path:
        return self._file(part).with_suffix(".jsonl")


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


def _by_reason(errors: Sequence[dict[str, Any]]) -> dict[str, int]:
    return dict(Counter(error["reason"] for error in errors).most_common())


def _write_errors(file: Path, errors: Sequence[dict[str, Any]]) -> None:
    with appearing_at_once(file) as draft:
        draft.write_text("".join(json.dumps(error, ensure_ascii=False) + "\n" for error in errors), encoding="utf-8", errors="backslashreplace")


def _read_errors(file: Path) -> list[dict[str, Any]]:
    try:
        errors = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    except FileNotFoundError:
        raise BadFeatures(f"{file}: missing, though the rows are there; {ANEW}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadFeatures(f"{file}: not readable as lines of JSON ({' '.join(str(error).split())}); {ANEW}") from None
    if not all(isinstance(error, dict) and isinstance(error.get("reason"), str) for error in errors):
        raise BadFeatures(f"{file}: holds a line without a reason; {ANEW}")
    return errors


def _parts(rows: range) -> list[range]:
    return [rows[first : first + ROWS_PER_PART] for first in range(0, len(rows), ROWS_PER_PART)]


def _remove(parts: Path) -> None:
    """Remove the folder of parts, at once by its name: a half-removed one would look like a run to be continued."""
    done = parts.with_name(f".{parts.name}-done")
    rmtree(done, ignore_errors=True)  # an earlier run was stopped here
    if parts.is_dir():
        rmtree(parts.replace(done))
