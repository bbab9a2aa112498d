"""A run that leaves the finite stops with one line, and what was good stays."""

import pytest
import torch
from tests.train.toy import Regression, recipe

from geocairn.errors import BadRun
from geocairn.train.checkpoint import checkpoint_steps
from geocairn.train.engine import train
from geocairn.train.log import read_log
from geocairn.train.trainer import Trainer


def stopped(tmp_path, loss, **settings):
    """The refusal of a run whose loss is spoilt."""
    wanted = recipe(settings)

    def make(folder):
        task = Regression(wanted)
        good = task.loss
        task.loss = lambda rows, step: (loss(task, good(rows, step)[0], step), {})
        return task

    with pytest.raises(BadRun) as refusal:
        train(tmp_path / "run", wanted, make)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_loss_that_is_no_number_is_named_with_its_step(tmp_path):
    words = stopped(tmp_path, lambda task, loss, step: loss * (float("nan") if step == 6 else 1))
    assert words.startswith("step 7: the loss is nan, the norm of its gradient nan; the gradient of 0.weight is not finite; ")
    assert checkpoint_steps(tmp_path / "run/checkpoints") == [4, 6]


def test_a_gradient_that_is_no_number_is_named_though_the_loss_is_one(tmp_path):
    def loss(task, value, step):
        bias = task.model[2].bias
        return value + (torch.sqrt(bias - bias.detach()).sum() if step == 3 else 0)

    assert stopped(tmp_path, loss).startswith("step 4: the loss is ")
    assert "the gradient of 2.bias is not finite" in stopped(tmp_path / "again", loss)


def test_a_parameter_that_is_no_number_is_named_before_the_gradients(tmp_path):
    def loss(task, value, step):
        if step == 3:
            with torch.no_grad():
                task.model[2].weight[0, 1] = torch.inf
        return task.model(task.inputs).mean() if step == 3 else value

    words = stopped(tmp_path, loss)
    assert "parameter 2.weight is not finite" in words


@pytest.mark.parametrize("validate_every_epochs", [1.0, 0.25])
def test_weights_that_are_no_numbers_are_neither_kept_nor_validated(tmp_path, monkeypatch, validate_every_epochs):
    step = Trainer.step

    def thrown(self, number):
        # The step itself throws them out of the finite: its loss and gradients are still fine.
        told = step(self, number)
        if number == 5:
            with torch.no_grad():
                self.task.model[2].weight[0, 1] = torch.nan
        return told

    monkeypatch.setattr(Trainer, "step", thrown)
    words = stopped(tmp_path, lambda task, loss, step: loss, validate_every_epochs=validate_every_epochs, log_every=100)
    assert words.startswith("after step 6: parameter 2.weight is not finite; lower train.lr")
    validated = [row["step"] for row in read_log(tmp_path / "run/log.jsonl")]
    assert validated == ([4] if validate_every_epochs == 1 else [1, 2, 3, 4, 5])
    assert checkpoint_steps(tmp_path / "run/checkpoints")[-1] < 6


def test_the_good_checkpoint_is_gone_on_from(tmp_path):
    stopped(tmp_path, lambda task, loss, step: loss * (float("nan") if step == 6 else 1))
    wanted = recipe()
    train(tmp_path / "run", wanted, lambda folder: Regression(wanted), resume=True)
    assert checkpoint_steps(tmp_path / "run/checkpoints")[-1] == 20
