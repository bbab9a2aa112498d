"""`geocairn calibrate`: a bundle, and photos that it has not seen -> the bundle with probabilities that keep their word."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from geocairn.evaluate.calibrate import Calibrated
    from geocairn.metrics import Coverage


def calibrate(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.", show_default=False)],
    manifest: Annotated[Path, typer.Argument(help="Manifest (.parquet or .csv) of photos that the bundle has not seen.", show_default=False)],
    photos: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder that the photos are relative to; the manifest's by default.")] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Where the bundle's image encoder lies now, if not where it was.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the calibrated bundle; by default it replaces the old one.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Fit a bundle's temperature, the reach of its places, and the support that an answer needs, on validation photos; write them into the bundle."""
    from geocairn.cli.progress import counted
    from geocairn.evaluate.calibrate import calibrate_bundle

    found = calibrate_bundle(bundle, manifest, photos=photos, encoder=encoder, out=out, jobs=jobs, watch=counted)
    typer.echo(_text(found))
    if found.is_worse:
        worse = f"worse for photos left out of the fit, {found.before.nll:.4f} -> {found.after.nll:.4f} nats to the true leaf"
        typer.echo(f"geocairn: {found.folder}: written, but {worse}: calibrate on more photos, or use the bundle as it was", err=True)
    if found.left_out:
        typer.echo(f"geocairn: {manifest}: {found.left_out}", err=True)
    if found.errors:
        typer.echo(f"geocairn: {found.errors[0]}", err=True)
        raise typer.Exit(1)


def _text(found: "Calibrated") -> str:
    old, new, before, after = found.old, found.new, found.before, found.after
    left_out = {
        f"{len(found.errors)} failed": found.errors,
        f"{found.n_outside} outside every place": found.n_outside,
        f"{found.n_not_drawn} left out for want of memory": found.n_not_drawn,
    }
    by_whom = "photos, authors not known: errors are by photo" if found.n_authors is None else f"photos of {found.n_authors} authors"
    counts = [f"{found.n} {by_whom}", *(said for said, n in left_out.items() if n)]
    error = " (not fitted)" if found.reach_error is None else f" +- {found.reach_error:.2g}"
    lines = [
        f"{found.folder}: calibrated on {', '.join(counts)}",
        f"bundle sha256 {found.bundle_sha256}",
        "",
        f"{'':24}{'before':>18}{'after':>18}",
        _line("temperature", f"{old.temperature:.4g}", f"{new.temperature:.4g} +- {found.temperature_error:.2g}"),
        _line("support", f"{old.support:g}", f"{new.support:g}"),
        _line("reach", f"{old.reach:.4g}", f"{new.reach:.4g}{error}"),
        _line("nats to the true leaf", f"{before.nll:.4f}", f"{after.nll:.4f}"),
    ]
    for level, word in before.levels.items():
        later = after.levels[level]
        lines.append(_line(f"{level}: mean p", f"{word.mean_p:.4f}", f"{later.mean_p:.4f}"))
        lines.append(_line(f"{level}: share right", f"{word.right:.4f}", f"{later.right:.4f}"))
        lines.append(_line(f"{level}: ECE", f"{word.ece:.4f}", f"{later.ece:.4f}"))
    for nominal, held in before.regions.items():
        lines.append(_line(f"in the {nominal:.0%} region", _share(held), _share(after.regions[nominal])))
        lines.append(_line("  which holds", f"{held.mass:.3f}", f"{after.regions[nominal].mass:.3f}"))
    lines.append(_line("first candidate: mean p", f"{before.first.mass:.3f}", f"{after.first.mass:.3f}"))
    lines.append(_line("first candidate: inside", *(_share(one) for one in (before.first, after.first))))
    others = "other photos" if found.n_authors is None else "the photos of other authors"
    lines += ["", f"After: under temperatures and reaches fitted on {others}, in five parts."]
    return "\n".join(line.rstrip() for line in lines)


def _share(found: "Coverage") -> str:
    return f"{found.inside:.3f} +- {found.standard_error:.3f}"


def _line(what: str, before: str, after: str) -> str:
    return f"{what:24}{before:>18}{after:>18}"
