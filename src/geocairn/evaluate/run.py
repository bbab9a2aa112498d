"""One evaluation from a manifest to its report: the function that `geocairn evaluate` calls."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geocairn.evaluate import honesty
from geocairn.evaluate.answers import Answers, Source, Tell, Watch, answers_of_bundle, answers_of_file, open_source
from geocairn.evaluate.area import recall_vs_area
from geocairn.evaluate.compare import against_record
from geocairn.evaluate.failures import failure_reasons
from geocairn.evaluate.groups import group_rows
from geocairn.evaluate.guess import Guess
from geocairn.evaluate.leak import n_leaked_photos
from geocairn.evaluate.oracle import answers_of_oracle
from geocairn.evaluate.protocol import Protocol, protocol_named
from geocairn.evaluate.report import Against, BootstrapRecord, ManifestRecord, Report, finite
from geocairn.evaluate.score import Evaluation, Noise, Scores, main_figures, main_intervals, score_guesses, scored_levels
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.tables import report_tables
from geocairn.evaluate.truth import Places, Truth, true_places
from geocairn.evaluate.write import FILES, prepare_folder, write_evaluation
from geocairn.manifest import Manifest, left_out_words, read_manifest

CALIBRATED_ON_THESE = "The bundle was calibrated on this very manifest: its probabilities are fitted to these photos and look better than they would on others."


def run_evaluation(
    manifest_path: Path,
    settings: EvaluationSettings,
    *,
    out: Path | None = None,
    watch: Watch = lambda predictions, n: predictions,
    tell: Tell = lambda step: None,
    opener: Callable[[EvaluationSettings, Tell], Source] = open_source,
) -> Report:
    """Evaluate a bundle, a file of predictions or an oracle against a manifest. What can be refused is refused before a bundle starts to work.

    Args:
        manifest_path: `.csv` or `.parquet`, as `manifest.read_manifest` reads it.
        settings: what is evaluated and how.
        out: folder for report.json, report.md, predictions.csv and plots; nothing is written without it. Equal inputs give equal bytes.
        watch: is handed the stream of a bundle's predictions and their number, and passes the stream on: for a progress bar.
        tell: told each step of building the places, where they are not built yet.
        opener: opens what the settings name.

    Raises:
        BadConfig: the settings contradict each other.
        BadManifest, BadCoordinate: the manifest, a file of predictions or a gallery cannot be used.
        BadBundle, BadFeatures: the bundle's folder, or the features beside the manifest, cannot be used.
        BadHierarchy: the oracle's hierarchy cannot be used, or the bundle's was built from photos of the manifest and does not say so.
        UnknownName: there is no such protocol, bundle or level.
        MissingExtra: a package that the bundle needs is not installed.
        BadOutput: `out` or the cache cannot be written, `out` holds other things than an older report, or a file that is read would be overwritten.
    """
    settings.check()
    protocol_named(settings.protocol)
    manifest = read_manifest(manifest_path)
    photos = manifest.photo_paths(settings.photos)
    if settings.group_by is not None:
        manifest.column(settings.group_by)
    if out is not None:
        prepare_folder(out, _sources(manifest_path, settings, photos))
    source = opener(settings, tell)
    n_leaked = n_leaked_photos(settings.bundle, manifest, is_declared=source.is_leaked)
    places, truth = source.places, true_places(manifest, source.places)
    other = answers_of_file(settings.against, manifest, places=places) if settings.against is not None else None
    if settings.predictions is not None:
        answers = answers_of_file(settings.predictions, manifest, places=places)
    elif settings.oracle is not None:
        answers = answers_of_oracle(settings.oracle, manifest, level=settings.oracle_level, places=places)
    else:
        # Where features lie beside the manifest, no photo need be there.
        of_rows = source.locate_rows(manifest)
        stream = source.locate([str(path) for path in photos]) if of_rows is None else of_rows
        answers = answers_of_bundle(str(settings.bundle), watch(stream, len(photos)), truth=truth, places=places)
        notes = [*answers.notes, CALIBRATED_ON_THESE] if source.calibrated_on == manifest.sha256 else answers.notes
        answers = replace(answers, system=answers.system.model_copy(update={"n_leaked": n_leaked}), notes=notes)
    evaluation = evaluate_answers(answers, manifest, truth=truth, places=places, other=other, settings=settings)
    if out is not None:
        write_evaluation(out, evaluation)
    return evaluation.report


def evaluate_answers(answers: Answers, manifest: Manifest, *, truth: Truth, places: Places, other: Answers | None, settings: EvaluationSettings) -> Evaluation:
    """All figures over answers, and their differences from another system's."""
    guesses, protocol = answers.guesses, protocol_named(settings.protocol)
    noise = Noise(_groups(manifest, protocol), settings.n_resamples, settings.seed)
    scores, levels = score_guesses(guesses, truth, places=places, protocol=protocol), scored_levels(truth)
    is_answered, is_failed = scores.is_answered, scores.is_failed
    answered_rows = np.flatnonzero(is_answered)
    answered_noise = Noise(noise.groups[answered_rows], noise.n_resamples, noise.seed)
    report = Report(
        manifest=_manifest_record(manifest, truth),
        system=answers.system,
        protocol=protocol.name,
        distance=protocol.distance,
        earth_radius_km=protocol.earth_radius_km,
        inequality=protocol.inequality,
        rules=protocol,
        decide=settings.decide,
        bootstrap=_bootstrap_record(manifest, protocol, noise),
        n=len(manifest),
        n_failed=int(is_failed.sum()),
        failures=failure_reasons(manifest.photos, guesses),
        n_abstained=int((~is_failed & ~is_answered).sum()),
        n_answered=len(answered_rows),
        answered_pct=finite(100 * len(answered_rows) / len(manifest)),
        **main_figures(scores, levels),
        level_accuracy_by_mode=honesty.accuracy_by_mode(scores, levels),
        ci95=main_intervals(scores, levels, noise),
        answered_country=honesty.answered_country(scores),
        supported_levels=honesty.supported_levels(guesses, scores, truth),
        regions=honesty.region_coverage(guesses, noise),
        regions_of_answered=honesty.region_coverage([guesses[row] for row in answered_rows], answered_noise),
        candidates=honesty.candidate_reliability(guesses, truth, protocol=protocol, noise=noise),
        coverage_precision=honesty.coverage_precision(guesses, scores),
        clues=honesty.clue_counts(guesses, truth, places.hierarchy),
        group_by=settings.group_by,
        groups=group_rows(manifest.column(settings.group_by), scores, noise) if settings.group_by is not None else [],
        tables=report_tables(manifest, truth, scores, noise, hierarchy=places.hierarchy, training_count=answers.training_count),
        recall_vs_area=recall_vs_area(guesses, scores.latlon_deg, truth.latlon_deg, noise),
        against=_against(other, scores, manifest, truth=truth, places=places, noise=noise) if other is not None else None,
        notes=[*answers.notes, *_notes(manifest, guesses, truth)],
    )
    return Evaluation(report, manifest, guesses, truth, scores, noise)


def _sources(manifest: Path, settings: EvaluationSettings, photos: Sequence[Path]) -> list[Path]:
    """The files that are read; of the photos, for there may be a million, those alone that bear the name of a file of the report."""
    tables = [path for path in (settings.predictions, settings.against, settings.oracle) if path is not None]
    return [manifest, *tables, *(photo for photo in photos if photo.name.lower() in FILES)]


def _against(other: Answers, scores: Scores, manifest: Manifest, *, truth: Truth, places: Places, noise: Noise) -> Against:
    other_scores = score_guesses(other.guesses, truth, places=places, protocol=scores.protocol)
    failures = failure_reasons(manifest.photos, other.guesses)
    return against_record(scores, other_scores, noise=noise, file=str(other.system.predictions), sha256=other.system.sha256, failures=failures)


def _manifest_record(manifest: Manifest, truth: Truth) -> ManifestRecord:
    return ManifestRecord(file=manifest.path.name, sha256=manifest.sha256, n_rows=manifest.n_rows, rejected=dict(manifest.rejected), labels=dict(truth.source))


def _groups(manifest: Manifest, protocol: Protocol) -> NDArray[np.int64]:
    return manifest.author_codes() if protocol.grouping == "author" else np.arange(len(manifest))


def _bootstrap_record(manifest: Manifest, protocol: Protocol, noise: Noise) -> BootstrapRecord:
    by: Literal["author", "photo"] = "author" if manifest.has_authors and protocol.grouping == "author" else "photo"
    return BootstrapRecord(by=by, n_groups=len(np.unique(noise.groups)), n_resamples=noise.n_resamples, seed=noise.seed)


def _notes(manifest: Manifest, guesses: Sequence[Guess], truth: Truth) -> list[str]:
    n_nowhere, left_out = int((truth.leaf < 0).sum()), left_out_words(manifest.rejected, manifest.n_rows)
    said = {
        "The manifest names no authors, so intervals treat photos as independent; near-duplicates make them too narrow.": not manifest.has_authors,
        f"Of the manifest {left_out}.": left_out is not None,
        f"{n_nowhere} photos were taken outside every place (open ocean, wilderness): no region holds them.": n_nowhere > 0,
        "The predictions do not say which places their regions hold, so the regions' coverage is not measured.": not any(guess.regions for guess in guesses),
    }
    return [note for note, holds in said.items() if holds]
