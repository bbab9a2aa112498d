"""One optimiser step, and everything that a step changes: a task under lightning-fabric with its optimisers."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from geocairn.errors import BadConfig, BadRun
from geocairn.train.generators import generator_states, generators_untouched, restore_generators
from geocairn.train.guard import check_finite
from geocairn.train.optimise import build_optimisers, check_groups, load_optimiser, set_rates
from geocairn.train.order import Rows, batch_rows, share_of_rank
from geocairn.train.schedule import length_of, rate_fraction
from geocairn.train.settings import TrainSettings
from geocairn.train.task import Task


@dataclass(frozen=True)
class Stepped:
    """What a step says: its loss, what the task tells of it, and the length of the gradient before it was clipped."""

    loss: float
    terms: Mapping[str, float]
    grad_norm: float
    lr: float
    n_rows: int


class Trainer:
    """A task that can be stepped, validated, kept and taken up again."""

    def __init__(self, task: Task, settings: TrainSettings) -> None:
        """Put the task on its device.

        Raises:
            BadConfig: a device that this machine does not have, or a metric to watch that the task does not have.
        """
        if settings.watch not in task.metric_names:
            raise BadConfig(f"train.watch = {settings.watch!r}: the task validates by {', '.join(task.metric_names)}")
        self.task, self.settings = task, settings
        self.length = length_of(settings, task.n_train)
        with _without_notes():
            self._fabric = Fabric(accelerator=_accelerator(settings), devices=1, precision=settings.precision)
        groups = task.parameter_groups()
        check_groups(task.model, groups)
        optimisers = build_optimisers(groups, settings)
        # The loss is what is set up, not the model: its forward is what fabric casts, and what several processes would have to share.
        self._loss, *_ = self._fabric.setup(_Loss(task), *optimisers)
        self.optimisers = optimisers
        self.groups = groups
        self._params = [parameter for group in groups for parameter in group["params"]]

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._fabric.device

    @property
    def n_threads(self) -> int:
        """How many threads a sum is shared between on the CPU; its last bits may depend on it."""
        return torch.get_num_threads()

    def step(self, number: int) -> Stepped:
        """Take optimiser step `number`, counted from 0.

        Raises:
            BadRun: the loss or a gradient is not finite; the model is as it was before.
        """
        settings, task = self.settings, self.task
        rows = batch_rows(number, seed=settings.seed, n_rows=task.n_train, batch_size=settings.batch_size)
        rows = share_of_rank(rows, rank=self._fabric.global_rank, world_size=self._fabric.world_size)
        lr = settings.lr * rate_fraction(number, settings, self.length)
        task.model.train()
        with _repeatable(self.device):
            loss, terms = self._gradients(rows, number)
            norm = torch.nn.utils.get_total_norm([p.grad for p in self._params if p.grad is not None])
            grad_norm = float(norm)
            check_finite(task.model, number + 1, loss=loss, grad_norm=grad_norm)
            if settings.clip_norm:
                torch.nn.utils.clip_grads_with_norm_(self._params, settings.clip_norm, norm)
            set_rates(self.optimisers, lr)
            for optimiser in self.optimisers:
                optimiser.step()
        return Stepped(loss, terms, grad_norm, lr, len(rows))

    def validate(self) -> dict[str, float]:
        """Metrics on the validation rows; nothing of the training changes."""
        self.task.model.eval()
        with generators_untouched(), torch.no_grad(), self._fabric.autocast(), _repeatable(self.device):
            return {name: float(value) for name, value in self.task.validate().items()}

    def state(self) -> dict[str, Any]:
        """What `load_state` takes up to go on as if nothing had happened."""
        return {
            "model": self.task.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "generators": generator_states(),
            "n_threads": self.n_threads,
            "task": self.task.state(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up a state, strictly: all of the model, the optimisers and the generators.

        Raises:
            BadRun: the state is of another model.
        """
        try:
            self.load_weights(state)
            for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
                load_optimiser(optimiser, kept)
            restore_generators(state["generators"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise BadRun(f"the checkpoint is not of this model ({' '.join(str(error).split())[:200]}); train into a new folder") from None

    def load_weights(self, state: Mapping[str, Any]) -> None:
        """Take up the model and what the task keeps beside it, and nothing of the training."""
        self.task.model.load_state_dict(state["model"], strict=True)
        self.task.load_state(state["task"])

    def _gradients(self, rows: Rows, number: int) -> tuple[float, dict[str, float]]:
        """Leave the gradient of the mean loss over the rows in the parameters, part by part; the loss and its terms."""
        total, terms = 0.0, dict[str, float]()
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        for part in np.array_split(rows, min(self.settings.accumulate, len(rows))):
            share = len(part) / len(rows)
            loss, told = self._loss(torch.from_numpy(part).to(self.device), number)
            self._fabric.backward(loss * share)
            total += float(loss.detach()) * share
            for name, value in told.items():
                terms[name] = terms.get(name, 0.0) + float(value) * share
        return total, terms


class _Loss(torch.nn.Module):
    """The task's loss as a module."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.model = task.model
        self._task_loss = task.loss

    def forward(self, rows: Tensor, step: int) -> tuple[Tensor, Mapping[str, float]]:
        return self._task_loss(rows, step)


def _accelerator(settings: TrainSettings) -> str:
    has_cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not has_cuda:
        raise BadConfig("train.device = 'cuda': there is no CUDA device, or torch was installed without CUDA; use cpu or auto")
    return "cuda" if has_cuda and settings.device != "cpu" else "cpu"


@contextmanager
def _without_notes() -> Iterator[None]:
    """Fabric tells on standard error which precision it was told to use."""
    logger = logging.getLogger("lightning_fabric")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """On a CPU, refuse sums whose order changes from run to run; CUDA gives the same numbers to rounding only."""
    memory: Any = torch.utils.deterministic
    before, is_filled = torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(before or device.type == "cpu")
    # New memory is written before it is read; filling it first costs time and finds faults of torch only.
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        memory.fill_uninitialized_memory = is_filled
