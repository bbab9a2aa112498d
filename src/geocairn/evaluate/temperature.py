"""The temperature under which true places are likeliest, and how well probabilities under a temperature keep their word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geocairn.answer.candidates import best_discs
from geocairn.answer.decide import COLDEST, HOTTEST, AnswerSettings
from geocairn.answer.regions import NOMINAL, credible_regions
from geocairn.errors import BadManifest
from geocairn.evaluate.held_scores import HeldScores
from geocairn.geo.sphere import distance_km_from_units
from geocairn.metrics import Z_95, Coverage, coverage
from geocairn.places.hierarchy import Hierarchy

SUPPORTS = np.arange(60, 100, 5) / 100
N_BINS = 15
_ROWS_AT_ONCE = 64

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What each of M photos is answered under.

    Attributes:
        temperature: (M,).
        reach: (M,).
    """

    temperature: Array
    reach: Array


@dataclass(frozen=True)
class LevelWord:
    """What the probabilities of the likeliest places of a level say, and what comes true.

    Attributes:
        n: photos whose true place of the level is known.
        mean_p: mean probability of the likeliest place.
        right: share of photos whose likeliest place is the true one.
        ece: expected calibration error.
    """

    n: int
    mean_p: float
    right: float
    ece: float


@dataclass(frozen=True)
class Figures:
    """How well the probabilities of M photos keep their word.

    Attributes:
        nll: mean of minus the log-probability of the true leaf, in nats.
        levels: by name.
        regions: by nominal mass.
        first: of the first candidates, whether photos lie within their radius as often as their p says.
    """

    nll: float
    levels: Mapping[str, LevelWord]
    regions: Mapping[float, Coverage]
    first: Coverage


@dataclass(frozen=True)
class Told:
    """Likeliest places of all levels of all photos, one entry each: probability, whether it is right, author."""

    p: Array
    is_right: NDArray[np.bool_]
    groups: NDArray[np.int64]


def fit_temperature(held: HeldScores, rows: NDArray[np.int64]) -> float:
    """Maximum likelihood of the true leaves of some rows.

    Raises:
        BadManifest: no temperature in the range is best, as where scores say nothing of the true places.
    """
    from scipy.optimize import minimize_scalar

    low, high = np.log(COLDEST), np.log(HOTTEST)
    found = minimize_scalar(lambda log_t: float(negative_log_likelihood(held, float(np.exp(log_t)), rows).mean()), bounds=(low, high), method="bounded")
    if min(found.x - low, high - found.x) < 0.01:
        raise BadManifest(
            f"no temperature between {COLDEST:g} and {HOTTEST:g} is best: the bundle's scores say "
            f"{'nothing of where these photos were taken' if found.x > 0 else 'the place of every photo'}; name another manifest, or train the bundle longer"
        )
    return float(np.exp(found.x))


def temperature_error(held: HeldScores, temperature: float) -> float:
    """Standard error of a fitted temperature, authors independent: the sandwich of curvature and of the gradient's spread over authors."""
    rows = np.arange(len(held))
    gradient, curvature = np.zeros(len(held)), 0.0
    for part in _parts(rows):
        mass = np.exp(_log_mass(held, temperature, part))
        # A score of minus infinity has no mass and no say.
        scores = np.where(mass > 0, held.scores[part], 0).astype(np.float64)
        mean = (mass * scores).sum(axis=1)
        gradient[part] = mean - scores[np.arange(len(part)), held.leaf[part]]
        curvature += float(((mass * scores**2).sum(axis=1) - mean**2).sum())
    of_author = np.bincount(np.unique(held.groups, return_inverse=True)[1], gradient)
    # The scores are linear in 1 / T.
    return temperature**2 * float(np.sqrt((of_author**2).sum())) / max(curvature, 1e-300)


def negative_log_likelihood(held: HeldScores, temperature: float, rows: NDArray[np.int64]) -> Array:
    """(len(rows),) minus the log-probability of each row's true leaf."""
    return np.concatenate([-_log_mass(held, temperature, part)[np.arange(len(part)), held.leaf[part]] for part in _parts(rows)])


def figures_of(held: HeldScores, fitted: Fitted, *, hierarchy: Hierarchy, territory: Path) -> tuple[Figures, Told]:
    """How well probabilities keep their word, each row under its own temperature and reach.

    Args:
        territory: file with the leaves' outlines.
    """
    nll, n_levels = np.zeros(len(held)), len(hierarchy.level_names)
    p, is_right = np.full((len(held), n_levels), np.nan), np.zeros((len(held), n_levels), dtype=bool)
    inside, claimed = np.zeros((len(held), len(NOMINAL)), dtype=bool), np.zeros((len(held), len(NOMINAL)))
    is_within, p_within, top = np.zeros(len(held), dtype=bool), np.zeros(len(held)), AnswerSettings().top
    for row, leaf in enumerate(held.leaf.tolist()):
        log_mass = _log_mass(held, float(fitted.temperature[row]), np.array([row]))[0]
        mass = np.exp(log_mass)
        nll[row], place_mass = -log_mass[leaf], hierarchy.sum_leaves(mass)
        for level in range(n_levels):
            places, true = hierarchy.places_of(level), hierarchy.ancestor_of_leaves(level)[leaf]
            if true >= 0:
                best = places.start + int(np.argmax(place_mass[places.start : places.stop]))
                p[row, level], is_right[row, level] = min(place_mass[best], 1.0), best == true
        for index, region in enumerate(credible_regions(hierarchy, mass, territory)):
            inside[row, index], claimed[row, index] = bool((region.member_leaves() == leaf).any()), region.mass
        # As many as an answer has: which of them is the first depends on all.
        first = best_discs(hierarchy, mass, top, reach=float(fitted.reach[row]))[0]
        is_within[row] = distance_km_from_units(hierarchy.leaf_unit[first.leaf], held.unit[row]) <= first.radius_km
        p_within[row] = first.p
    levels = {name: _level_word(p[:, level], is_right[:, level]) for level, name in enumerate(hierarchy.level_names) if not np.isnan(p[:, level]).all()}
    regions = {nominal: coverage(inside[:, index], claimed[:, index], held.groups) for index, nominal in enumerate(NOMINAL)}
    known = ~np.isnan(p)
    groups = np.broadcast_to(held.groups[:, None], p.shape)
    return Figures(float(nll.mean()), levels, regions, coverage(is_within, p_within, held.groups)), Told(p[known], is_right[known], groups[known])


def fit_support(told: Told) -> float:
    """The least of a few supports, none below the default, whose answered places are right as often as they say, within noise (95 %, by author)."""
    for support in SUPPORTS.tolist():
        answered = told.p >= support
        if not answered.any():
            return float(support)
        found = coverage(told.is_right[answered], told.p[answered], told.groups[answered])
        # With one author nothing is known of the noise, and the difference must hold by itself.
        if found.difference + Z_95 * np.nan_to_num(found.standard_error) >= 0:
            return float(support)
    return float(SUPPORTS[-1])


def expected_calibration_error(p: ArrayLike, is_right: ArrayLike) -> float:
    """Mean distance between what is said and what comes true, over 15 equal bins of the probability, weighted by their numbers.

    Args:
        p: (N,) in [0, 1], N >= 1.
        is_right: (N,) booleans.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), equation 3.

    >>> round(expected_calibration_error([0.9, 0.9, 0.1, 0.1], [True, True, False, True]), 3)
    0.25
    """
    said, right = np.asarray(p, dtype=np.float64), np.asarray(is_right, dtype=np.float64)
    which = np.minimum((said * N_BINS).astype(np.int64), N_BINS - 1)
    return float(np.abs(np.bincount(which, right - said)).sum() / len(said))


def _level_word(p: Array, is_right: NDArray[np.bool_]) -> LevelWord:
    said, right = p[~np.isnan(p)], is_right[~np.isnan(p)]
    return LevelWord(len(said), float(said.mean()), float(right.mean()), expected_calibration_error(said, right))


def _log_mass(held: HeldScores, temperature: float, rows: NDArray[np.int64]) -> Array:
    total = held.totals(temperature, rows)
    total -= total.max(axis=1, keepdims=True)
    return np.asarray(total - np.log(np.exp(total).sum(axis=1, keepdims=True)))


def _parts(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE))
