"""From a posterior to the words of an answer: supported levels, candidates, regions, abstention."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.answer.candidates import MARGIN_KM, Disc, best_discs, best_for_geoscore, best_for_median, probability_within
from geocairn.answer.posterior import coarsen, holder_of_leaves
from geocairn.answer.prediction import Candidate, LevelAnswer, Region
from geocairn.answer.regions import credible_regions
from geocairn.config import Config
from geocairn.geo.sphere import distance_km_from_units, latlon_from_unit, mean_on_sphere
from geocairn.places.discs import weighted_radius_km
from geocairn.places.hierarchy import Hierarchy

Finest = Literal["country", "region", "city", "exact"]
Decide = Literal["mode", "geoscore", "median"]
NO_COUNTRY = "nothing narrows it down to a country"
# About 1 km; `--finest exact` lifts it.
DECIMALS = 2
EXACT_DECIMALS = 6
COLDEST, HOTTEST = 0.02, 50.0
LEAST_REACH, MOST_REACH = 0.05, 20.0


class Calibration(Config):
    """What turns a bundle's posterior into answers that keep their word; fitted on photos that the bundle has not seen."""

    temperature: float = Field(1.0, ge=COLDEST, le=HOTTEST, description="the scorer's summed log-scores are divided by it")
    support: float = Field(
        0.6, gt=0.5, lt=1, description="least probability at which a place of a level is answered; above one half places lie within each other"
    )
    reach: float = Field(1.0, ge=LEAST_REACH, le=MOST_REACH, description="how far a leaf's photos are taken to lie from its centre, in radii of the leaf")
    calibrated: bool = Field(False, description="whether the numbers above were fitted, or are the defaults")
    fitted_on: dict[str, str | int | float] = Field(default_factory=dict)


class AnswerSettings(Config):
    """What a user may choose about the form of an answer."""

    top: int = Field(5, ge=1, le=100, description="at most so many candidates")
    finest: Finest = Field("city", description="the answer goes no finer; coordinates are rounded to 0.01 degree unless `exact`")
    decide: Decide = Field("mode", description="what the first candidate is best at: mass, expected GeoScore, or expected distance")


@dataclass(frozen=True)
class Decided:
    """The parts of a prediction that follow from a posterior alone; `leaf_mass` is the posterior itself, where it is kept."""

    abstain: str | None
    levels: list[LevelAnswer]
    candidates: list[Candidate]
    regions: list[Region]
    likeliest: list[LevelAnswer]
    leaf_mass: bytes = b""


def decide_answer(
    hierarchy: Hierarchy,
    mass: NDArray[np.float64],
    *,
    territory: Path,
    calibration: Calibration,
    settings: AnswerSettings,
    allowed: NDArray[np.bool_] | None = None,
) -> Decided:
    """Supported levels, candidates and credible regions of a posterior; an abstention where not even a country is supported.

    Args:
        mass: (L,) posterior over leaves, summing to 1.
        territory: file with the leaves' outlines, kept with the regions.
        allowed: (L,) leaves that no hard limit excludes; all by default. Where the answer is coarse, nothing is told outside them either.
    """
    told = mass if settings.finest in ("city", "exact") else coarsen(hierarchy, mass, hierarchy.level_index(settings.finest), allowed=allowed)
    likeliest = likeliest_places(hierarchy, hierarchy.sum_leaves(told), settings.finest)
    levels = supported_levels(likeliest, calibration.support)
    candidates = ranked_candidates(hierarchy, told, settings=settings, reach=calibration.reach, allowed=allowed)
    return Decided(None if levels else NO_COUNTRY, levels, candidates, credible_regions(hierarchy, told, territory), likeliest)


def likeliest_places(hierarchy: Hierarchy, place_mass: NDArray[np.float64], finest: Finest) -> list[LevelAnswer]:
    """The most probable place of each level, coarse to fine, however improbable.

    Args:
        place_mass: (N,) posterior mass of every place.
        finest: no level below this one.
    """
    answers = []
    for level in range(finest_level(hierarchy, finest) + 1):
        places = hierarchy.places_of(level)
        if not places:
            continue
        best = places.start + int(np.argmax(place_mass[places.start : places.stop]))
        p = rounded(float(place_mass[best]))
        answers.append(LevelAnswer(level=hierarchy.level_names[level], id=hierarchy.ids[best], name=hierarchy.names[best], p=p))
    return answers


def supported_levels(likeliest: Sequence[LevelAnswer], support: float) -> list[LevelAnswer]:
    """The places that are probable enough to be told.

    Args:
        likeliest: the most probable place of each level, coarse to fine.
        support: least probability, above one half, so that the places lie within each other.

    Returns:
        Coarse to fine; empty where not even a country is supported. A level without a likely place is passed over: a city may lack a subregion.
    """
    told = [answer for answer in likeliest if answer.p >= support]
    return told if told and told[0] is likeliest[0] else []


def ranked_candidates(
    hierarchy: Hierarchy, mass: NDArray[np.float64], *, settings: AnswerSettings, reach: float = 1.0, allowed: NDArray[np.bool_] | None = None
) -> list[Candidate]:
    """Distinct hypotheses, the best by the decision rule first.

    Args:
        mass: (L,) posterior over leaves.
        settings: their `decide` is `mode` (the disc with most mass), `geoscore` (the point of the highest expected GeoScore) or `median` (of the least
            expected distance).
        reach: radius of the discs over which the leaves' photos lie, in radii of the leaves.
        allowed: (L,) leaves that no hard limit excludes; all by default.
    """
    if settings.finest in ("country", "region"):
        return _whole_places(hierarchy, mass, settings=settings, reach=reach, allowed=allowed)
    discs = best_discs(hierarchy, mass, settings.top, reach=reach)
    if settings.decide != "mode":
        leaf = (best_for_geoscore if settings.decide == "geoscore" else best_for_median)(hierarchy, mass)
        discs = _led_by(leaf, discs, hierarchy=hierarchy, mass=mass, reach=reach)[: settings.top]
    return [_candidate(hierarchy, disc, rank, settings.finest) for rank, disc in enumerate(discs, start=1)]


def finest_level(hierarchy: Hierarchy, finest: Finest) -> int:
    """Index of the finest level that may be told."""
    return len(hierarchy.level_names) - 1 if finest in ("city", "exact") else hierarchy.level_index(finest)


def rounded(p: float) -> float:
    """A probability as it is told: four decimals, within [0, 1]."""
    return round(min(max(p, 0.0), 1.0), 4)


def _led_by(leaf: int, discs: list[Disc], *, hierarchy: Hierarchy, mass: NDArray[np.float64], reach: float) -> list[Disc]:
    """A disc around `leaf`, then those whose centres lie outside it."""
    radius, units = discs[0].radius_km, hierarchy.leaf_unit
    lead = Disc(leaf, radius, probability_within(hierarchy, mass, units[leaf], radius, reach=reach))
    return [lead, *(disc for disc in discs if distance_km_from_units(units[disc.leaf], units[leaf]) > radius + MARGIN_KM)]


def _candidate(hierarchy: Hierarchy, disc: Disc, rank: int, finest: Finest) -> Candidate:
    place = int(hierarchy.leaves[disc.leaf])
    decimals = EXACT_DECIMALS if finest == "exact" else DECIMALS
    return _candidate_at(hierarchy, place, hierarchy.latlon_deg[place], rank=rank, radius_km=disc.radius_km, p=disc.p, decimals=decimals)


def _whole_places(
    hierarchy: Hierarchy, mass: NDArray[np.float64], *, settings: AnswerSettings, reach: float, allowed: NDArray[np.bool_] | None
) -> list[Candidate]:
    """The most probable places of the finest level, each with its own radius, so that nothing finer than the level is told."""
    holder = holder_of_leaves(hierarchy, hierarchy.level_index(settings.finest))
    place_mass = np.bincount(holder, mass, minlength=len(hierarchy))
    unit, radius = _discs_allowed(hierarchy, holder, allowed)
    chosen: list[int] = []
    for place in np.argsort(-place_mass, kind="stable")[: np.count_nonzero(place_mass)].tolist():
        apart = distance_km_from_units(unit[chosen], unit[place])
        if (apart > np.maximum(radius[chosen], radius[place]) + MARGIN_KM).all():
            chosen.append(place)
        if len(chosen) == settings.top:
            break
    within = [probability_within(hierarchy, mass, unit[place], float(radius[place]), reach=reach) for place in chosen]
    ranked = sorted(zip(chosen, within, strict=True), key=lambda pair: -pair[1])
    return [
        _candidate_at(hierarchy, place, latlon_from_unit(unit[place]), rank=rank, radius_km=round(float(radius[place]), 1), p=p, decimals=DECIMALS)
        for rank, (place, p) in enumerate(ranked, start=1)
    ]


def _discs_allowed(hierarchy: Hierarchy, holder: NDArray[np.int32], allowed: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], NDArray[np.floating[Any]]]:
    """Centre (N, 3) and radius (N,) of all places; of one that hard limits cut, those of what they leave of it, which the limits themselves tell."""
    if allowed is None or allowed.all():
        return hierarchy.unit, hierarchy.radius_km
    unit, radius_km = hierarchy.unit.copy(), hierarchy.radius_km.copy()
    for place in np.intersect1d(holder[allowed], holder[~allowed]).tolist():
        leaves = hierarchy.leaves[(holder == place) & allowed]
        weight = hierarchy.weight[leaves]
        middle = mean_on_sphere(hierarchy.unit[leaves], weight)
        unit[place] = middle if np.isfinite(middle).all() else hierarchy.unit[leaves[0]]
        reach = distance_km_from_units(hierarchy.unit[leaves], unit[place]) + hierarchy.radius_km[leaves]
        radius_km[place] = weighted_radius_km(reach, weight)
    return unit, radius_km


def _candidate_at(hierarchy: Hierarchy, place: int, latlon_deg: NDArray[np.float64], *, rank: int, radius_km: float, p: float, decimals: int) -> Candidate:
    lat, lon = latlon_deg.tolist()
    names = [hierarchy.names[above] for above in hierarchy.chain(place)]
    return Candidate(rank=rank, lat_deg=round(lat, decimals), lon_deg=round(lon, decimals), radius_km=radius_km, p=rounded(p), chain=names)
