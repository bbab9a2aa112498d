"""From the name or folder of a bundle to the system that it holds."""

from collections.abc import Callable
from pathlib import Path

from geocairn.errors import BadBundle, BadConfig, UnknownName
from geocairn.places.atlas import Progress, load_atlas
from geocairn.systems import hierloc, limits, neighbours, softmax
from geocairn.systems.bundle import MANIFEST, Bundle, load_bundle
from geocairn.systems.clues_only import CluesSystem, PriorSystem
from geocairn.systems.leaf_scorer import LeafScorer
from geocairn.systems.photo_features import PhotoFeatures
from geocairn.systems.system import System

SHIPPED: dict[str, Callable[[Progress], System]] = {
    "clues": lambda progress: CluesSystem(load_atlas(progress)),
    "prior": lambda progress: PriorSystem(load_atlas(progress)),
}
KINDS: dict[str, Callable[[Bundle], System]] = {
    limits.KIND: limits.LimitSystem,
    limits.PRIOR_KIND: limits.FloorSystem,
    hierloc.KIND: hierloc.HierLocSystem,
    softmax.KIND: softmax.SoftmaxSystem,
    neighbours.KIND: neighbours.NeighboursSystem,
}


def load_system(bundle: str, progress: Progress = lambda step: None, *, encoder: str | None = None) -> System:
    """The system of a bundle: one that ships with the package, by its name, or one in a folder.

    Args:
        progress: told each step of building the places.
        encoder: where the image encoder of the bundle lies, a folder or a name of the hub; where it lay in training by default.

    Raises:
        BadConfig: an encoder is given to a bundle that encodes no photos.
        UnknownName: no bundle has this name; the message lists them.
        BadBundle: the folder holds no whole bundle, or one that only a newer Geocairn reads.
    """
    if bundle in SHIPPED:
        if encoder is not None:
            raise BadConfig(_no_encoder(encoder, bundle))
        return SHIPPED[bundle](progress)
    found = load_bundle(folder_named(bundle))
    if found.config.kind not in KINDS:
        raise BadBundle(f"{bundle}: holds a system of the kind {found.config.kind!r}; this version reads {', '.join(KINDS)}")
    system = KINDS[found.config.kind](found)
    if encoder is not None:
        if not isinstance(system, LeafScorer) or not found.config.encoders:
            raise BadConfig(_no_encoder(encoder, bundle))
        system.photo_features = PhotoFeatures(found, encoder)
    return system


def folder_named(bundle: str) -> Path:
    """The folder that a bundle's name is, where it is no shipped one's.

    Raises:
        UnknownName: there is no such folder.
    """
    # An empty name would be that of the folder that one is in.
    if not bundle or not Path(bundle).is_dir():
        raise UnknownName(f"bundle {bundle!r}: there is no such bundle; use one of {', '.join(SHIPPED)}, or a folder with a {MANIFEST}")
    return Path(bundle)


def _no_encoder(encoder: str, bundle: str) -> str:
    return f"--encoder {encoder}: the bundle {bundle!r} encodes no photos; leave it out, or name a bundle that was trained on an image encoder's features"
