"""Every key of `[train]` is connected: another value gives another run."""

import json

import pytest
from tests.train.toy import Places, Regression, recipe, same, weights

from geocairn.train.checkpoint import checkpoint_steps
from geocairn.train.engine import train
from geocairn.train.log import read_log
from geocairn.train.settings import TrainSettings

# For each key: another value, what makes it matter, and the task it matters to.
CHANGES = {
    "seed": (1, {}, Regression),
    "epochs": (6, {}, Regression),
    "steps": (7, {}, Regression),
    "batch_size": (8, {}, Regression),
    "accumulate": (2, {}, Regression),
    "optimiser": ("sgd", {}, Places),
    "lr": (0.01, {}, Regression),
    "betas": ((0.8, 0.99), {}, Places),
    "eps": (1e-2, {}, Places),
    "momentum": (0.5, {"optimiser": "sgd"}, Places),
    "weight_decay": (0.5, {}, Regression),
    "clip_norm": (0.1, {"optimiser": "sgd"}, Regression),
    "schedule": ("constant", {}, Regression),
    "warmup_steps": (5, {}, Regression),
    "final_fraction": (0.5, {}, Regression),
    "decay_factor": (0.1, {"schedule": "step"}, Regression),
    "decay_every_epochs": (2.0, {"schedule": "step"}, Regression),
    "decay_at_epochs": ((2.0,), {"schedule": "multistep"}, Regression),
    "precision": ("bf16-mixed", {}, Regression),
    "validate_every_epochs": (0.5, {}, Regression),
    "watch": ("fit", {}, Regression),
    "better": ("higher", {}, Regression),
    "patience": (1, {"lr": 3.0, "epochs": 20}, Regression),
    "checkpoints": (20, {}, Regression),
    "keep_last": (4, {}, Regression),
    "log_every": (2, {}, Regression),
}


def outcome(out, settings, kind):
    """All that a run leaves, but its times and its own recipe."""
    wanted = recipe(settings)
    train(out, wanted, lambda folder: kind(wanted))
    rows = [{key: value for key, value in row.items() if key != "rows_per_s"} for row in read_log(out / "log.jsonl")]
    ended = {key: value for key, value in json.loads((out / "finished.json").read_text()).items() if key != "recipe_sha256"}
    return rows, ended, checkpoint_steps(out / "checkpoints"), weights(out)


@pytest.mark.parametrize("key", CHANGES)
def test_another_value_gives_another_run(tmp_path, key):
    value, given, kind = CHANGES[key]
    one, other = outcome(tmp_path / "one", given, kind), outcome(tmp_path / "other", given | {key: value}, kind)
    assert one[:3] != other[:3] or not same(one[3], other[3])


def test_every_key_is_tried():
    # The device is chosen by what the machine has: its tests are the engine's.
    assert set(TrainSettings.model_fields) - set(CHANGES) == {"device"}
    assert all(TrainSettings.model_validate({key: value}) != TrainSettings() for key, (value, _, _) in CHANGES.items())


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_clipped_gradient_is_shorter_and_logged_as_it_was(tmp_path, optimiser):
    free, clipped = (outcome(tmp_path / str(norm), {"clip_norm": norm, "optimiser": optimiser, "steps": 1}, Regression) for norm in (0.0, 1e-6))
    assert free[0][0]["grad_norm"] == clipped[0][0]["grad_norm"] > 1
    start = outcome(tmp_path / "still", {"lr": 1e-30, "steps": 1, "optimiser": optimiser}, Regression)[3]

    def moved(ended):
        return max(float((ended[3][name] - start[name]).abs().max()) for name in start if "bias" in name)

    # Adam divides by the gradient's own size, so that clipping all steps alike changes little.
    assert moved(clipped) < (1e-3 if optimiser == "sgd" else 1.01) * moved(free)
