"""Nearest neighbours from a small synthetic Earth to a bundle that answers."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.systems.bundles_made import replace_listed

from geocairn.data.feature_store import open_store
from geocairn.errors import BadBundle, BadConfig, BadFeatures, BadManifest, BadRun
from geocairn.locate import Locator
from geocairn.manifest import read_manifest
from geocairn.places.origin import check_not_built_from
from geocairn.systems.bundle import read_arrays, verify_bundle, write_arrays
from geocairn.systems.bundles import load_system
from geocairn.train.fit import fit_run, sizes_of
from geocairn.train.kinds import KINDS
from geocairn.train.neighbours import NeighboursFit, make_neighbours_fit
from geocairn.train.recipe import parse_recipe

GRID = {"k": [1, 5], "temperature": [0.1], "smoothing": [0.1, 0.3], "choose_by": "nll"}
FILES = ("model.safetensors", "hierarchy.npz", "config.json", "card.md", "manifest.json")


def recipe_of(earth, **grid):
    values = {"system": "neighbours", "data": {"dir": str(earth)}, "neighbours": {**GRID, **grid}}
    return parse_recipe(KINDS["neighbours"].recipe, values, source="test")


def fitted(earth, out, *, resume=False, tell=lambda words: None, **grid):
    recipe = recipe_of(earth, **grid)
    return fit_run(out, recipe, lambda folder: make_neighbours_fit(recipe, folder), resume=resume, tell=tell)


@pytest.fixture(scope="module")
def bundle(small_synth, tmp_path_factory):
    return fitted(small_synth, tmp_path_factory.mktemp("run") / "run")


def rows_of_log(bundle):
    return [json.loads(line) for line in (bundle.parent / "log.jsonl").read_text().splitlines()]


def test_all_settings_are_tried_and_the_best_is_kept(bundle):
    rows = rows_of_log(bundle)
    assert [row["step"] for row in rows] == list(range(1, 10))
    tried = [(row["settings"]["metric"], row["settings"]["k"], row["settings"]["weights"], row["settings"]["smoothing"]) for row in rows]
    every = [(metric, k, weights, 0.1) for metric in ("euclidean", "cosine") for k in (1, 5) for weights in ("equal", "distance")]
    best = min(rows[:8], key=lambda row: row["validation"]["nll"])["settings"]
    assert tried == [*every, (best["metric"], best["k"], best["weights"], 0.3)]
    last = min(rows, key=lambda row: row["validation"]["nll"])
    told = json.loads((bundle.parent / "finished.json").read_text())
    assert (told["tried"], told["settings"], told["validation"]) == (9, last["settings"], last["validation"])
    assert json.loads((bundle / "config.json").read_text())["system"] == last["settings"]
    assert [row["step"] for row in rows if row["is_best"]][-1] == last["step"]


def test_the_bundle_is_whole_and_its_gallery_is_of_the_labelled_training_rows(small_synth, bundle):
    verify_bundle(bundle)
    arrays = read_arrays(bundle / "model.safetensors")
    n = len(read_manifest(small_synth / "train.parquet"))
    assert (arrays["vectors"].shape, arrays["vectors"].dtype, len(arrays["place"])) == ((n, 112), np.float16, n)
    check_not_built_from(bundle, read_manifest(small_synth / "test.parquet"))
    assert "vote for all below" in (bundle / "card.md").read_text()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_plain_retrieval_of_a_training_photo_gives_its_own_label(small_synth, tmp_path, metric):
    made = fitted(small_synth, tmp_path / "run", k=[1], metric=[metric], weights=["equal"], smoothing=[0.01])
    system, fit = load_system(str(made)), NeighboursFit(recipe_of(small_synth), tmp_path / "again")
    scores = system.log_scores(fit.train.read(np.arange(80)).numpy())
    hierarchy = system.hierarchy
    for row, place in zip(scores, fit.place[:80].tolist(), strict=True):
        assert fit.labelled[:80].tolist() == list(range(80))
        assert hierarchy.leaf_start[place] <= row.argmax() < hierarchy.leaf_stop[place]
        assert np.exp(row[hierarchy.leaf_start[place] : hierarchy.leaf_stop[place]]).sum() > 0.99


def test_a_finished_run_stays_and_one_cut_off_begins_again(small_synth, bundle, tmp_path):
    said = []
    assert fitted(small_synth, bundle.parent, tell=said.append) == bundle
    assert said == [f"{bundle.parent}: already trained"]
    with pytest.raises(BadRun, match=r"neighbours\.k"):
        fitted(small_synth, bundle.parent, k=[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NeighboursFit, "save_bundle", lambda self, folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fitted(small_synth, tmp_path / "run")
    with pytest.raises(BadRun, match="that was cut off; --resume goes on"):
        fitted(small_synth, tmp_path / "run")
    again = fitted(small_synth, tmp_path / "run", resume=True)
    assert [(again / file).read_bytes() for file in FILES] == [(bundle / file).read_bytes() for file in FILES]
    assert rows_of_log(again) == rows_of_log(bundle)
    assert sorted(path.name for path in again.parent.iterdir()) == ["bundle", "config.toml", "data.json", "finished.json", "log.jsonl", "places"]


def test_sizes_are_told_without_a_trace(small_synth):
    recipe, folders = recipe_of(small_synth), []

    def make(folder):
        folders.append(folder)
        return make_neighbours_fit(recipe, folder)

    first, memory, tries = sizes_of(make)
    n = len(read_manifest(small_synth / "train.parquet"))
    assert first == f"neighbours: {n} training rows of 112 numbers"
    assert memory == f"memory: {n * 112 * 2 / 1e6:.3g} MB in the bundle, {n * 112 * 6 / 1e6:.3g} MB where it answers"
    assert tries == f"9 settings are tried on {len(read_manifest(small_synth / 'val.parquet'))} validation rows, after 2 searches"
    assert not folders[0].exists()


def test_scores_are_log_probabilities_and_do_not_depend_on_the_batch(small_synth, bundle):
    system = load_system(str(bundle))
    features = open_store(small_synth / "features").read(np.arange(70)).astype(np.float32)
    scores = system.log_scores(features)
    np.testing.assert_array_equal(scores, np.concatenate([system.log_scores(features[row : row + 1]) for row in range(70)]))
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1)


def test_rows_of_features_are_answered(small_synth, bundle):
    photos = read_manifest(small_synth / "test.parquet").photos[:5]
    predictions = list(Locator.load(str(bundle)).locate_rows(small_synth / "test.parquet", photos))
    assert all(prediction.error is None and prediction.regions for prediction in predictions)


@pytest.mark.parametrize("features", [np.zeros((2, 5)), np.full((1, 112), np.nan)])
def test_features_of_another_shape_or_not_finite_are_refused(bundle, features):
    with pytest.raises(BadFeatures, match=r"takes 112 numbers|not finite"):
        load_system(str(bundle)).evidence_of_features(features)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.update(place=arrays["place"][1:]), "do not fit its 112 features"),
        (lambda arrays: arrays.update(place=arrays["place"] + 10**6), "do not fit its 112 features"),
        (lambda arrays: arrays.update(vectors=arrays["vectors"][:, 1:]), "do not fit its 112 features"),
        (lambda arrays: arrays.update(vectors=arrays["vectors"][:0], place=arrays["place"][:0]), "do not fit its 112 features"),
        (lambda arrays: arrays.pop("place"), "holds no array 'place'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(bundle, tmp_path, change, words):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    arrays = read_arrays(copy / "model.safetensors")
    change(arrays)
    write_arrays(tmp_path / "changed", arrays)
    replace_listed(copy, "model.safetensors", (tmp_path / "changed").read_bytes())
    with pytest.raises(BadBundle, match=words):
        load_system(str(copy))


def test_photos_without_features_are_wrong_in_validation_and_refused_in_training(small_synth, tmp_path):
    fit = NeighboursFit(recipe_of(small_synth, choose_by="country"), tmp_path)
    read, empty = fit.validation.read, np.arange(len(fit.validation)) % 2 == 0
    object.__setattr__(fit.validation, "read", lambda rows: read(rows).index_fill(0, _where(empty[rows]), float("nan")))
    assert all(row["validation"]["country"] <= 100 * (1 - empty.mean()) for row in fit.tries())


def _where(mask):
    import torch

    return torch.from_numpy(np.flatnonzero(mask))


def test_a_metric_that_is_not_validated_is_named(small_synth, tmp_path):
    with pytest.raises(BadConfig, match=r"neighbours.choose_by = 'town': the rows of .*val.parquet tell country, region, .*nll"):
        fitted(small_synth, tmp_path / "run", choose_by="town")


def test_smoothing_that_nothing_chooses_is_refused(small_synth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(small_synth, copy)
    table = pq.read_table(small_synth / "val.parquet")
    unknown = pa.array(["nowhere"] * len(table))
    pq.write_table(table.set_column(table.column_names.index("city"), "city", unknown), copy / "val.parquet")
    with pytest.raises(BadConfig, match=r"neighbours.smoothing = \[0.1, 0.3\]: no row of .*val.parquet shows a known leaf"):
        fitted(copy, tmp_path / "run", choose_by="country", smoothing=[0.1, 0.3])
    fitted(copy, tmp_path / "run", choose_by="country", smoothing=[0.1])


@pytest.mark.parametrize("value", [{"k": []}, {"k": [0]}, {"temperature": [0.0]}, {"smoothing": [1.0]}, {"metric": ["manhattan"]}])
def test_settings_out_of_range_are_refused(small_synth, tmp_path, value):
    with pytest.raises(BadConfig, match=next(iter(value))):
        fitted(small_synth, tmp_path / "run", **value)


def test_rows_without_any_label_are_refused(small_synth, tmp_path):
    copy = tmp_path / "earth"
    shutil.copytree(small_synth, copy)
    table = pq.read_table(copy / "train.parquet")
    for name in ("country", "region", "subregion", "city"):
        table = table.set_column(table.column_names.index(name), name, pa.array([None] * len(table), pa.string()))
    pq.write_table(table, copy / "train.parquet")
    with pytest.raises(BadManifest, match="no row says where it was taken"):
        NeighboursFit(recipe_of(copy), tmp_path / "run")
