"""`geocairn calibrate`: its figures, its exit code, and refusals of one line."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.command import Command

from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth
from geocairn.systems.bundle import load_bundle


@pytest.fixture
def command(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def earth(tmp_path_factory):
    out = tmp_path_factory.mktemp("synth") / "earth"
    cities = read_cities(15000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "read_cities", lambda: cities)
        write_synth(out, SynthSettings(photos=400, cities=30, unseen_max=0.05, val_share=0.3))
    return out


def test_the_command_tells_before_and_after_and_writes_the_bundle(command, earth, tmp_path):
    ran = command("calibrate", earth / "learnable", earth / "val.parquet", "--out", tmp_path / "b")
    assert (ran.code, ran.err) == (0, "")
    bundle = load_bundle(tmp_path / "b")
    assert bundle.sha256 in ran.out
    assert f"calibrated on 120 photos of {bundle.calibration.fitted_on['authors']} authors\n" in ran.out
    for line in ("temperature", "nats to the true leaf", "country: ECE", "city: ECE", "in the 50% region", "in the 95% region"):
        assert line in ran.out
    assert "nan" not in ran.out


def test_a_failed_row_is_told_and_ends_with_1(command, earth, tmp_path):
    table = pq.read_table(earth / "val.parquet")
    renamed = table.set_column(0, "photo", pa.array(["x", *table["photo"].to_pylist()[1:]]))
    pq.write_table(renamed, tmp_path / "val.parquet")
    (tmp_path / "features").symlink_to(earth / "features")
    ran = command("calibrate", earth / "learnable", tmp_path / "val.parquet", "--out", tmp_path / "b")
    assert ran.code == 1
    assert "119 photos" in ran.out
    assert "1 failed" in ran.out
    assert ran.err.startswith("geocairn: x: has no features")


def test_refusals_are_one_line(command, earth, tmp_path):
    assert "ships with Geocairn" in command.refused("calibrate", "prior", earth / "val.parquet")
    assert "split train" in command.refused("calibrate", earth / "bayes", earth / "train.parquet")
    assert "no such file" in command.refused("calibrate", earth / "bayes", tmp_path / "none.csv")
    assert "no such" in command.refused("calibrate", tmp_path / "none", earth / "val.parquet")
    assert "20 photos are there" in command.refused("calibrate", earth / "bayes", earth / "test.parquet")
