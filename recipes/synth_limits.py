"""The limits of the synthetic Earth, each figure by the decision rule that is best at it: recipes/synth_limits.py [--tiny].

A row that is in the result is measured again only where the code, this recipe or the Earth has changed.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from provenance import RESULTS, provenance, write_result
from synth_figures import Row, Task, check_same_code, current_rows, hash_of, is_measured, source_sha256, told, version_of, with_row

from geocairn.answer.best_leaves import Best, Spots, best_for_median_over_photos, best_leaves, best_within
from geocairn.answer.regions import NOMINAL, credible_regions
from geocairn.data.feature_rows import rows_beside
from geocairn.errors import GeocairnError
from geocairn.geo.sphere import distance_km_from_units, geoscore, unit_from_latlon
from geocairn.manifest import Manifest, read_manifest
from geocairn.metrics import median_km
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.nearest import NearestPlace
from geocairn.synth.earth import Earth, draw_earth
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth
from geocairn.systems.bundles import load_system
from geocairn.systems.limits import ConstantSystem
from geocairn.systems.system import Evidence

NAME = "synth_limits"
LIMITS = ("bayes", "learnable", "prior")
BATCH = 64
WITHIN_KM = (25, 200, 750, 2500)
RULES = {
    **{f"within_{radius}_km_pct": f"most probability within {radius} km" for radius in WITHIN_KM},
    "median_km": "most probability within one radius, the least at which half of the photos are expected",
    "mean_km": "least expected distance",
    "geoscore": "highest expected GeoScore",
}
"""Of all cities which one is answered, for each figure of distances."""
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Size:
    """How much is measured, and where it is kept."""

    earth: SynthSettings
    seeds: tuple[int, ...]
    n_tested: int
    build: Path
    results: Path


FOR_THE_RECORD = Size(SynthSettings(), (0, 1, 2), 2500, ROOT / "build" / NAME, RESULTS)
_TINY = ROOT / "build" / f"{NAME}_tiny"
# To see that all works; what comes out says nothing.
TINY = Size(SynthSettings(photos=2000, cities=60), (0, 1), 50, _TINY, _TINY)


@dataclass(frozen=True)
class Seen:
    """What a limit makes of N test photos.

    Attributes:
        masses: (M, L) posteriors; only one where it is the same for all photos.
        of_photo: (N,) index of each photo's posterior.
        right: (N, levels) whether the likeliest place of a level is the true one; NaN where the truth has none.
        regions: (N, regions, 2) whether each credible region holds the truth, and its mass.
    """

    masses: NDArray[np.float32]
    of_photo: NDArray[np.int64]
    right: NDArray[np.float64]
    regions: NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="tiny Earths, into build/: to see that all works")
    asked = parser.parse_args()
    result = measure_all(TINY if asked.tiny else FOR_THE_RECORD)
    failed = [name for name, holds in result["checks"].items() if not holds]
    if failed and not asked.tiny:
        sys.exit(f"the difficulty is not as defined: {', '.join(failed)}")


def measure_all(size: Size) -> Row:
    """Measure what the result does not hold yet, row by row; the result."""
    path = size.results / f"{NAME}.json"
    kept: Row = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    tasks = planned(size)
    described = {
        "note": "generated features: nothing here says how well a model works on real photos",
        "settings": size.earth.model_dump(mode="json"),
        "n_tested": size.n_tested,
        "rules": RULES,
        **version_of(tasks),
        **provenance(data_sha256=size.earth.sha256(), seed=0),
    }
    for task in [task for task in tasks if not is_measured(kept, task)]:
        kept = with_row(kept, described, task, measured(size, task))
        kept |= summary(current_rows(kept))
        write_result(NAME, kept, folder=size.results)
        print(f"{task.name}, seed {task.seed}: GeoScore {kept['rows'][task.name][str(task.seed)]['geoscore']['value']:.0f}", file=sys.stderr)
    return kept


def planned(size: Size) -> list[Task]:
    """The rows that there are to measure, Earth by Earth."""
    source, recipe = source_sha256(), sha256(Path(__file__).read_bytes()).hexdigest()
    made_of = {limit: hash_of([limit, size.earth.sha256(), size.n_tested, recipe]) for limit in LIMITS}
    return [Task(limit, seed, size.build / f"earth-{seed}", size.build, made_of[limit], source) for seed in size.seeds for limit in LIMITS]


def measured(size: Size, task: Task) -> Row:
    """The row of a limit on one Earth."""
    settings = size.earth.model_copy(update={"seed": task.seed})
    write_synth(task.earth, settings)
    figures = figures_of(task.earth / task.name, drawn(settings), size.n_tested)
    check_same_code(task)
    return {"source": task.source, "made_of": task.made_of, **figures}


@lru_cache(maxsize=1)
def drawn(settings: SynthSettings) -> Earth:
    return draw_earth(settings)


def summary(rows: dict[str, list[Row]]) -> Row:
    """Means and checks over the Earths that all limits have been measured on; nothing while there is none."""
    known = {limit: {row["seed"]: row for row in rows.get(limit, [])} for limit in LIMITS}
    seeds = sorted(set.intersection(*(set(of_seeds) for of_seeds in known.values())))
    if not seeds:
        return {}
    values = {limit: [{name: of["value"] for name, of in known[limit][seed].items() if isinstance(of, dict)} for seed in seeds] for limit in LIMITS}
    limits = {limit: {name: told([of_seed[name] for of_seed in of_seeds]) for name in of_seeds[0]} for limit, of_seeds in values.items()}
    bayes, learnable, prior = (limits[limit]["geoscore"]["mean"] for limit in LIMITS)
    return {
        "seeds": seeds,
        "limits": limits,
        "learnable_share_of_geoscore": round((learnable - prior) / (bayes - prior), 3),
        "checks": {
            "bayes_country_75_85": all(75 <= of_seed["country_pct"] <= 85 for of_seed in values["bayes"]),
            "bayes_city_35_50": all(35 <= of_seed["city_pct"] <= 50 for of_seed in values["bayes"]),
            "prior_geoscore_below_30_pct_of_bayes": all(
                floor["geoscore"] < 0.3 * best["geoscore"] for floor, best in zip(values["prior"], values["bayes"], strict=True)
            ),
        },
    }


def figures_of(bundle: Path, earth: Earth, n_tested: int) -> Row:
    """All figures of a limit on the first test photos of an Earth."""
    system = load_system(str(bundle))
    assert isinstance(system, ConstantSystem)
    if not np.array_equal(system.hierarchy.unit, earth.hierarchy.unit):
        sys.exit(f"{bundle.parent}: another Earth than the code draws now; remove the folder")
    manifest = read_manifest(bundle.parent / "test.parquet")
    seen = looked_at(system, manifest, n_tested)
    latlon_deg, city = earth.sites.of_split("test")
    spots, truth = Spots(unit_from_latlon(latlon_deg), city), unit_from_latlon(manifest.latlon_deg[:n_tested])
    found = figures_of_distances(system.hierarchy, spots, seen, truth)
    accuracy = 100 * np.nanmean(seen.right, axis=0)
    found |= {f"{name}_pct": {"value": float(value)} for name, value in zip(system.hierarchy.level_names, accuracy, strict=True)}
    for nominal, (hits, held) in zip(NOMINAL, seen.regions.mean(axis=0).tolist(), strict=True):
        found |= {f"region_{nominal:g}_mass": {"value": held}, f"region_{nominal:g}_holds_the_truth": {"value": hits}}
    return found


def looked_at(system: ConstantSystem, manifest: Manifest, n_tested: int) -> Seen:
    """The posteriors of the first test photos, and what they say of places and regions."""
    hierarchy, rows = system.hierarchy, rows_beside(manifest.path, system.stores)
    assert rows is not None
    photos, leaf = manifest.photos[:n_tested], NearestPlace(hierarchy).leaf(manifest.latlon_deg[:n_tested])
    last, masses, of_photo, right, regions = None, [], [], [], []
    for start in range(0, len(photos), BATCH):
        features, _ = rows.read(photos[start : start + BATCH])
        for true_leaf, evidence in zip(leaf[start : start + BATCH].tolist(), system.evidence_of_features(features), strict=True):
            if evidence is not last:
                last, mass = evidence, posterior(evidence)
                masses.append(mass.astype(np.float32))
                likeliest, told_regions = levels_of(hierarchy, mass), regions_of(system, mass)
            of_photo.append(len(masses) - 1)
            right.append([np.nan if place is None else float(place == best) for place, best in zip(chain_of(hierarchy, true_leaf), likeliest, strict=True)])
            regions.append([(float(member[true_leaf]), held) for member, held in told_regions])
    return Seen(np.array(masses), np.array(of_photo), np.array(right), np.array(regions))


def posterior(evidence: Evidence) -> NDArray[np.float64]:
    """(L,) probabilities of the leaves; a limit needs no calibration."""
    scores = evidence.scores[-1]
    assert scores is not None
    mass = np.exp(scores - scores.max())
    return np.asarray(mass / mass.sum())


def figures_of_distances(hierarchy: Hierarchy, spots: Spots, seen: Seen, truth: NDArray[np.float64]) -> Row:
    """Each figure by its rule, which knows no truth: its value on the photos, and what was to be expected.

    Args:
        spots: where the photos were taken, as far as the rules know.
        truth: (N, 3) unit vectors of the photos.
    """

    def km(best: Best) -> NDArray[np.float64]:
        return distance_km_from_units(hierarchy.leaf_unit[best.leaf[seen.of_photo]], truth)

    def expected(best: Best) -> float:
        return float(best.expected[seen.of_photo].mean())

    found = {}
    for radius in WITHIN_KM:
        best = best_within(hierarchy, seen.masses, radius, spots=spots)
        found[f"within_{radius}_km_pct"] = {"value": 100 * float((km(best) <= radius).mean()), "expected": 100 * expected(best)}
    radius_of_half_km, best = best_for_median_over_photos(hierarchy, seen.masses, spots=spots)
    found["median_km"] = {"value": float(median_km(km(best))), "expected": radius_of_half_km}
    best = best_leaves(hierarchy, seen.masses, np.negative, spots=spots)
    found["mean_km"] = {"value": float(km(best).mean()), "expected": -expected(best)}
    best = best_leaves(hierarchy, seen.masses, geoscore, spots=spots)
    found["geoscore"] = {"value": float(geoscore(km(best)).mean()), "expected": expected(best)}
    return found


def levels_of(hierarchy: Hierarchy, mass: NDArray[np.float64]) -> list[int]:
    """The likeliest place of each level."""
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
    try:
        main()
    except GeocairnError as error:
        sys.exit(str(error))
