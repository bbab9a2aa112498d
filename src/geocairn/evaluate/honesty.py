"""Do probabilities keep their word? Regions against their mass, candidates against their p, answers against their precision, clues against the truth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import UnknownName
from geocairn.evaluate.guess import Guess
from geocairn.evaluate.protocol import Protocol
from geocairn.evaluate.report import (
    CandidateReliability,
    ClueCount,
    CoverageRecord,
    CurvePoint,
    RegionCoverage,
    ReliabilityBin,
    Share,
    SupportedLevel,
    finite,
    interval,
    number,
)
from geocairn.evaluate.score import Noise, Scores
from geocairn.evaluate.truth import Truth
from geocairn.metrics import coverage, wilson_interval
from geocairn.places.hierarchy import Hierarchy

P_EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MAX_CURVE_POINTS = 200

Array = NDArray[np.float64]


def region_coverage(guesses: Sequence[Guess], noise: Noise) -> list[RegionCoverage]:
    """Coverage of the credible regions, one record per nominal probability in rising order; empty where no guess says what its regions hold."""
    rows = [(region.nominal, region.mass, region.is_hit, group) for guess, group in zip(guesses, noise.groups, strict=True) for region in guess.regions]
    found = []
    for nominal in sorted({row[0] for row in rows}):
        _, mass, is_hit, groups = zip(*(row for row in rows if row[0] == nominal), strict=True)
        record = _coverage(np.array(is_hit), np.array(mass), np.array(groups), noise)
        found.append(RegionCoverage(nominal=nominal, **record.model_dump()))
    return found


def candidate_reliability(guesses: Sequence[Guess], truth: Truth, *, protocol: Protocol, noise: Noise) -> CandidateReliability | None:
    """Whether truths lie within the candidates' radii as often as their p says; None where no guess has radius and p."""
    rows = [
        (spot.lat_deg, spot.lon_deg, spot.radius_km, spot.p, index, rank)
        for index, guess in enumerate(guesses)
        for rank, spot in enumerate(guess.candidates)
        if spot.radius_km is not None and spot.p is not None
    ]
    if not rows:
        return None
    table = np.array(rows, dtype=np.float64)
    index = table[:, 4].astype(np.int64)
    is_inside, p = protocol.distance_km(table[:, :2], truth.latlon_deg[index]) <= table[:, 2], table[:, 3]
    first, groups = table[:, 5] == 0, noise.groups[index]
    return CandidateReliability(
        first=_coverage(is_inside[first], p[first], groups[first], noise), all=_coverage(is_inside, p, groups, noise), bins=_bins(p, is_inside)
    )


def accuracy_by_mode(scores: Scores, levels: Sequence[str]) -> dict[str, dict[str, Share]]:
    """Shares of right places under both rules for names; empty where the manifest's labels are no names."""
    modes = scores.right_by_mode if len(scores.right_by_mode) > 1 else {}
    return {mode: {level: share_right(right[level]) for level in levels} for mode, right in modes.items()}


def answered_country(scores: Scores) -> Share:
    """How many of the answered photos whose country is known have the right country."""
    return share_right(scores.right_by_mode["corrected"]["country"][scores.is_answered])


def supported_levels(guesses: Sequence[Guess], scores: Scores, truth: Truth) -> dict[str, SupportedLevel]:
    """For each level that some answer names, how often it is right there; abstained photos name none."""
    found: dict[str, SupportedLevel] = {}
    for level, true in truth.labels.items():
        named = [guess.levels.get(level) if guess.is_answered else None for guess in guesses]
        rows = [row for row, level_guess in enumerate(named) if level_guess is not None and true[row] is not None]
        if rows:
            right = scores.right_by_mode["corrected"][level][rows]
            stated = [level_guess.p for row in rows if (level_guess := named[row]) is not None and level_guess.p is not None]
            mean_p = number(float(np.mean(stated))) if len(stated) == len(rows) else None
            found[level] = SupportedLevel(**share_right(right).model_dump(), mean_p=mean_p)
    return found


def coverage_precision(guesses: Sequence[Guess], scores: Scores) -> list[CurvePoint]:
    """Precision of the country against the share of photos answered, as the least probability at which one answers falls.

    Returns:
        At most 200 points in falling order of `min_p`, photos of equal p together; empty where answers do not say the country's p.
    """
    right = scores.right_by_mode["corrected"]["country"]
    stated = [
        (country.p, right[row])
        for row, guess in enumerate(guesses)
        if guess.is_answered and (country := guess.levels.get("country")) and country.p is not None and not np.isnan(right[row])
    ]
    if not stated:
        return []
    p, hits = np.array(sorted(stated, key=lambda pair: -pair[0]), dtype=np.float64).T
    last_of_its_p = np.flatnonzero(np.append(np.diff(p) != 0, True))
    kept = last_of_its_p[np.unique(np.linspace(0, len(last_of_its_p) - 1, MAX_CURVE_POINTS).round().astype(int))]
    return [_curve_point(float(p[end]), int(hits[: end + 1].sum()), int(end) + 1, len(guesses)) for end in kept]


def clue_counts(guesses: Sequence[Guess], truth: Truth, hierarchy: Hierarchy) -> dict[str, ClueCount]:
    """For each kind of clue, how often it fired and how often the place it supports holds the photo."""
    fired = [(kind, supports, row) for row, guess in enumerate(guesses) for kind, supports in guess.clues]
    return {
        kind: _clue_count([(supports, row) for k, supports, row in fired if k == kind], truth, hierarchy) for kind in sorted({kind for kind, _, _ in fired})
    }


def share_right(right: Array) -> Share:
    """A share with its Wilson interval, of the rows whose truth is known."""
    known = right[~np.isnan(right)]
    hits, n = int(known.sum()), len(known)
    low, high = wilson_interval(hits, n)
    return Share(n=n, right=hits, pct=finite(100 * hits / n) if n else None, wilson95_pct=interval(100 * low, 100 * high))


def _coverage(is_inside: NDArray[np.bool_], mass: Array, groups: NDArray[np.int64], noise: Noise) -> CoverageRecord:
    found = coverage(is_inside, mass, groups, n_resamples=noise.n_resamples, seed=noise.seed)
    return CoverageRecord(
        n=found.n,
        mean_mass=finite(found.mass),
        inside=finite(found.inside),
        difference=finite(found.difference),
        standard_error=number(found.standard_error),
    )


def _bins(p: Array, is_inside: NDArray[np.bool_]) -> list[ReliabilityBin]:
    which = np.clip(np.digitize(p, P_EDGES) - 1, 0, len(P_EDGES) - 2)
    bins = []
    for index in np.unique(which).tolist():
        hits = is_inside[which == index]
        low, high = wilson_interval(int(hits.sum()), len(hits))
        bins.append(
            ReliabilityBin(
                low=P_EDGES[index],
                high=P_EDGES[index + 1],
                n=len(hits),
                mean_p=finite(p[which == index].mean()),
                inside=finite(hits.mean()),
                wilson95=interval(low, high),
            )
        )
    return bins


def _curve_point(min_p: float, right: int, n: int, n_photos: int) -> CurvePoint:
    low, high = wilson_interval(right, n)
    return CurvePoint(
        min_p=finite(min_p),
        answered_pct=finite(100 * n / n_photos),
        n=n,
        right=right,
        precision_pct=finite(100 * right / n),
        wilson95_pct=interval(100 * low, 100 * high),
    )


def _clue_count(fired: Sequence[tuple[str, int]], truth: Truth, hierarchy: Hierarchy) -> ClueCount:
    judged = [(place, leaf) for supports, row in fired if (place := _place(hierarchy, supports)) is not None and (leaf := int(truth.leaf[row])) >= 0]
    right = sum(_holds(hierarchy, place, leaf) for place, leaf in judged)
    low, high = wilson_interval(right, len(judged))
    return ClueCount(
        n_photos=len({row for _, row in fired}),
        n_clues=len(fired),
        n_judged=len(judged),
        right=right,
        right_pct=finite(100 * right / len(judged)) if judged else None,
        wilson95_pct=interval(100 * low, 100 * high),
        country_right=sum(_holds(hierarchy, hierarchy.chain(place)[0], leaf) for place, leaf in judged),
    )


def _place(hierarchy: Hierarchy, place_id: str) -> int | None:
    try:
        return hierarchy.index_of(place_id)
    except UnknownName:
        return None


def _holds(hierarchy: Hierarchy, place: int, leaf: int) -> bool:
    return bool(hierarchy.leaf_start[place] <= leaf < hierarchy.leaf_stop[place])
