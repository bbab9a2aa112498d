"""`geocairn train`: recipes and overrides in, run folders out, each refusal one line."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import Command
from tests.train.test_fit import Pick, PickRecipe
from tests.train.toy import Regression, ToyRecipe

from geocairn.train import kinds

TEXT = 'system = "toy"\n[train]\nepochs = 5\nbatch_size = 10\nlr = 0.02\ndevice = "cpu"\n'
ROOT = Path(__file__).parents[2]
# In a process of its own, where libraries write to standard error past what a test can catch.
TOY_COMMAND = """
from tests.train.toy import Regression, ToyRecipe
from geocairn.cli.main import main
from geocairn.train import kinds
kinds.KINDS = {"toy": kinds.Kind(ToyRecipe, lambda recipe, folder, features: Regression(recipe))}
main()
"""


@pytest.fixture
def command(monkeypatch, capsys):
    """The command with a toy that can be trained."""
    monkeypatch.setattr(kinds, "KINDS", {"toy": kinds.Kind(ToyRecipe, lambda recipe, folder, features: Regression(recipe))})
    return Command(monkeypatch, capsys)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_text(TEXT)
    return path


def test_a_recipe_becomes_a_run_with_a_bundle(command, recipe, tmp_path):
    run = tmp_path / "run"
    ran = command("train", recipe, "train.seed=3", "model.dim=6", "--out", run)
    assert (ran.code, ran.out) == (0, f"{run}/bundle\n")
    told = [line.partition(": loss")[0] for line in ran.err.splitlines()]
    assert told == [f"geocairn: step {step} of 20" for step in (4, 8, 12, 16, 20)]
    assert ran.err.endswith(", the best so far\n")
    assert (run / "bundle/model.safetensors").is_file()
    config = (run / "config.toml").read_text()
    assert "seed = 3\n" in config
    assert "dim = 6\n" in config
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 8, 10, 12, 16, 20]
    again = command("train", recipe, "train.seed=3", "model.dim=6", "--out", run)
    assert (again.code, again.err) == (0, f"geocairn: {run}: already trained\n")


def test_the_written_recipe_is_a_recipe(command, recipe, tmp_path):
    command("train", recipe, "train.seed=3", "--out", tmp_path / "one")
    assert command("train", tmp_path / "one/config.toml", "--out", tmp_path / "two").code == 0
    assert (tmp_path / "one/config.toml").read_text() == (tmp_path / "two/config.toml").read_text()
    one, two = ((tmp_path / name / "bundle/model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_longer_run_goes_on_when_asked(command, recipe, tmp_path):
    command("train", recipe, "--out", tmp_path / "run")
    assert "--resume goes on" in command.refused("train", recipe, "train.epochs=6", "--out", tmp_path / "run")
    ran = command("train", recipe, "train.epochs=6", "--out", tmp_path / "run", "--resume")
    assert (ran.code, ran.err) == (0, ran.err)
    assert ran.err.startswith("geocairn: going on after step 20 of 24\ngeocairn: step 24 of 24: loss ")


def test_a_run_in_bfloat16_says_no_more_than_another(recipe, tmp_path):
    words = ["train", recipe, "train.precision=bf16-mixed", "--out", tmp_path / "run"]
    ended = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", TOY_COMMAND, *map(str, words)], capture_output=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr, ended.stdout.decode()) == (0, ended.stderr, f"{tmp_path / 'run'}/bundle\n")
    assert all(line.startswith(b"geocairn: step ") for line in ended.stderr.splitlines())


def test_a_dry_run_tells_and_writes_nothing(command, recipe, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    for words in ((), ("--out", tmp_path / "run")):
        ran = command("train", recipe, "--dry-run", *words)
        assert (ran.code, ran.err) == (0, "")
        first, *_, time, loss = ran.out.splitlines()
        assert first == "regression on cpu: 40 training rows, 4 steps an epoch, 20 steps in all"
        assert time.startswith("time: ")
        assert " -> " in loss
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train.lrr=1"], r"train.lrr=1: Extra inputs are not permitted (known keys: seed, "),
        (["train.lr"], "train.lr: write key=value, such as train.lr=1e-3"),
        (["train.lr=fast"], "train.lr=fast: Input should be a valid number"),
        (["system=hierlock"], "system=hierlock: use one of toy"),
        (["train.watch=accuracy"], "train.watch = 'accuracy': the task validates by loss, fit"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_one_line(command, recipe, tmp_path, words, line):
    assert line in command.refused("train", recipe, *words, "--out", tmp_path / "run")


def test_a_run_folder_is_asked_for(command, recipe):
    assert command.refused("train", recipe).startswith("Invalid value for --out: name the run folder")


def test_what_is_not_installed_is_named_with_the_mend(command, recipe, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightning_fabric" else found(name))
    assert command.refused("train", recipe, "--out", tmp_path / "run") == "training needs the package lightning_fabric; mend: pip install geocairn[train]"


def test_a_bar_is_shown_on_a_terminal_alone(command, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = command("train", recipe, "--out", tmp_path / "run")
    assert "20/20" in ran.err
    assert "loss" in ran.err
    assert ran.out == f"{tmp_path / 'run'}/bundle\n"


def test_what_has_no_steps_is_fitted_into_the_same_folder(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(kinds, "KINDS", {"pick": kinds.FitKind(PickRecipe, lambda recipe, folder, features: Pick(folder))})
    command, recipe, run = Command(monkeypatch, capsys), tmp_path / "pick.toml", tmp_path / "run"
    recipe.write_text('system = "pick"\n')
    assert command("train", recipe, "--dry-run", "--out", run).out == "pick: 3 numbers\na row says nothing\n"
    assert not run.exists()
    ran = command("train", recipe, "model.dim=6", "--out", run)
    assert (ran.out, ran.err) == (f"{run}/bundle\n", "geocairn: a row says nothing\n")
    assert command("train", recipe, "model.dim=6", "--out", run).err == f"geocairn: {run}: already trained\n"
    assert "model.dim = 6, not 4" in command.refused("train", recipe, "--out", run)
    assert "Extra inputs are not permitted (known keys: system, model)" in command.refused("train", recipe, "train.lr=1", "--out", tmp_path / "other")
