"""The recipes of the HierLoc paper on tiny data in their layout, through every command of docs/training.md to an exported bundle."""

import csv
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import Command
from tests.models.tiny import save_tiny, save_tokenizer
from tests.places.factory import CITIES, small_earth
from tests.recipes.marks import flat, marks

from geocairn.evaluate import write
from geocairn.models.hierloc import HierLocConfig
from geocairn.places import row_entities
from geocairn.systems.bundle import verify_bundle
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import read_recipe

ROOT = Path(__file__).parents[2]
RECIPES = {name: ROOT / f"recipes/hierloc_{name}.toml" for name in ("osv5m", "mp16")}
PAGE = ROOT / "docs/training.md"
SMALL = ("train.batch_size=8", "train.warmup_steps=1", "train.steps=2", "train.device=cpu", "model.dim=8", "model.image.hidden=16", "model.entities.hidden=16")
OSV_COLUMNS = ("id", "latitude", "longitude", "creator_id", "sequence", "country", "region", "sub-region", "city")
OSV_KEYS = ("unique_country", "unique_region", "unique_sub-region", "unique_city")
MP16_COLUMNS = ("IMG_ID", "AUTHOR", "LAT", "LON", "S3_Label", "S16_Label", "S365_Label")


@pytest.fixture
def geocairn(monkeypatch, capsys):
    # Plots take longer than all else here.
    monkeypatch.setattr(write, "PLOTS", {})
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A tiny CLIP that sees photos and reads names."""
    return save_tokenizer(save_tiny(tmp_path_factory.mktemp("clip"), "clip"))


def osv5m_files(folder, n_train=150, n_test=8):
    """Lists as OSV-5M has them, and its pictures; two cities of one country share a name."""
    cities = [
        ("FR", "Bretagne", "NaN", "Saint-Denis", 48.0, -3.0),
        ("FR", "Midi", "Gers", "Saint-Denis", 43.6, 0.6),
        ("JP", "Kanto", "Tokyo", "Tokyo", 35.7, 139.7),
    ]
    for name, first, n in (("train", 0, n_train), ("test", n_train, n_test)):
        rows = []
        for photo in range(first, first + n):
            country, region, subregion, city, lat, lon = cities[photo % 3]
            keys = [country, f"{region}_{country}", "NaN" if subregion == "NaN" else f"{subregion}_{region}_{country}"]
            keys.append(f"{city}_{subregion}_{region}_{country}")
            # Photographers of one city each; far enough apart for cells of 1 km.
            rows.append([photo, lat + 0.02 * (photo // 3), lon, 1000 + photo, f"s{photo}", country, region, subregion, city, *keys])
        write_csv(folder / f"{name}.csv", (*OSV_COLUMNS, *OSV_KEYS), rows)
    paint(folder / "images", [f"{photo}.jpg" for photo in range(n_train + n_test)])


def mp16_files(folder, n=48):
    """A list of coordinates with authors, and its pictures."""
    rows = []
    for photo in range(n):
        leaf = CITIES[photo % len(CITIES)]
        rows.append([f"{photo}.jpg", f"{10000000 + photo}@N00", leaf.lat_deg + 0.02 * (photo % 5), leaf.lon_deg, 0, 0, 0])
    write_csv(folder / "mp16_places365.csv", MP16_COLUMNS, rows)
    paint(folder / "images", [f"{photo}.jpg" for photo in range(n)])


def write_csv(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def paint(folder, names):
    """Pictures in one of three colours, as the three cities take turns; every seventh in another city's."""
    folder.mkdir()
    numbers = np.random.default_rng(0)
    for row, name in enumerate(names):
        pixels = numbers.integers(0, 100, (40, 48, 3), dtype=np.uint8)
        pixels[..., (row + (row % 7 == 0)) % 3] += 150
        Image.fromarray(pixels).save(folder / name)


def ok(geocairn, *words):
    ran = geocairn(*words)
    assert ran.code == 0, (words, ran.err)
    return ran.out


def test_the_osv5m_recipe_runs_from_the_lists_to_an_exported_bundle(geocairn, tmp_path, clip):
    osv5m_files(tmp_path)
    data, run, images = tmp_path / "osv5m", tmp_path / "run", tmp_path / "images"
    salted = ("--salt", "s")
    ok(geocairn, "data", "import", "osv5m", tmp_path / "train.csv", "--images", images, *salted, "--out", tmp_path / "train.parquet")
    ok(geocairn, "data", "split", tmp_path / "train.parquet", "--by", "author,sequence,cell", "--fractions", "50,50,0", "--out", data)
    ok(geocairn, "data", "import", "osv5m", tmp_path / "test.csv", "--images", images, *salted, "--out", data / "test.parquet")
    ok(geocairn, "data", "import", "osv5m", tmp_path / "train.csv", tmp_path / "test.csv", "--images", images, *salted, "--out", tmp_path / "all.parquet")
    ok(geocairn, "features", "extract", tmp_path / "all.parquet", "--encoder", clip, "--photos", images, "--out", data / "features")
    ok(geocairn, "train", RECIPES["osv5m"], f"data.dir={data}", f"text.encoder={clip}", *SMALL, "train.steps=60", "train.lr=1e-2", "--out", run)
    hierarchy = json.loads((run / "places/hierarchy.json").read_text(encoding="utf-8"))
    assert (hierarchy["split"], hierarchy["settings"]["labels"]) == ("train", "osv5m")
    row = json.loads((run / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert np.isfinite(row["loss"])
    assert {"country", "region", "subregion", "city"} == set(row["validation"])
    ok(geocairn, "calibrate", run / "bundle", data / "val.parquet")
    ok(geocairn, "evaluate", data / "test.parquet", "--bundle", run / "bundle", "--protocol", "osv5m", "--out", tmp_path / "report")
    assert json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))["n"] == 8
    ok(geocairn, "bundle", "export", run / "bundle", "--out", tmp_path / "hierloc.tar")
    verify_bundle(run / "bundle")


def test_the_mp16_recipe_takes_a_step_on_photos_that_have_coordinates_alone(geocairn, tmp_path, clip, monkeypatch):
    monkeypatch.setattr(row_entities, "load_atlas", lambda: SimpleNamespace(hierarchy=small_earth()))
    mp16_files(tmp_path)
    data = tmp_path / "mp16"
    ok(geocairn, "data", "import", "mp16", tmp_path / "mp16_places365.csv", "--images", tmp_path / "images", "--salt", "s", "--out", tmp_path / "all.parquet")
    ok(geocairn, "data", "split", tmp_path / "all.parquet", "--by", "author", "--fractions", "75,25,0", "--out", data)
    ok(geocairn, "features", "extract", tmp_path / "all.parquet", "--encoder", clip, "--photos", tmp_path / "images", "--out", data / "features")
    told = ok(geocairn, "train", RECIPES["mp16"], f"data.dir={data}", f"text.encoder={clip}", *SMALL, "--dry-run")
    assert re.search(r"hierloc on cpu: 36 training rows", told)
    assert re.search(r"parameters, manifold.*: \d+", told)
    assert re.search(r"loss of these steps: \d+\.?\d* -> \d+", told)


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_are_the_papers(name):
    recipe = read_recipe(RECIPES[name], [], {"hierloc": KINDS["hierloc"].recipe})
    train, model = recipe.train, recipe.model
    assert (train.epochs, train.lr, train.optimiser, train.batch_size) == (5, 2e-4, "adam", 6 * 16)
    assert (model.dim, model.attention.heads, model.entities.anchor, model.geometry) == (128, 8, "manifold", "hyperbolic")
    assert (model.entities.use_image, model.entities.use_location, model.entities.use_text, recipe.places.leaked) == (True, True, True, False)
    assert (model.loss.geo.kernel, model.loss.geo.is_learned, model.loss.tau.is_learned) == ("laplace", False, True)
    assert (model.entities.location.n_frequencies, model.entities.location.width) == (64, 128)


def test_the_recipes_differ_in_their_labels_alone_and_mark_every_choice():
    osv5m, mp16 = (tomllib.loads(path.read_text(encoding="utf-8")) for path in RECIPES.values())
    assert (osv5m["places"]["rows"].pop("labels"), mp16["places"]["rows"].pop("labels")) == ("osv5m", "coordinates")
    assert osv5m == mp16
    # How a run is watched, and where its data lie.
    unmarked = {"system", "data.dir", "data.store", "data.validation_photos", "train.log_every"}
    unmarked |= {f"train.{key}" for key in ("better", "validate_every_epochs", "checkpoints")}
    for path in RECIPES.values():
        assert {key for key, mark in marks(path).items() if not mark.startswith(("paper", "fill-in", "ours"))} == unmarked


def test_the_recipes_write_down_every_setting_of_the_model_but_our_additions():
    known = {f"model.{key}" for key in flat(HierLocConfig().model_dump())}
    ours = {f"model.image.{key}" for key in ("skip", "sharpness")} | {
        f"model.entities.{key}" for key in ("no_image_at", "inherit", "skip", "shrink_photos", "prior")
    }
    assert {key for key in marks(RECIPES["osv5m"]) if key.startswith("model.")} == known - ours - {"model.loss.pairs_at_once"}


def test_the_commands_of_the_page_have_their_flags(geocairn):
    lines = re.findall(r"^geocairn (.*?)(?:  +#.*)?$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"data", "features", "places", "train", "calibrate", "evaluate", "bundle", "locate"}
    for line in lines:
        words = line.split()
        command = words[: 1 + (words[0] in ("data", "features", "bundle"))] if words[0] != "places" else words[:3]
        told = ok(geocairn, *command, "--help")
        assert [flag for flag in re.findall(r"--[a-z-]+", line) if flag not in told] == [], line


def test_the_page_names_every_file_of_a_run(tmp_path, geocairn):
    words = PAGE.read_text(encoding="utf-8")
    from geocairn.train import run_folder

    for name in (run_folder.CONFIG, run_folder.LOG, run_folder.CHECKPOINTS, run_folder.BUNDLE, run_folder.FINISHED, "places"):
        assert f"`{name}" in words, name
