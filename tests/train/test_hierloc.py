"""HierLoc from a small synthetic Earth to a bundle that answers, through the engine and the systems that users go through."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from geocairn.coordinates import read_coordinates
from geocairn.data.feature_store import open_store
from geocairn.errors import BadBundle, BadFeatures, BadHierarchy, BadManifest
from geocairn.locate import Locator
from geocairn.manifest import read_manifest
from geocairn.places.origin import check_not_built_from, save_origin
from geocairn.systems.bundle import verify_bundle
from geocairn.systems.bundles import load_system
from geocairn.train.engine import train
from geocairn.train.hierloc import HierLocTask, make_hierloc_task
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import parse_recipe
from geocairn.train.rows import Rows
from geocairn.train.trainer import Trainer

SMALL = {
    "system": "hierloc",
    "train": {"epochs": 3, "batch_size": 64, "lr": 3e-3, "watch": "city", "better": "higher", "validate_every_epochs": 1.0},
    "text": {"dim": 16},
    "model": {
        "dim": 16,
        "image": {"hidden": 32, "width": 32},
        "entities": {"hidden": 32, "anchor": "tangent", "leave_out": "photos", "location": {"n_frequencies": 4, "hidden": 16, "width": 16}},
        "attention": {"heads": 2, "fuse_hidden": 32},
    },
}


@pytest.fixture(scope="module")
def earth(small_synth):
    return small_synth


def recipe_of(earth, **train_settings):
    values = {**SMALL, "train": {**SMALL["train"], **train_settings}, "data": {"dir": str(earth)}}
    return parse_recipe(KINDS["hierloc"].recipe, values, source="test")


def trained(earth, out, **train_settings):
    recipe = recipe_of(earth, **train_settings)
    return train(out, recipe, lambda folder: make_hierloc_task(recipe, folder))


@pytest.fixture(scope="module")
def bundle(earth, tmp_path_factory):
    return trained(earth, tmp_path_factory.mktemp("run") / "run")


def test_the_rows_of_the_task_are_those_of_the_manifest(earth, tmp_path):
    task = HierLocTask(recipe_of(earth), tmp_path)
    table = read_coordinates(earth / "train.parquet", columns=("country", "city"))
    store = open_store(earth / "features")
    assert task.n_train == len(table)
    np.testing.assert_array_equal(task.train.read(np.array([3, 1])).numpy(), store.read(store.rows_of([table.photos[3], table.photos[1]])).astype(np.float32))
    countries = [task.hierarchy.ids[place] for place in task.train.labels[:, 0].tolist()]
    assert countries == [table.columns["country"].values[code] for code in table.columns["country"].codes.tolist()]
    means = task.model.entities.image(0)[:, 0]
    for country in range(3):
        rows = np.flatnonzero(task.train.labels[:, 0] == country)
        torch.testing.assert_close(means[country], task.model.scaler(task.train.read(rows).mean(0)), rtol=1e-4, atol=1e-4)


def test_training_lowers_the_loss_and_writes_a_whole_bundle(earth, bundle):
    rows = [json.loads(line) for line in (bundle.parent / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < rows[0]["loss"] - 1
    verify_bundle(bundle)
    assert "training rows alone" in (bundle / "card.md").read_text()
    check_not_built_from(bundle, read_manifest(earth / "test.parquet"))


def test_a_run_cut_off_and_resumed_gives_the_same_bundle(earth, bundle, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        loss = HierLocTask.loss

        def cut_off(self, rows, step):
            if step == 14:
                raise KeyboardInterrupt
            return loss(self, rows, step)

        patch.setattr(HierLocTask, "loss", cut_off)
        with pytest.raises(KeyboardInterrupt):
            trained(earth, tmp_path / "run")
    recipe = recipe_of(earth)
    steps = []

    def task(folder):
        made = make_hierloc_task(recipe, folder)
        inner = made.loss
        made.loss = lambda rows, step: (steps.append(step), inner(rows, step))[1]
        return made

    again = train(tmp_path / "run", recipe, task, resume=True)
    assert min(steps) > 0
    for file in ("model.safetensors", "hierarchy.npz", "config.json"):
        assert (again / file).read_bytes() == (bundle / file).read_bytes(), file


def test_scores_are_the_models_and_do_not_depend_on_the_batch(earth, bundle):
    system = load_system(str(bundle))
    store = open_store(earth / "features")
    features = store.read(np.arange(70)).astype(np.float32)
    scores = system.log_scores(features)
    assert scores.shape == (70, system.hierarchy.n_leaves)
    np.testing.assert_array_equal(scores, np.concatenate([system.log_scores(features[row : row + 1]) for row in range(70)]))
    with torch.no_grad():
        levels = [level.double().numpy() for level in system._model.level_log_scores(torch.from_numpy(features))]
    for level in levels:
        np.testing.assert_allclose(np.exp(level).sum(axis=1), 1, atol=1e-5)
    for leaf in range(0, system.hierarchy.n_leaves, 7):
        chain = system.hierarchy.chain(int(system.hierarchy.leaves[leaf]))
        parts = [levels[system.hierarchy.level[place]][:, place - system.hierarchy.places_of(int(system.hierarchy.level[place])).start] for place in chain]
        np.testing.assert_allclose(scores[:, leaf], np.mean(parts, axis=0) * len(levels), rtol=1e-4, atol=1e-4)


def test_the_bundle_answers_rows_of_features_and_no_photos(earth, bundle):
    locator = Locator.load(str(bundle))
    photos = read_manifest(earth / "test.parquet").photos[:5]
    predictions = list(locator.locate_rows(earth / "test.parquet", photos))
    assert [prediction.photo for prediction in predictions] == list(photos)
    assert all(prediction.error is None and prediction.candidates for prediction in predictions)
    assert not predictions[0].provenance.calibrated
    assert "takes features, not photos" in locator.locate(Image.new("RGB", (64, 64), "green")).error


def test_it_learns_more_than_the_prior(earth, bundle):
    test = read_manifest(earth / "test.parquet")
    store, system = open_store(earth / "features"), load_system(str(bundle))
    scores = system.log_scores(store.read(store.rows_of(test.photos)).astype(np.float32))
    country = system.hierarchy.ancestor_of_leaves(0)[scores.argmax(axis=1)]
    truth = np.array(test.column("country"))
    right = np.mean([system.hierarchy.ids[int(place)] == code for place, code in zip(country, truth, strict=True)])
    commonest = np.mean(truth == max(set(truth), key=list(truth).count))
    assert right > commonest + 0.1


@pytest.mark.parametrize("features", [np.zeros((2, 5)), np.zeros(112), np.full((1, 112), np.nan)])
def test_features_of_another_shape_or_not_finite_are_refused(bundle, features):
    with pytest.raises(BadFeatures, match=r"takes 112 numbers|not finite"):
        load_system(str(bundle)).evidence_of_features(features)


@pytest.mark.parametrize("damage", ["truncated", "swapped", "pickle", "unknown key"])
def test_damaged_bundles_are_refused_in_one_line(bundle, tmp_path, damage):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    weights = copy / "model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "swapped":
        data = bytearray(weights.read_bytes())
        data[-50] ^= 1
        weights.write_bytes(bytes(data))
    elif damage == "pickle":
        weights.rename(copy / "model.pkl")
    else:
        values = json.loads((copy / "config.json").read_text())
        values["colour"] = "red"
        (copy / "config.json").write_text(json.dumps(values))
    with pytest.raises(BadBundle) as caught:
        load_system(str(copy))
    assert "\n" not in str(caught.value)


def test_places_that_were_not_built_from_training_rows_are_refused(earth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(earth, copy)
    shutil.copyfile(earth / "bayes/hierarchy.npz", copy / "hierarchy.npz")
    shutil.copyfile(earth / "bayes/hierarchy.json", copy / "hierarchy.json")
    with pytest.raises(BadManifest, match="not built from training rows alone"):
        HierLocTask(recipe_of(copy), tmp_path / "run")


def test_photos_without_features_are_refused(earth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(earth, copy)
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(copy / "train.parquet")
    renamed = table.set_column(0, "photo", pa.array([f"x{index}" for index in range(len(table))]))
    pq.write_table(renamed, copy / "train.parquet")
    with pytest.raises(BadFeatures, match=f"no features of {len(table)} photos"):
        HierLocTask(recipe_of(copy), tmp_path / "run")


def task_of(earth, folder, **tables):
    values = {**SMALL, "data": {"dir": str(earth)}, **tables}
    return HierLocTask(parse_recipe(KINDS["hierloc"].recipe, values, source="test"), folder)


def places_in(hierarchy):
    """Level, names on the way down, and number of rows of each place."""
    ways = (tuple(hierarchy.names[above] for above in hierarchy.chain(place)[1:]) for place in range(len(hierarchy)))
    countries = (hierarchy.ids[hierarchy.chain(place)[0]] for place in range(len(hierarchy)))
    return sorted(zip(hierarchy.level.tolist(), countries, ways, hierarchy.count.tolist(), strict=True))


def test_places_built_from_rows_are_those_beside_them_where_missing_labels_are_filled_in(earth, tmp_path):
    beside = task_of(earth, tmp_path / "beside").hierarchy
    built = task_of(earth, tmp_path / "built", places={"source": "rows", "rows": {"fill_missing": True}}).hierarchy
    assert places_in(built) == places_in(beside)
    torn = task_of(earth, tmp_path / "torn", places={"source": "rows"}).hierarchy
    assert len(torn) > len(beside)


def test_leaked_places_and_means_are_of_all_rows(earth, tmp_path):
    honest, leaked = task_of(earth, tmp_path / "honest"), task_of(earth, tmp_path / "leaked", places={"leaked": True})
    # One city is seen in validation alone.
    names = read_coordinates(earth / "val.parquet", columns=("city",)).columns["city"].values
    missing = set(names) - set(honest.hierarchy.names.to_list())
    assert missing
    assert missing < set(leaked.hierarchy.names.to_list())
    assert leaked.hierarchy.meta["n_rows"] == 600
    assert leaked.n_train == honest.n_train == 540
    # What is standardised by is of the training rows, as are the rows themselves.
    torch.testing.assert_close(leaked.model.scaler.mean, honest.model.scaler.mean, rtol=0, atol=0)
    store = open_store(earth / "features")
    tables = [read_coordinates(earth / f"{split}.parquet", columns=("country",)) for split in ("train", "val", "test")]
    code = leaked.hierarchy.ids[0]
    photos = [
        photo
        for table in tables
        for photo, country in zip(table.photos, table.columns["country"].codes.tolist(), strict=True)
        if table.columns["country"].values[country] == code
    ]
    expected = store.read(store.rows_of(photos)).astype(np.float64).mean(axis=0)
    torch.testing.assert_close(leaked.model.entities.image(0)[0, 0], leaked.model.scaler(torch.from_numpy(expected).float()), rtol=1e-3, atol=1e-3)
    with pytest.raises(BadHierarchy, match="30 of the 30 photos in"):
        check_not_built_from(tmp_path / "leaked/places", read_manifest(earth / "test.parquet"))


def test_a_hierarchy_that_holds_test_rows_is_refused_whatever_it_says_of_itself(earth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(earth, copy)
    for split in ("val", "test"):
        photos = [*read_manifest(earth / "train.parquet").photos, read_manifest(earth / f"{split}.parquet").photos[3]]
        save_origin(copy, photos)
        with pytest.raises(BadHierarchy, match=rf"{split}\.parquet: 1 of its 30 photos are trained on, or places were built from them"):
            task_of(copy, tmp_path / split)


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("source", ["data", "rows"])
def test_training_rows_that_are_kept_apart_elsewhere_are_refused(earth, tmp_path, split, source):
    copy, changed = tmp_path / "earth", {"places": {"source": source}}
    shutil.copytree(earth, copy)
    rows, apart = pq.read_table(earth / "train.parquet"), pq.read_table(earth / f"{split}.parquet").slice(3, 2)
    pq.write_table(pa.concat_tables([rows, apart]), copy / "train.parquet")
    with pytest.raises(BadManifest, match=rf"train\.parquet: 2 of 542 rows are of the split '{split}'; leave them out"):
        task_of(copy, tmp_path / "places", **changed)
    said = apart.set_column(apart.column_names.index("split"), "split", pa.array(["train"] * len(apart)))
    pq.write_table(pa.concat_tables([rows, said]), copy / "train.parquet")
    with pytest.raises(BadHierarchy, match=rf"{split}\.parquet: 2 of its 30 photos are trained on, or places were built from them"):
        task_of(copy, tmp_path / "places", **changed)


def test_a_bundle_knows_the_photos_that_it_learned_from_besides_those_of_its_places(earth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(earth, copy)
    of_test = pq.read_table(earth / "test.parquet")
    said = of_test.set_column(of_test.column_names.index("split"), "split", pa.array(["train"] * len(of_test)))
    pq.write_table(pa.concat_tables([pq.read_table(earth / "train.parquet"), said]), copy / "train.parquet")
    (copy / "test.parquet").unlink()
    task_of(copy, tmp_path / "run")
    with pytest.raises(BadHierarchy, match="30 of the 30 photos in"):
        check_not_built_from(tmp_path / "run/places", read_manifest(earth / "test.parquet"))


def test_validation_rows_that_tell_nothing_are_refused(earth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(earth, copy)
    table = pq.read_table(earth / "val.parquet")
    for level in ("country", "region", "subregion", "city"):
        table = table.set_column(table.column_names.index(level), level, pa.array(["nowhere"] * len(table)))
    pq.write_table(table, copy / "val.parquet")
    with pytest.raises(BadManifest, match=r"val\.parquet: none of 30 rows shows a place of the training rows"):
        task_of(copy, tmp_path / "places")


def test_validation_photos_without_features_are_refused_where_none_has_any(earth, tmp_path, monkeypatch):
    photos = len(read_manifest(earth / "train.parquet").photos)
    read = Rows.read
    monkeypatch.setattr(Rows, "read", lambda self, rows: read(self, rows) if len(self) == photos else torch.full_like(read(self, rows), torch.nan))
    with pytest.raises(BadFeatures, match=r"none of 30 photos of .*val\.parquet has finite features"):
        task_of(earth, tmp_path / "places")


def steps_on(device, earth, folder):
    """(3, 2) loss and length of the gradient over steps of a model with all that has numbers of its own; no dropout, for which devices draw differently."""
    off = {"dropout": 0.0}
    entities = {**SMALL["model"]["entities"], **off, "leave_out": "authors", "prior": True, "inherit": True, "skip": True}
    entities |= {"location": {**entities["location"], **off}, "anchor": "manifold", "shrink_photos": [2.0, 5.0, 9.0, 20.0]}
    image = {**SMALL["model"]["image"], **off, "sharpness": True, "skip": True}
    model = {**SMALL["model"], "image": image, "entities": entities, "attention": {**SMALL["model"]["attention"], **off}, "loss": {"tau": {"first": 1.0}}}
    torch.manual_seed(0)
    task = task_of(earth, folder, train={**SMALL["train"], "device": device}, model=model)
    trainer = Trainer(task, task.recipe.train)
    assert trainer.device.type == device
    return [[step.loss, step.grad_norm] for step in map(trainer.step, range(3))]


def test_steps_from_one_seed_are_the_same(earth, tmp_path):
    assert steps_on("cpu", earth, tmp_path / "one") == steps_on("cpu", earth, tmp_path / "two")


@pytest.mark.gpu
def test_cuda_steps_to_the_same_numbers(earth, tmp_path):
    np.testing.assert_allclose(steps_on("cuda", earth, tmp_path / "cuda"), steps_on("cpu", earth, tmp_path / "cpu"), rtol=1e-3)


def test_prototypes_are_the_entities_features(earth, tmp_path):
    entities = {**SMALL["model"]["entities"], "leave_out": "none"}
    shape = {"model": {**SMALL["model"], "entities": entities}, "prototypes": {"per_entity": 4, "min_photos": 5}}
    task = task_of(earth, tmp_path, **shape)
    for level, n in enumerate(len(task.hierarchy.places_of(level)) for level in range(4)):
        image = task.model.entities.image(level)
        assert image.shape[:2] == (n, 4)
        wanted = np.clip(np.bincount(task.train.labels[:, level][task.train.labels[:, level] >= 0], minlength=n) // 5, 1, 4)
        np.testing.assert_array_equal(task.model.entities.present(level).sum(-1).numpy(), wanted)
    rows = torch.arange(8)
    loss, _ = task.loss(rows, 0)
    assert torch.isfinite(loss)
