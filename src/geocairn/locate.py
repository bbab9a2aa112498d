"""The Locator: photos in, predictions out; one path for one photo and for a million."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn import __version__
from geocairn.answer.decide import DECIMALS, AnswerSettings, Decided, Finest, decide_answer, finest_level
from geocairn.answer.posterior import LevelScores, allowed_leaves, leaf_posterior, log_odds_raised
from geocairn.answer.prediction import Candidate, Claim, ClueRecord, Prediction, Provenance
from geocairn.clues.clue import Clue
from geocairn.clues.metadata import metadata_clue
from geocairn.clues.together import together_clues
from geocairn.clues.within import within_clue, within_sha256
from geocairn.data.feature_rows import FeatureRows, rows_beside
from geocairn.errors import BadBundle, BadFeatures, GeocairnError, UnknownName
from geocairn.geo.sphere import distance_km
from geocairn.photo.metadata import ExifClaim
from geocairn.photo.read import PhotoLimits, Source, one_line, read_photo
from geocairn.places.atlas import Progress
from geocairn.systems.bundles import load_system
from geocairn.systems.system import Evidence, FeatureSystem, System
from geocairn.workers import in_order

NOTHING = Decided(None, [], [], [], [])


class LocateSettings(AnswerSettings):
    """Everything that an answer depends on besides the photo and the bundle."""

    bundle: str = Field("clues", description="name of a shipped bundle, or the folder of one")
    within: str | None = Field(None, description="hard limit: place ids such as FR,ES; circle:LAT,LON,KM; or a GeoJSON file of polygons")
    hint: str | None = Field(None, description="words about the place, read like text in the photo")
    exif: Literal["claim", "use", "ignore"] = Field("claim", description="the position in the file: told apart as a claim, used as a clue, or ignored")
    encoder: str | None = Field(None, description="where the bundle's image encoder lies: a folder, or a name of the hub; where it lay in training by default")
    limits: PhotoLimits = Field(default_factory=PhotoLimits, description="how much a single photo may cost")

    def answer_sha256(self, *, together: bool = False) -> str:
        """Hash of the settings, with the content of a GeoJSON limit and whether the photos were taken together.

        Where an encoder lies changes no answer.
        """
        parts = [self.model_copy(update={"encoder": None}).sha256(), within_sha256(self.within) if self.within else "", str(together)]
        return sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Seen:
    """A photo after it was looked at: what it holds, or why it could not be read."""

    name: str
    started: float
    sha256: str | None = None
    claim: ExifClaim | None = None
    evidence: Evidence | None = None
    error: str | None = None


class Locator:
    """A loaded bundle that answers where photos were taken.

    >>> Locator.load("clues").locate("photo.jpg").best  # doctest: +SKIP
    """

    def __init__(self, system: System, settings: LocateSettings, *, keep_posterior: bool = False) -> None:
        self.system = system
        self.settings = settings
        self.keep_posterior = keep_posterior
        limit = [within_clue(settings.within, system.hierarchy)] if settings.within is not None else []
        self._given = limit + (system.hint_clues(settings.hint) if settings.hint else [])
        self._last: tuple[LevelScores, list[Clue], Decided] | None = None

    @classmethod
    def load(
        cls, bundle: str | Path = "clues", settings: LocateSettings | None = None, *, progress: Progress = lambda step: None, keep_posterior: bool = False
    ) -> Self:
        """Load a bundle: the only call that reads what it holds, and that builds the places where they are missing.

        Args:
            bundle: its name, or its folder.
            settings: what the answers depend on; their `bundle` becomes this one.
            progress: told each step of building the places.
            keep_posterior: let every prediction carry its whole posterior (half a megabyte), which says finer things than the answer; it changes nothing
                of what is told.

        Raises:
            BadBundle: the folder holds no whole bundle.
            UnknownName: no such bundle, or a place in `settings.within` does not exist.
            BadConfig: the limit, hint or encoder cannot be used.
            MissingExtra: a package that the bundle needs is not installed.
        """
        if not isinstance(bundle, str | Path):
            raise UnknownName(f"bundle {bundle!r}: name one that ships with Geocairn, or a folder")
        chosen = (settings or LocateSettings()).model_copy(update={"bundle": str(bundle)})
        return cls(load_system(str(bundle), progress, encoder=chosen.encoder), chosen, keep_posterior=keep_posterior)

    def check_looks_at_photos(self) -> None:
        """Say once, before the first photo, what would be the error of every one.

        Raises:
            BadBundle: the bundle takes features alone.
        """
        if isinstance(self.system, FeatureSystem) and not self.system.looks_at_photos:
            stores = " and ".join(self.system.stores)
            raise BadBundle(f"{self.settings.bundle}: this bundle takes features, not photos; name a manifest with {stores} beside it")

    def locate(self, source: Source, *, name: str | None = None) -> Prediction:
        """Answer for one photo.

        Args:
            source: a path, the bytes of a file, or a PIL image.
            name: what to call it in the answer; the path by default.

        Returns:
            The prediction; with `error` set where the photo could not be read.
        """
        return self._answer(self._see(source, name), None)

    def locate_many(self, sources: Iterable[Source], *, jobs: int = 1, batch_size: int = 8) -> Iterator[Prediction]:
        """Answer for many photos, in their order; one that cannot be read is a row with an error.

        Args:
            sources: paths, bytes or PIL images; consumed as results are taken.
            jobs: worker processes; 1 works in this one.
            batch_size: photos handed to a worker at a time; changes nothing but speed.
        """
        if jobs == 1:
            yield from map(self.locate, sources)
        else:
            yield from in_order(_WorkerSetup(self.settings, self.keep_posterior), sources, jobs=jobs, batch_size=batch_size, on_loss=self._lost)

    def rows_beside(self, manifest: Path) -> FeatureRows | None:
        """The features of a manifest's photos that the bundle takes; None where they are not beside it, or the bundle takes photos alone.

        Raises:
            BadFeatures: they cannot be used, or are another encoder's.
        """
        return rows_beside(manifest, self.system.stores) if isinstance(self.system, FeatureSystem) else None

    def locate_rows(self, manifest: Path, photos: Sequence[str], *, jobs: int = 1, batch_size: int = 64) -> Iterator[Prediction]:
        """Answer for photos of a manifest from their features, in their order; one without features is a row with an error.

        Args:
            manifest: the file; the features lie beside it.
            photos: names as they stand in it; an empty one, of a row that names no photo, is a row with an error.
            jobs: worker processes; 1 works in this one.
            batch_size: photos weighed at a time; changes nothing but speed.

        Raises:
            BadBundle: the bundle takes no features.
            BadFeatures: the features cannot be used, or are not beside the manifest.
        """
        answer = self.row_answerer(manifest)
        batches = [tuple(photos[start : start + batch_size]) for start in range(0, len(photos), batch_size)]
        if jobs == 1:
            answered: Iterable[list[Prediction]] = map(answer, batches)
        else:
            setup = _RowWorkerSetup(self.settings, self.keep_posterior, manifest)
            answered = in_order(setup, batches, jobs=jobs, batch_size=1, on_loss=lambda batch: list(map(self._lost, batch)))
        return (prediction for batch in answered for prediction in batch)

    def row_answerer(self, manifest: Path) -> Callable[[Sequence[str]], list[Prediction]]:
        """What answers for a batch of a manifest's photos from their features; see `locate_rows`."""
        system, rows = self.system, self.rows_beside(manifest)
        if not isinstance(system, FeatureSystem):
            raise BadBundle(f"{manifest}: the bundle {system.name!r} takes photos, not features; name photos, or a bundle that takes features")
        if rows is None:
            raise BadFeatures(f"{manifest}: no folder {' or '.join(system.stores)} beside it; extract them with `geocairn features extract`")

        unnamed = f"{manifest}: a row names no photo; name one, or leave the row out"

        def answer(photos: Sequence[str]) -> list[Prediction]:
            started = time.perf_counter()
            features, faults = rows.read(photos)
            faults = [fault if photo else unnamed for photo, fault in zip(photos, faults, strict=True)]
            whole = [row for row, fault in enumerate(faults) if fault is None]
            weighed = dict(zip(whole, system.evidence_of_features(features[whole]), strict=True))
            seen = (_Seen(name, started, evidence=weighed.get(row), error=faults[row]) for row, name in enumerate(photos))
            return [self._answer(photo, None) for photo in seen]

        return answer

    def locate_together(self, sources: Sequence[Source]) -> list[Prediction]:
        """Answer for the photos of one trip: what each shows also speaks for the places of the others.

        Returns:
            One prediction per photo, in their order. Pictures that are no photos and files that cannot be read say nothing of the others.
        """
        seen = [self._see(source, None) for source in sources]
        speaking = [row for row, photo in enumerate(seen) if photo.evidence is not None and photo.evidence.not_photo is None]
        posteriors = [self._posterior(seen[row].evidence, self._counted(seen[row])) for row in speaking]
        shared = dict(zip(speaking, together_clues(posteriors, self.system.hierarchy), strict=True))
        return [self._answer(photo, shared.get(row), together=True) for row, photo in enumerate(seen)]

    @cached_property
    def settings_sha256(self) -> str:
        """What a row says of its settings, for one photo at a time."""
        return self.settings.answer_sha256()

    def name_of(self, place_id: str) -> str:
        """Name of a place of the bundle's hierarchy, with what it lies in: `Paris, Ile-de-France, France`."""
        hierarchy = self.system.hierarchy
        return ", ".join(hierarchy.names[place] for place in reversed(hierarchy.chain(hierarchy.index_of(place_id))))

    def _see(self, source: Source, name: str | None) -> _Seen:
        seen = _Seen(name or _name_of(source), time.perf_counter())
        try:
            photo = read_photo(source, self.settings.limits, name=seen.name)
            seen = replace(seen, sha256=photo.sha256, claim=photo.claim)
            return replace(seen, evidence=self.system.evidence(photo))
        except GeocairnError as error:
            return replace(seen, sha256=None, error=str(error))
        except Exception as error:  # noqa: BLE001 - a library may fail on one photo as nobody foresaw; the row says so and the batch goes on
            words = one_line(f"{type(error).__name__}: {error}")
            return replace(seen, sha256=None, error=f"{one_line(seen.name)}: unexpected {words}; please report it with the photo")

    def _answer(self, seen: _Seen, shared: Clue | None, *, together: bool = False) -> Prediction:
        if seen.evidence is None:
            return self._prediction(seen, NOTHING, [], together=together)
        others = [shared] if shared is not None else []
        try:
            decided = self._decided(seen.evidence, self._counted(seen) + others)
        except GeocairnError as error:
            return self._prediction(replace(seen, sha256=None, error=f"{one_line(seen.name)}: {error}"), NOTHING, [], together=together)
        if seen.evidence.not_photo is not None:
            decided = replace(decided, abstain=seen.evidence.not_photo, levels=[])
        return self._prediction(seen, decided, [*seen.evidence.clues, *self._besides(seen), *others], together=together)

    def _counted(self, seen: _Seen) -> list[Clue]:
        """The clues that move the answer: what a picture shows that is no photo says nothing of where it was taken."""
        assert seen.evidence is not None
        return [*(seen.evidence.clues if seen.evidence.not_photo is None else ()), *self._besides(seen)]

    def _besides(self, seen: _Seen) -> list[Clue]:
        """Clues that are not in the picture: the file's claim, where it is to be used, and what the user gave."""
        claimed = metadata_clue(seen.claim, self.system.hierarchy) if seen.claim is not None and self.settings.exif == "use" else None
        return [*([claimed] if claimed else []), *self._given]

    def _posterior(self, evidence: Evidence | None, clues: Sequence[Clue]) -> NDArray[np.float64]:
        assert evidence is not None
        system = self.system
        return leaf_posterior(system.hierarchy, evidence.scores, clues, system.reliability, temperature=system.calibration.temperature)

    def _decided(self, evidence: Evidence, clues: list[Clue]) -> Decided:
        # Most photos hold no clue at all: they share one answer, which is worth keeping.
        if self._last is not None and self._last[0] is evidence.scores and self._last[1] == clues:
            return self._last[2]
        mass = self._posterior(evidence, clues)
        decided = decide_answer(
            self.system.hierarchy,
            mass,
            territory=self.system.territory,
            calibration=self.system.calibration,
            settings=self.settings,
            allowed=allowed_leaves(self.system.hierarchy, clues, self.system.reliability),
        )
        if self.keep_posterior:
            decided = replace(decided, leaf_mass=mass.astype(np.float32).tobytes())
        if clues == self._given:
            self._last = evidence.scores, clues, decided
        return decided

    def _prediction(self, seen: _Seen, decided: Decided, clues: Sequence[Clue], *, together: bool) -> Prediction:
        system = self.system
        return Prediction(
            photo=seen.name,
            sha256=seen.sha256,
            error=seen.error,
            abstain=decided.abstain,
            levels=decided.levels,
            candidates=decided.candidates,
            regions=decided.regions,
            likeliest=decided.likeliest,
            leaf_mass=decided.leaf_mass,
            clues=[self._record(clue) for clue in clues],
            claimed=_claimed(seen.claim, decided.candidates, self.settings.finest) if seen.error is None and self.settings.exif != "ignore" else None,
            provenance=Provenance(
                bundle=system.name,
                bundle_sha256=system.sha256,
                version=__version__,
                settings_sha256=self.settings.answer_sha256(together=True) if together else self.settings_sha256,
                calibrated=system.calibration.calibrated,
                seconds=round(time.perf_counter() - seen.started, 3),
            ),
        )

    def _record(self, clue: Clue) -> ClueRecord:
        hierarchy = self.system.hierarchy
        finest = finest_level(hierarchy, self.settings.finest)
        # A clue tells no finer place than the answer may; a place without a coarser one has nothing finer to hide.
        supports = next((place for place in reversed(hierarchy.chain(clue.supports)) if hierarchy.level[place] <= finest), clue.supports)
        log_odds = log_odds_raised(hierarchy, replace(clue, supports=supports), self.system.reliability)
        box = [round(side, 1) for side in clue.box_px] if clue.box_px is not None else None
        return ClueRecord(kind=clue.kind, text=clue.text, box_px=box, supports=hierarchy.ids[supports], log_odds=round(log_odds, 3))

    def _lost(self, source: Source) -> Prediction:
        """The row of a photo whose worker process died of it."""
        name = _name_of(source)
        error = f"{one_line(name)}: reading it ended the worker process; look at the file with care, and give it more memory or leave it out"
        return self._prediction(_Seen(name, time.perf_counter(), error=error), NOTHING, [], together=False)


@dataclass(frozen=True)
class _WorkerSetup:
    """Loads the same Locator in a worker process."""

    settings: LocateSettings
    keep_posterior: bool

    def __call__(self) -> Callable[[Source], Prediction]:
        return Locator.load(self.settings.bundle, self.settings, keep_posterior=self.keep_posterior).locate


@dataclass(frozen=True)
class _RowWorkerSetup:
    """Loads the same Locator in a worker process, and opens the features beside a manifest."""

    settings: LocateSettings
    keep_posterior: bool
    manifest: Path

    def __call__(self) -> Callable[[Sequence[str]], list[Prediction]]:
        return Locator.load(self.settings.bundle, self.settings, keep_posterior=self.keep_posterior).row_answerer(self.manifest)


def _name_of(source: Source) -> str:
    if isinstance(source, str | Path):
        return str(source)
    return "bytes" if isinstance(source, bytes) else "image"


def _claimed(claim: ExifClaim | None, candidates: Sequence[Candidate], finest: Finest) -> Claim | None:
    """The claim, its position rounded like the answer's unless it may be exact."""
    if claim is None:
        return None
    away = None
    if claim.lat_deg is not None and claim.lon_deg is not None and candidates:
        away = round(float(distance_km([claim.lat_deg, claim.lon_deg], [candidates[0].lat_deg, candidates[0].lon_deg])), 1)
    lat, lon = (value if value is None or finest == "exact" else round(value, DECIMALS) for value in (claim.lat_deg, claim.lon_deg))
    return Claim(source="exif", lat_deg=lat, lon_deg=lon, distance_km=away, captured_at=claim.captured_at)
