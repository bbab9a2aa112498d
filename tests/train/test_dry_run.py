"""A dry run measures and leaves nothing behind."""

from pathlib import Path

import pytest
from tests.train.toy import Places, Regression, recipe

from geocairn.train.dry_run import dry_run
from geocairn.train.trainer import Trainer


@pytest.mark.parametrize("steps", [1, 20])
def test_sizes_are_those_of_the_task(steps):
    wanted, folders = recipe({"steps": steps}), []

    def make(folder):
        folders.append(folder)
        (folder / "places").mkdir()
        return Places(wanted)

    seen = dry_run(wanted, make)
    assert (seen.task, seen.device, seen.n_train, seen.steps, seen.steps_per_epoch) == ("places", "cpu", 40, steps, 4)
    assert [(group.kind, group.lr_scale, group.n_parameters, group.n_bytes) for group in seen.groups] == [
        ("manifold", 2.0, 200, 800),
        ("euclidean", 1.0, 1, 4),
    ]
    # Of the points a mean by dimension and one square each; of the scale two moments and the count of steps.
    assert seen.optimiser_bytes == 4 * (40 * 4 + 40 + 3)
    assert len(seen.losses) == min(2, steps)
    assert seen.step_s > 0
    assert seen.validations == -(-steps // 4)
    assert seen.validation_s > 0
    assert seen.total_s == seen.step_s * steps + seen.validation_s * seen.validations
    assert 10**7 < seen.peak_bytes < 10**12
    assert not folders[0].exists()


def test_what_the_run_would_tell_is_told():
    assert dry_run(recipe(), lambda folder: Regression(recipe())).told == ()
    wanted = recipe({"warmup_steps": 100})
    (told,) = dry_run(wanted, lambda folder: Regression(wanted)).told
    assert told.startswith("train.warmup_steps = 100: the run has 20 steps")


def test_a_validation_is_part_of_it(monkeypatch):
    wanted, seen = recipe({"steps": 20}), []
    for name in ("step", "validate"):
        inner = getattr(Trainer, name)
        monkeypatch.setattr(Trainer, name, lambda self, *words, name=name, inner=inner: (seen.append(name), inner(self, *words))[1])
    dry_run(wanted, lambda folder: Regression(wanted))
    assert seen == ["step", "step", "validate"]


def test_its_steps_are_those_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = recipe()
    assert dry_run(wanted, lambda folder: Regression(wanted)).losses == dry_run(wanted, lambda folder: Regression(wanted)).losses
    assert list(Path.cwd().iterdir()) == []
