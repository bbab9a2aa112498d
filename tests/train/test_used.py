"""A run knows its data: it is gone on with, or called trained, on those alone that it began on."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.cli.test_train_hierloc import F, write_data
from tests.train.test_fit import Pick, PickRecipe

from geocairn.data.feature_store import open_store
from geocairn.errors import BadRun
from geocairn.models import text_encoder
from geocairn.places.row_entities import EntitySettings, build_row_entities
from geocairn.train.engine import train
from geocairn.train.fit import fit_run
from geocairn.train.hierloc import HierLocRecipe, HierLocTask
from geocairn.train.recipe import read_recipe


class Stopped(Exception):
    """The power goes."""


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data")


def recipe_of(data, *overrides):
    return read_recipe(data / "hierloc.toml", ("train.epochs=4", *overrides), {"hierloc": HierLocRecipe})


def run(out, recipe, *, stop_at=None, resume=False):
    """What is told of a run that is stopped in the middle of step `stop_at`."""
    said = []

    def make(folder):
        task = HierLocTask(recipe, folder)
        loss = task.loss

        def watched(rows, step):
            if step == stop_at:
                raise Stopped
            return loss(rows, step)

        task.loss = watched
        return task

    if stop_at is None:
        train(out, recipe, make, resume=resume, tell=said.append)
    else:
        with pytest.raises(Stopped):
            train(out, recipe, make, resume=resume)
    return said


def other_features(data, *, encoder="e"):
    """The same photos with noise in place of their features."""
    shutil.move(data / "features", data / "kept")
    shutil.copytree(data / "kept", data / "features")
    meta = json.loads((data / "features/meta.json").read_text())
    shard = data / "features" / meta["shards"][0]["file"]
    np.save(shard, np.random.default_rng(5).normal(size=(len(open_store(data / "kept")), F)).astype(np.float16))
    meta["shards"][0]["file_sha256"] = "0" * 64
    meta["header"]["encoder"] = encoder
    meta["key"] = open_store(data / "kept").meta.header.model_copy(update={"encoder": encoder}).key
    (data / "features/meta.json").write_text(json.dumps(meta))


def shorter(path):
    shutil.copyfile(path, path.with_suffix(".kept"))
    pq.write_table(pq.read_table(path).slice(0, 6), path)


CHANGES = {
    "train.parquet": lambda data: shorter(data / "train.parquet"),
    "val.parquet": lambda data: shorter(data / "val.parquet"),
    "features.rows": other_features,
    "features.encoder": lambda data: other_features(data, encoder="another"),
    "hierarchy.npz": lambda data: (data / "hierarchy.npz").write_bytes(b""),
    "test.parquet": lambda data: (data / "test.parquet").unlink(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_run_learns_from_is_told_apart(data, tmp_path, what):
    build_row_entities(data / "train.parquet", tmp_path / "places", EntitySettings())
    shutil.copyfile(tmp_path / "places/hierarchy.npz", data / "hierarchy.npz")
    honest, rows, leaked = recipe_of(data, "places.source=data"), recipe_of(data), recipe_of(data, "places.leaked=true")
    before = [recipe.data_used() for recipe in (honest, rows, leaked)]
    assert set(before[0]) - set(before[1]) == {"hierarchy.npz"}
    assert set(before[2]) - set(before[1]) == {"test.parquet"}
    CHANGES[what](data)
    after = [recipe.data_used() for recipe in (honest, rows, leaked)]
    for old, new in zip(before, after, strict=True):
        changed = [name for name in old if old[name] != new[name]]
        assert changed == (["features.encoder", "features.key", "features.rows"] if what == "features.encoder" else [what] if what in old else [])


def test_the_encoder_of_names_is_told_apart_where_names_are_embedded(data, monkeypatch):
    monkeypatch.setattr(text_encoder, "text_encoder_sha256", lambda name: f"hash of {name}")
    assert recipe_of(data, "text.encoder=clip").data_used()["text.encoder"] == "hash of clip"
    for words in (("text.encoder=clip", "model.entities.use_text=false"), ()):
        assert "text.encoder" not in recipe_of(data, *words).data_used()


@pytest.mark.parametrize("what", ["features.encoder", "train.parquet"])
@pytest.mark.parametrize("is_finished", [False, True])
def test_a_run_is_not_gone_on_with_on_other_data(data, tmp_path, what, is_finished):
    recipe, out = recipe_of(data), tmp_path / "run"
    run(out, recipe, stop_at=None if is_finished else 6)
    before = json.loads((out / "data.json").read_text())
    assert before == recipe.data_used()
    CHANGES[what](data)
    for resume in (False, True):
        with pytest.raises(BadRun) as refusal:
            run(out, recipe, resume=resume)
        then, now = before[what], recipe.data_used()[what]
        assert str(refusal.value) == f"{out}: holds a run on other data, with {what} = {then!r}, not {now!r}; put the data back, or name a new folder"
    if what == "train.parquet":
        shutil.move(data / "train.kept", data / "train.parquet")
    else:
        shutil.rmtree(data / "features")
        shutil.move(data / "kept", data / "features")
    said = run(out, recipe, resume=True)
    assert said[0] == (f"{out}: already trained" if is_finished else "going on after step 6 of 8")


def test_a_run_that_never_began_takes_the_data_as_they_are(data, tmp_path):
    recipe, out = recipe_of(data), tmp_path / "run"
    run(out, recipe, stop_at=0)
    CHANGES["features.encoder"](data)
    run(out, recipe)
    assert json.loads((out / "data.json").read_text()) == recipe.data_used()
    assert json.loads((out / "bundle/config.json").read_text())["stores"] == {"features": "another"}


def test_what_has_no_steps_knows_its_data_too(tmp_path):
    used = {"train.parquet": "old"}

    class Recipe(PickRecipe):
        def data_used(self):
            return used

    fit_run(tmp_path / "run", Recipe(), Pick)
    used["train.parquet"] = "new"
    with pytest.raises(BadRun, match=r"other data, with train\.parquet = 'old', not 'new'"):
        fit_run(tmp_path / "run", Recipe(), Pick)
    (tmp_path / "run/data.json").unlink()
    with pytest.raises(BadRun, match=r"data\.json: does not say what the run was trained on.*; name a new folder"):
        fit_run(tmp_path / "run", Recipe(), Pick)
    (tmp_path / "run/data.json").write_text("{")
    with pytest.raises(BadRun, match=r"data\.json: not readable as JSON .*; train into a new folder"):
        fit_run(tmp_path / "run", Recipe(), Pick)
