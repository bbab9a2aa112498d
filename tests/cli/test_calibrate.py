"""`geocairn calibrate`: its figures, its exit code, and refusals of one line."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.command import Command
from tests.small_earth import write_small_earth

from geocairn.systems.bundle import load_bundle
from geocairn.systems.limits import LimitSystem


@pytest.fixture
def command(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def earth(tmp_path_factory):
    return write_small_earth(tmp_path_factory.mktemp("synth") / "earth", photos=400, cities=30, unseen_max=0.05, val_share=0.3)


def test_the_command_tells_before_and_after_and_writes_the_bundle(command, earth, tmp_path, monkeypatch):
    scores = LimitSystem.log_scores
    monkeypatch.setattr(LimitSystem, "log_scores", lambda system, features: 5 * scores(system, features))
    ran = command("calibrate", earth / "learnable", earth / "val.parquet", "--out", tmp_path / "b")
    assert (ran.code, ran.err) == (0, "")
    bundle = load_bundle(tmp_path / "b")
    assert bundle.sha256 in ran.out
    assert f"calibrated on 120 photos of {bundle.calibration.fitted_on['authors']} authors\n" in ran.out
    figures = (
        "nats to the true leaf",
        "country: ECE",
        "city: ECE",
        "in the 50% region",
        "in the 95% region",
        "first candidate: mean p",
        "first candidate: inside",
    )
    for line in ("temperature", "reach", *figures):
        assert f"\n{line} " in ran.out
    assert "nan" not in ran.out


def test_photos_whose_authors_nobody_knows_are_not_said_to_have_some(command, earth, tmp_path):
    pq.write_table(pq.read_table(earth / "val.parquet").drop_columns("author"), tmp_path / "val.parquet")
    (tmp_path / "features").symlink_to(earth / "features")
    ran = command("calibrate", earth / "learnable", tmp_path / "val.parquet", "--out", tmp_path / "b")
    assert "calibrated on 120 photos, authors not known: errors are by photo\n" in ran.out
    assert "fitted on other photos, in five parts" in ran.out
    assert " authors of " not in (tmp_path / "b/card.md").read_text()
    assert "authors" not in load_bundle(tmp_path / "b").calibration.fitted_on


def test_a_calibration_that_makes_things_worse_is_told(command, earth, tmp_path):
    # So few photos tell the temperature of scores that need none worse than no photos.
    ran = command("calibrate", earth / "learnable", earth / "val.parquet", "--out", tmp_path / "b")
    before, after = next(line for line in ran.out.splitlines() if line.startswith("nats")).split()[-2:]
    assert (ran.code, float(after) > float(before)) == (0, True)
    assert ran.err == (
        f"geocairn: {tmp_path}/b: written, but worse for photos left out of the fit, {before} -> {after} nats to the true leaf: "
        "calibrate on more photos, or use the bundle as it was\n"
    )
    # What the old temperature was fitted on says nothing against the new one.
    assert command("calibrate", tmp_path / "b", earth / "val.parquet", "--out", tmp_path / "c").err == ""


def test_a_failed_row_is_told_and_ends_with_1(command, earth, tmp_path):
    table = pq.read_table(earth / "val.parquet")
    renamed = table.set_column(0, "photo", pa.array(["x", *table["photo"].to_pylist()[1:]]))
    pq.write_table(renamed, tmp_path / "val.parquet")
    (tmp_path / "features").symlink_to(earth / "features")
    ran = command("calibrate", earth / "learnable", tmp_path / "val.parquet", "--out", tmp_path / "b")
    assert ran.code == 1
    assert "119 photos" in ran.out
    assert "1 failed" in ran.out
    assert "\ngeocairn: x: has no features" in f"\n{ran.err}"


def test_rows_that_the_manifest_leaves_out_are_told(command, earth, tmp_path):
    table = pq.read_table(earth / "val.parquet")
    lat = table["lat_deg"].to_pylist()
    pq.write_table(table.set_column(table.column_names.index("lat_deg"), "lat_deg", pa.array([None, *lat[1:]])), tmp_path / "val.parquet")
    (tmp_path / "features").symlink_to(earth / "features")
    ran = command("calibrate", earth / "learnable", tmp_path / "val.parquet", "--out", tmp_path / "b")
    assert ran.code == 0
    assert f"geocairn: {tmp_path}/val.parquet: 1 of 120 rows are left out (no coordinates: 1)\n" in ran.err
    assert "calibrated on 119 photos" in ran.out


def test_refusals_are_one_line(command, earth, tmp_path):
    assert "ships with Geocairn" in command.refused("calibrate", "prior", earth / "val.parquet")
    assert "split train" in command.refused("calibrate", earth / "bayes", earth / "train.parquet")
    assert "no such file" in command.refused("calibrate", earth / "bayes", tmp_path / "none.csv")
    assert "no such" in command.refused("calibrate", tmp_path / "none", earth / "val.parquet")
    assert "split test" in command.refused("calibrate", earth / "bayes", earth / "test.parquet")
