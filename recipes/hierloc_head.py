"""HierLoc's head at the size of its paper, for the benchmarks: a model over planted entities with weights as they were drawn, and data for training steps."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from geocairn.data.feature_store import StoreHeader
from geocairn.data.feature_writer import write_store
from geocairn.data.parquet_file import write_parquet
from geocairn.models.entity_features import LevelFeatures
from geocairn.models.hierloc import HierLoc
from geocairn.places.entities import LEVELS
from geocairn.search.beam import beam_search
from geocairn.search.index import EntityIndex
from geocairn.train.hierloc import HierLocRecipe, make_hierloc_task
from geocairn.train.recipe import read_recipe
from geocairn.train.trainer import Trainer

RECIPE = Path(__file__).parent / "hierloc_osv5m.toml"
D_IMG = 1024
N_TRAIN, N_VALIDATION = 250_000, 1_000
# Rows of features that differ; others repeat them, which costs a step nothing and saves the disk's time.
_DIFFERENT = 4096


def recipe_of(overrides: Sequence[str] = ()) -> HierLocRecipe:
    """The paper's recipe."""
    return read_recipe(RECIPE, overrides, {"hierloc": HierLocRecipe})


def head_over(index: EntityIndex, level_names: Sequence[str], *, seed: int) -> HierLoc:
    """A model whose entities are those of the index; keys and values are kept.

    Accuracies of it mean nothing, for its weights are as they were drawn.
    """
    torch.manual_seed(seed)
    config = recipe_of().model
    one = [LevelFeatures(name, np.zeros((1, 2)), image=np.zeros((1, D_IMG)), text=np.ones((1, 1)), count=np.ones(1)) for name in level_names]
    drawn = HierLoc(config, D_IMG, one)
    state = drawn.inference_state()
    with torch.no_grad():
        for level, (start, stop) in enumerate(pairwise(index.level_starts)):
            state[f"entities.tangent_{level}"] = drawn.geometry.log(torch.from_numpy(index.points[start:stop]))
    model = HierLoc.for_inference(config, level_names, state)
    model.cache_entities()
    return model


def cached_bytes(model: HierLoc, n_entities: int) -> int:
    """Bytes of the keys and values of all entities."""
    return 2 * 4 * model.config.dim * n_entities


def place_images(model: HierLoc, features: torch.Tensor) -> NDArray[np.float32]:
    """(B, 129) where images lie: attention to all entities of every level."""
    with torch.no_grad():
        points: NDArray[np.float32] = model(features).numpy()
    return points


def locate_images(model: HierLoc, index: EntityIndex, features: torch.Tensor, *, width: int, threads: int) -> None:
    """The whole head: attention, then a beam down the hierarchy."""
    beam_search(place_images(model, features), index, width=width, threads=threads)


def write_data(folder: Path, sizes: Sequence[int], *, n_train: int = N_TRAIN, seed: int) -> None:
    """Rows that fill a hierarchy of these sizes, with features that say nothing, as the paper's recipe reads them.

    Args:
        sizes: places of each level, coarse to fine; every city has a photo.
    """
    numbers = np.random.default_rng(seed)
    above = [np.concatenate([np.arange(coarser), numbers.integers(0, coarser, finer - coarser)]) for coarser, finer in pairwise(sizes)]
    middle = np.stack([numbers.uniform(-60, 70, sizes[-1]), numbers.uniform(-179, 179, sizes[-1])], axis=1)
    every = np.arange(sizes[-1])
    cities = {"train": np.concatenate([every, numbers.integers(0, sizes[-1], n_train - sizes[-1])]), "val": numbers.integers(0, sizes[-1], N_VALIDATION)}
    photos: list[str] = []
    for split, city in cities.items():
        chain = [city]
        for parents in reversed(above):
            chain.insert(0, parents[chain[0]])
        latlon = middle[city] + numbers.uniform(-0.05, 0.05, (len(city), 2))
        names = [f"{split}-{row}.jpg" for row in range(len(city))]
        labels = {level: [f"{level} {place}" for place in places.tolist()] for level, places in zip(LEVELS, chain, strict=True)}
        write_parquet(pa.table({"photo": names, "lat_deg": latlon[:, 0], "lon_deg": latlon[:, 1], **labels}), folder / f"{split}.parquet")
        photos += names
    drawn = numbers.standard_normal((_DIFFERENT, D_IMG)).astype(np.float16)
    write_store(folder / "features", StoreHeader(encoder="generated", dim=D_IMG), photos, lambda rows: drawn[np.arange(rows.start, rows.stop) % _DIFFERENT])


def trainer_on(data: Path, places: Path, *overrides: str) -> Trainer:
    """What `geocairn train` steps, on data of `write_data`."""
    recipe = recipe_of([f"data.dir={data}", "places.rows.labels=columns", "text.encoder=hashed", *overrides])
    torch.manual_seed(recipe.train.seed)
    return Trainer(make_hierloc_task(recipe, places), recipe.train)
