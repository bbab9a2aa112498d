"""The engine: recipe and task -> run folder with a bundle, resumable bit for bit on a CPU."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

from geocairn.errors import BadConfig, BadRun
from geocairn.systems.bundle import is_calibrated
from geocairn.train.checkpoint import checkpoint_steps, load_checkpoint, prune_checkpoints, save_checkpoint, unfinished_checkpoints
from geocairn.train.generators import seed_generators
from geocairn.train.guard import check_parameters
from geocairn.train.log import RunLog
from geocairn.train.recipe import Recipe
from geocairn.train.run_folder import BUNDLE, CHECKPOINTS, FINISHED, LOG, change_length, claim_run, is_finished, save_finished
from geocairn.train.schedule import too_long_a_warmup
from geocairn.train.settings import TrainSettings
from geocairn.train.task import Task
from geocairn.train.trainer import Stepped, Trainer

# From the folder in which it may keep what it builds from the data, such as places.
MakeTask = Callable[[Path], Task]
Tell = Callable[[str], None]
# Told the steps done, the loss and the steps in all.
Watch = Callable[[int, float, int], None]


@contextmanager
def unwatched() -> Iterator[Watch]:
    """Nobody looks on."""
    yield lambda step, loss, steps: None


@dataclass
class Progress:
    """How far a run is, besides the model.

    Attributes:
        step: optimiser steps done.
        best_value, best_step: of the watched metric; None before the first validation.
        metrics: of the best validation.
        since_best: validations since then.
        sums: of the loss, the gradient's length and the terms, over the `n_summed` steps since the last row of the log.
    """

    step: int = 0
    best_value: float | None = None
    best_step: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    since_best: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    n_summed: int = 0

    def add(self, stepped: Stepped) -> None:
        """Count a step that was taken."""
        self.step += 1
        self.n_summed += 1
        for name, value in {"loss": stepped.loss, "grad_norm": stepped.grad_norm, **{f"terms.{name}": value for name, value in stepped.terms.items()}}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def take_means(self) -> dict[str, Any]:
        """Means since the last row of the log; the next row begins anew."""
        means = {name: total / self.n_summed for name, total in self.sums.items()}
        self.sums, self.n_summed = {}, 0
        terms = {name.removeprefix("terms."): means.pop(name) for name in list(means) if name.startswith("terms.")}
        return {**means, **({"terms": terms} if terms else {})}

    def judge(self, metrics: Mapping[str, float], settings: TrainSettings) -> bool:
        """Whether a validation is the best so far.

        Raises:
            BadConfig: the watched metric is not finite.
        """
        value = metrics[settings.watch]
        if not isfinite(value):
            raise BadConfig(f"train.watch = {settings.watch!r}: it is {value} after step {self.step}; watch a metric that is defined on these rows")
        sign = 1 if settings.better == "higher" else -1
        if self.best_value is not None and sign * value <= sign * self.best_value:
            self.since_best += 1
            return False
        self.best_value, self.best_step, self.metrics, self.since_best = value, self.step, dict(metrics), 0
        return True

    def is_over(self, settings: TrainSettings, steps: int) -> bool:
        """Whether the run has its length, or has waited too long for a new best."""
        return self.step >= steps or bool(settings.patience and self.since_best >= settings.patience)


def train(
    out: Path,
    recipe: Recipe,
    make_task: MakeTask,
    *,
    resume: bool = False,
    tell: Tell = lambda words: None,
    watching: Callable[[], AbstractContextManager[Watch]] = unwatched,
) -> Path:
    """Train a task into the run folder `out`; a run of the same recipe that is finished stays as it is.

    Args:
        make_task: called once, after the generators were seeded; draws the initial weights.
        resume: go on from the last checkpoint of a run that was cut off, or whose bundle is gone; its recipe may be longer now, and must be the same otherwise.
        tell: told what happens, in words.
        watching: opens the eyes of who looks on, for as long as the steps go.

    Returns:
        The bundle of the best weights.

    Raises:
        BadRun: the run there is not to be gone on with, a checkpoint is damaged, or the numbers have left the finite.
        BadConfig: the watched metric is not among the task's, or there is no such device.
    """
    if is_finished(out, recipe):
        tell(f"{out}: already trained")
        return out / BUNDLE
    is_other_length = claim_run(out, recipe, resume=resume)
    with RunLog(out / LOG) as log:
        seed_generators(recipe.train.seed)
        trainer = Trainer(make_task(out), recipe.train)
        for words in trainer.task.unused:
            tell(words)
        progress = _take_up(out / CHECKPOINTS, trainer, tell)
        too_long = too_long_a_warmup(recipe.train, trainer.length)
        if too_long is not None:
            tell(too_long)
        if is_other_length:
            change_length(out, recipe)
            log.drop_after(progress.step)
        with watching() as watch:
            _run_steps(out / CHECKPOINTS, trainer, progress, log, watch, tell)
    return _finish(out, recipe, trainer, progress, tell)


def _take_up(folder: Path, trainer: Trainer, tell: Tell) -> Progress:
    steps = checkpoint_steps(folder)
    for path in unfinished_checkpoints(folder):
        tell(f"{path}: has no .json beside it, so it does not count")
    if not steps:
        if (folder.parent / FINISHED).exists():
            raise BadRun(f"{folder}: no checkpoints, though the run has ended, so there is nothing to go on from; train into a new folder")
        return Progress()
    if steps[-1] > trainer.length.steps:
        raise BadRun(f"{folder.parent}: has done {steps[-1]} steps, more than the {trainer.length.steps} asked for; train longer, or into a new folder")
    state = load_checkpoint(folder, steps[-1])
    trainer.load_state(state)
    tell(f"going on after step {steps[-1]} of {trainer.length.steps}")
    before, now = state["n_threads"], trainer.n_threads
    if trainer.device.type == "cpu" and before != now:
        tell(f"{now} threads, and {before} before: the numbers are those of an unbroken run to rounding only; OMP_NUM_THREADS={before} gives the same bits")
    return Progress(**state["progress"])


def _run_steps(folder: Path, trainer: Trainer, progress: Progress, log: RunLog, watch: Watch, tell: Tell) -> None:
    settings, length = trainer.settings, trainer.length
    between_checkpoints = max(1, length.steps // settings.checkpoints)
    between_validations = length.steps_in(settings.validate_every_epochs)
    began, n_rows = perf_counter(), 0
    while not progress.is_over(settings, length.steps):
        stepped = trainer.step(progress.step)
        progress.add(stepped)
        n_rows += stepped.n_rows
        watch(progress.step, stepped.loss, length.steps)
        is_last = progress.step == length.steps
        metrics = _validated(trainer, progress.step) if is_last or progress.step % between_validations == 0 else None
        is_best = metrics is not None and progress.judge(metrics, settings)
        if metrics is not None:
            told = ", ".join(f"{name} {value + 0.0:.4g}" for name, value in metrics.items())
            tell(f"step {progress.step} of {length.steps}: {told}{', the best so far' if is_best else ''}")
        if metrics is not None or progress.step % settings.log_every == 0:
            rate = n_rows / (perf_counter() - began)
            log.append(_row(progress, stepped, rate, length.steps_per_epoch) | ({"validation": metrics, "is_best": is_best} if metrics is not None else {}))
            began, n_rows = perf_counter(), 0
        if is_best or is_last or progress.step % between_checkpoints == 0 or progress.is_over(settings, length.steps):
            _keep(folder, trainer, progress)


def _validated(trainer: Trainer, step: int) -> dict[str, float]:
    """Metrics of weights that are known to be numbers: of others some would look like any."""
    check_parameters(trainer.task.model, step)
    return trainer.validate()


def _row(progress: Progress, stepped: Stepped, rows_per_s: float, steps_per_epoch: int) -> dict[str, Any]:
    """A row of the log: means since the row before; of all its numbers `rows_per_s` alone differs from run to run."""
    return {"step": progress.step, "epoch": progress.step / steps_per_epoch, **progress.take_means(), "lr": stepped.lr, "rows_per_s": round(rows_per_s, 1)}


def _keep(folder: Path, trainer: Trainer, progress: Progress) -> None:
    check_parameters(trainer.task.model, progress.step)
    save_checkpoint(folder, progress.step, {**trainer.state(), "progress": asdict(progress)})
    prune_checkpoints(folder, keep_last=trainer.settings.keep_last, best=progress.best_step)


def _finish(out: Path, recipe: Recipe, trainer: Trainer, progress: Progress, tell: Tell) -> Path:
    """Save the bundle of the best weights, and write down that the run has ended."""
    best = progress.best_step if progress.best_step is not None else progress.step
    trainer.load_weights(load_checkpoint(out / CHECKPOINTS, best))
    trainer.task.model.eval()
    was_calibrated = is_calibrated(out / BUNDLE)
    trainer.task.save_bundle(out / BUNDLE)
    if was_calibrated:
        tell(f"{out / BUNDLE}: was calibrated, and the new weights are not; calibrate it anew")
    stopped_by = "length" if progress.step >= trainer.length.steps else "patience"
    told = {"steps": progress.step, "stopped_by": stopped_by, "best_step": best, "validation": _known(progress.metrics)}
    save_finished(out, recipe, told)
    return out / BUNDLE


def _known(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if isfinite(value) else None for name, value in metrics.items()}
