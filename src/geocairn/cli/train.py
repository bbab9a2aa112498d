"""`geocairn train`: a recipe -> a run folder and a bundle."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from geocairn.train.dry_run import DryRun
    from geocairn.train.engine import MakeTask, Watch
    from geocairn.train.fit import MakeFit
    from geocairn.train.recipe import AnyRecipe, Recipe

TRAINING_PACKAGES = ("torch", "lightning_fabric", "safetensors")


def train(
    recipe: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Recipe.", show_default=False)],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Settings over the recipe's, as train.lr=1e-3 data.dir=DIR.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="RUN", help="Run folder: recipe, log, checkpoints, bundle.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off, or that is to be longer.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell sizes, and memory and time from two steps; write nothing.")] = False,
) -> None:
    """Train a model by a recipe; a run that is finished is left as it is."""
    if out is None and not dry_run:
        raise typer.BadParameter("name the run folder", param_hint="--out")
    _check_installed()
    from geocairn.train import recipe as recipes
    from geocairn.train.kinds import KINDS, FitKind

    wanted: Any = recipes.read_recipe(recipe, overrides or (), {name: kind.recipe for name, kind in KINDS.items()})
    kind = KINDS[wanted.system]
    if isinstance(kind, FitKind):
        said = _fitted(wanted, partial(kind.make_fit, wanted), None if dry_run else out, resume=resume)
    else:
        said = _trained(wanted, partial(kind.make_task, wanted), None if dry_run else out, resume=resume)
    typer.echo(said)


def _trained(recipe: "Recipe", make_task: "MakeTask", out: Path | None, *, resume: bool) -> str:
    """The bundle of a run in `out`; without it, what a run would take."""
    from geocairn.train import engine
    from geocairn.train.dry_run import dry_run

    if out is None:
        return _dry_run_text(dry_run(recipe, make_task))
    return str(engine.train(out, recipe, make_task, resume=resume, tell=_tell, watching=_bar))


def _fitted(recipe: "AnyRecipe", make_fit: "MakeFit", out: Path | None, *, resume: bool) -> str:
    """The same of a system that is fitted at once."""
    from geocairn.train.fit import fit_run, sizes_of

    if out is None:
        return "\n".join(sizes_of(make_fit))
    return str(fit_run(out, recipe, make_fit, resume=resume, tell=_tell))


def _tell(words: str) -> None:
    typer.echo(f"geocairn: {words}", err=True)


def _check_installed() -> None:
    from importlib.util import find_spec

    from geocairn.errors import MissingExtra

    missing = [name for name in TRAINING_PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"training needs the package {missing[0]}; mend: pip install geocairn[train]")


@contextmanager
def _bar() -> Iterator["Watch"]:
    """On a terminal, a bar on standard error with the loss and the time that is left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step, loss, steps: None
        return
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.4g}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("steps", total=None, loss=float("nan"))
        yield lambda step, loss, steps: bar.update(task, completed=step, total=steps, loss=loss)


def _dry_run_text(seen: "DryRun") -> str:
    weights = sum(group.n_bytes for group in seen.groups)
    lines = [
        f"{seen.task} on {seen.device}: {seen.n_train} training rows, {seen.steps_per_epoch} steps an epoch, {seen.steps} steps in all",
        *(f"parameters, {group.kind}, learning rate x{group.lr_scale:g}: {group.n_parameters} ({_size(group.n_bytes)})" for group in seen.groups),
        f"memory: weights {_size(weights)}, gradients as much, optimisers {_size(seen.optimiser_bytes)}; highest so far {_size(seen.peak_bytes)}",
        f"time: {seen.step_s:.3g} s a step, {seen.total_s / 60:.3g} minutes for all steps, validations not counted",
        f"loss: {' -> '.join(f'{loss:.4g}' for loss in seen.losses)}",
    ]
    return "\n".join(lines)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.3g} MB"
