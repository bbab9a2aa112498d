"""Fit how far the tiers of clues are to be trusted, how common in print place names are, and the support that an answer needs, on geotagged photos.

Reliability: the posterior mode under a Beta prior of the likelihood of each photo's true country given all its clues. Support: the least one at which
four in five answers name the right country, shrunk by two pseudo-answers of which one is wrong. Both are fitted on one half of the authors and reported
on the other.
"""

import json
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fit_prior import author_weights
from numpy.typing import NDArray
from provenance import author_folds, provenance, write_result
from wordfreq import zipf_frequency

from geocairn.answer.decide import Calibration
from geocairn.answer.posterior import leaf_posterior
from geocairn.clues.clue import Clue, Tier
from geocairn.clues.toponym import main_language
from geocairn.locate import LocateSettings, Locator
from geocairn.manifest import read_manifest
from geocairn.photo.read import read_photo
from geocairn.places.gazetteer import name_key
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.clues_only import shipped_calibration

SOURCE = Path(__file__).parent.parent / "src/geocairn"
PRIORS = {Tier.STRONG: (9.0, 1.0), Tier.MEDIUM: (7.0, 3.0), Tier.WEAK: (4.0, 6.0)}
GRID = np.linspace(0.02, 0.98, 49)
# Above one half, so that the places told lie within each other, with a little room for a posterior that is a little too sure.
SUPPORTS = np.round(np.arange(0.55, 0.91, 0.01), 2)
WANTED_PRECISION = 0.8
N_NAMES, MIN_LETTERS = 20_000, 8
LONG_LISTS, END_OF_LIST = ("en", "fr", "es", "de", "it", "pt"), 1.0


@dataclass(frozen=True)
class Example:
    """A photo with clues: its true country (a place index), whether it is by an author of the half to fit on, and its weight."""

    clues: tuple[Clue, ...]
    country: int
    is_fitted_on: bool
    weight: float


def read_examples(locator: Locator, manifest_path: Path, photos: Path) -> list[Example]:
    manifest = read_manifest(manifest_path)
    hierarchy = locator.system.hierarchy
    leaf = locator.system.atlas.nearest.leaf(manifest.latlon_deg)  # type: ignore[attr-defined]
    weights, fitting = author_weights(manifest.author_codes()), author_folds(manifest, 2) == 0
    examples = []
    for row, path in enumerate(manifest.photo_paths(photos)):
        evidence = locator.system.evidence(read_photo(path))
        if leaf[row] >= 0 and evidence.clues and evidence.not_photo is None:
            country = int(hierarchy.ancestor_of_leaves(0)[leaf[row]])
            examples.append(Example(evidence.clues, country, bool(fitting[row]), float(weights[row])))
    return examples


def country_mass(hierarchy: Hierarchy, example: Example, reliability: dict[Tier, float]) -> NDArray[np.float64]:
    scores = (*(None for _ in hierarchy.level_names[:-1]), hierarchy.log_leaf_weight)
    mass = leaf_posterior(hierarchy, scores, example.clues, reliability)
    countries = hierarchy.places_of(0)
    return hierarchy.sum_leaves(mass)[countries.start : countries.stop]


def fit_tiers(hierarchy: Hierarchy, examples: Sequence[Example]) -> dict[Tier, float]:
    """Posterior modes, one tier at a time until none moves."""
    reliability = {tier: alpha / (alpha + beta) for tier, (alpha, beta) in PRIORS.items()}
    for _ in range(5):
        before = dict(reliability)
        for tier, (alpha, beta) in PRIORS.items():
            touched = [example for example in examples if any(clue.tier is tier for clue in example.clues)]
            losses = [
                sum(log_likelihood(hierarchy, example, reliability | {tier: r}) for example in touched) + alpha * np.log(r) + beta * np.log(1 - r)
                for r in GRID.tolist()
            ]
            reliability[tier] = float(GRID[int(np.argmax(losses))].round(2))
        if reliability == before:
            break
    return reliability


def log_likelihood(hierarchy: Hierarchy, example: Example, reliability: dict[Tier, float]) -> float:
    return example.weight * float(np.log(country_mass(hierarchy, example, reliability)[example.country] + 1e-12))


def answers(hierarchy: Hierarchy, examples: Sequence[Example], reliability: dict[Tier, float]) -> list[tuple[float, bool]]:
    """Per photo the probability of the best country and whether it is the true one."""
    masses = [country_mass(hierarchy, example, reliability) for example in examples]
    return [(float(mass.max()), int(mass.argmax()) == example.country) for mass, example in zip(masses, examples, strict=True)]


def fit_support(found: Sequence[tuple[float, bool]]) -> float:
    for support in SUPPORTS.tolist():
        right = [ok for p, ok in found if p >= support]
        if (sum(right) + 1) / (len(right) + 2) >= WANTED_PRECISION:
            return float(support)
    return float(SUPPORTS[-1])


def fit_word_law(hierarchy: Hierarchy) -> dict[str, dict[str, float]]:
    """How common in print names of cities are that hardly are words besides (long ones of much photographed cities), by whose language it is.

    Only of languages with a long list of words, and with what is not on it just below its end: names that print knows would else speak for all.
    """
    places = hierarchy.leaves[np.argsort(-hierarchy.log_leaf_weight)[:N_NAMES]].tolist()
    points: dict[str, list[tuple[float, float]]] = {"english": [], "own": [], "foreign": []}
    for place in places:
        if len(name_key(hierarchy.names[place])) < MIN_LETTERS:
            continue
        country = hierarchy.chain(place)[0]
        own = main_language(hierarchy.ids[country])
        for language in LONG_LISTS:
            zipf = max(float(zipf_frequency(hierarchy.names[place].casefold(), language, wordlist="large")), END_OF_LIST)
            law = "foreign" if language != own else "english" if language == "en" else "own"
            points[law].append((float(np.log10(hierarchy.count[place] + 1000 if law == "own" else hierarchy.weight[place])), zipf))
    return {law: _line(found) for law, found in points.items()}


def _line(points: Sequence[tuple[float, float]]) -> dict[str, float]:
    share_log, frequency = np.array(points, dtype=np.float64).T
    slope, intercept = np.polyfit(share_log, frequency, 1).tolist()
    return {"slope": round(slope, 3), "intercept": round(intercept, 3)}


def by_kind(hierarchy: Hierarchy, examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """How often each kind and tier of clue fired, and how often its favourite lies in the true country."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        for clue in example.clues:
            counts[f"{clue.kind} {clue.tier}"].update(fired=1, right=int(hierarchy.chain(clue.supports)[0] == example.country))
    return {key: dict(counts[key]) for key in sorted(counts)}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("photos", type=Path)
    arguments = parser.parse_args()
    path = arguments.manifest
    locator = Locator.load("clues", LocateSettings(), progress=print)
    hierarchy = locator.system.hierarchy
    law = fit_word_law(hierarchy)
    examples = read_examples(locator, path, arguments.photos)
    fitted_on, held_out = ([example for example in examples if example.is_fitted_on is half] for half in (True, False))
    tiers = fit_tiers(hierarchy, fitted_on)
    support = fit_support(answers(hierarchy, fitted_on, tiers))
    sha256 = read_manifest(path).sha256
    save(tiers, law, support, {"photos_with_clues": len(fitted_on), "manifest_sha256": sha256})
    measured = {name: measure(hierarchy, half, tiers, support) for name, half in (("fitted_half", fitted_on), ("held_out_half", held_out))}
    described = {"reliability": tiers, "support": support, "word_law": law, **measured}
    write_result("fit_reliability", {**described, **provenance(data_sha256=sha256, seed=0)})


def measure(hierarchy: Hierarchy, examples: Sequence[Example], tiers: dict[Tier, float], support: float) -> dict[str, object]:
    found = [(p, ok) for p, ok in answers(hierarchy, examples, tiers) if p >= support]
    return {
        "photos_with_clues": len(examples),
        "answered": len(found),
        "right": sum(ok for _, ok in found),
        "mean_p_of_answered": round(float(np.mean([p for p, _ in found])), 4) if found else None,
        "clues_by_kind": by_kind(hierarchy, examples),
    }


def save(tiers: dict[Tier, float], law: dict[str, dict[str, float]], support: float, fitted_on: dict[str, str | int | float]) -> None:
    described = {tier.value: {"prior_alpha": PRIORS[tier][0], "prior_beta": PRIORS[tier][1], "mean": r} for tier, r in tiers.items()}
    fitted = {"tiers": described, "word_law": law, "fitted_on": fitted_on}
    (SOURCE / "clues/reliability.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    calibration = Calibration(**{**shipped_calibration().model_dump(), "support": support, "calibrated": True, "fitted_on": fitted_on})
    (SOURCE / "systems/calibration.json").write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
