"""The engine: losses fall, equal seeds give equal runs, and a run that was cut off ends as if it had not been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.systems.bundles_made import replace_listed
from tests.train.toy import Places, Regression, recipe, same, toy_bundle, weights

from geocairn.answer.decide import Calibration
from geocairn.errors import BadConfig, BadOutput, BadRun
from geocairn.systems.bundle import MANIFEST, WEIGHTS, system_sha256
from geocairn.train.checkpoint import checkpoint_steps
from geocairn.train.engine import train
from geocairn.train.log import RunLog, read_log

KINDS = [Regression, Places]


class Stopped(Exception):
    """The power goes."""


def run(out, settings=None, *, kind=Regression, stop_at=None, resume=False, made=None, **model):
    """Train a toy, and stop it in the middle of step `stop_at`; the rows of its log without times."""
    wanted = recipe(settings, **model)

    def make(folder):
        assert folder == out
        task = kind(wanted)
        loss = task.loss

        def watched_loss(rows, step):
            if step == stop_at:
                raise Stopped
            if made is not None:
                made.append(step)
            return loss(rows, step)

        task.loss = watched_loss
        return task

    if stop_at is None:
        assert train(out, wanted, make, resume=resume) == out / "bundle"
    else:
        with pytest.raises(Stopped):
            train(out, wanted, make, resume=resume)
    return rows_of(out)


def rows_of(out):
    return [{key: value for key, value in row.items() if key != "rows_per_s"} for row in read_log(out / "log.jsonl")]


def finished(out):
    return json.loads((out / "finished.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_falls_and_the_folder_holds_what_it_should(tmp_path, kind):
    rows = run(tmp_path / "run", {"epochs": 20, "lr": 0.05}, kind=kind, dropout=0.0)
    assert rows[-1]["loss"] < rows[0]["loss"] / 4
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["bundle", "checkpoints", "config.toml", "data.json", "finished.json", "log.jsonl"]
    assert [row["step"] for row in rows] == list(range(1, 81))
    assert [row["step"] for row in rows if "validation" in row] == list(range(4, 81, 4))
    assert [row["epoch"] for row in rows[:4]] == [0.25, 0.5, 0.75, 1.0]
    assert all(later >= earlier for earlier, later in pairwise(row["epoch"] for row in rows))
    assert all(row["grad_norm"] > 0 for row in rows)


def test_points_of_a_manifold_stay_on_it(tmp_path):
    run(tmp_path / "run", {"epochs": 10, "lr": 0.1}, kind=Places)
    points = weights(tmp_path / "run")["points"].double()
    assert points[:, 0].max() > 1.5
    torch.testing.assert_close((points[:, 1:] ** 2).sum(1) - points[:, 0] ** 2, -torch.ones(40, dtype=torch.float64), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_run_that_was_cut_off_twice_ends_bit_for_bit_as_one_that_was_not(tmp_path, kind, optimiser):
    settings = {"optimiser": optimiser, "warmup_steps": 3, "accumulate": 2, "log_every": 3, "patience": 50}
    whole = run(tmp_path / "whole", settings, kind=kind)
    before = run(tmp_path / "cut", settings, kind=kind, stop_at=9)
    made = []
    run(tmp_path / "cut", settings, kind=kind, stop_at=15, resume=True, made=made)
    assert min(made) == 8  # a checkpoint is written every second step of twenty
    after = run(tmp_path / "cut", settings, kind=kind, resume=True, made=made)
    assert 0 not in made
    assert after == whole
    assert after[: len(before)] == before
    assert same(weights(tmp_path / "cut"), weights(tmp_path / "whole"))
    assert same(load_file(tmp_path / "cut/bundle/model.safetensors"), load_file(tmp_path / "whole/bundle/model.safetensors"))
    assert finished(tmp_path / "cut") == finished(tmp_path / "whole")


def test_rows_that_are_there_are_not_written_again(tmp_path):
    run(tmp_path / "run", {"log_every": 1}, stop_at=9)
    log = tmp_path / "run/log.jsonl"
    before = log.read_bytes()
    assert len(before.splitlines()) == 9
    with log.open("ab") as stream:
        stream.write(b'{"step": 10, "lo')
    assert [row["step"] for row in run(tmp_path / "run", {"log_every": 1}, resume=True)] == list(range(1, 21))
    assert log.read_bytes().startswith(before)


def test_a_run_cut_off_before_its_first_checkpoint_begins_anew(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut", stop_at=1)
    assert checkpoint_steps(tmp_path / "cut/checkpoints") == []
    assert run(tmp_path / "cut", resume=True) == whole


def test_a_checkpoint_without_its_record_is_told_not_to_count(tmp_path):
    run(tmp_path / "run", stop_at=9)
    for record in (tmp_path / "run/checkpoints").glob("*.json"):
        record.unlink()
    left, wanted, said = sorted((tmp_path / "run/checkpoints").glob("*.pt")), recipe(), []
    train(tmp_path / "run", wanted, lambda folder: Regression(wanted), resume=True, tell=said.append)
    assert [line for line in said if "does not count" in line] == [f"{path}: has no .json beside it, so it does not count" for path in left]
    assert left
    assert rows_of(tmp_path / "run") == run(tmp_path / "whole")


@pytest.mark.parametrize(("before", "now"), [(2, 2), (2, 3)])
def test_a_run_that_goes_on_with_other_threads_says_so(tmp_path, monkeypatch, before, now):
    monkeypatch.setattr(torch, "get_num_threads", lambda: before)
    run(tmp_path / "run", stop_at=9)
    monkeypatch.setattr(torch, "get_num_threads", lambda: now)
    wanted, said = recipe(), []
    train(tmp_path / "run", wanted, lambda folder: Regression(wanted), resume=True, tell=said.append)
    told = [line for line in said if "threads" in line]
    same_bits = "3 threads, and 2 before: the numbers are those of an unbroken run to rounding only; OMP_NUM_THREADS=2 gives the same bits"
    assert told == ([] if before == now else [same_bits])


KILLED = """
import sys, time
from pathlib import Path
from tests.train.toy import Regression, recipe
from geocairn.train.engine import train

class Slow(Regression):
    def loss(self, rows, step):
        time.sleep(float(sys.argv[2]))
        return super().loss(rows, step)

wanted = recipe({"epochs": 25, "log_every": 1})
train(Path(sys.argv[1]), wanted, lambda folder: Slow(wanted), resume=True)
"""


def test_a_run_killed_by_the_system_goes_on_bit_for_bit(tmp_path):
    root = Path(__file__).parents[2]
    out = tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.Popen([sys.executable, "-W", "ignore", "-c", KILLED, str(out), "0.02"], env=environment)
    deadline = time.monotonic() + 120
    while len(checkpoint_steps(out / "checkpoints") if out.is_dir() else []) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    done = checkpoint_steps(out / "checkpoints")[-1]
    assert 0 < done < 100
    settings, made = {"epochs": 25, "log_every": 1}, []
    resumed = run(out, settings, resume=True, made=made)
    assert min(made) == done
    assert resumed == run(tmp_path / "whole", settings)
    assert same(weights(out), weights(tmp_path / "whole"))


def test_one_seed_gives_one_run_and_another_seed_another(tmp_path):
    one, two, other = (run(tmp_path / name, {"seed": seed}) for name, seed in (("one", 1), ("two", 1), ("other", 2)))
    assert one == two
    assert same(weights(tmp_path / "one"), weights(tmp_path / "two"))
    assert [row["loss"] for row in one] != [row["loss"] for row in other]


def test_validating_more_often_changes_nothing_of_the_training(tmp_path):
    seldom, often = run(tmp_path / "seldom"), run(tmp_path / "often", {"validate_every_epochs": 0.25})
    assert [row["loss"] for row in seldom] == [row["loss"] for row in often]


def test_a_batch_in_parts_gives_the_gradient_of_the_whole(tmp_path):
    whole, parts = (run(tmp_path / str(n), {"accumulate": n, "batch_size": 7}, dropout=0.0, kind=Places) for n in (1, 3))
    assert [row["loss"] for row in parts] == pytest.approx([row["loss"] for row in whole], rel=1e-5)
    assert [row["grad_norm"] for row in parts] == pytest.approx([row["grad_norm"] for row in whole], rel=1e-4)


def test_rows_of_the_log_are_means_since_the_row_before(tmp_path):
    every, fifth = (run(tmp_path / str(n), {"log_every": n, "validate_every_epochs": 100}) for n in (1, 5))
    assert [row["step"] for row in fifth] == [5, 10, 15, 20]
    assert fifth[1]["loss"] == pytest.approx(sum(row["loss"] for row in every[5:10]) / 5)
    assert fifth[1]["terms"]["step"] == pytest.approx(7)


def test_the_bundle_is_of_the_best_weights(tmp_path):
    # Steps so long that the first validation is the best.
    rows = run(tmp_path / "run", {"lr": 3.0, "schedule": "constant", "keep_last": 1})
    validated = {row["step"]: row["validation"]["loss"] for row in rows if "validation" in row}
    best = min(validated, key=validated.get)
    assert best < 20
    assert [row["step"] for row in rows if row.get("is_best")][-1] == best
    assert (finished(tmp_path / "run")["best_step"], finished(tmp_path / "run")["validation"]["loss"]) == (best, validated[best])
    assert checkpoint_steps(tmp_path / "run/checkpoints") == [best, 20]
    kept = torch.load(tmp_path / f"run/checkpoints/step-{best:09d}.pt", weights_only=True)["model"]
    assert same(load_file(tmp_path / "run/bundle/model.safetensors"), kept)


def test_a_higher_metric_can_be_the_better_one(tmp_path):
    lower = run(tmp_path / "lower", {"watch": "loss"})
    higher = run(tmp_path / "higher", {"watch": "fit", "better": "higher"})
    assert lower == higher


def test_patience_stops_a_run_that_gets_no_better(tmp_path):
    rows = run(tmp_path / "run", {"lr": 3.0, "schedule": "constant", "patience": 2, "epochs": 50})
    assert rows[-1]["step"] < 200
    assert [row.get("is_best") for row in rows if "validation" in row][-2:] == [False, False]
    assert finished(tmp_path / "run")["stopped_by"] == "patience"
    assert finished(tmp_path / "run")["steps"] == rows[-1]["step"]


def test_a_finished_run_is_left_alone(tmp_path):
    run(tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    made = []
    run(tmp_path / "run", made=made)
    run(tmp_path / "run", made=made, resume=True)
    assert made == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}


DAMAGES = {
    "cut": (lambda bundle: (bundle / WEIGHTS).write_bytes(b""), "run/bundle/model.safetensors: 0 bytes, but"),
    "more": (lambda bundle: (bundle / ".DS_Store").write_text(""), "run/bundle/.DS_Store: not among the files that manifest.json lists; take it out"),
    "no list": (lambda bundle: (bundle / MANIFEST).unlink(), "run/bundle/manifest.json: no such file; "),
    "a calibration by hand": (lambda bundle: (bundle / "calibration.json").write_text("{}"), "run/bundle/calibration.json: 2 bytes, but"),
    "another": (lambda bundle: toy_bundle(bundle, b"another"), "run/bundle: is not the bundle that it ended with; put that back"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_bundle_that_is_not_as_the_run_left_it_is_told_and_not_written_over(tmp_path, damage, words):
    run(tmp_path / "run")
    bundle, made = tmp_path / "run/bundle", []
    before = system_sha256(bundle)
    damage(bundle)
    damaged = {path: path.read_bytes() for path in bundle.iterdir()}
    for more in ({}, {"resume": True}, {"resume": True, "settings": {"epochs": 6}}):
        with pytest.raises(BadRun, match=rf"run: the run has ended, but .*{re.escape(words)}.*, or delete .*run/bundle, and --resume writes it anew$"):
            run(tmp_path / "run", made=made, **more)
    assert damaged == {path: path.read_bytes() for path in bundle.iterdir()}
    shutil.rmtree(bundle)
    with pytest.raises(BadRun, match=r"run: holds a run that has ended, but its bundle is gone; --resume writes it anew, or name a new folder"):
        run(tmp_path / "run", made=made)
    run(tmp_path / "run", made=made, resume=True)
    assert (made, system_sha256(bundle)) == ([], before)


def test_nobody_is_told_to_delete_a_bundle_that_cannot_be_made_again(tmp_path):
    run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run/checkpoints")
    (tmp_path / "run/bundle/notes.txt").write_text("mine")
    with pytest.raises(BadRun, match=r"notes.txt: not among the files that manifest.json lists; take it out, or train into a new folder$"):
        run(tmp_path / "run", resume=True)


def test_a_finished_run_is_trained_whatever_its_calibration(tmp_path):
    run(tmp_path / "run")
    replace_listed(tmp_path / "run/bundle", "calibration.json", Calibration(temperature=2.0, calibrated=True).model_dump_json().encode())
    replace_listed(tmp_path / "run/bundle", "card.md", b"Calibrated.")
    made = []
    run(tmp_path / "run", made=made)
    assert made == []


def test_a_longer_run_that_is_cut_off_is_taken_up_again(tmp_path):
    longer = {"schedule": "constant", "epochs": 8}
    run(tmp_path / "run", {"schedule": "constant"})
    run(tmp_path / "run", longer, resume=True, stop_at=25)
    with pytest.raises(BadRun, match=r"that was cut off; --resume"):
        run(tmp_path / "run", longer)
    assert run(tmp_path / "run", longer, resume=True) == run(tmp_path / "long", longer)
    assert system_sha256(tmp_path / "run/bundle") == system_sha256(tmp_path / "long/bundle")


def test_another_recipe_is_refused_by_the_key_that_differs(tmp_path):
    run(tmp_path / "run")
    with pytest.raises(BadRun, match=r"run: holds a run with train\.lr = 0\.02, not 0\.5; "):
        run(tmp_path / "run", {"lr": 0.5})
    with pytest.raises(BadRun, match=r"run: holds a run with model\.dim = 4, not 5; "):
        run(tmp_path / "run", dim=5, resume=True)
    with pytest.raises(BadRun, match=r"of another length \(train\.epochs = 5\); --resume"):
        run(tmp_path / "run", {"epochs": 6})


def test_a_run_that_was_cut_off_is_taken_up_only_when_asked(tmp_path):
    run(tmp_path / "run", stop_at=5)
    with pytest.raises(BadRun, match=r"holds a run that was cut off; --resume goes on"):
        run(tmp_path / "run")


def test_a_warm_up_longer_than_the_run_is_told(tmp_path):
    wanted, said = recipe({"warmup_steps": 100}), []
    train(tmp_path / "run", wanted, lambda folder: Regression(wanted), tell=said.append)
    assert said[0].startswith("train.warmup_steps = 100: the run has 20 steps and never reaches train.lr")


def test_a_finished_run_can_go_on_for_longer(tmp_path):
    run(tmp_path / "run", {"schedule": "constant"})
    made = []
    rows = run(tmp_path / "run", {"schedule": "constant", "epochs": 8}, resume=True, made=made)
    assert min(made) == 20
    assert rows == run(tmp_path / "long", {"schedule": "constant", "epochs": 8})
    assert "epochs = 8" in (tmp_path / "run/config.toml").read_text()


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        (Calibration(calibrated=True).model_dump_json(), True),
        (Calibration(calibrated=False).model_dump_json(), False),
        ("{", False),
    ],
)
def test_a_calibration_that_a_longer_run_writes_over_is_told(tmp_path, text, is_told):
    folder, said = tmp_path / "run", []
    run(folder)
    replace_listed(folder / "bundle", "calibration.json", text.encode())
    train(folder, recipe({"epochs": 6}), lambda _: Regression(recipe({"epochs": 6})), resume=True, tell=said.append)
    assert (said[-1] == f"{folder}/bundle: was calibrated, and the new weights are not; calibrate it anew") is is_told


def test_a_finished_run_without_its_checkpoints_does_not_begin_anew(tmp_path):
    rows = run(tmp_path / "run")
    shutil.rmtree(tmp_path / "run/checkpoints")
    with pytest.raises(BadRun, match=r"run/checkpoints: no checkpoints, though the run has ended"):
        run(tmp_path / "run", {"epochs": 6}, resume=True)
    assert rows_of(tmp_path / "run") == rows


def test_rows_of_another_length_after_the_checkpoint_are_cut(tmp_path):
    run(tmp_path / "run", stop_at=9)
    rows = run(tmp_path / "run", {"epochs": 8}, resume=True)
    assert [row["step"] for row in rows] == list(range(1, 33))
    assert rows[8]["lr"] > 0.5 * 0.02 * (1 + 0.5)  # cosine over 32 steps, not 20


def test_a_run_that_has_done_more_steps_than_asked_is_refused(tmp_path):
    run(tmp_path / "run")
    before = (tmp_path / "run/config.toml").read_text()
    with pytest.raises(BadRun, match=r"has done 20 steps, more than the 8 asked for"):
        run(tmp_path / "run", {"epochs": 2}, resume=True)
    assert (tmp_path / "run/config.toml").read_text() == before


def test_a_folder_of_other_things_is_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadOutput, match="holds other files"):
        run(tmp_path)
    with pytest.raises(BadOutput, match="is a file"):
        run(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_was_refused_makes_room_for_the_mended_recipe(tmp_path):
    with pytest.raises(BadConfig):
        run(tmp_path / "run", {"watch": "accuracy"})
    rows = run(tmp_path / "run", {"lr": 0.01})
    assert rows == run(tmp_path / "other", {"lr": 0.01})


def test_a_folder_where_another_process_trains_is_refused(tmp_path):
    run(tmp_path / "run", stop_at=5)
    with RunLog(tmp_path / "run/log.jsonl"):
        for resume in (False, True):
            with pytest.raises(BadRun, match="another process trains there"):
                run(tmp_path / "run", resume=resume)
    run(tmp_path / "run", resume=True)


@pytest.mark.parametrize("watch", ["accuracy", "nothing"])
def test_a_metric_that_the_task_does_not_have_is_refused_with_those_it_has(tmp_path, watch):
    with pytest.raises(BadConfig, match=rf"train\.watch = '{watch}': the task validates by loss, fit"):
        run(tmp_path / "run", {"watch": watch})


def test_a_device_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadConfig, match=r"train\.device = 'cuda': there is no CUDA device"):
        run(tmp_path / "run", {"device": "cuda"})


@pytest.mark.gpu
def test_cuda_trains_to_the_same_numbers(tmp_path):
    cpu, cuda = (run(tmp_path / device, {"device": device}, dropout=0.0, kind=Places) for device in ("cpu", "cuda"))
    assert [row["loss"] for row in cuda] == pytest.approx([row["loss"] for row in cpu], rel=1e-3)


def test_bfloat16_changes_products_and_not_what_is_kept(tmp_path):
    full, mixed = (run(tmp_path / name, {"precision": name}, dropout=0.0, dim=16) for name in ("32-true", "bf16-mixed"))
    losses = [row["loss"] for row in mixed]
    assert losses != [row["loss"] for row in full]
    assert losses == pytest.approx([row["loss"] for row in full], rel=0.05, abs=0.02)
    assert {value.dtype for value in weights(tmp_path / "bf16-mixed").values()} == {torch.float32}


def test_geometry_stays_in_float32_under_bfloat16(tmp_path):
    full, mixed = (run(tmp_path / name, {"precision": name}, kind=Places) for name in ("32-true", "bf16-mixed"))
    assert mixed == full


def test_no_optimiser_state_of_another_model_is_taken_up(tmp_path):
    run(tmp_path / "run", stop_at=9)
    config = tmp_path / "run/config.toml"
    config.write_text(config.read_text().replace("dim = 4", "dim = 5"))
    with pytest.raises(BadRun, match=r"the checkpoint is not of this model \(.*size mismatch") as refusal:
        run(tmp_path / "run", resume=True, dim=5)
    assert "\n" not in str(refusal.value)
