"""The atlas: GeoNames' hierarchy, its territories and its gazetteer, built once into the user's cache and loaded from there."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from geocairn.errors import BadOutput, MissingExtra
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.entities import build_entities, sort_cities
from geocairn.places.files import load_hierarchy, save_hierarchy
from geocairn.places.gazetteer import Gazetteer, build_gazetteer, load_gazetteer, save_gazetteer
from geocairn.places.geonames import ATTRIBUTION, packaged_versions, read_cities, read_countries
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.nearest import NearestPlace
from geocairn.places.prior import PhotoPrior, shipped_prior
from geocairn.places.territory import build_territories
from geocairn.storage import cache_folder

# Raise it when the builders below change what they build.
BUILDER_VERSION = 3
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Atlas:
    """The places of the world as GeoNames knows them; parts are read from `folder` when they are first asked for."""

    folder: Path
    hierarchy: Hierarchy

    @property
    def territory(self) -> Path:
        """File with the outlines of the leaves' territories."""
        return self.folder / "territory.npz"

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """Names in all scripts and the places that bear them."""
        return load_gazetteer(self.folder / "gazetteer.npz")

    @cached_property
    def nearest(self) -> NearestPlace:
        """From coordinates to the leaf they lie in."""
        return NearestPlace(self.hierarchy)


def load_atlas(progress: Progress = lambda step: None, *, prior: PhotoPrior | None = None) -> Atlas:
    """The atlas from the cache; built there first where it is missing (about 15 seconds).

    Args:
        progress: told each step of building, in words.
        prior: how photos are shared out among cities; the shipped one by default.

    Raises:
        BadOutput: the cache folder cannot be written (GEOCAIRN_CACHE chooses another).
        MissingExtra: country names need the `text` extra.
    """
    chosen = prior or shipped_prior()
    folder = cache_folder() / f"places-{_recipe_sha256(chosen)[:16]}"
    if not os.path.exists(folder / "hierarchy.json"):  # not Path.exists, which raises where a folder above may not be entered
        _build_where_writable(folder, chosen, progress)
    return Atlas(folder, load_hierarchy(folder / "hierarchy.npz"))


def _recipe_sha256(prior: PhotoPrior) -> str:
    recipe = {"builder": BUILDER_VERSION, "packages": packaged_versions(), "prior": prior.sha256()}
    return sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _build_where_writable(folder: Path, prior: PhotoPrior, progress: Progress) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        _build(folder, prior, progress)
    except OSError as error:
        raise BadOutput(f"{folder}: the places cannot be kept there ({error.strerror}); set GEOCAIRN_CACHE to a folder that you may write to") from None


def _build(folder: Path, prior: PhotoPrior, progress: Progress) -> None:
    progress("reading GeoNames")
    cities, countries = sort_cities(read_cities()), read_countries()
    progress("measuring territories")
    area_km2 = build_territories(unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities]), folder / "territory.npz")
    progress("building the hierarchy")
    meta = {"attribution": ATTRIBUTION, "source": packaged_versions(), "source_sha256": _recipe_sha256(prior), "prior_sha256": prior.sha256()}
    hierarchy = build_entities(cities, countries, area_km2=area_km2, prior=prior, meta=meta)
    progress("collecting names")
    save_gazetteer(build_gazetteer(hierarchy, cities, country_names()), folder / "gazetteer.npz")
    # Last, for its presence says that the folder is whole.
    save_hierarchy(hierarchy, folder / "hierarchy.npz")


def country_names() -> dict[str, Iterable[str]]:
    """Names of countries in all languages of the Unicode CLDR, by ISO code.

    Raises:
        MissingExtra: Babel, which carries the CLDR, is not installed.
    """
    try:
        from babel import Locale, localedata
    except ImportError:
        raise MissingExtra("names of countries need the package babel; mend: pip install geocairn[text]") from None
    names: dict[str, set[str]] = {"US": {"U.S.A.", "United States of America"}, "GB": {"Great Britain"}}
    for identifier in sorted(localedata.locale_identifiers()):
        # Languages, not their regional forms: those name countries alike.
        if "_" not in identifier or identifier.split("_")[1].istitle():
            for code, name in Locale.parse(identifier).territories.items():
                if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "ZZ"):
                    names.setdefault(code, set()).add(name)
    return {code: sorted(found) for code, found in names.items()}
