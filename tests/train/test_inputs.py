"""Runs from photos: encoded once, gone on with where they were stopped, and each refusal with its mend."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from tests.cli.command import Command
from tests.cli.test_photos_to_answers import BRIEF, training, write_photos
from tests.data.test_extract import Reading
from tests.models.tiny import save_tiny

from geocairn.data import extract
from geocairn.data.feature_store import open_store
from geocairn.errors import BadConfig, BadFeatures, BadManifest, BadRun, UnknownName
from geocairn.models.encoders import load_encoder
from geocairn.train import inputs
from geocairn.train.generators import seed_generators
from geocairn.train.hierloc import HierLocRecipe
from geocairn.train.inputs import open_features, sample_features
from geocairn.train.recipe import read_recipe
from geocairn.train.run import run_recipe
from geocairn.train.softmax import SoftmaxRecipe, SoftmaxTask

N_TRAIN, N_VAL = 24, 8


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Photos, manifests and an encoder; read only."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder)
    return folder


@pytest.fixture
def data(photos, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(photos, tmp_path / "data")


@pytest.fixture
def reading(monkeypatch):
    """Photos are read in this process and counted."""
    monkeypatch.setattr(extract, "ROWS_PER_PART", 4)
    return Reading(monkeypatch)


def recipe_of(data, *more):
    words = (f"data.dir={data}", f"data.encoder={data / 'encoder'}", "places.source=rows", *BRIEF, *more)
    return read_recipe(Path("recipes/softmax_synth.toml"), words, {"softmax": SoftmaxRecipe})


def bundle_of(run):
    return {path.name: path.read_bytes() for path in (run / "bundle").iterdir()}


def names(data, split):
    return pq.read_table(data / f"{split}.parquet")["photo"].to_pylist()


def spoil(data, *photos):
    for photo in photos:
        (data / photo).write_text("no photo")


def test_the_photos_of_both_manifests_are_encoded_once_each(data, tmp_path, reading):
    run_recipe(tmp_path / "run", recipe_of(data))
    store = open_store(tmp_path / "run/features", verify=True)
    assert store.photos.to_pylist() == reading.read == names(data, "train") + names(data, "val")
    store_of_both = store.meta.header.manifest_sha256
    run_recipe(tmp_path / "other", recipe_of(data, "data.validation_photos=3"))
    other = open_store(tmp_path / "other/features")
    assert other.photos.to_pylist() == names(data, "train") + names(data, "val")[:3]
    assert other.meta.header.manifest_sha256 != store_of_both


def test_only_the_photos_that_are_looked_at_are_encoded(data, tmp_path, reading):
    said = []
    store = open_features(recipe_of(data, "data.photos=10", "data.validation_photos=3", "data.precision=bfloat16"), tmp_path / "run", tell=said.append)
    assert reading.read == names(data, "train")[:10] + names(data, "val")[:3]
    assert store.meta.header.encoder.startswith("clip image_embeds bfloat16 ")
    assert said == [f"{tmp_path / 'run/features'}: features of 13 photos, by {data / 'encoder'} on cpu"]


def test_test_photos_are_encoded_where_they_leak(data, tmp_path, reading):
    pq.write_table(pa.table({"photo": ["t.png"], "lat_deg": [1.0], "lon_deg": [1.0]}), data / "test.parquet")
    shutil.copy(data / "Paris0.png", data / "t.png")
    words = (f"data.dir={data}", f"data.encoder={data / 'encoder'}", "data.validation_photos=2")
    for leaked, others in (("false", names(data, "val")[:2]), ("true", [*names(data, "val"), "t.png"])):
        recipe = read_recipe(Path("recipes/hierloc_synth.toml"), (*words, f"places.leaked={leaked}"), {"hierloc": HierLocRecipe})
        assert open_features(recipe, tmp_path / leaked).photos.to_pylist() == names(data, "train") + others


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_stopped_while_it_encoded_goes_on(data, tmp_path, monkeypatch, resume):
    monkeypatch.setattr(extract, "ROWS_PER_PART", 4)
    recipe, run = recipe_of(data), tmp_path / "run"
    reading = Reading(monkeypatch, fatal=[names(data, "train")[14]])
    with pytest.raises(KeyboardInterrupt):
        run_recipe(run, recipe)
    assert len(reading.read) == 14
    reading.read.clear()
    run_recipe(run, recipe, resume=resume)
    assert reading.read == (names(data, "train") + names(data, "val"))[12:]  # three parts of four were kept
    run_recipe(tmp_path / "whole", recipe)
    assert bundle_of(run) == bundle_of(tmp_path / "whole")


class Stopped(Exception):
    """The power goes."""


def test_a_run_stopped_after_it_encoded_reads_no_photo_again(data, tmp_path, reading, monkeypatch):
    recipe, run = recipe_of(data, "train.epochs=4"), tmp_path / "run"

    def stop(task, rows, step, loss=SoftmaxTask.loss):
        if step == 2:
            raise Stopped
        return loss(task, rows, step)

    with monkeypatch.context() as patch:
        patch.setattr(SoftmaxTask, "loss", stop)
        with pytest.raises(Stopped):
            run_recipe(run, recipe)
    reading.read.clear()
    shutil.move(run / "features", tmp_path / "kept")
    with pytest.raises(BadRun, match=r"other data, with features\.encoder = 'clip .*', not None; put the data back"):
        run_recipe(run, recipe, resume=True)
    shutil.move(tmp_path / "kept", run / "features")
    run_recipe(run, recipe, resume=True)
    assert reading.read == []
    run_recipe(tmp_path / "whole", recipe)
    assert bundle_of(run) == bundle_of(tmp_path / "whole")


def test_another_encoder_is_other_data(data, tmp_path, reading):
    run_recipe(tmp_path / "run", recipe_of(data))
    shutil.rmtree(data / "encoder")
    save_tiny(data / "encoder", "clip", seed=1)
    with pytest.raises(BadRun, match=r"other data, with data\.encoder = 'clip image_embeds float32 "):
        run_recipe(tmp_path / "run", recipe_of(data))
    # A run that never came to train takes no features of another encoder either.
    shutil.move(tmp_path / "run/features", tmp_path / "unbegun")
    (tmp_path / "next").mkdir()
    shutil.move(tmp_path / "unbegun", tmp_path / "next/features")
    with pytest.raises(BadFeatures, match="next/features: holds features of other photos or of another encoder; name a new folder"):
        open_features(recipe_of(data), tmp_path / "next")


def test_a_training_photo_without_features_is_refused_and_its_row_can_be_taken_out(data, tmp_path, reading):
    broken = names(data, "train")[5]
    spoil(data, broken)
    said = []
    with pytest.raises(BadFeatures, match=f"1 training photos have no finite features, such as '{broken}'; take their rows out of the manifest"):
        run_recipe(tmp_path / "run", recipe_of(data), tell=said.append, tell_error=said.append)
    assert said[1].startswith(f"{data / broken}: ")
    assert said[2].startswith("without features: 1 (")
    reading.read.clear()
    table = pq.read_table(data / "train.parquet")
    pq.write_table(table.filter(pc.not_equal(table["photo"], broken)), data / "train.parquet")
    run_recipe(tmp_path / "run", recipe_of(data))
    assert reading.read == []
    assert json.loads((tmp_path / "run/finished.json").read_text())["steps"] > 0


def test_a_validation_photo_without_features_counts_as_wrong(data, tmp_path, reading):
    run_recipe(tmp_path / "whole", recipe_of(data, "train.epochs=60"))
    spoil(data, *names(data, "val")[:2])
    run_recipe(tmp_path / "run", recipe_of(data, "train.epochs=60"))
    whole, spoilt = (json.loads((tmp_path / name / "finished.json").read_text())["validation"]["city"] for name in ("whole", "run"))
    assert whole == 100
    assert spoilt == 75


def test_photos_that_fail_are_told_and_end_with_1(data, tmp_path, reading, monkeypatch, capsys):
    spoil(data, *names(data, "val")[:1])
    command = Command(monkeypatch, capsys)
    ran = command(*training(data, "softmax", f"data.encoder={data / 'encoder'}"), "--out", tmp_path / "run")
    assert (ran.code, ran.out) == (1, f"{tmp_path / 'run'}/bundle\n")
    assert f"geocairn: {data / names(data, 'val')[0]}: " in ran.err
    again = command(*training(data, "softmax", f"data.encoder={data / 'encoder'}"), "--out", tmp_path / "run")
    assert (again.code, again.err) == (0, f"geocairn: {tmp_path / 'run'}: already trained\n")


def test_where_no_photo_can_be_read_there_is_nothing_to_learn(data, tmp_path, reading):
    spoil(data, *names(data, "train"), *names(data, "val"))
    for _ in range(2):
        with pytest.raises(BadFeatures, match=r"features: none of 32 photos has features \(.+\); mend the photos or data.photos_dir, and delete that folder"):
            run_recipe(tmp_path / "run", recipe_of(data))


def test_what_is_not_there_is_named_with_its_mend(data, tmp_path, reading):
    run = tmp_path / "run"
    with pytest.raises(UnknownName, match="dino: neither a folder nor a name that is known"):
        run_recipe(run, recipe_of(data, "data.encoder=dino"))
    assert not run.exists()
    with pytest.raises(BadConfig, match=r"data\.photos_dir = 'nowhere': not a folder"):
        run_recipe(run, recipe_of(data, "data.photos_dir=nowhere"))
    with pytest.raises(BadManifest, match=r"does not exist, nor do the photos after it; .*data\.photos_dir"):
        run_recipe(run, recipe_of(data, f"data.photos_dir={tmp_path}"))
    assert reading.read == []
    run_recipe(run, recipe_of(data))  # none of that was a run
    pq.write_table(pq.read_table(data / "train.parquet").drop_columns("photo"), data / "train.parquet")
    with pytest.raises(BadManifest, match=r"train\.parquet: no column 'photo'"):
        open_features(recipe_of(data), run)


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("data.store=other", r"data\.store = 'other' names features that are there, data\.encoder makes the run's own"),
        ("data.precision=int8", "data.precision=int8: "),
        ("data.jobs=0", "data.jobs=0: "),
    ],
)
def test_settings_that_do_not_fit_photos_are_refused(data, word, fault):
    with pytest.raises(BadConfig, match=fault):
        recipe_of(data, word)


@pytest.mark.parametrize("word", ["data.photos_dir=images", "data.jobs=2", "data.precision=bfloat16"])
def test_settings_of_photos_are_refused_without_an_encoder(word):
    with pytest.raises(BadConfig, match=rf"{word.partition('=')[0]} is for photos, .* where data\.encoder is given"):
        read_recipe(Path("recipes/softmax_synth.toml"), (word,), {"softmax": SoftmaxRecipe})


@pytest.mark.parametrize("system", ["hierloc", "neighbours"])
def test_a_dry_run_encodes_a_few_photos_and_tells_of_all(data, reading, monkeypatch, capsys, tmp_path, system):
    monkeypatch.setattr(inputs, "PHOTOS_SAMPLED", 5)
    spoil(data, names(data, "train")[0])
    ran = Command(monkeypatch, capsys)(*training(data, system, f"data.encoder={data / 'encoder'}"), "--dry-run", "--out", tmp_path / "run")
    assert (ran.code, ran.err, len(reading.read)) == (0, "", 5)
    told = ran.out.splitlines()
    assert names(data, "train")[0] in told[0]
    assert told[1].startswith("without features: 1 (")
    assert told[2].startswith(f"photos: 32 are to be encoded by {data / 'encoder'} on cpu, about ")
    assert told[2].endswith(" minutes; 0.000768 MB in RUN/features")
    assert told[3].startswith("features of 5 photos stand in for all")
    assert f"{N_TRAIN} training rows" in told[4]
    assert not (tmp_path / "run").exists()


def test_what_an_encoder_draws_changes_nothing_of_the_training(data, tmp_path, reading, monkeypatch):
    def load(*words, **options):
        np.random.random(3)
        torch.rand(3)
        return load_encoder(*words, **options)

    monkeypatch.setattr(inputs, "load_encoder", load)
    for number, look in enumerate((open_features, partial(sample_features, tell=[].append))):
        seed_generators(5)
        drawn = np.random.random(3).tolist(), torch.rand(3).tolist()
        seed_generators(5)
        look(recipe_of(data), tmp_path / str(number))
        assert (np.random.random(3).tolist(), torch.rand(3).tolist()) == drawn
