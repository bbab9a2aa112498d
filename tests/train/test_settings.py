"""Every key of `[train]` is connected: another value gives another run."""

import json

import pytest
from tests.train.toy import Places, Regression, recipe, same, weights

from geocairn.errors import BadConfig, GeocairnError
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


# What makes an extreme matter; of everything else each is tried with the settings as they are.
GIVEN = {"decay_every_epochs": {"schedule": "step"}, "decay_factor": {"schedule": "step"}, "decay_at_epochs": {"schedule": "multistep"}}
EXTREMES = {int: (0, 1, 2**63, 2**64, 10**400), float: (0.0, 1e-320, 1e-46, 1.0, 1e39, 1.7e308)}
PAIRS = {"betas": lambda value: (value, 0.9), "decay_at_epochs": lambda value: (value,)}


def extremes():
    for key, field in TrainSettings.model_fields.items():
        values = EXTREMES.get(float if key in PAIRS else field.annotation, ())
        yield from ((key, PAIRS.get(key, lambda value: value)(value)) for value in values)


def refusal(out, given):
    """Why a short run is refused; nothing where it is not."""
    try:
        wanted = recipe(given)
        train(out, wanted, lambda folder: Places(wanted, 10))
    except GeocairnError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_extremes_are_trained_with_or_refused_in_one_line(tmp_path, optimiser):
    tried = list(extremes())
    assert len({key for key, _ in tried}) > 20
    for number, (key, value) in enumerate(tried):
        said = refusal(tmp_path / str(number), {"steps": 2, "optimiser": optimiser, **GIVEN.get(key, {}), key: value})
        assert "\n" not in said, (key, value)


TOO_MUCH = {"seed": 2**63, "epochs": 10**400, "lr": 1e39, "weight_decay": 1e39, "decay_every_epochs": 1e-320, "validate_every_epochs": 1e308}


@pytest.mark.parametrize(("key", "value"), TOO_MUCH.items())
def test_what_no_number_can_hold_is_refused(key, value):
    with pytest.raises(BadConfig, match=rf"test: {key} = .*: Input should be (less|greater) than or equal to "):
        recipe({key: value})


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_clipped_gradient_is_shorter_and_logged_as_it_was(tmp_path, optimiser):
    free, clipped = (outcome(tmp_path / str(norm), {"clip_norm": norm, "optimiser": optimiser, "steps": 1}, Regression) for norm in (0.0, 1e-6))
    assert free[0][0]["grad_norm"] == clipped[0][0]["grad_norm"] > 1
    start = outcome(tmp_path / "still", {"lr": 1e-30, "steps": 1, "optimiser": optimiser}, Regression)[3]

    def moved(ended):
        return max(float((ended[3][name] - start[name]).abs().max()) for name in start if "bias" in name)

    # Adam divides by the gradient's own size, so that clipping all steps alike changes little.
    assert moved(clipped) < (1e-3 if optimiser == "sgd" else 1.01) * moved(free)
