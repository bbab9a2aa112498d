"""Where answers come from: a bundle that places the photos now, or a file that holds what was answered before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn import __version__
from geocairn.answer.prediction import Prediction
from geocairn.evaluate.guess import Guess, guess_from_prediction
from geocairn.evaluate.predictions_file import read_guesses
from geocairn.evaluate.report import SystemRecord
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.truth import Places, Truth
from geocairn.manifest import Manifest
from geocairn.places.files import arrays_sha256

Locate = Callable[[Sequence[str]], Iterable[Prediction]]
Watch = Callable[[Iterable[Prediction], int], Iterable[Prediction]]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """What answers, or what its answers are compared in.

    Attributes:
        places: the hierarchy that truths and answers are places of.
        locate: photos -> predictions with exact coordinates, in their order; a file answers nothing anew.
        locate_rows: the same for a manifest whose photos' features lie beside it; None where they do not.
        is_leaked: whether a bundle declares that its places are built from test photos too.
        calibrated_on: sha256 of the manifest that a bundle's calibration was fitted on; None where it names none.
    """

    places: Places
    locate: Locate = lambda paths: ()
    locate_rows: Callable[[Manifest], Iterable[Prediction] | None] = lambda manifest: None
    is_leaked: bool = False
    calibrated_on: str | int | float | None = None


@dataclass(frozen=True)
class Answers:
    """What a system answered about the photos of a manifest, in their order.

    Attributes:
        training_count: (N,) training photos of each photo's true place, where the source knows them better than the hierarchy that truths are compared in.
    """

    guesses: list[Guess]
    system: SystemRecord
    notes: list[str]
    training_count: NDArray[np.int64] | None = None


def open_source(settings: EvaluationSettings, tell: Tell) -> Source:
    """The bundle that the settings name; for a file of predictions and for an oracle the atlas of GeoNames.

    Args:
        tell: told each step of building the places, where they are not built yet.

    Raises:
        UnknownName: no such bundle.
        BadBundle: the folder holds no whole bundle.
        MissingExtra: a package that the bundle needs is not installed.
        BadOutput: the places cannot be written to the cache.
    """
    if settings.bundle is None:
        from geocairn.places.atlas import load_atlas

        atlas = load_atlas(tell)
        return Source(Places(atlas.hierarchy, atlas.nearest))
    # Imported here, for a file of predictions needs no system.
    from geocairn.locate import LocateSettings, Locator
    from geocairn.places.nearest import NearestPlace
    from geocairn.systems.bundle import read_config

    exact = LocateSettings.parse("--decide", {"finest": "exact", "decide": settings.decide, "encoder": settings.encoder})
    locator = Locator.load(settings.bundle, exact, progress=tell, keep_posterior=True)
    hierarchy = locator.system.hierarchy

    def locate_rows(manifest: Manifest) -> Iterable[Prediction] | None:
        is_there = locator.rows_beside(manifest.path) is not None
        return locator.locate_rows(manifest.path, manifest.photos, jobs=settings.jobs) if is_there else None

    places = Places(hierarchy, NearestPlace(hierarchy))
    is_leaked = Path(settings.bundle).is_dir() and read_config(Path(settings.bundle)).leaked
    calibrated_on = locator.system.calibration.fitted_on.get("manifest_sha256")
    return Source(places, lambda paths: locator.locate_many(paths, jobs=settings.jobs), locate_rows, is_leaked, calibrated_on)


def answers_of_file(predictions: Path, manifest: Manifest, *, places: Places) -> Answers:
    """The answers of a file of predictions.

    Raises:
        BadManifest, BadCoordinate: the file cannot be used, as `read_guesses` says.
    """
    read = read_guesses(predictions, manifest, places=places)
    system = SystemRecord(
        bundle=None,
        predictions=predictions.name,
        sha256=read.sha256,
        settings_sha256=None,
        hierarchy_sha256=arrays_sha256(places.hierarchy),
        version=__version__,
    )
    return Answers(read.guesses, system, read.notes)


def answers_of_bundle(name: str, predictions: Iterable[Prediction], *, truth: Truth, places: Places) -> Answers:
    """The answers of a bundle, each reduced to what is scored as it comes.

    Args:
        name: of the bundle.
        predictions: one per photo of the manifest, in its order; at least one.
    """
    guesses, area_km2 = [], places.hierarchy.area_km2[places.hierarchy.leaves]
    for prediction, leaf in zip(predictions, truth.leaf.tolist(), strict=True):
        guesses.append(guess_from_prediction(prediction, leaf, area_km2))
    made_by = prediction.provenance
    system = SystemRecord(
        bundle=name,
        predictions=None,
        sha256=made_by.bundle_sha256,
        settings_sha256=made_by.settings_sha256,
        hierarchy_sha256=arrays_sha256(places.hierarchy),
        version=__version__,
    )
    return Answers(guesses, system, [] if made_by.calibrated else ["The bundle was never calibrated: its probabilities are not to be relied upon."])
