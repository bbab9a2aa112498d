"""A synthetic Earth: places, sites and the generator of features; all that is needed to draw photos, and to know what can be told from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geocairn.places.entities import entity_radii_km
from geocairn.places.geonames import City
from geocairn.places.hierarchy import Hierarchy
from geocairn.synth.draws import numbers_for
from geocairn.synth.places import draw_places
from geocairn.synth.settings import SynthSettings
from geocairn.synth.sites import Sites, draw_sites
from geocairn.systems.place_likelihood import PlaceModel
from geocairn.systems.warp import Warp

Array = NDArray[np.float64]
_REGION_LEVEL = 1


@dataclass(frozen=True)
class Earth:
    """One synthetic Earth of C cities, which are the leaves of its hierarchy, in leaf order.

    Attributes:
        hierarchy: weighted by the cities' shares of photos.
        is_unseen: (C,) cities that training photos never show.
        climate: (C, D) the smooth field at each city: the part of its mean that no training is needed for.
        model: what the place and scene blocks of photos are drawn from.
        region_of_city: (C,) index of what shares a city's classes: its region, or its country where it has none.
        map_shares: (R, K) shares of classes of each; what they are drawn around, times the concentration, is `map_prior`.
    """

    settings: SynthSettings
    cities: Sequence[City]
    hierarchy: Hierarchy
    is_unseen: NDArray[np.bool_]
    sites: Sites
    climate: Array
    model: PlaceModel
    warp: Warp
    region_of_city: NDArray[np.int64]
    map_shares: Array
    map_prior: Array

    @property
    def share(self) -> Array:
        """(C,) share of photos of each city."""
        return np.asarray(self.hierarchy.weight[self.hierarchy.leaves])


def draw_earth(settings: SynthSettings) -> Earth:
    """Draw the Earth of the settings; the number of photos and what is written beside them change nothing in it.

    Raises:
        BadConfig: GeoNames has not so many cities so far apart.
    """
    cities, hierarchy, is_unseen = draw_places(settings)
    unit = hierarchy.unit[hierarchy.leaves]
    sites = draw_sites(unit, is_unseen, settings)
    # Photos are taken at the sites, not all over the land that is nearer to the city than to another.
    hierarchy = replace(hierarchy, radius_km=entity_radii_km(hierarchy, disc_km=sites.disc_km(unit)))
    climate, model = _draw_model(hierarchy, unit, settings)
    region_of_city, shares, prior = _draw_map_shares(hierarchy, settings)
    return Earth(
        settings=settings,
        cities=cities,
        hierarchy=hierarchy,
        is_unseen=is_unseen,
        sites=sites,
        climate=climate,
        model=model,
        warp=Warp.drawn(numbers_for("warp", settings.seed), settings.feature_dim, settings.warp_strength),
        region_of_city=region_of_city,
        map_shares=shares,
        map_prior=prior,
    )


def _draw_model(hierarchy: Hierarchy, unit: Array, settings: SynthSettings) -> tuple[Array, PlaceModel]:
    numbers = numbers_for("generator", settings.seed)
    waves = settings.field_frequency * numbers.standard_normal((settings.place_dim, 3))
    phases = numbers.uniform(0, 2 * np.pi, settings.place_dim)
    climate = np.sqrt(2 * settings.field_variance) * np.cos(unit @ waves.T + phases)
    effects = numbers.standard_normal((len(hierarchy), settings.place_dim)) * np.sqrt(np.array(settings.level_variance)[hierarchy.level])[:, None]
    mean = climate.copy()
    for level in range(len(hierarchy.level_names)):
        ancestor = hierarchy.ancestor_of_leaves(level)
        mean += np.where(ancestor[:, None] >= 0, effects[ancestor], 0.0)
    model = PlaceModel(
        mean=mean,
        variance=None,
        gate=_draw_gates(settings),
        gate_of_scene=np.array(settings.gate_of_scene, dtype=np.int64),
        sharpness=np.array(settings.sharpness),
        sigma=np.array(settings.sigma),
        scene_scale=settings.scene_scale,
    )
    return climate, model


def _draw_gates(settings: SynthSettings) -> NDArray[np.bool_]:
    n_open = round(settings.open_share * settings.place_dim)
    numbers = numbers_for("gates", settings.seed)
    return np.stack([numbers.permutation(settings.place_dim) < n_open for _ in range(settings.gates)])


def _draw_map_shares(hierarchy: Hierarchy, settings: SynthSettings) -> tuple[NDArray[np.int64], Array, Array]:
    """Region of each city, the shares of classes of each region, and the Dirichlet parameters that these are drawn by."""
    numbers = numbers_for("map shares", settings.seed)
    country, region = hierarchy.ancestor_of_leaves(0), hierarchy.ancestor_of_leaves(_REGION_LEVEL)
    holders, region_of_city = np.unique(np.where(region >= 0, region, country), return_inverse=True)
    # Few classes fill most of a street, as in ADE20K.
    world = 1 / np.arange(1.0, settings.map_classes + 1)
    of_countries = numbers.dirichlet(settings.map_concentration * world / world.sum(), len(hierarchy.places_of(0)))
    country_of = np.empty(len(holders), dtype=np.int64)
    country_of[region_of_city] = country
    prior = settings.map_concentration * of_countries[country_of]
    return region_of_city, np.stack([numbers.dirichlet(row) for row in prior]), prior
