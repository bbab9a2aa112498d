"""HierLoc on whole synthetic Earths beside flat softmax, nearest neighbours and the limits: recipes/hierloc_full.py [--only NAME ...] [--seeds 0,1,2] [--tiny].

A row that is in the result is measured again only where the code or its recipe has changed.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provenance import RESULTS, provenance, write_result
from synth_figures import LIMITS, Row, Task, current_rows, hash_of, is_measured, run_tasks, source_sha256, told, version_of, with_row, without_failed, words_of

from geocairn.errors import GeocairnError
from geocairn.places.entities import LEVELS
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import read_recipe

NAME = "hierloc_full"
SEEDS = (0, 1, 2)
RECIPES = {"neighbours": "neighbours_synth.toml", "softmax": "softmax_synth.toml", "hierloc": "hierloc_synth.toml"}
MODEL, BASELINES = "hierloc", ("neighbours", "softmax")
TARGETS_PCT = {"country": 95.0, "city": 85.0}
LONGEST_TRAINING_S = 40 * 60
THREADS = os.cpu_count() or 1
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Size:
    """How much is measured, and where it is kept; Earths in the folder of the recipe that measures their limits, which draws the same."""

    earth: SynthSettings
    overrides: dict[str, tuple[str, ...]]
    earths: Path
    build: Path
    results: Path


FOR_THE_RECORD = Size(SynthSettings(), {}, ROOT / "build/synth_limits", ROOT / "build" / NAME, RESULTS)
_TINY = ROOT / "build" / f"{NAME}_tiny"
# To see that all works; what comes out says nothing.
TINY = Size(SynthSettings(photos=2000, cities=60), {"softmax": ("train.epochs=1",), "hierloc": ("train.epochs=1",)}, _TINY, _TINY, _TINY)


def main() -> None:
    asked = arguments()
    size = TINY if asked.tiny else FOR_THE_RECORD
    path = size.results / f"{NAME}.json"
    kept: Row = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    tasks = planned(size, asked.seeds)
    waiting = [task for task in tasks if (not asked.only or task.name in asked.only) and not is_measured(kept, task)]
    print(f"{len(tasks)} rows, {len(waiting)} of them to be measured now", file=sys.stderr)
    for seed in {task.seed for task in waiting}:
        write_synth(size.earths / f"earth-{seed}", size.earth.model_copy(update={"seed": seed}))
    described = {
        "note": "generated features: nothing here says how well a model works on real photos",
        "settings": size.earth.model_dump(mode="json"),
        "targets_pct_of_learnable": TARGETS_PCT,
        "longest_training_s": LONGEST_TRAINING_S,
        **version_of(tasks),
        **provenance(data_sha256=size.earth.sha256(), seed=0),
    }
    for number, (task, row) in enumerate(run_tasks(waiting, at_once=1, threads=THREADS), start=1):
        kept = with_row(kept, described, task, row)
        kept["compared"] = compared(without_failed(current_rows(kept)))
        write_result(NAME, kept, folder=size.results)
        print(f"{number} of {len(waiting)}: {words_of(task, row)}", file=sys.stderr)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], choices=[*LIMITS, *RECIPES], help="may be given several times")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=list(SEEDS), metavar="0,1,2")
    parser.add_argument("--tiny", action="store_true", help="a tiny Earth and one epoch, into build/: to see that all works")
    return parser.parse_args()


def planned(size: Size, seeds: Sequence[int]) -> list[Task]:
    """The rows that there are to measure, seed by seed, the limits first."""
    source, tasks = source_sha256(), []
    for seed in seeds:
        earth = size.earths / f"earth-{seed}"
        blank = Task("", seed, earth, size.build, "", source, with_tables=True, threads=THREADS)
        tasks += [replace(blank, name=limit, made_of=hash_of([limit, size.earth.sha256()])) for limit in LIMITS]
        for name, file in RECIPES.items():
            recipe, overrides = ROOT / "recipes" / file, size.overrides.get(name, ())
            made_of = hash_of([_values(recipe, overrides), size.earth.sha256()])
            its_own = (f"data.dir={earth}", *([] if name == "neighbours" else [f"train.seed={seed}"]))
            tasks.append(replace(blank, name=name, made_of=made_of, recipe=recipe, overrides=(*overrides, *its_own)))
    return tasks


def compared(rows: dict[str, list[Row]]) -> Row:
    """Shares and checks over the seeds that all systems have been measured on; nothing while there is none.

    Args:
        rows: by system, as `synth_figures.current_rows` gives them.

    Returns:
        For each trained system its share of the GeoScore between prior and Bayes, and of the learnable limit's accuracy at each level, in per cent; whether
        the targets are reached, and by how much, in points of per cent of the learnable limit; whether the model is above the baselines in all figures.
    """
    known = {name: {row["seed"]: row for row in rows.get(name, [])} for name in (*LIMITS, *RECIPES)}
    seeds = sorted(set.intersection(*(set(of_seeds) for of_seeds in known.values())))
    if not seeds:
        return {}
    figures = {name: [figures_of_row(of_seeds[seed]) for seed in seeds] for name, of_seeds in known.items()}
    trained = [known[MODEL][seed] for seed in seeds]
    longest_s = max(row["train_wall_s"] for row in trained)
    shares = {name: shares_of(figures, name) for name in (*RECIPES, "learnable")}
    return {
        "seeds": seeds,
        "systems": shares,
        "targets": {level: against_target(shares[MODEL]["pct_of_learnable"][level]["mean"], target) for level, target in TARGETS_PCT.items()},
        "is_above_in_all": {name: all(map(is_above, figures[MODEL], figures[name])) for name in BASELINES},
        "training": {"longest_s": longest_s, "is_within": longest_s <= LONGEST_TRAINING_S, "threads": trained[0]["threads"]},
    }


def figures_of_row(row: Row) -> dict[str, float]:
    """Accuracy of each level, and GeoScore."""
    return {**{level: row[f"{level}_pct"] for level in LEVELS}, "geoscore": row["geoscore"]}


def shares_of(figures: Mapping[str, Sequence[Mapping[str, float]]], name: str) -> Row:
    """What a system has of GeoScore between prior and Bayes, and of the learnable limit's accuracies."""
    score = {system: [of_seed["geoscore"] for of_seed in figures[system]] for system in (name, "prior", "bayes")}
    of_bayes = [100 * (own - prior) / (bayes - prior) for own, prior, bayes in zip(*score.values(), strict=True)]
    of_learnable = {level: told([100 * own[level] / limit[level] for own, limit in zip(figures[name], figures["learnable"], strict=True)]) for level in LEVELS}
    return {"share_of_geoscore_pct": told(of_bayes), "pct_of_learnable": of_learnable}


def against_target(pct: float, target_pct: float) -> Row:
    return {"target_pct": target_pct, "pct": pct, "is_reached": pct >= target_pct, "above_target": round(pct - target_pct, 3)}


def is_above(mine: Mapping[str, float], theirs: Mapping[str, float]) -> bool:
    return all(mine[name] > theirs[name] for name in mine)


def _values(recipe: Path, overrides: Sequence[str]) -> Any:
    return read_recipe(recipe, overrides, {name: kind.recipe for name, kind in KINDS.items()}).model_dump(mode="json")


if __name__ == "__main__":
    try:
        main()
    except GeocairnError as error:
        sys.exit(str(error))
