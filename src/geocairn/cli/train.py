"""`geocairn train`: a recipe -> a run folder and a bundle."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from geocairn.train.dry_run import DryRun

TRAINING_PACKAGES = ("torch", "lightning_fabric", "safetensors")


def train(
    recipe: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Recipe.", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Settings over the recipe's, as train.lr=1e-3 data.dir=DIR.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="Run folder: recipe, log, checkpoints, bundle.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off or is to be longer, or write its bundle anew.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell sizes, and memory and time from two steps and a validation; write nothing.")] = False,
) -> None:
    """Train a model by a recipe; a run that is finished is left as it is."""
    if out is None and not dry_run:
        raise typer.BadParameter("name the run folder", param_hint="--out")
    missing = missing_package(TRAINING_PACKAGES)
    if missing is not None:
        from geocairn.errors import MissingExtra

        raise MissingExtra(f"training needs the package {missing}; mend: pip install geocairn[train]")
    from geocairn.cli.progress import counted, steps_watched, tell
    from geocairn.train import recipe as recipes
    from geocairn.train.kinds import KINDS
    from geocairn.train.run import run_recipe

    wanted: Any = recipes.read_recipe(recipe, overrides or (), {name: kind.recipe for name, kind in KINDS.items()})
    if dry_run or out is None:
        typer.echo(_dry_run(wanted))
    else:
        errors: list[str] = []

        def tell_error(error: str) -> None:
            errors.append(error)
            tell(error)

        typer.echo(run_recipe(out, wanted, resume=resume, tell=tell, tell_error=tell_error, watching=steps_watched, watch_photos=counted))
        if errors:
            raise typer.Exit(1)


def missing_package(names: Sequence[str]) -> str | None:
    """The first of some packages that is not installed."""
    from importlib.util import find_spec

    return next((name for name in names if find_spec(name) is None), None)


def _dry_run(recipe: Any) -> str:
    """What a run would take."""
    from geocairn.train.dry_run import dry_run
    from geocairn.train.fit import sizes_of
    from geocairn.train.inputs import sample_features
    from geocairn.train.kinds import KINDS, FitKind

    kind, said = KINDS[recipe.system], list[str]()
    features = partial(sample_features, tell=said.append)
    if isinstance(kind, FitKind):
        sizes = sizes_of(lambda folder: kind.make_fit(recipe, folder, features))
    else:
        sizes = [_dry_run_text(dry_run(recipe, lambda folder: kind.make_task(recipe, folder, features)))]
    return "\n".join([*recipe.rows_left_out(), *said, *sizes])


def _dry_run_text(seen: "DryRun") -> str:
    weights = sum(group.n_bytes for group in seen.groups)
    lines = [
        f"{seen.task} on {seen.device}: {seen.n_train} training rows, {seen.steps_per_epoch} steps an epoch, {seen.steps} steps in all",
        *(f"parameters, {group.kind}, learning rate x{group.lr_scale:g}: {group.n_parameters} ({_size(group.n_bytes)})" for group in seen.groups),
        f"memory: weights {_size(weights)}, gradients as much, optimisers {_size(seen.optimiser_bytes)}; highest so far {_size(seen.peak_bytes)}",
        f"time: {seen.step_s:.3g} s a step, {seen.validation_s:.3g} s a validation, {seen.total_s / 60:.3g} minutes for {seen.steps} and {seen.validations}",
        f"loss of these steps: {' -> '.join(f'{loss:.4g}' for loss in seen.losses)}",
        *seen.told,
    ]
    return "\n".join(lines)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.3g} MB"
