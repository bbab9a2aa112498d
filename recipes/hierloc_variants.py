"""The variants of HierLoc that are set side by side: each as overrides over recipes/hierloc_synth.toml, in groups on equal terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geocairn.errors import UnknownName
from geocairn.train.hierloc import HierLocRecipe
from geocairn.train.recipe import read_recipe

RECIPE = Path(__file__).parent / "hierloc_synth.toml"
# Over the recipe in every variant, for fewer photos than it is made for: smaller batches make more steps of them.
SMALL = ("train.epochs=4", "train.batch_size=256", "train.warmup_steps=50")
# What turns off each of our additions to the paper.
OFF = {
    "sharpness of images": "model.image.sharpness=false",
    "linear map of images": "model.image.skip=false",
    "linear map of entities": "model.entities.skip=false",
    "inheritance": "model.entities.inherit=false",
    "shrinking": "model.entities.shrink_photos=[]",
    "prior": "model.entities.prior=false",
    "authors' spread": "augment.author_spread=0.0",
    "leaving out": "model.entities.leave_out=none",
}
_NO_SHRINKING, _NO_LEAVING_OUT = OFF["shrinking"], OFF["leaving out"]
_GEO, _TAU, _ENTITIES = "model.loss.geo", "model.loss.tau", "model.entities"
_WEIGHED = (f"{_GEO}.kernel=laplace", f"{_GEO}.strength=1.0")
_FEATURES = (_NO_SHRINKING, f"{_ENTITIES}.use_text=true")
_HYPERBOLIC = "model.geometry=hyperbolic"

# `key=value` as on the command line; `key*=factor` multiplies what the recipe says. The first of a group is what the others are held against.
VARIANTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "additions": {
        "ours": (),
        "the paper's parts alone": (*OFF.values(), f"{_ENTITIES}.anchor=manifold", f"{_ENTITIES}.use_text=true", "model.attention.heads=8"),
        **{f"without {addition}": (override,) for addition, override in OFF.items()},
        "leaving out photos alone": (f"{_ENTITIES}.leave_out=photos",),
        "with inheritance": (f"{_ENTITIES}.inherit=true",),
        "with anchors on the manifold": (f"{_ENTITIES}.anchor=manifold",),
        "with anchors in the tangent space": (f"{_ENTITIES}.anchor=tangent",),
    },
    "geometry": {
        "hyperbolic": (_HYPERBOLIC,),
        "Euclidean": ("model.geometry=euclidean",),
        "spherical": ("model.geometry=spherical",),
    },
    "curvature": {f"curvature {curv}": (_HYPERBOLIC, f"model.curv={curv}") for curv in ("1.0", "0.5", "0.8", "2.0")},
    "kernel": {f"kernel {kernel}": (f"{_GEO}.strength=1.0", f"{_GEO}.kernel={kernel}") for kernel in ("laplace", "none", "gaussian", "inverse")},
    "attention": {
        "with attention": ("model.attention.is_on=true",),
        "without attention": ("model.attention.is_on=false",),
    },
    "tau": {
        "tau learned": (f"{_TAU}.is_learned=true",),
        "tau learned, first x 0.3": (f"{_TAU}.is_learned=true", f"{_TAU}.first*=0.3"),
        "tau learned, first x 3": (f"{_TAU}.is_learned=true", f"{_TAU}.first*=3"),
        "tau fixed": (f"{_TAU}.is_learned=false",),
        "tau fixed x 0.3": (f"{_TAU}.is_learned=false", f"{_TAU}.first*=0.3"),
        "tau fixed x 3": (f"{_TAU}.is_learned=false", f"{_TAU}.first*=3"),
    },
    "lambda": {
        "lambda 1": _WEIGHED,
        **{f"lambda {strength:g}": (*_WEIGHED, f"{_GEO}.strength={strength}") for strength in (0.0, 0.5, 3.0)},
        "lambda and sigma learned": (*_WEIGHED, f"{_GEO}.is_learned=true"),
    },
    "sigma": {
        "sigma x 1": _WEIGHED,
        "sigma x 0.3": (*_WEIGHED, f"{_GEO}.scale_km*=0.3"),
        "sigma x 3": (*_WEIGHED, f"{_GEO}.scale_km*=3"),
    },
    "beta": {
        "levels equal": ("model.loss.level_weight=[1.0, 1.0, 1.0, 1.0]",),
        "country-heavy": ("model.loss.level_weight=[2.0, 1.0, 0.5, 0.5]",),
        "city-heavy": ("model.loss.level_weight=[0.5, 0.5, 1.0, 2.0]",),
    },
    # Means that are drawn towards the mean above need means at all levels, so none are.
    "features": {
        "all features": _FEATURES,
        "without text": (*_FEATURES, f"{_ENTITIES}.use_text=false"),
        "without location": (*_FEATURES, f"{_ENTITIES}.use_location=false"),
        "without image means": (*_FEATURES, f"{_ENTITIES}.use_image=false"),
        **{f"without image means of the {level}": (*_FEATURES, f'{_ENTITIES}.no_image_at=["{level}"]') for level in ("country", "region", "subregion", "city")},
    },
    # Several means are neither drawn towards one nor are photos taken out of them.
    "prototypes": {f"prototypes {number}": (_NO_SHRINKING, _NO_LEAVING_OUT, f"prototypes.per_entity={number}") for number in (1, 4)},
    "leak": {
        "training rows": ("places.leaked=false",),
        "leaked rows": ("places.leaked=true",),
    },
}
# A bundle whose places hold the validation rows is not calibrated on them, so neither is what it is held against.
UNCALIBRATED = VARIANTS["leak"].keys()
# A beam goes by distances alone.
BEAMS_OF, TABLES_OF = "without prior", "ours"


@dataclass(frozen=True)
class EarthVariant:
    """Another Earth: settings over those of the common one, and what the recipe then does without."""

    changes: Mapping[str, float]
    overrides: tuple[str, ...] = ()


# Where the way to the learnable limit is long: the Earth without what hides the places. The limit is as high with the warp as without.
EARTHS_GROUP = "earths"
_ALONE = ({"photos_per_author": 1.0}, (OFF["authors' spread"], f"{_ENTITIES}.leave_out=photos"))
EARTHS: Mapping[str, EarthVariant] = {
    "without warp": EarthVariant({"warp_strength": 0.0}),
    "each photo by another author": EarthVariant(*_ALONE),
    "without warp, each photo by another author": EarthVariant({"warp_strength": 0.0, **_ALONE[0]}, _ALONE[1]),
}


@dataclass(frozen=True)
class Variant:
    """A named variant and its group."""

    name: str
    group: str
    overrides: tuple[str, ...]

    @property
    def is_calibrated(self) -> bool:
        """Whether its bundle is calibrated on the validation rows."""
        return self.name not in UNCALIBRATED


def variants() -> list[Variant]:
    """All of them, in their order."""
    return [Variant(name, group, overrides) for group, members in VARIANTS.items() for name, overrides in members.items()]


def chosen(names: Sequence[str]) -> list[Variant]:
    """Those of these names or groups; all of them for no name.

    Raises:
        UnknownName: there is no such variant or group.
    """
    known = variants()
    wanted = []
    for name in names:
        found = [variant for variant in known if name in (variant.name, variant.group)]
        if not found:
            raise UnknownName(f"--only {name}: there are the groups {', '.join(VARIANTS)} and the variants {', '.join(variant.name for variant in known)}")
        wanted += found
    return [variant for variant in known if variant in wanted] if names else known


def recipe_of(overrides: Sequence[str], more: Sequence[str]) -> HierLocRecipe:
    """The recipe of a variant.

    Args:
        overrides: of the variant.
        more: `key=value` that every variant has.
    """
    return read_recipe(RECIPE, [*more, *written_out(overrides, more)], {"hierloc": HierLocRecipe})


def written_out(overrides: Sequence[str], more: Sequence[str]) -> list[str]:
    """Overrides with every `key*=factor` as the `key=value` that it comes to."""
    base = read_recipe(RECIPE, more, {"hierloc": HierLocRecipe}).model_dump(mode="json")
    return [_multiplied(override, base) if "*=" in override else override for override in overrides]


def _multiplied(override: str, values: Any) -> str:
    key, _, factor = override.partition("*=")
    for part in key.split("."):
        values = values[part]
    return f"{key}={[_times(value, factor) for value in values] if isinstance(values, list) else _times(values, factor)}"


def _times(value: float, factor: str) -> float:
    return float(f"{value * float(factor):.6g}")
