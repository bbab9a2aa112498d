"""Calibration of a bundle on photos that it has not seen: the function that `geocairn calibrate` calls."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.decide import Calibration
from geocairn.errors import BadBundle, BadManifest
from geocairn.evaluate.held_scores import MAX_NUMBERS, HeldScores, Scored, scored_photos
from geocairn.evaluate.reach import fit_reach, halving_reach, reach_error
from geocairn.evaluate.temperature import Array, Figures, Fitted, figures_of, fit_support, fit_temperature, temperature_error
from geocairn.geo.sphere import unit_from_latlon
from geocairn.manifest import Manifest, left_out_words, read_manifest
from geocairn.places.nearest import NearestPlace
from geocairn.places.origin import check_not_built_from
from geocairn.systems.bundle import Bundle, load_bundle
from geocairn.systems.bundles import SHIPPED
from geocairn.systems.recalibrate import check_target, save_recalibrated

MIN_PHOTOS = 50
N_FOLDS = 5
UNFIT_SPLITS = {"train": "the bundle has seen", "test": "is to be evaluated on, and would look better than other photos"}

Watch = Callable[[Iterable[Scored], int], Iterable[Scored]]


@dataclass(frozen=True)
class Calibrated:
    """What a calibration found.

    Attributes:
        folder: of the bundle with its new calibration.
        before: under the temperature and reach that the bundle had.
        after: under those fitted on the photos of other authors, photo by photo.
        temperature_error: standard error of the temperature, by author, or by photo where authors are not known.
        reach_error: standard error of the reach, likewise; None where it was not fitted.
        n: photos that the temperature was fitted on.
        n_authors: of those, a photo without one counting as the only one of its own; None where the manifest names none at all.
        n_outside: photos taken outside every place; they take no part.
        n_not_drawn: photos left out for want of memory.
        left_out: what rows of the manifest are not used, in words; None where all are.
        errors: why photos could not be scored.
    """

    folder: Path
    bundle_sha256: str
    old: Calibration
    new: Calibration
    before: Figures
    after: Figures
    temperature_error: float
    reach_error: float | None
    n: int
    n_authors: int | None
    n_outside: int
    n_not_drawn: int
    left_out: str | None
    errors: tuple[str, ...]

    @property
    def is_worse(self) -> bool:
        """True leaves of photos left out of the fit are less likely than under the old temperature, which was not fitted on these photos either."""
        is_old_of_these = self.old.fitted_on.get("manifest_sha256") == self.new.fitted_on["manifest_sha256"]
        return not is_old_of_these and round(self.after.nll, 4) > round(self.before.nll, 4)


def calibrate_bundle(
    bundle: Path,
    manifest: Path,
    *,
    photos: Path | None = None,
    encoder: str | None = None,
    out: Path | None = None,
    jobs: int = 1,
    watch: Watch = lambda scored, n: scored,
) -> Calibrated:
    """Fit the calibration of a bundle on photos of known place, and write the bundle with it.

    Args:
        bundle: its folder.
        manifest: of photos that it was not made from: their validation split.
        photos: folder that the manifest's photos are relative to; its own folder by default.
        encoder: where the bundle's image encoder lies, if not where it lay in training.
        out: folder for the bundle with its new calibration; by default it is written in place of the old one.
        jobs: worker processes; they change nothing but speed.
        watch: is handed the stream of scored photos and their number, and passes the stream on: for a progress bar.

    Raises:
        BadBundle: it ships with the package, or is not whole.
        BadManifest, BadCoordinate: the manifest cannot be used, holds training or test rows, too few photos or one author alone.
        BadHierarchy: the bundle was built from photos of the manifest, or trained on them.
        BadFeatures: the bundle takes features that are not beside the manifest.
        BadOutput: `out` cannot be written.
    """
    if str(bundle) in SHIPPED:
        raise BadBundle(f"{bundle}: this bundle ships with Geocairn, calibrated already; name the folder of one of your own")
    rows = _checked_rows(manifest)
    found = load_bundle(bundle)
    check_not_built_from(bundle, rows)
    target = check_target(bundle, out)
    leaf = NearestPlace(found.hierarchy).leaf(rows.latlon_deg)
    inside = np.flatnonzero(leaf >= 0)
    _check_enough(rows, len(inside), f"of {len(rows)} photos lie in a place of the bundle", "name photos taken where its places are")
    chosen = _drawn(inside, found.hierarchy.n_leaves)
    stream = watch(scored_photos(bundle, rows, chosen.tolist(), photos=photos, encoder=encoder, jobs=jobs), len(chosen))
    unit, groups = unit_from_latlon(rows.latlon_deg[chosen]), rows.author_codes()[chosen]
    held, errors = _held(stream, leaf[chosen], unit=unit, groups=groups, n_leaves=found.hierarchy.n_leaves)
    _check_enough(rows, len(held), f"of {len(chosen)} photos have a score that allows for their place", f"mend the others ({', '.join(errors[:1])})")
    fitted = _fit(held, found, rows)
    counted = replace(
        fitted,
        n_outside=len(rows) - len(inside),
        n_not_drawn=len(inside) - len(chosen),
        left_out=left_out_words(rows.rejected, rows.n_rows),
        errors=tuple(errors),
    )
    save_recalibrated(found, counted.new, said=_said(counted, rows), target=target)
    return replace(counted, folder=out or bundle, bundle_sha256=load_bundle(target).sha256)


def _checked_rows(path: Path) -> Manifest:
    manifest = read_manifest(path)
    splits = Counter(cell.strip().lower() for cell in manifest.columns.get("split", ()) if cell is not None)
    for split, why in UNFIT_SPLITS.items():
        if splits[split]:
            raise BadManifest(f"{path}: {splits[split]} of its rows are of the split {split}, which {why}; name a manifest of validation photos")
    _check_enough(manifest, len(manifest), "photos are there", "name a longer manifest")
    if len(np.unique(manifest.author_codes())) < 2:
        raise BadManifest(f"{path}: all photos are by one author, which says nothing of others'; name a manifest of more authors")
    return manifest


def _check_enough(manifest: Manifest, n: int, what: str, mend: str) -> None:
    if n < MIN_PHOTOS:
        raise BadManifest(f"{manifest.path}: {n} {what}, but a calibration needs {MIN_PHOTOS}; {mend}")


def _drawn(rows: NDArray[np.int64], n_leaves: int) -> NDArray[np.int64]:
    """As many of the rows as fit into memory, in order; at least as many as a calibration needs."""
    most = max(MAX_NUMBERS // n_leaves, MIN_PHOTOS)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _held(stream: Iterable[Scored], leaf: NDArray[np.int64], *, unit: Array, groups: NDArray[np.int64], n_leaves: int) -> tuple[HeldScores, list[str]]:
    """The photos that were scored; one whose true place the scores exclude altogether is an error, for no temperature mends it."""
    scores, clues = np.zeros((len(leaf), n_leaves), dtype=np.float32), None
    kept, errors = np.zeros(len(leaf), dtype=bool), []
    for row, scored in enumerate(stream):
        if scored.scores is None:
            errors.append(str(scored.error))
            continue
        scores[row] = scored.scores
        if scored.clues is not None:
            clues = np.zeros_like(scores) if clues is None else clues
            clues[row] = scored.clues
        if np.isfinite(scores[row, leaf[row]] + (0 if clues is None else clues[row, leaf[row]])):
            kept[row] = True
        else:
            fault = "its scores are not finite" if np.isnan(scores[row]).any() else "its true place is excluded altogether"
            errors.append(f"row {row + 1} of those scored: {fault}, which no temperature mends; look at the scores")
    if kept.all():
        return HeldScores(scores, clues, leaf, unit, groups), errors
    return HeldScores(scores[kept], None if clues is None else clues[kept], leaf[kept], unit[kept], groups[kept]), errors


def _fit(held: HeldScores, bundle: Bundle, manifest: Manifest) -> Calibrated:
    halving = halving_reach(held, bundle.hierarchy)
    temperature, reach = round(fit_temperature(held, np.arange(len(held))), 4), round(fit_reach(halving, held.groups), 4)
    had = Fitted(np.full(len(held), bundle.calibration.temperature), np.full(len(held), bundle.calibration.reach))
    before, _ = figures_of(held, had, hierarchy=bundle.hierarchy, territory=bundle.territory)
    after, told = figures_of(held, _fitted_on_others(held, halving), hierarchy=bundle.hierarchy, territory=bundle.territory)
    n_authors = len(np.unique(held.groups)) if manifest.has_authors else None
    fitted_on: dict[str, str | int | float] = {
        "manifest_sha256": manifest.sha256,
        "photos": len(held),
        **({} if n_authors is None else {"authors": n_authors}),
        "photos_of_reach": int(np.isfinite(halving).sum()),
        "nll_before": round(before.nll, 4),
        "nll_after": round(after.nll, 4),
    }
    new = Calibration(temperature=temperature, support=fit_support(told), reach=reach, calibrated=True, fitted_on=fitted_on)
    return Calibrated(
        folder=bundle.folder,
        bundle_sha256=bundle.sha256,
        old=bundle.calibration,
        new=new,
        before=before,
        after=after,
        temperature_error=temperature_error(held, temperature),
        reach_error=reach_error(halving, held.groups),
        n=len(held),
        n_authors=n_authors,
        n_outside=0,
        n_not_drawn=0,
        left_out=None,
        errors=(),
    )


def _fitted_on_others(held: HeldScores, halving: Array) -> Fitted:
    """For each photo the temperature and reach that the photos of other authors give, in five parts."""
    authors, code = np.unique(held.groups, return_inverse=True)
    fold = np.random.default_rng(0).permutation(len(authors))[code] % N_FOLDS
    found = Fitted(np.zeros(len(held)), np.zeros(len(held)))
    for part in np.unique(fold).tolist():
        others = np.flatnonzero(fold != part)
        found.temperature[fold == part] = fit_temperature(held, others)
        found.reach[fold == part] = fit_reach(halving[others], held.groups[others])
    return found


def _said(found: Calibrated, manifest: Manifest) -> str:
    authors = "authors not known" if found.n_authors is None else f"{found.n_authors} authors"
    new, of_reach = found.new, "not fitted" if found.reach_error is None else f"standard error {found.reach_error:.2g}"
    return (
        f"Temperature {new.temperature:g} (standard error {found.temperature_error:.2g}), support {new.support:g}, reach {new.reach:g} ({of_reach}); "
        f"fitted on {found.n} photos ({authors}) of the manifest with sha256 {manifest.sha256}."
    )
