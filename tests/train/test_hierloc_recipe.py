"""What a recipe of HierLoc says: each key is connected, each variant goes on where it was cut off, and no key changes what it should not."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import BaseModel
from tests.cli.test_train_hierloc import CITIES, LEVELS, F, write_data

from geocairn.data.feature_store import StoreHeader, open_store
from geocairn.data.feature_writer import write_store
from geocairn.errors import BadConfig
from geocairn.manifest import read_manifest
from geocairn.models.hierloc import HierLoc
from geocairn.places.origin import photo_fingerprints
from geocairn.places.row_entities import EntitySettings, build_row_entities
from geocairn.train.engine import train
from geocairn.train.hierloc import HierLocRecipe, HierLocTask
from geocairn.train.recipe import read_recipe
from geocairn.train.softmax import SoftmaxRecipe, SoftmaxTask
from geocairn.train.trainer import Trainer


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four cities of eight training photos; beside the manifests other places than theirs, and other features."""
    folder = write_data(tmp_path_factory.mktemp("recipe") / "data")
    write_data(folder / "some", cities=CITIES[:2])
    build_row_entities(folder / "some/train.parquet", folder / "places", EntitySettings())
    for path in (folder / "places").iterdir():
        shutil.copyfile(path, folder / path.name)
    photos = open_store(folder / "features").photos.to_pylist()
    noise = np.random.default_rng(5).normal(size=(len(photos), F))
    write_store(folder / "noise", StoreHeader(encoder="noise", dim=F), photos, lambda rows: noise[rows.start : rows.stop])
    return folder


def recipe_of(data, *overrides):
    return read_recipe(data / "hierloc.toml", overrides, {"hierloc": HierLocRecipe})


def seen(recipe, folder):
    """What a task makes of its recipe, before it learns anything."""
    torch.manual_seed(0)
    task = HierLocTask(recipe, folder)
    loss, _ = task.loss(torch.arange(8), 0)
    places = [len(task.hierarchy.places_of(level)) for level in range(4)]
    of_places = (task.hierarchy.count.tolist(), task.hierarchy.radius_km.tolist())
    return task.encoder, task.n_train, len(task.validation), places, of_places, float(loss.detach())


# For each key of a recipe that is HierLoc's own: another value, and what makes it matter.
KNOBS = {
    "data.store": ("noise", ()),
    "data.photos": (8, ()),
    "data.validation_photos": (3, ()),
    "places.source": ("data", ()),
    "places.leaked": ("true", ()),
    "places.rows.min_radius_km": (500, ()),
    "text.dim": (9, ()),
    "text.shortest": (1, ()),
    "text.longest": (3, ()),
    "prototypes.per_entity": (2, ("prototypes.min_photos=4",)),
    "prototypes.min_photos": (3, ("prototypes.per_entity=2",)),
    "augment.author_spread": (1.5, ()),
}
# Too large, or too slow, for so few photos: their tests are those of who reads them.
ELSEWHERE = {
    "data.dir",
    "data.encoder",
    "data.photos_dir",
    "data.jobs",
    "data.precision",
    "text.encoder",
    "prototypes.max_photos",
    "prototypes.n_iterations",
    "augment.max_photos",
    "places.rows.labels",
    "places.rows.polygons",
    "places.rows.fill_missing",
    "places.rows.split",
}


@pytest.mark.parametrize("key", KNOBS)
def test_each_key_is_connected(data, tmp_path, key):
    value, given = KNOBS[key]
    one, other = (recipe_of(data, "model.entities.leave_out=none", *given, *more) for more in ((), (f"{key}={value}",)))
    assert seen(one, tmp_path / "one") != seen(other, tmp_path / "other")


def keys_of(settings, before=""):
    for name, field in settings.model_fields.items():
        inner = field.annotation
        is_table = isinstance(inner, type) and issubclass(inner, BaseModel)
        yield from keys_of(inner, f"{before}{name}.") if is_table else (f"{before}{name}",)


def test_every_key_is_tried():
    own = {key for key in keys_of(HierLocRecipe) if key.split(".")[0] not in ("system", "train", "model")}
    assert set(KNOBS) | ELSEWHERE == own
    assert not set(KNOBS) & ELSEWHERE


ALL_AT_ONCE = (
    "model.entities.leave_out=authors",
    "augment.author_spread=1.5",
    "model.entities.shrink_photos=[2.0, 2.0, 2.0, 2.0]",
    "model.image.sharpness=true",
    "model.entities.prior=true",
    "model.entities.inherit=true",
)
VARIANTS = {
    "manifold": ("model.entities.anchor=manifold",),
    "manifold, all at once": ("model.entities.anchor=manifold", *ALL_AT_ONCE),
    "manifold, sgd": ("model.entities.anchor=manifold", "train.optimiser=sgd"),
    "spherical": ("model.geometry=spherical", "model.entities.anchor=manifold"),
    "none": ("model.entities.anchor=none",),
    "none, all at once": ("model.entities.anchor=none", *ALL_AT_ONCE),
    "prototypes": ("model.entities.leave_out=none", "prototypes.per_entity=2", "prototypes.min_photos=4"),
}


class Stopped(Exception):
    """The power goes."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_goes_on_where_it_was_cut_off(data, tmp_path, variant):
    recipe = recipe_of(data, "train.epochs=6", "train.validate_every_epochs=1", "data.validation_photos=4", *VARIANTS[variant])
    steps = []

    def cut_off(folder, stop_at=7):
        task = HierLocTask(recipe, folder)
        loss = task.loss

        def watched(rows, step):
            steps.append(step)
            if step == stop_at:
                raise Stopped
            return loss(rows, step)

        task.loss = watched
        return task

    whole = train(tmp_path / "whole", recipe, lambda folder: HierLocTask(recipe, folder))
    with pytest.raises(Stopped):
        train(tmp_path / "cut", recipe, cut_off)
    steps.clear()
    again = train(tmp_path / "cut", recipe, lambda folder: cut_off(folder, None), resume=True)
    assert steps == list(range(7, 12))
    for file in ("model.safetensors", "hierarchy.npz", "config.json", "card.md"):
        assert (again / file).read_bytes() == (whole / file).read_bytes(), file


@pytest.mark.parametrize("leaked", ["false", "true"])
def test_places_built_from_rows_are_of_those_alone_that_are_trained_on(data, tmp_path, leaked):
    # The first twelve rows are of Paris and Lyon; validation and test show all four cities twice each.
    task = HierLocTask(recipe_of(data, "data.photos=12", f"places.leaked={leaked}"), tmp_path)
    n_others, cities = (16, 4) if leaked == "true" else (0, 2)
    assert (task.n_train, task.hierarchy.meta["n_rows"]) == (12, 12 + n_others)
    assert len(task.hierarchy.places_of(LEVELS.index("city"))) == cities
    names = [name for split in ("val", "test") for name in read_manifest(data / f"{split}.parquet").photos] if n_others else []
    trained_on = read_manifest(data / "train.parquet").photos[:12]
    np.testing.assert_array_equal(np.load(tmp_path / "places/rows.npy"), photo_fingerprints([*trained_on, *names]))


def test_places_beside_the_rows_stay_whole_and_what_is_learned_of_them_is_of_the_rows_alone(data, tmp_path):
    # Beside the manifests lie Paris and Lyon alone, of eight rows each.
    task = HierLocTask(recipe_of(data, "places.source=data", "data.photos=12", "model.entities.prior=true"), tmp_path)
    assert task.hierarchy.count.tolist()[-2:] == [8, 8]
    share = (np.array([8, 4]) + 0.5) / 13
    np.testing.assert_allclose(task.model.entities.log_prior(3).exp().numpy(), share, rtol=1e-5)


def test_a_batch_in_parts_is_refused_for_it_would_be_another_step(data):
    with pytest.raises(BadConfig, match=r"train\.accumulate = 2: each part .*; set it to 1, and lower model\.loss\.pairs_at_once to save memory"):
        recipe_of(data, "train.accumulate=2")


def test_a_batch_of_the_softmax_in_parts_is_the_same_step(data, tmp_path):
    # Rows without a leaf are left out of all steps, not out of one part of a batch.
    table = pq.read_table(data / "train.parquet")
    for index, name in enumerate(table.column_names):
        if name in LEVELS[1:]:
            table = table.set_column(index, name, pa.array([None if row % 5 == 0 else label for row, label in enumerate(table.column(name).to_pylist())]))
    some = shutil.copytree(data, tmp_path / "data")
    pq.write_table(table, some / "train.parquet")

    def step(parts):
        path = tmp_path / "softmax.toml"
        path.write_text(f'system = "softmax"\n[data]\ndir = "{some}"\n[places]\nsource = "rows"\n[train]\nwatch = "nll"\nbatch_size = 11\ndevice = "cpu"\n')
        recipe = read_recipe(path, (f"train.accumulate={parts}", "model.dropout=0.0"), {"softmax": SoftmaxRecipe})
        torch.manual_seed(0)
        task = SoftmaxTask(recipe, tmp_path / str(parts))
        assert task.n_train < len(task.train)
        told = Trainer(task, recipe.train).step(0)
        return told.loss, told.grad_norm

    assert step(3) == pytest.approx(step(1), rel=1e-5)


def test_a_validation_takes_no_more_pairs_at_once_than_a_step(data, tmp_path, monkeypatch):
    asked, inner = [], HierLoc.level_log_scores

    def scores(self, features):
        found = inner(self, features)
        asked.append((len(features), sum(level.shape[1] for level in found)))
        return found

    monkeypatch.setattr(HierLoc, "level_log_scores", scores)
    told = []
    for pairs in (2**20, 40, 1):
        torch.manual_seed(0)
        task = HierLocTask(recipe_of(data, f"model.loss.pairs_at_once={pairs}", "train.batch_size=5"), tmp_path / str(pairs))
        task.model.eval()
        asked.clear()
        with torch.no_grad():
            told.append(task.validate())
        assert all(n_photos * n_entities <= pairs or n_photos == 1 for n_photos, n_entities in asked)
        assert [n_photos for n_photos, _ in asked] == {2**20: [5, 3], 40: [2] * 4, 1: [1] * 8}[pairs]
    assert told[0] == told[1] == told[2]
