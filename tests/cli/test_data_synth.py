"""`geocairn data synth`, and `locate` and `evaluate` on what it writes."""

import csv
import json

import numpy as np
import pytest
from tests.cli.command import Command

from geocairn.data.feature_store import open_store
from geocairn.places.geonames import read_cities
from geocairn.synth import places


@pytest.fixture
def command(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def earth(small_synth):
    """A small Earth, written by the function that the command calls."""
    return small_synth


def answers(text):
    rows = [json.loads(line) for line in text.splitlines()]
    for row in rows:
        row["provenance"].pop("seconds", None)
    return rows


def test_the_command_writes_an_earth_and_says_what_is_in_it(command, tmp_path, monkeypatch):
    cities = read_cities(15000)
    monkeypatch.setattr(places, "read_cities", lambda: cities)
    words = ("data", "synth", "--photos", 100, "--cities", 20, "--with", "maps", "--set", "unseen_max=0.1", "--out", tmp_path / "e")
    ran = command(*words)
    assert ran.code == 0
    assert "90 train, 5 val, 5 test; places:" in ran.out
    assert "geocairn: computing the limits" in ran.err
    settings = json.loads((tmp_path / "e/synth.json").read_text())["settings"]
    assert (settings["cities"], settings["with_maps"], settings["with_tokens"], settings["unseen_max"]) == (20, True, False, 0.1)
    again = command(*words)
    assert again.out == ran.out
    assert again.err == "geocairn: already there\n"
    evaluated = command("evaluate", tmp_path / "e/test.parquet", "--bundle", tmp_path / "e/learnable")
    assert evaluated.code == 0
    assert "5 photos, 0 failed" in evaluated.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--photos", 3), "photos = 3"),
        (("--with", "depth"), "--with depth: 'depth' is not known; write tokens, maps or tokens,maps"),
        (("--set", "gates"), "--set gates: write KEY=VALUE"),
        (("--set", "=1"), "--set =1: write KEY=VALUE"),
        (("--set", "gates=many"), "--set gates=many: write KEY=VALUE"),
        (("--set", "colour=1"), "colour = 1"),
        (("--seed", -1), "seed = -1"),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_line(command, tmp_path, words, said):
    assert said in command.refused("data", "synth", "--out", tmp_path / "e", *words)
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize("bundle", ["bayes", "learnable", "prior"])
def test_locate_gives_one_answer_a_row(command, earth, bundle):
    ran = command("locate", earth / "test.parquet", "--bundle", earth / bundle, "--format", "jsonl")
    assert ran.code == 0
    rows = answers(ran.out)
    assert len(rows) == 30
    assert all(row["photo"].startswith("photo-") and row["sha256"] is None and row["error"] is None for row in rows)
    assert {row["provenance"]["bundle"] for row in rows} == {bundle}
    assert all(row["provenance"]["calibrated"] for row in rows)


def test_batches_processes_and_interruptions_change_nothing(command, earth, tmp_path):
    from geocairn.locate import LocateSettings, Locator
    from geocairn.manifest import read_manifest

    words = ("locate", earth / "test.parquet", "--bundle", earth / "bayes", "--format", "jsonl")
    whole = answers(command(*words).out)
    assert answers(command(*words, "--jobs", 2).out) == whole
    out = tmp_path / "a.jsonl"
    assert command(*words[:-2], "--out", out).code == 0
    lines = out.read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:11]) + lines[11][:20])
    assert command(*words[:-2], "--out", out, "--resume").code == 0
    assert answers(out.read_text()) == whole
    locator = Locator.load(str(earth / "bayes"), LocateSettings())
    photos = read_manifest(earth / "test.parquet").photos
    for batch_size in (1, 7):
        rows = [prediction.to_json() for prediction in locator.locate_rows(earth / "test.parquet", photos, batch_size=batch_size)]
        assert answers("\n".join(rows)) == whole


def test_evaluate_scores_the_rows(command, earth, tmp_path):
    scores = {}
    for bundle in ("bayes", "prior"):
        assert command("evaluate", earth / "test.parquet", "--bundle", earth / bundle, "--out", tmp_path / bundle).code == 0
        report = json.loads((tmp_path / bundle / "report.json").read_text())
        assert (report["n"], report["n_failed"]) == (30, 0)
        assert list(report["level_accuracy_pct"]) == ["country", "region", "subregion", "city"]
        scores[bundle] = report["geoscore"]
    assert scores["bayes"] > 2 * scores["prior"]
    assert command("evaluate", earth / "test.parquet", "--bundle", earth / "bayes", "--decide", "geoscore").code == 0


def test_locate_and_evaluate_choose_the_same_points_by_a_rule(command, earth, tmp_path):
    words, told = (earth / "test.parquet", "--bundle", earth / "bayes"), {}
    for rule in ("mode", "geoscore", "median"):
        assert command("evaluate", *words, "--decide", rule, "--out", tmp_path / rule).code == 0
        with (tmp_path / rule / "predictions.csv").open(newline="") as file:
            scored = [(float(row["lat_deg"]), float(row["lon_deg"])) for row in csv.DictReader(file)]
        told[rule] = answers(command("locate", *words, "--decide", rule, "--finest", "exact", "--format", "jsonl").out)
        assert [(row["candidates"][0]["lat_deg"], row["candidates"][0]["lon_deg"]) for row in told[rule]] == scored
        assert [row["regions"] for row in told[rule]] == [row["regions"] for row in told["mode"]]
    assert [row["candidates"][0] for row in told["median"]] != [row["candidates"][0] for row in told["mode"]]
    assert "ranked by their probability alone" in command.refused("locate", *words, "--decide", "median", "--finest", "country")


def _copied(earth, tmp_path, damage):
    from shutil import copytree

    folder = copytree(earth, tmp_path / "earth")
    damage(folder)
    return folder


def test_photos_without_features_are_rows_with_errors(command, earth, tmp_path):
    def damage(folder):
        shard = next(folder.glob("features/rows-*.npy"))
        rows = np.load(shard)
        rows[open_store(earth / "features").rows_of(_test_photos(earth)[:2])] = np.nan
        np.save(shard, rows)

    folder = _copied(earth, tmp_path, damage)
    ran = command("locate", folder / "test.parquet", "--bundle", folder / "bayes", "--format", "jsonl")
    assert ran.code == 1
    assert [row["error"] is None for row in answers(ran.out)] == [False] * 2 + [True] * 28
    assert ran.err.count("its features are not finite; extract them anew") == 2
    assert command("evaluate", folder / "test.parquet", "--bundle", folder / "bayes").code == 1


def _test_photos(earth):
    from geocairn.manifest import read_manifest

    return read_manifest(earth / "test.parquet").photos


def test_every_row_that_names_a_photo_is_answered_whatever_its_coordinates(command, earth, tmp_path):
    (tmp_path / "features").symlink_to(earth / "features")
    photos, bundle = _test_photos(earth)[:5], ("--bundle", earth / "bayes", "--format", "jsonl")
    (tmp_path / "names.csv").write_text("photo\n" + "".join(f"{photo}\n" for photo in photos))
    named = command("locate", tmp_path / "names.csv", *bundle)
    assert (named.code, named.err) == (0, "")
    cells = ("abc,2", "95,2", "inf,2", "1,361", ",nan")
    (tmp_path / "odd.csv").write_text("photo,lat_deg,lon_deg\n" + "".join(f"{photo},{cell}\n" for photo, cell in zip(photos, cells, strict=True)))
    assert answers(command("locate", tmp_path / "odd.csv", *bundle).out) == answers(named.out)
    (tmp_path / "gaps.csv").write_text(f"photo,lat_deg,lon_deg\n{photos[0]},1,2\n,3,4\n{photos[0]},5,6\n")
    ran = command("locate", tmp_path / "gaps.csv", *bundle)
    first, gap, again = answers(ran.out)
    assert (ran.code, ran.err) == (1, f"geocairn: {tmp_path / 'gaps.csv'}: a row names no photo; name one, or leave the row out\n")
    assert first == again == answers(named.out)[0]
    assert (gap["photo"], gap["error"], gap["candidates"]) == ("", ran.err.removeprefix("geocairn: ").rstrip(), [])


@pytest.mark.parametrize("is_file", [False, True])
def test_a_manifest_without_features_is_one_line_that_says_how_to_get_them(command, earth, tmp_path, is_file):
    (tmp_path / "m.csv").write_text("photo\na.jpg\n")
    if is_file:
        (tmp_path / "features").write_text("")
    told = command.refused("locate", tmp_path / "m.csv", "--bundle", earth / "bayes")
    assert told == f"{tmp_path / 'm.csv'}: no folder features beside it; extract them with `geocairn features extract`"


def test_photos_are_refused_by_a_bundle_that_takes_features(command, earth, tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "p.png")
    said = command.refused("locate", tmp_path / "p.png", "--bundle", earth / "bayes", "--format", "jsonl")
    assert said == f"{earth / 'bayes'}: this bundle takes features, not photos; name a manifest with features beside it"


def test_what_does_not_fit_together_is_refused_in_one_line(command, earth, tmp_path, atlas):
    manifest = earth / "test.parquet"
    assert "there is no such bundle" in command.refused("locate", manifest, "--bundle", tmp_path / "none")
    assert "val.parquet: is a second manifest" in command.refused("locate", manifest, earth / "val.parquet", "--bundle", earth / "bayes")
    assert "takes photos, not features" in command.refused("locate", manifest, "--bundle", "clues")
    assert "a joint answer is for photos" in command.refused("locate", manifest, "--bundle", earth / "bayes", "--together")
    without = _copied(earth, tmp_path, lambda folder: (folder / "bayes/card.md").unlink())
    assert command.refused("evaluate", manifest, "--bundle", without / "bayes") == f"{without / 'bayes/card.md'}: missing; fetch or export the bundle anew"


def test_a_truncated_store_is_refused(command, earth, tmp_path):
    def damage(folder):
        shard = next(folder.glob("features/rows-*.npy"))
        shard.write_bytes(shard.read_bytes()[:-100])

    folder = _copied(earth, tmp_path, damage)
    for verb in ("locate", "evaluate"):
        assert "truncated" in command.refused(verb, folder / "test.parquet", "--bundle", folder / "bayes")


def test_limits_within_a_country_are_kept(command, earth):
    ran = command("locate", earth / "test.parquet", "--bundle", earth / "bayes", "--within", "CN", "--format", "jsonl")
    assert {row["levels"][0]["id"] for row in answers(ran.out)} == {"CN"}
