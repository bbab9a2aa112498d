"""The flat softmax from a small synthetic Earth to a bundle that answers."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from tests.systems.bundles_made import replace_listed

from geocairn.data.feature_store import open_store
from geocairn.errors import BadBundle, BadFeatures, BadManifest
from geocairn.locate import Locator
from geocairn.manifest import read_manifest
from geocairn.places.files import load_hierarchy
from geocairn.places.origin import check_not_built_from
from geocairn.systems.bundle import read_arrays, verify_bundle, write_arrays
from geocairn.systems.bundles import load_system
from geocairn.train.engine import train
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import parse_recipe
from geocairn.train.softmax import SoftmaxTask, make_softmax_task

TRAIN = {"epochs": 4, "batch_size": 64, "lr": 5e-3, "watch": "city", "better": "higher"}


def recipe_of(earth, **model):
    values = {"system": "softmax", "train": TRAIN, "data": {"dir": str(earth)}, "model": {"hidden": 32, **model}}
    return parse_recipe(KINDS["softmax"].recipe, values, source="test")


def trained(earth, out, **model):
    recipe = recipe_of(earth, **model)
    return train(out, recipe, lambda folder: make_softmax_task(recipe, folder))


@pytest.fixture(scope="module")
def bundle(small_synth, tmp_path_factory):
    return trained(small_synth, tmp_path_factory.mktemp("run") / "run")


def test_rows_whose_labels_leave_the_leaf_open_are_left_out(small_synth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(small_synth, copy)
    table = pq.read_table(copy / "train.parquet")
    for name in ("region", "subregion", "city"):
        labels = [None if row < 200 else label for row, label in enumerate(table.column(name).to_pylist())]
        table = table.set_column(table.column_names.index(name), name, pa.array(labels, pa.string()))
    pq.write_table(table, copy / "train.parquet")
    task = SoftmaxTask(recipe_of(copy), tmp_path / "run")
    hierarchy, country = task.hierarchy, table.column("country").to_pylist()
    n_leaves = [np.subtract(hierarchy.leaf_stop, hierarchy.leaf_start)[hierarchy.index_of(code)] for code in country]
    assert task.labelled.tolist() == [row for row in range(len(table)) if row >= 200 or n_leaves[row] == 1]
    assert 200 > len(table) - task.n_train > 20
    for row, leaf in zip(task.labelled.tolist(), task.leaf.tolist(), strict=True):
        assert hierarchy.ids[hierarchy.chain(int(hierarchy.leaves[leaf]))[0]] == country[row]


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_the_bundle_scores_as_the_model_does(small_synth, tmp_path, head):
    recipe = recipe_of(small_synth, head=head)
    task = SoftmaxTask(recipe, tmp_path / "run")
    task.model.eval()
    task.save_bundle(tmp_path / "bundle")
    features = open_store(small_synth / "features").read(np.arange(70)).astype(np.float32)
    with torch.no_grad():
        wanted = task.model(torch.from_numpy(features)).double().log_softmax(-1).numpy()
    np.testing.assert_allclose(load_system(str(tmp_path / "bundle")).log_scores(features), wanted, atol=1e-4)


def test_training_lowers_the_loss_and_writes_a_whole_bundle(small_synth, bundle):
    rows = [json.loads(line) for line in (bundle.parent / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.5
    told = json.loads((bundle.parent / "finished.json").read_text())["validation"]
    assert {"country", "city", "nll"} <= set(told)
    verify_bundle(bundle)
    assert "labels leave several places open" in (bundle / "card.md").read_text()
    check_not_built_from(bundle, read_manifest(small_synth / "test.parquet"))


def test_a_run_cut_off_and_resumed_gives_the_same_bundle(small_synth, bundle, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        loss = SoftmaxTask.loss

        def cut_off(self, rows, step):
            if step == 14:
                raise KeyboardInterrupt
            return loss(self, rows, step)

        patch.setattr(SoftmaxTask, "loss", cut_off)
        with pytest.raises(KeyboardInterrupt):
            trained(small_synth, tmp_path / "run")
    recipe, steps = recipe_of(small_synth), []

    def task(folder):
        made = make_softmax_task(recipe, folder)
        inner = made.loss
        made.loss = lambda rows, step: (steps.append(step), inner(rows, step))[1]
        return made

    again = train(tmp_path / "run", recipe, task, resume=True)
    assert min(steps) > 0
    for file in ("model.safetensors", "hierarchy.npz", "config.json", "card.md"):
        assert (again / file).read_bytes() == (bundle / file).read_bytes(), file


def test_scores_are_log_probabilities_and_do_not_depend_on_the_batch(small_synth, bundle):
    system = load_system(str(bundle))
    features = open_store(small_synth / "features").read(np.arange(70)).astype(np.float32)
    scores = system.log_scores(features)
    np.testing.assert_array_equal(scores, np.concatenate([system.log_scores(features[row : row + 1]) for row in range(70)]))
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1)
    assert system.log_scores(features[:0]).shape == (0, system.hierarchy.n_leaves)


def test_rows_of_features_are_answered_and_photos_are_not(small_synth, bundle):
    locator = Locator.load(str(bundle))
    photos = read_manifest(small_synth / "test.parquet").photos[:5]
    predictions = list(locator.locate_rows(small_synth / "test.parquet", photos))
    assert [prediction.photo for prediction in predictions] == list(photos)
    assert all(prediction.error is None and prediction.regions for prediction in predictions)
    assert not predictions[0].provenance.calibrated
    assert "takes features, not photos" in locator.locate(Image.new("RGB", (64, 64), "green")).error


def test_it_learns_more_than_the_prior(small_synth, bundle):
    test = read_manifest(small_synth / "test.parquet")
    store, system = open_store(small_synth / "features"), load_system(str(bundle))
    scores = system.log_scores(store.read(store.rows_of(test.photos)).astype(np.float32))
    country = system.hierarchy.ancestor_of_leaves(0)[scores.argmax(axis=1)]
    truth = np.array(test.column("country"))
    right = np.mean([system.hierarchy.ids[int(place)] == code for place, code in zip(country, truth, strict=True)])
    assert right > np.mean(truth == max(set(truth), key=list(truth).count)) + 0.1


@pytest.mark.parametrize("features", [np.zeros((2, 5)), np.zeros(112), np.full((1, 112), np.nan)])
def test_features_of_another_shape_or_not_finite_are_refused(bundle, features):
    with pytest.raises(BadFeatures, match=r"takes 112 numbers|not finite"):
        load_system(str(bundle)).evidence_of_features(features)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("layer1.bias"), "holds no array 'layer1.bias'"),
        (lambda arrays: arrays.update({"layer1.bias": arrays["layer1.bias"][1:]}), "do not lead from 112 features to"),
        (lambda arrays: arrays.update({"layer0.weight": arrays["layer0.weight"] * np.nan}), "array 'layer0.weight'"),
        (lambda arrays: arrays.update({"feature_std": arrays["feature_std"][None]}), "array 'feature_std'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(bundle, tmp_path, change, words):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    arrays = read_arrays(copy / "model.safetensors")
    change(arrays)
    write_arrays(tmp_path / "changed", arrays)
    replace_listed(copy, "model.safetensors", (tmp_path / "changed").read_bytes())
    with pytest.raises(BadBundle, match=words) as caught:
        load_system(str(copy))
    assert "\n" not in str(caught.value)


def test_a_setting_of_the_system_that_is_not_known_is_refused(bundle, tmp_path):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    values = json.loads((copy / "config.json").read_text())
    values["system"]["depth"] = 3
    replace_listed(copy, "config.json", json.dumps(values).encode())
    with pytest.raises(BadBundle, match=r"depth = 3: Extra inputs are not permitted \(known keys: layers\)"):
        load_system(str(copy))


def test_without_a_label_of_any_leaf_there_is_nothing_to_learn(small_synth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(small_synth, copy)
    table = pq.read_table(copy / "train.parquet")
    for name in ("region", "subregion", "city"):
        table = table.set_column(table.column_names.index(name), name, pa.array([None] * len(table), pa.string()))
    hierarchy = load_hierarchy(copy / "hierarchy.npz")
    place = max(hierarchy.places_of("country"), key=lambda place: hierarchy.leaf_stop[place] - hierarchy.leaf_start[place])
    pq.write_table(table.filter(pc.equal(table.column("country"), hierarchy.ids[place])), copy / "train.parquet")
    with pytest.raises(BadManifest, match="no row says which city it shows"):
        SoftmaxTask(recipe_of(copy), tmp_path / "run")
