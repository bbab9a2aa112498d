"""A dry run: what a recipe would take in memory and time, from two steps and a validation that leave nothing behind."""

import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch

from geocairn.train.engine import MakeTask
from geocairn.train.generators import seed_generators
from geocairn.train.recipe import Recipe
from geocairn.train.schedule import too_long_a_warmup
from geocairn.train.trainer import Trainer


@dataclass(frozen=True)
class GroupSize:
    """Parameters that are stepped alike."""

    kind: str
    lr_scale: float
    n_parameters: int
    n_bytes: int


@dataclass(frozen=True)
class DryRun:
    """What a run would take.

    Attributes:
        groups: sizes of the parameters.
        optimiser_bytes: what the optimisers keep besides.
        peak_bytes: highest memory so far: of the device under CUDA, else of the whole process with the data that it holds.
        step_s: seconds of the second step; the first one also warms up.
        validation_s: seconds of a validation.
        told: what would be told at the start of the run.
    """

    task: str
    device: str
    n_train: int
    steps: int
    steps_per_epoch: int
    groups: tuple[GroupSize, ...]
    optimiser_bytes: int
    peak_bytes: int
    step_s: float
    validations: int
    validation_s: float
    losses: tuple[float, ...]
    told: tuple[str, ...]

    @property
    def total_s(self) -> float:
        """Seconds of all steps and validations."""
        return self.steps * self.step_s + self.validations * self.validation_s


def dry_run(recipe: Recipe, make_task: MakeTask) -> DryRun:
    """Train at most two steps in a folder that vanishes, validate, and measure both.

    Raises:
        BadRun: the numbers leave the finite at once.
        BadConfig: no such device.
    """
    seed_generators(recipe.train.seed)
    with TemporaryDirectory(prefix="geocairn-dry-run-") as folder:
        trainer = Trainer(make_task(Path(folder)), recipe.train)
        losses = []
        for step in range(min(2, trainer.length.steps)):
            began = perf_counter()
            losses.append(trainer.step(step).loss)
            step_s = perf_counter() - began
        began = perf_counter()
        trainer.validate()
        validation_s = perf_counter() - began
    too_long = too_long_a_warmup(recipe.train, trainer.length)
    return DryRun(
        task=trainer.task.name,
        device=str(trainer.device),
        n_train=trainer.task.n_train,
        steps=trainer.length.steps,
        steps_per_epoch=trainer.length.steps_per_epoch,
        groups=tuple(GroupSize(group["kind"], group["lr_scale"], *_size(list(group["params"]))) for group in trainer.groups),
        optimiser_bytes=sum(_size([value for value in state.values() if isinstance(value, torch.Tensor)])[1] for state in _states(trainer)),
        peak_bytes=_peak_bytes(trainer.device),
        step_s=step_s,
        validations=trainer.length.validations(recipe.train.validate_every_epochs),
        validation_s=validation_s,
        losses=tuple(losses),
        told=(*trainer.task.unused, *([too_long] if too_long else [])),
    )


def _states(trainer: Trainer) -> list[dict[str, object]]:
    return [state for optimiser in trainer.optimisers for state in optimiser.state_dict()["state"].values()]


def _size(tensors: list[torch.Tensor]) -> tuple[int, int]:
    return sum(tensor.numel() for tensor in tensors), sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return highest if sys.platform == "darwin" else highest * 1024
