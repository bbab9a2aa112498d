"""Learning rates in closed form: what a step's rate is depends on its number alone, so that a resumed run goes on as if it had never stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, pi

from geocairn.train.settings import TrainSettings


@dataclass(frozen=True)
class Length:
    """How long a run is.

    Attributes:
        steps: optimiser steps in all.
        steps_per_epoch: optimiser steps of one pass over the rows.
    """

    steps: int
    steps_per_epoch: int

    def steps_in(self, epochs: float) -> int:
        """Whole steps nearest to a number of epochs, at least one."""
        return max(1, round(epochs * self.steps_per_epoch))

    def validations(self, every_epochs: float) -> int:
        """How often a run is validated that is so every so many epochs, and at its end."""
        return -(-self.steps // self.steps_in(every_epochs))


def length_of(settings: TrainSettings, n_rows: int) -> Length:
    """How long the settings train on `n_rows` >= 1 rows."""
    per_epoch = -(-n_rows // settings.batch_size)
    return Length(settings.steps or settings.epochs * per_epoch, per_epoch)


def too_long_a_warmup(settings: TrainSettings, length: Length) -> str | None:
    """What is told of a warm-up that the run does not see the end of; None where it does."""
    if settings.warmup_steps <= length.steps:
        return None
    return f"train.warmup_steps = {settings.warmup_steps}: the run has {length.steps} steps and never reaches train.lr; warm up for fewer"


def rate_fraction(step: int, settings: TrainSettings, length: Length) -> float:
    """Share of the highest learning rate that a step is taken with.

    Args:
        step: from 0.

    Returns:
        In [0, 1]; while warming up, the schedule's share times (step + 1) / warmup_steps.
    """
    warmup = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    return warmup * _SCHEDULES[settings.schedule](step, settings, length)


def _constant(step: int, settings: TrainSettings, length: Length) -> float:
    return 1.0


def _cosine(step: int, settings: TrainSettings, length: Length) -> float:
    """Half a wave from the end of the warm-up to the end of the run."""
    after, whole = step - settings.warmup_steps, length.steps - settings.warmup_steps
    share = min(max(after / whole, 0.0), 1.0) if whole > 0 else 0.0
    return settings.final_fraction + (1 - settings.final_fraction) * (1 + cos(pi * share)) / 2


def _step(step: int, settings: TrainSettings, length: Length) -> float:
    return settings.decay_factor ** int(step / (settings.decay_every_epochs * length.steps_per_epoch))


def _multistep(step: int, settings: TrainSettings, length: Length) -> float:
    return settings.decay_factor ** sum(step >= epochs * length.steps_per_epoch for epochs in settings.decay_at_epochs)


_SCHEDULES: Mapping[str, Callable[[int, TrainSettings, Length], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "step": _step,
    "multistep": _multistep,
}
