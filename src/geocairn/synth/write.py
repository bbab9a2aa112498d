"""A synthetic Earth on disk: manifests, the hierarchy of the training rows, feature stores, and the limits as bundles."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.data.feature_store import META, StoreHeader
from geocairn.data.feature_writer import write_store
from geocairn.data.parquet_file import write_parquet
from geocairn.errors import BadOutput
from geocairn.places.files import save_hierarchy
from geocairn.places.origin import HIERARCHY_FILES, save_origin
from geocairn.storage import names_held, write_json
from geocairn.synth.earth import Earth, draw_earth
from geocairn.synth.extras import class_maps, tokens
from geocairn.synth.labels import hierarchy_of_training, labelled_places, manifest_table
from geocairn.synth.photos import BLOCK, Photos, draw_photos, features
from geocairn.synth.settings import SPLITS, SynthSettings
from geocairn.synth.training import learnable_maps, learnable_model, observe_training
from geocairn.systems.bundle import MANIFEST
from geocairn.systems.limits import save_limit
from geocairn.systems.map_likelihood import MapModel

FORMAT = "geocairn-synth-1"
DONE = "synth.json"
Tell = Callable[[str], None]
_NOT_PHOTOS = "Its features are generated: what it scores says nothing of how well a model works on real photos."
_CARDS = {
    "bayes": "The Bayes limit of a synthetic Earth: the posterior over its cities by one who knows the generator. No model beats it in expectation.",
    "learnable": "The learnable limit of a synthetic Earth: the posterior over its cities by one who knows the generator but for the cities' "
    "effects, and has seen all training photos. No model trained on them beats it in expectation.",
    "prior": "The prior of a synthetic Earth: the cities' shares of photos, whatever is seen. The floor.",
}


@dataclass(frozen=True)
class _Store:
    """A feature store that is written beside the manifests."""

    compute: Callable[[Earth, Photos, range], NDArray[Any]]
    dim: Callable[[SynthSettings], int]
    dtype: str = "float16"


_STORES: Mapping[str, _Store] = {
    "features": _Store(features, lambda settings: settings.feature_dim),
    "tokens": _Store(tokens, lambda settings: settings.tokens * settings.token_dim),
    "maps": _Store(class_maps, lambda settings: settings.map_side**2, "uint8"),
}


def write_synth(out: Path, settings: SynthSettings, *, tell: Tell = lambda step: None) -> dict[str, Any]:
    """Write the synthetic Earth of the settings to the folder `out`; one that has all its files stays as it is, an interrupted one goes on.

    Args:
        tell: told each step, in words.

    Returns:
        What `synth.json` says.

    Raises:
        BadConfig: GeoNames has not so many cities so far apart.
        BadOutput: `out` cannot be written, or holds another Earth.
    """
    _claim(out, settings)
    if (out / DONE).exists():
        lost = next((name for name in _files(settings) if not (out / name).is_file()), None)
        if lost is None:
            tell("already there")
            return _read(out / DONE)
        tell(f"{lost} is missing, so all is written anew")
    tell("drawing places")
    earth = draw_earth(settings)
    photos = draw_photos(earth)
    tell("writing manifests and the hierarchy of the training rows")
    labelled = labelled_places(earth, photos)
    for split in SPLITS:
        write_parquet(manifest_table(earth, photos, labelled, split), out / f"{split}.parquet")
    names = np.array(photos.names)
    save_origin(out, names[photos.of_split("train")].tolist())
    save_hierarchy(hierarchy_of_training(earth, photos, labelled), out / "hierarchy.npz")
    stores = {name: _write_store(out, name, earth, photos, tell) for name in _wanted_stores(settings)}
    _write_limits(out, earth, photos, stores, tell)
    described = _described(earth, photos)
    write_json(out / DONE, described)
    return described


def _files(settings: SynthSettings) -> list[str]:
    """A file of each part, without which it is not there."""
    own = [f"{split}.parquet" for split in SPLITS]
    return [*own, *HIERARCHY_FILES, *(f"{name}/{META}" for name in _wanted_stores(settings)), *(f"{name}/{MANIFEST}" for name in _CARDS)]


def _wanted_stores(settings: SynthSettings) -> list[str]:
    wanted = {"features": True, "tokens": settings.with_tokens, "maps": settings.with_maps}
    return [name for name in _STORES if wanted[name]]


def _write_store(out: Path, name: str, earth: Earth, photos: Photos, tell: Tell) -> str:
    """Write one store; its encoder."""
    tell(f"writing {name}")
    store, settings = _STORES[name], earth.settings
    encoder = f"{settings.encoder} {name}"
    header = StoreHeader(encoder=encoder, manifest_sha256=settings.sha256(), dim=store.dim(settings), dtype=store.dtype)

    def compute(rows: range) -> NDArray[Any]:
        # A block at a time, and in half the bytes: a shard of tokens would take gigabytes while it is made.
        blocks = (range(start, min(start + BLOCK, rows.stop)) for start in range(rows.start, rows.stop, BLOCK))
        return np.concatenate([store.compute(earth, photos, block).astype(np.float32) for block in blocks])

    write_store(out / name, header, photos.names, compute)
    return encoder


def _write_limits(out: Path, earth: Earth, photos: Photos, stores: Mapping[str, str], tell: Tell) -> None:
    tell("computing the limits")
    has_maps = earth.settings.with_maps
    bayes_maps = MapModel(earth.map_shares, None, earth.region_of_city) if has_maps else None
    learned = learnable_model(earth, observe_training(earth, photos))
    known = {
        "bayes": (earth.warp, earth.model, bayes_maps),
        "learnable": (earth.warp, learned, learnable_maps(earth, photos) if has_maps else None),
        "prior": None,
    }
    taken = {name: stores[name] for name in ("features", "maps") if name in stores}
    for name, models in known.items():
        card = f"# {name}\n\n{_CARDS[name]}\n\n{_NOT_PHOTOS}\n"
        save_limit(out / name, name, hierarchy=earth.hierarchy, stores=taken, card=card, models=models)


def _described(earth: Earth, photos: Photos) -> dict[str, Any]:
    counts = {split: len(photos.of_split(split)) for split in SPLITS}
    in_test = np.isin(photos.city[photos.of_split("test")], photos.city[photos.of_split("train")], invert=True)
    return {
        "format": FORMAT,
        "version": version("geocairn"),
        "settings": earth.settings.model_dump(mode="json"),
        "settings_sha256": earth.settings.sha256(),
        "encoder": earth.settings.encoder,
        "photos": counts,
        "authors": len(photos.author_vectors),
        "places": {name: len(earth.hierarchy.places_of(name)) for name in earth.hierarchy.level_names},
        "unseen_cities": int(earth.is_unseen.sum()),
        "test_photos_of_cities_without_training_photos": int(in_test.sum()),
    }


def _claim(out: Path, settings: SynthSettings) -> None:
    """Write down which Earth is to come, before its first file."""
    path = out / "settings.json"
    wanted = settings.model_dump(mode="json")
    if path.is_file():
        if _read(path) != wanted:
            raise BadOutput(f"{out}: holds a synthetic Earth of other settings; name a new folder")
    elif out.exists() and (not out.is_dir() or names_held(out)):
        raise BadOutput(f"{out}: is a file or holds other files; name a new folder")
    else:
        write_json(path, wanted)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadOutput(f"{path}: not readable as JSON ({' '.join(str(error).split())}); name a new folder") from None
