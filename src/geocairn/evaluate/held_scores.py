"""What a bundle makes of photos of known place, before any temperature: its log-scores of all places, held for a fit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.posterior import summed_scores
from geocairn.data.feature_rows import FeatureRows, rows_beside
from geocairn.errors import BadFeatures, GeocairnError
from geocairn.manifest import Manifest
from geocairn.photo.read import one_line, read_photo
from geocairn.systems.bundles import load_system
from geocairn.systems.system import Evidence, FeatureSystem, System
from geocairn.workers import in_order

BATCH = 64
MAX_NUMBERS = 2**28
"""Log-scores that are held at once: 1 GiB of float32. Of more photos so many are drawn."""


@dataclass(frozen=True)
class Scored:
    """One photo: (L,) log-scores and clues, highest 0, or why there are none."""

    scores: NDArray[np.float32] | None = None
    clues: NDArray[np.float32] | None = None
    error: str | None = None


@dataclass(frozen=True)
class HeldScores:
    """M photos whose place is known.

    Attributes:
        scores: (M, L) summed log-scores, which the temperature divides, up to a constant of the row.
        clues: (M, L) what is added to them afterwards; None where no photo has a clue.
        leaf: (M,) true leaf.
        unit: (M, 3) unit vectors of where they were taken.
        groups: (M,) author.
    """

    scores: NDArray[np.float32]
    clues: NDArray[np.float32] | None
    leaf: NDArray[np.int64]
    unit: NDArray[np.float64]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def totals(self, temperature: float, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(len(rows), L) log of the posterior up to a constant of the row."""
        total = self.scores[rows].astype(np.float64) / temperature
        return total if self.clues is None else total + self.clues[rows]


def scored_photos(
    bundle: Path, manifest: Manifest, rows: Sequence[int], *, photos: Path | None = None, encoder: str | None = None, jobs: int = 1
) -> Iterable[Scored]:
    """Log-scores of rows of a manifest, in their order: from the features beside it where the bundle takes them, else from the photos.

    Args:
        rows: indices of photos.
        photos: folder that photos are relative to; the manifest's own by default.
        encoder: where the bundle's image encoder lies, if not where it lay in training.

    Raises:
        BadManifest: `photos` is not a folder.
        BadFeatures: the bundle takes features alone, and they are not beside the manifest or cannot be used.
    """
    system = load_system(str(bundle), encoder=encoder)
    if isinstance(system, FeatureSystem):
        if rows_beside(manifest.path, system.stores) is not None:
            names = [manifest.photos[row] for row in rows]
            batches = [tuple(names[start : start + BATCH]) for start in range(0, len(names), BATCH)]
            return _in_batches(_Setup(bundle, encoder, manifest.path), system, batches, jobs)
        if not system.looks_at_photos:
            raise BadFeatures(f"{manifest.path}: no folder {' or '.join(system.stores)} beside it; extract them with `geocairn features extract`")
    paths = manifest.photo_paths(photos)
    return _in_batches(_Setup(bundle, encoder, None), system, [(str(paths[row]),) for row in rows], jobs)


@dataclass(frozen=True)
class _Setup:
    """Loads the same bundle in a worker process; with a manifest it looks at features, else at photos."""

    bundle: Path
    encoder: str | None
    manifest: Path | None

    def __call__(self) -> Callable[[Sequence[str]], list[Scored]]:
        return self.scorer(load_system(str(self.bundle), encoder=self.encoder))

    def scorer(self, system: System) -> Callable[[Sequence[str]], list[Scored]]:
        """What scores a batch of photos by their names, in this process."""
        if self.manifest is None or not isinstance(system, FeatureSystem):
            return lambda paths: [_of_photo(system, path) for path in paths]
        features = rows_beside(self.manifest, system.stores)
        assert features is not None
        return lambda names: _of_features(system, features, names)


def _in_batches(setup: _Setup, system: System, batches: Sequence[Sequence[str]], jobs: int) -> Iterable[Scored]:
    if jobs == 1:
        done: Iterable[list[Scored]] = map(setup.scorer(system), batches)
    else:
        done = in_order(setup, batches, jobs=jobs, batch_size=1, on_loss=_lost)
    return (scored for batch in done for scored in batch)


def _of_features(system: System, features: FeatureRows, names: Sequence[str]) -> list[Scored]:
    assert isinstance(system, FeatureSystem)
    known, faults = features.read(names)
    whole = [row for row, fault in enumerate(faults) if fault is None]
    scored = [Scored(error=fault) for fault in faults]
    for row, evidence in zip(whole, system.evidence_of_features(known[whole]), strict=True):
        scored[row] = _of_evidence(system, evidence, names[row])
    return scored


def _of_photo(system: System, path: str) -> Scored:
    try:
        return _of_evidence(system, system.evidence(read_photo(path)), path)
    except GeocairnError as error:
        return Scored(error=str(error))


def _of_evidence(system: System, evidence: Evidence, name: str) -> Scored:
    if evidence.not_photo is not None:
        return Scored(error=f"{one_line(name)}: {evidence.not_photo}")
    clues = sum((clue.log_likelihood(system.reliability) for clue in evidence.clues), np.zeros(())) if evidence.clues else None
    return Scored(_from_highest(summed_scores(system.hierarchy, evidence.scores)), None if clues is None else _from_highest(clues))


def _from_highest(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(values - values.max(), dtype=np.float32)


def _lost(names: Sequence[str]) -> list[Scored]:
    return [Scored(error=f"{one_line(name)}: reading it ended the worker process; look at the file with care") for name in names]
