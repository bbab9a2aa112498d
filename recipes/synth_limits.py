"""The limits of the synthetic Earth at its full size, over three seeds: every metric by the decision rule that is best at it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from provenance import provenance, write_result
from synth_figures import best_of, told

from geocairn.answer.candidates import best_discs, best_for_geoscore, best_for_median
from geocairn.answer.regions import NOMINAL, credible_regions
from geocairn.data.feature_rows import rows_beside
from geocairn.geo.sphere import distance_km_from_units, geoscore, unit_from_latlon
from geocairn.manifest import read_manifest
from geocairn.metrics import median_km
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.nearest import NearestPlace
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth
from geocairn.systems.bundles import load_system
from geocairn.systems.limits import ConstantSystem

SEEDS = (0, 1, 2)
LIMITS = ("bayes", "learnable", "prior")
N_TESTED, BATCH = 2500, 64
WITHIN_KM = (25, 200, 750, 2500)
BUILD = Path(__file__).parent.parent / "build/synth_limits"
Rule = Callable[[Hierarchy, NDArray[np.float64]], int]
RULES: dict[str, Rule] = {
    "mode": lambda hierarchy, mass: best_discs(hierarchy, mass, 1)[0].leaf,
    "geoscore": best_for_geoscore,
    "median": best_for_median,
}


def main() -> None:
    measured = {seed: {limit: measure(seed, limit) for limit in LIMITS} for seed in SEEDS}
    spread = {limit: {name: told([measured[seed][limit][name]["value"] for seed in SEEDS]) for name in measured[SEEDS[0]][limit]} for limit in LIMITS}
    score = {limit: figures["geoscore"]["mean"] for limit, figures in spread.items()}
    checks = {
        "bayes_country_75_85": all(75 <= measured[seed]["bayes"]["country_pct"]["value"] <= 85 for seed in SEEDS),
        "bayes_city_35_50": all(35 <= measured[seed]["bayes"]["city_pct"]["value"] <= 50 for seed in SEEDS),
        "prior_geoscore_below_30_pct_of_bayes": all(
            measured[seed]["prior"]["geoscore"]["value"] < 0.3 * measured[seed]["bayes"]["geoscore"]["value"] for seed in SEEDS
        ),
    }
    settings = SynthSettings()
    result = {
        "note": "generated features: nothing here says how well a model works on real photos",
        "settings": settings.model_dump(mode="json"),
        "n_tested": N_TESTED,
        "seeds": list(SEEDS),
        "limits": spread,
        "learnable_share_of_geoscore": round((score["learnable"] - score["prior"]) / (score["bayes"] - score["prior"]), 3),
        "by_seed": {str(seed): of_seed for seed, of_seed in measured.items()},
        "checks": checks,
        **provenance(data_sha256=settings.sha256(), seed=0),
    }
    write_result("synth_limits", result)
    if not all(checks.values()):
        raise SystemExit(f"the difficulty is not as defined: {', '.join(name for name, holds in checks.items() if not holds)}")


def measure(seed: int, limit: str) -> dict[str, Any]:
    """Figures of one limit on one Earth; kept, for an interrupted run to go on."""
    kept = BUILD / f"{seed}-{limit}.json"
    if not kept.exists():
        folder = BUILD / f"earth-{seed}"
        write_synth(folder, SynthSettings(seed=seed))
        figures = figures_of(folder, limit)
        kept.write_text(json.dumps(figures), encoding="utf-8")
    return dict(json.loads(kept.read_text(encoding="utf-8")))


def figures_of(folder: Path, limit: str) -> dict[str, Any]:
    system = load_system(str(folder / limit))
    assert isinstance(system, ConstantSystem)
    manifest, hierarchy = read_manifest(folder / "test.parquet"), system.hierarchy
    rows = rows_beside(manifest.path, system.stores)
    assert rows is not None
    leaf = NearestPlace(hierarchy).leaf(manifest.latlon_deg[:N_TESTED])
    truth = unit_from_latlon(manifest.latlon_deg[:N_TESTED])
    right: list[list[float]] = []
    chosen: list[list[int]] = []
    regions: list[list[tuple[bool, float]]] = []
    for start in range(0, N_TESTED, BATCH):
        features, _ = rows.read(manifest.photos[start : min(start + BATCH, N_TESTED)])
        for offset, evidence in enumerate(system.evidence_of_features(features)):
            scores = evidence.scores[-1]
            assert scores is not None
            if limit != "prior" or not right:
                mass = np.exp(scores - scores.max())
                mass /= mass.sum()
                likeliest, points, told_regions = levels_of(hierarchy, mass), [rule(hierarchy, mass) for rule in RULES.values()], regions_of(system, mass)
            true_leaf = int(leaf[start + offset])
            right.append([np.nan if place is None else float(place == best) for place, best in zip(chain_of(hierarchy, true_leaf), likeliest, strict=True)])
            chosen.append(points)
            regions.append([(bool(member[true_leaf]), held) for member, held in told_regions])
    km = {rule: distance_km_from_units(hierarchy.unit[hierarchy.leaves[np.array(chosen)[:, column]]], truth) for column, rule in enumerate(RULES)}
    accuracy = 100 * np.nanmean(right, axis=0)
    found: dict[str, Any] = {f"{name}_pct": {"value": float(value), "rule": "levels"} for name, value in zip(hierarchy.level_names, accuracy, strict=True)}
    found |= {f"within_{radius}_km_pct": best_of({rule: 100 * float((away <= radius).mean()) for rule, away in km.items()}, max) for radius in WITHIN_KM}
    found |= {"median_km": best_of({rule: float(median_km(away)) for rule, away in km.items()}, min)}
    found |= {"mean_km": best_of({rule: float(away.mean()) for rule, away in km.items()}, min)}
    found |= {"geoscore": best_of({rule: float(geoscore(away).mean()) for rule, away in km.items()}, max)}
    for column, nominal in enumerate(NOMINAL):
        hits, held = np.array([row[column] for row in regions], dtype=np.float64).T
        found[f"region_{nominal:g}_mass"] = {"value": float(held.mean()), "rule": "region"}
        found[f"region_{nominal:g}_holds_the_truth"] = {"value": float(hits.mean()), "rule": "region"}
    return found


def levels_of(hierarchy: Hierarchy, mass: NDArray[np.float64]) -> list[int]:
    held, levels = hierarchy.sum_leaves(mass), range(len(hierarchy.level_names))
    return [hierarchy.places_of(level).start + int(np.argmax(held[list(hierarchy.places_of(level))])) for level in levels]


def chain_of(hierarchy: Hierarchy, leaf: int) -> list[int | None]:
    chain = {int(hierarchy.level[place]): place for place in hierarchy.chain(int(hierarchy.leaves[leaf]))}
    return [chain.get(level) for level in range(len(hierarchy.level_names))]


def regions_of(system: ConstantSystem, mass: NDArray[np.float64]) -> list[tuple[NDArray[np.bool_], float]]:
    """Which leaves each credible region holds, and its mass."""
    found = []
    for region in credible_regions(system.hierarchy, mass, system.territory):
        member = np.unpackbits(np.frombuffer(region.members, dtype=np.uint8), count=len(mass)).astype(bool)
        found.append((member, region.mass))
    return found


if __name__ == "__main__":
    main()
