"""HierLoc through the command: odd data sets, bad inputs, a leak that is declared, and a run that the system kills."""

import json
import os
import pickle
import shutil
import signal
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from tests.cli.command import Command, start
from tests.systems.bundles_made import change_arrays, replace_listed

from geocairn.data.feature_store import StoreHeader
from geocairn.data.feature_writer import write_store
from geocairn.errors import BadConfig, BadFeatures
from geocairn.evaluate import write
from geocairn.locate import Locator
from geocairn.places.origin import HIERARCHY_FILES, photo_fingerprints
from geocairn.systems.bundle import WEIGHTS, load_bundle
from geocairn.systems.hierloc import HierLocSystem
from geocairn.train.checkpoint import checkpoint_steps
from geocairn.train.engine import train
from geocairn.train.hierloc import HierLocRecipe, HierLocTask
from geocairn.train.recipe import read_recipe

F = 6
RECIPE = """system = "hierloc"
[train]
epochs = 40
batch_size = 16
lr = 5e-3
watch = "country"
better = "higher"
device = "cpu"
validate_every_epochs = 10
[data]
dir = "."
[places]
source = "rows"
[text]
dim = 8
[model]
dim = 8
[model.image]
hidden = 16
width = 16
[model.attention]
heads = 2
fuse_hidden = 16
[model.entities]
hidden = 16
anchor = "tangent"
leave_out = "photos"
[model.entities.location]
n_frequencies = 2
hidden = 8
width = 8
"""
# Country, region, subregion, city, latitude and longitude.
CITIES = (
    ("FR", "11", "Seine", "Paris", 48.85, 2.35),
    ("FR", "84", "Rhône", "Lyon", 45.76, 4.84),
    ("NA", "21", "Windhoek East", "Windhoek", -22.56, 17.08),
    ("JP", "13", "Chiyoda", "Tokyo", 35.68, 139.69),
)
LEVELS = ("country", "region", "subregion", "city")


@pytest.fixture
def command(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


def write_data(folder, *, levels=LEVELS, cities=CITIES, photos=8, unseen=(), no_features=()):
    """Manifests of so many training photos a city, and two of each in validation and test, with features that tell cities apart.

    `unseen` are cities of validation and test alone; photos of the numbers `no_features` (train, then val, then test) have none.
    """
    folder.mkdir(exist_ok=True)
    (folder / "hierloc.toml").write_text(RECIPE.replace('"."', f'"{folder}"'))
    names, of_city = [], []
    for split, here in (("train", [city for city in cities for _ in range(photos)]), *((name, [*cities, *unseen] * 2) for name in ("val", "test"))):
        rows = [f"{split}-{index}.jpg" for index in range(len(here))]
        shift = {"train": 0.0, "val": 0.01, "test": 0.02}[split]
        columns = {"photo": rows, "lat_deg": [city[4] + shift for city in here], "lon_deg": [city[5] for city in here]}
        columns |= {level: [city[LEVELS.index(level)] for city in here] for level in levels}
        columns |= {"author": [f"{split}-{index % 3}" for index in range(len(here))], "split": [split] * len(here)}
        pq.write_table(pa.table(columns), folder / f"{split}.parquet")
        names += rows
        of_city += [(*cities, *unseen).index(city) for city in here]
    numbers = np.random.default_rng(0)
    features = 3 * numbers.normal(size=(len(cities) + len(unseen), F))[of_city] + 0.3 * numbers.normal(size=(len(names), F))
    features[list(no_features)] = np.nan
    write_store(folder / "features", StoreHeader(encoder="e", dim=F), names, lambda rows: features[rows.start : rows.stop])
    return folder


def trained(command, data, out, *words):
    ran = command("train", data / "hierloc.toml", *words, "--out", out)
    assert (ran.code, ran.out) == (0, f"{out}/bundle\n"), ran
    return out / "bundle"


def with_hierarchy(command, data, run):
    """The data with the hierarchy of its training rows beside them."""
    trained(command, data, run)
    for name in HIERARCHY_FILES:
        shutil.copy(run / "places" / name, data)
    return data


def evaluated(command, data, bundle, out):
    ran = command("evaluate", data / "test.parquet", "--bundle", bundle, "--out", out)
    return ran, json.loads((out / "report.json").read_text())


def located(command, data, bundle, out):
    ran = command("locate", data / "test.parquet", "--bundle", bundle, "--out", out)
    return ran, [json.loads(line) for line in out.read_text().splitlines()]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("hierloc") / "data")


@pytest.fixture(scope="module")
def bundle(data, tmp_path_factory):
    """Trained once."""
    recipe = read_recipe(data / "hierloc.toml", (), {"hierloc": HierLocRecipe})
    return train(tmp_path_factory.mktemp("run") / "run", recipe, lambda folder: HierLocTask(recipe, folder))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Several would wait for each other longer than these models take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    """Plots take longer than all that is tested here."""
    monkeypatch.setattr(write, "PLOTS", {})


# What each makes of the levels' accuracies in the test, in per cent; photos of unseen places count as wrong.
ODD = {
    "an empty level": ({"levels": ("country", "region", "city")}, {"country": 100, "region": 100, "city": 100}),
    "countries alone": ({"levels": ("country",)}, {"country": 100}),
    "one city": ({"cities": CITIES[:1]}, dict.fromkeys(LEVELS, 100)),
    "one entity at all": ({"cities": CITIES[:1], "levels": ("country",)}, {"country": 100}),
    "one photo": ({"cities": CITIES[:1], "photos": 1}, dict.fromkeys(LEVELS, 100)),
    "a city unseen in training": ({"unseen": (("FR", "93", "Alpes", "Nice", 43.7, 7.27),)}, {"region": 80, "subregion": 80, "city": 80}),
    "a country unseen in training": ({"unseen": (("FJ", "1", "2", "Suva", -18.1, 178.4),)}, dict.fromkeys(LEVELS, 80)),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_data_are_trained_on_and_answered(command, tmp_path, odd):
    shape, right = ODD[odd]
    data = write_data(tmp_path / "data", **shape)
    bundle = trained(command, data, tmp_path / "run")
    ran, report = evaluated(command, data, bundle, tmp_path / "report")
    assert (ran.code, ran.err, report["n_failed"]) == (0, "", 0)
    assert report["level_accuracy_pct"] | right == report["level_accuracy_pct"]
    assert set(report["level_accuracy_pct"]) == set(shape.get("levels", LEVELS))
    last = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()][-1]
    assert last["validation"] | right == last["validation"]
    ran, rows = located(command, data, bundle, tmp_path / "answers.jsonl")
    assert (ran.code, len(rows)) == (0, report["n"])
    assert all(row["error"] is None and row["candidates"] for row in rows)


def test_photos_without_features_are_row_errors_and_count_as_wrong(command, tmp_path):
    # 32 training, 8 validation and 8 test photos.
    data = write_data(tmp_path / "data", no_features=(32, 41))
    bundle = trained(command, data, tmp_path / "run")
    last = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()][-1]
    assert last["validation"] == dict.fromkeys(LEVELS, 87.5)
    ran, report = evaluated(command, data, bundle, tmp_path / "report")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "its features are not finite; extract them anew" in ran.err
    assert (report["n"], report["n_failed"], report["level_accuracy_pct"]) == (8, 1, dict.fromkeys(LEVELS, 87.5))
    ran, rows = located(command, data, bundle, tmp_path / "answers.jsonl")
    assert ran.code == 1
    assert ran.err == "geocairn: test-1.jpg: its features are not finite; extract them anew\n"
    assert [row["photo"] for row in rows if row["error"]] == ["test-1.jpg"]
    assert all(row["error"] or row["candidates"] for row in rows)


@pytest.mark.parametrize("words", [("--dry-run",), ("--out", "run")])
def test_rows_that_cannot_be_trained_on_are_counted_aloud(command, tmp_path, words, monkeypatch):
    data = write_data(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    rows = pq.read_table(data / "train.parquet")
    lat = pa.array([None, None, *rows["lat_deg"].to_pylist()[2:]], pa.float64())
    pq.write_table(pa.concat_tables([rows.set_column(1, "lat_deg", lat), rows.slice(5, 1)]), data / "train.parquet")
    ran = command("train", data / "hierloc.toml", *words)
    assert ran.code == 0
    assert (ran.out + ran.err).count(f"{data}/train.parquet: 3 of 33 rows are left out (no coordinates: 2, repeats an earlier row: 1)\n") == 1
    if words == ("--dry-run",):
        assert "30 training rows" in ran.out


@pytest.mark.parametrize(
    ("system", "left_out"),
    [
        ("hierloc", []),
        ("softmax", ["3 of 32 rows do not say which city they show, and are left out"]),
        ("neighbours", ["2 of 32 rows say nothing of where they were taken, and are left out"]),
    ],
)
def test_rows_of_places_that_the_hierarchy_does_not_have_are_counted_aloud(command, tmp_path, system, left_out):
    data = with_hierarchy(command, write_data(tmp_path / "data"), tmp_path / "run")
    rows = pq.read_table(data / "train.parquet")
    for level, cells in {"country": ["Atlantis"] * 2, "region": [None] * 2, "subregion": [None] * 2, "city": [None] * 2 + ["Atlantis City"]}.items():
        changed = pa.array([*cells, *rows[level].to_pylist()[len(cells) :]], pa.string())
        rows = rows.set_column(rows.column_names.index(level), level, changed)
    pq.write_table(rows, data / "train.parquet")
    recipe = tmp_path / "other.toml"
    recipe.write_text(f'system = "{system}"\n[data]\ndir = "{data}"\n' + ('[train]\nepochs = 1\nwatch = "city"\n' if system != "neighbours" else ""))
    told = [f"train.parquet: {words}" for words in ("3 of 32 rows name places that the hierarchy does not have (country: 2, city: 1)", *left_out)]
    ran = command("train", recipe, "--out", tmp_path / "new")
    assert ran.code == 0
    assert [line.removeprefix("geocairn: ") for line in ran.err.splitlines() if "train.parquet" in line] == told
    dry = command("train", recipe, "--dry-run")
    assert [line for line in dry.out.splitlines() if "train.parquet" in line] == told


def test_labels_none_of_which_the_hierarchy_has_are_told_to_be_unknown(command, tmp_path):
    data = with_hierarchy(command, write_data(tmp_path / "data"), tmp_path / "run")
    rows = pq.read_table(data / "train.parquet")
    cities = pa.array([f"no {city}" for city in rows["city"].to_pylist()])
    pq.write_table(rows.set_column(rows.column_names.index("city"), "city", cities), data / "train.parquet")
    (data / "softmax.toml").write_text(f'system = "softmax"\n[data]\ndir = "{data}"\n[train]\nwatch = "nll"\n')
    said = command.refused("train", data / "softmax.toml", "--dry-run")
    assert said == (
        f"{data}/train.parquet: no row says which city it shows; 32 of 32 rows name places that the hierarchy does not have (city: 32); "
        "label them as it does, or set places.source to rows"
    )


@pytest.mark.parametrize("words", [("--dry-run",), ("--out", "run")])
def test_validation_photos_that_are_trained_on_are_told_by_their_manifest(command, tmp_path, words, monkeypatch):
    data = write_data(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    rows = pq.read_table(data / "train.parquet").slice(0, 5)
    pq.write_table(rows.set_column(rows.column_names.index("split"), "split", pa.array(["val"] * 5)), data / "val.parquet")
    said = command.refused("train", data / "hierloc.toml", *words)
    assert said == f"{data}/val.parquet: 5 of its 5 photos are trained on, or places were built from them; leave them out of one or the other"


@pytest.mark.parametrize("name", ["train.parquet", "val.parquet"])
def test_a_manifest_that_is_not_there_is_told_by_the_folder_that_lacks_it(command, tmp_path, name):
    data = write_data(tmp_path / "data")
    (data / name).unlink()
    said = command.refused("train", data / "hierloc.toml", "--dry-run")
    assert said == f"data.dir = '{data}': holds no file {name}; name the folder that holds train.parquet and val.parquet"


def test_training_features_that_are_not_finite_are_one_line(command, tmp_path):
    data = write_data(tmp_path / "data", no_features=(3, 4))
    said = command.refused("train", data / "hierloc.toml", "--out", tmp_path / "run")
    assert said == f"{data}/features: 2 training photos have no finite features, such as 'train-3.jpg'; take their rows out of the manifest"


def damaged_config(**changes):
    def damage(folder):
        config = json.loads((folder / "config.json").read_text())
        for key, value in changes.items():
            table = config
            *path, last = key.split("__")
            for part in path:
                table = table[part]
            table[last] = value
        replace_listed(folder, "config.json", json.dumps(config).encode())

    return damage


def truncated(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def truncated_and_listed(folder):
    replace_listed(folder, WEIGHTS, (folder / WEIGHTS).read_bytes()[:-100])


def one_bit(folder):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-50] ^= 1
    (folder / WEIGHTS).write_bytes(bytes(content))


def pickled(folder):
    replace_listed(folder, WEIGHTS, pickle.dumps({"a": 1}))


def weights_of_another(folder):
    from safetensors.numpy import load, save

    arrays = load((folder / WEIGHTS).read_bytes())
    replace_listed(folder, WEIGHTS, save({name: array for name, array in arrays.items() if not name.startswith("image_head")}))


def with_array(name, change):
    """A bundle whose array of that name is changed."""

    def damage(folder):
        change_arrays(folder, lambda arrays: arrays.update({name: change(arrays[name])}))

    return damage


def with_more(name, array):
    """A bundle with one more array."""

    def damage(folder):
        change_arrays(folder, lambda arrays: arrays.update({name: array}))

    return damage


DAMAGES = {
    "truncated": (truncated, f"{WEIGHTS}: "),
    "truncated, and listed so": (truncated_and_listed, f"{WEIGHTS}: not readable as safetensors"),
    "another sha256": (one_bit, f"{WEIGHTS}: these are not the bytes that were saved (sha256 differs)"),
    "pickle": (pickled, f"{WEIGHTS}: not readable as safetensors"),
    "weights of another model": (weights_of_another, "the weights do not fit the settings"),
    "whole numbers": (with_array("scaler.mean", lambda array: array.astype(np.int32)), f"{WEIGHTS}: its array 'scaler.mean' is int32, not float32"),
    "not finite": (with_array("entities.tangent_0", lambda array: array * np.float32(np.nan)), f"{WEIGHTS}: its array 'entities.tangent_0' is not finite"),
    "no spread": (with_array("scaler.std", np.zeros_like), f"{WEIGHTS}: its array 'scaler.std' is 0 throughout"),
    "negative spread": (with_array("scaler.std", np.negative), f"{WEIGHTS}: its array 'scaler.std' is a spread, but -"),
    "half as wide": (
        with_array("entities.tangent_3", lambda array: array[..., :4].copy()),
        "'entities.tangent_3' has shape (4, 1, 4), expected (entities, prototypes, 8)",
    ),
    "flat": (with_array("entities.tangent_3", lambda array: array[:, 0].copy()), "'entities.tangent_3' has shape (4, 8), expected (entities, prototypes, 8)"),
    "a prior too long": (with_more("entities.log_prior_3", np.zeros(5, dtype=np.float32)), "'entities.log_prior_3' has shape (5,), expected (4,)"),
    "a mask too wide": (with_more("entities.present_3", np.ones((4, 2), dtype=bool)), "'entities.present_3' has shape (4, 2), expected (4, 1)"),
    "an entity without an embedding": (with_more("entities.present_0", np.zeros((3, 1), dtype=bool)), "'entities.present_0' leaves an entity without"),
    "a scaler of one number": (with_array("scaler.mean", lambda array: array[0].copy()), "the weights do not fit the settings"),
    "no stores": (damaged_config(stores={}), "config.json: stores = {}: the kind 'hierloc' takes features"),
    "unknown key": (damaged_config(colour="red"), "config.json: colour = 'red': Extra inputs are not permitted (known keys: format, kind,"),
    "unknown key of the system": (damaged_config(system__colour="red"), "config.json: colour = 'red': Extra inputs are not permitted (known keys: model"),
    "unknown key of the model": (damaged_config(system__model__colour="red"), "colour = 'red': Extra inputs are not permitted (known keys: geometry, "),
    "unknown key below": (damaged_config(system__model__image__colour="red"), "image.colour = 'red': Extra inputs are not permitted (known keys: hidden, "),
    "another system": (damaged_config(kind="softmax"), "; train it anew"),
    "unknown system": (damaged_config(kind="hierlock"), "holds a system of the kind 'hierlock'; this version reads "),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_bundle_is_one_line_whoever_reads_it(command, data, bundle, tmp_path, damage):
    break_it, line = DAMAGES[damage]
    copy = tmp_path / "b"
    shutil.copytree(bundle, copy)
    break_it(copy)
    for words in (("evaluate", data / "test.parquet", "--bundle", copy), ("locate", data / "test.parquet", "--bundle", copy)):
        said = command.refused(*words)
        assert said.count(str(copy)) == 1
        assert line in said
    assert command("bundle", "verify", copy).code == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["system=geoclip2"], "system=geoclip2: use one of hierloc, "),
        (["system=softmax"], "Extra inputs are not permitted (known keys: "),
        (["model.head=linear"], "model.head=linear: Extra inputs are not permitted (known keys: geometry, "),
        (["neighbours.k=[1]"], "hierloc.toml with neighbours.k=[1]: neighbours = {'k': [1]}: Extra inputs are not permitted (known keys: system, "),
        (["prototypes.per_entity=4"], "model.entities.leave_out takes photos out of one mean for each entity, not out of prototypes.per_entity = 4"),
        (["places.leak=true"], "places.leak=true: Extra inputs are not permitted (known keys: source, rows, leaked)"),
        (["places.leaked=yes"], "places.leaked=yes: Input should be a valid boolean"),
        (["places.rows.fill_missing=true", "places.rows.labels=osv5m"], "fill_missing goes with labels = columns alone, not with osv5m"),
    ],
)
def test_a_recipe_for_another_model_is_one_line(command, data, tmp_path, words, line):
    assert line in command.refused("train", data / "hierloc.toml", *words, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_resumed_by_another_system(command, data, bundle, tmp_path):
    (tmp_path / "softmax.toml").write_text(f'system = "softmax"\n[data]\ndir = "{data}"\n[places]\nsource = "rows"\n')
    said = command.refused("train", tmp_path / "softmax.toml", "--out", bundle.parent, "--resume")
    assert said.startswith(f"{bundle.parent}: holds a run with system = 'hierloc', not 'softmax'; name a new folder")


def test_prototypes_are_learned_and_kept(command, data, tmp_path):
    bundle = trained(command, data, tmp_path / "run", "model.entities.leave_out=none", "prototypes.per_entity=3", "prototypes.min_photos=4")
    arrays = load_bundle(bundle).arrays
    # Of France there are 16 photos, of every other place 8.
    assert arrays["entities.tangent_0"].shape[:2] == (3, 3)
    assert arrays["entities.present_0"].sum(axis=1).tolist() == [3, 2, 2]
    _, report = evaluated(command, data, bundle, tmp_path / "report")
    assert report["level_accuracy_pct"] == dict.fromkeys(LEVELS, 100)


def test_a_leaked_bundle_says_so_wherever_it_is_read(command, data, tmp_path):
    bundle = trained(command, data, tmp_path / "run", "places.leaked=true")
    assert json.loads((bundle / "config.json").read_text())["leaked"] is True
    assert "TEST rows (places.leaked = true)" in (bundle / "card.md").read_text()
    assert "training rows alone" not in (bundle / "card.md").read_text()
    assert np.isin(photo_fingerprints(f"test-{index}.jpg" for index in range(8)), np.load(bundle / "rows.npy")).all()
    ran, report = evaluated(command, data, bundle, tmp_path / "report")
    line = f"LEAKED, no honest test: 8 of these 8 photos are among those that the places of the bundle {bundle} were built from (places.leaked = true)"
    assert (ran.code, ran.err) == (0, f"geocairn: {line}\n")
    assert f"**{line}.**" in (tmp_path / "report/report.md").read_text()
    assert report["system"]["n_leaked"] == 8
    assert json.loads(command("bundle", "show", bundle, "--json").out)["config"]["leaked"] is True
    damaged_config(leaked=False)(bundle)
    assert "8 of the 8 photos in" in command.refused("evaluate", data / "test.parquet", "--bundle", bundle)


def test_what_features_cannot_answer_is_one_line_not_one_for_each_photo(command, data, bundle, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (64, 64), "green").save(tmp_path / name)
    said = command.refused("locate", tmp_path, "--bundle", bundle, "--out", tmp_path / "answers.jsonl")
    assert said == f"{bundle}: this bundle takes features, not photos; name a manifest with features beside it"
    said = command.refused("locate", data / "test.parquet", "--bundle", bundle, "--exif", "use", "--out", tmp_path / "answers.jsonl")
    assert said.startswith(f"--exif use {data}/test.parquet: features tell nothing of what a file claims; leave it out")
    assert not (tmp_path / "answers.jsonl").exists()


def test_a_bundle_is_loaded_by_its_path_as_by_its_name(bundle):
    by_path, by_name = Locator.load(bundle), Locator.load(str(bundle))
    assert (by_path.system.sha256, by_path.settings_sha256) == (by_name.system.sha256, by_name.settings_sha256)


@pytest.mark.parametrize("words", [("--dry-run",), ("--out", "run")])
def test_a_folder_of_data_that_is_not_there_is_named_by_its_setting(command, data, tmp_path, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for more in ((), ("places.leaked=true",)):
        said = command.refused("train", data / "hierloc.toml", "data.dir=nope", *more, *words)
        assert said == "data.dir = 'nope': no such folder; name the one that holds train.parquet and val.parquet"
    assert list(tmp_path.iterdir()) == []


def test_an_honest_bundle_says_nothing_of_leaks(command, data, bundle, tmp_path):
    assert json.loads((bundle / "config.json").read_text())["leaked"] is False
    ran, report = evaluated(command, data, bundle, tmp_path / "report")
    assert (ran.err, report["system"]["n_leaked"]) == ("", 0)
    assert "LEAKED" not in (tmp_path / "report/report.md").read_text()


def test_places_built_from_test_rows_are_refused_unless_asked_for(command, data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    rows = pa.concat_tables([pq.read_table(copy / "train.parquet"), pq.read_table(copy / "test.parquet")])
    pq.write_table(rows.set_column(rows.column_names.index("split"), "split", pa.array(["train"] * len(rows))), copy / "train.parquet")
    said = command.refused("train", copy / "hierloc.toml", f"data.dir={copy}", "--out", tmp_path / "run")
    assert said == f"{copy}/test.parquet: 8 of its 8 photos are trained on, or places were built from them; leave them out of one or the other"


def test_a_leak_wants_all_three_splits(command, data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    (copy / "test.parquet").unlink()
    said = command.refused("train", copy / "hierloc.toml", f"data.dir={copy}", "places.leaked=true", "--out", tmp_path / "run")
    assert said == f"{copy}/test.parquet: no such file; places.leaked wants train, val, test, or set it to false"
    (copy / "test.parquet").write_bytes(b"PAR1")
    assert "cannot be read as Parquet" in command.refused("train", copy / "hierloc.toml", f"data.dir={copy}", "places.leaked=true", "--out", tmp_path / "other")


def test_a_run_killed_by_the_system_and_resumed_gives_the_same_bundle(command, data, tmp_path, monkeypatch):
    words = ("train", data / "hierloc.toml", "train.epochs=100", "train.log_every=5", "train.validate_every_epochs=20")
    run = tmp_path / "run"
    killed, deadline = start(*words, "--out", run, env={**os.environ, "OMP_NUM_THREADS": "1"}), time.monotonic() + 300
    while len(checkpoint_steps(run / "checkpoints")) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    killed.communicate()
    done, log = checkpoint_steps(run / "checkpoints")[-1], (run / "log.jsonl").read_bytes()
    assert 0 < done < 200
    assert not (run / "bundle").exists()
    steps, loss = [], HierLocTask.loss
    monkeypatch.setattr(HierLocTask, "loss", lambda self, rows, step: (steps.append(step), loss(self, rows, step))[1])
    ran = command(*words, "--out", run, "--resume")
    assert ran.code == 0
    assert ran.err.startswith(f"geocairn: going on after step {done} of 200\ngeocairn: step ")
    assert steps == list(range(done, 200))
    # Rows of the log are as they were, their times among them, and others only follow.
    whole = log[: log.rfind(b"\n") + 1]
    after = (run / "log.jsonl").read_bytes()
    assert len(whole.splitlines()) >= done // 5
    assert after.startswith(whole)
    assert [json.loads(line)["step"] for line in after.splitlines()] == list(range(5, 201, 5))
    trained(command, data, tmp_path / "uninterrupted", *words[2:])
    files = sorted(path.relative_to(run) for path in (run / "bundle").rglob("*"))
    assert len(files) >= 8
    for file in files:
        assert (run / file).read_bytes() == (tmp_path / "uninterrupted" / file).read_bytes(), file


@pytest.mark.parametrize("geometry", ["hyperbolic", "euclidean", "spherical"])
def test_a_beam_as_wide_as_the_widest_level_finds_the_best_leaf_of_a_bundle(command, tmp_path, geometry):
    data = write_data(tmp_path / "data")
    words = ("train.epochs=4", "model.attention.is_on=true", f"model.geometry={geometry}", *(["model.curv=0.8"] if geometry != "euclidean" else []))
    system = HierLocSystem(load_bundle(trained(command, data, tmp_path / "run", *words)))
    features = np.random.default_rng(0).normal(size=(20, F)).astype(np.float32)
    found = system.nearest_by_beam(features, width=4, score="sum")
    # Chains here have all levels: the summed distances are the product over ancestors, up to a constant of the photo.
    np.testing.assert_array_equal(found.places[:, 0], system.hierarchy.leaves[system.log_scores(features).argmax(1)])
    last = system.nearest_by_beam(features, width=1)
    assert last.places.shape == (20, 1)
    with pytest.raises(BadFeatures, match="takes 6 numbers per photo"):
        system.nearest_by_beam(features[:, :5])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model.entities.prior=true",), "model.entities.prior"),
        (("prototypes.per_entity=2", "prototypes.min_photos=4", "model.entities.leave_out=none"), "several prototypes"),
    ],
)
def test_a_beam_is_refused_where_distances_are_not_the_scores(command, tmp_path, words, said):
    data = write_data(tmp_path / "data")
    system = HierLocSystem(load_bundle(trained(command, data, tmp_path / "run", "train.epochs=1", *words)))
    with pytest.raises(BadConfig, match=said):
        system.nearest_by_beam(np.zeros((1, F)))
