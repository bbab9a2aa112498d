"""Learning rates: values worked out by hand, and laws."""

from math import cos, pi

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geocairn.train.schedule import Length, length_of, rate_fraction, too_long_a_warmup
from geocairn.train.settings import TrainSettings

LENGTH = Length(steps=100, steps_per_epoch=10)


def fractions(length=LENGTH, **settings):
    return [rate_fraction(step, TrainSettings(**settings), length) for step in range(length.steps)]


def test_cosine_is_half_a_wave():
    rates = fractions(schedule="cosine")
    assert rates[0] == 1
    assert rates[50] == pytest.approx(0.5)
    assert rates[25] == pytest.approx((1 + cos(pi / 4)) / 2)
    assert 0 < rates[-1] < 0.001


def test_cosine_ends_at_what_is_to_be_left_and_starts_after_the_warm_up():
    rates = fractions(schedule="cosine", warmup_steps=20, final_fraction=0.2)
    assert rates[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert rates[20] == 1
    assert rates[60] == pytest.approx(0.2 + 0.8 / 2)
    assert rates[-1] == pytest.approx(0.2, abs=1e-3)


def test_step_falls_every_so_many_epochs():
    rates = fractions(schedule="step", decay_every_epochs=2.5, decay_factor=0.1)
    assert rates == pytest.approx([1] * 25 + [0.1] * 25 + [0.01] * 25 + [0.001] * 25)


def test_multistep_falls_at_each_of_its_epochs_in_any_order():
    rates = fractions(schedule="multistep", decay_at_epochs=(9, 3), decay_factor=0.5)
    assert rates == [1] * 30 + [0.5] * 60 + [0.25] * 10


def test_constant_stays():
    assert set(fractions(schedule="constant")) == {1.0}


def test_schedules_agree_with_those_of_torch():
    """Goldens from torch, stepped one by one."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    kinds = {
        "cosine": (torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 100), {}),
        "step": (torch.optim.lr_scheduler.StepLR(optimiser, 20, gamma=0.7), {"decay_every_epochs": 2, "decay_factor": 0.7}),
        "multistep": (torch.optim.lr_scheduler.MultiStepLR(optimiser, [30, 80], gamma=0.3), {"decay_at_epochs": (3, 8), "decay_factor": 0.3}),
    }
    for name, (scheduler, settings) in kinds.items():
        optimiser.param_groups[0]["lr"] = 1.0
        golden = []
        for _ in range(100):
            golden.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            scheduler.step()
        assert fractions(schedule=name, **settings) == pytest.approx(golden, abs=1e-9)


@given(st.sampled_from(["constant", "cosine", "step", "multistep"]), st.integers(0, 150), st.integers(1, 120), st.floats(0, 1))
def test_rates_lie_between_nothing_and_the_highest(schedule, warmup, steps, final):
    rates = fractions(Length(steps, 7), schedule=schedule, warmup_steps=warmup, final_fraction=final, decay_at_epochs=(1.0, 2.0))
    assert all(0 <= rate <= 1 for rate in rates)


@pytest.mark.parametrize(
    ("settings", "n_rows", "expected"),
    [
        ({"epochs": 3, "batch_size": 10}, 30, Length(9, 3)),
        ({"epochs": 3, "batch_size": 10}, 31, Length(12, 4)),
        ({"epochs": 3, "batch_size": 10}, 1, Length(3, 1)),
        ({"epochs": 3, "batch_size": 10, "steps": 5}, 30, Length(5, 3)),
    ],
)
def test_a_run_is_as_long_as_its_epochs_or_its_steps(settings, n_rows, expected):
    assert length_of(TrainSettings(**settings), n_rows) == expected


def test_a_warm_up_that_the_run_does_not_outlast_is_told():
    length = Length(steps=20, steps_per_epoch=4)
    assert [too_long_a_warmup(TrainSettings(warmup_steps=steps), length) for steps in (0, 20)] == [None, None]
    said = "train.warmup_steps = 21: the run has 20 steps and never reaches train.lr; warm up for fewer"
    assert too_long_a_warmup(TrainSettings(warmup_steps=21), length) == said


def test_epochs_are_whole_steps_and_at_least_one():
    assert [LENGTH.steps_in(epochs) for epochs in (1, 0.25, 0.01, 2.04)] == [10, 2, 1, 20]
