"""HierLoc's variants on small synthetic Earths on equal terms: recipes/hierloc_ablations.py [--only NAME ...] [--seeds 0,1,2] [--list] [--tiny].

A row that is in the result is measured again only where the code, the recipe or the variant's overrides have changed.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hierloc_variants import BEAMS_OF, EARTHS, EARTHS_GROUP, RECIPE, SMALL, TABLES_OF, VARIANTS, Variant, chosen, recipe_of, variants, written_out
from provenance import RESULTS, provenance, write_result
from synth_figures import LIMITS, Row, Task, hash_of, is_measured, run_tasks, source_sha256, version_of, with_row, words_of

from geocairn.errors import GeocairnError
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth

NAME = "hierloc_ablations"
SEEDS = (0, 1, 2)
AT_ONCE, THREADS = 2, 1
LONGEST_TRAINING_S = 180
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Size:
    """How much is measured, and where it is kept."""

    earth: SynthSettings
    overrides: tuple[str, ...]
    build: Path
    results: Path


FOR_THE_RECORD = Size(SynthSettings(photos=40_000, cities=3000), SMALL, ROOT / "build" / NAME, RESULTS)
# To see that all works; what comes out says nothing.
TINY = Size(SynthSettings(photos=2000, cities=60), ("train.epochs=1",), ROOT / "build" / f"{NAME}_tiny", ROOT / "build" / f"{NAME}_tiny")


def main() -> None:
    asked = arguments()
    size = TINY if asked.tiny else FOR_THE_RECORD
    names = {variant.name for variant in chosen([name for name in asked.only if name != EARTHS_GROUP])} if asked.only != [EARTHS_GROUP] else set()
    names |= set() if asked.only else set(LIMITS)
    names |= {name for pair in map(rows_of_earth, EARTHS) for name in pair} if not asked.only or EARTHS_GROUP in asked.only else set()
    path = size.results / f"{NAME}.json"
    kept: Row = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    tasks, same_as = planned(size, asked.seeds)
    described = about(size, tasks, same_as)
    wanted = [task for task in tasks if task.name in names | {same_as.get(name) for name in names}]
    waiting = [task for task in wanted if not is_measured(kept, task)]
    print(f"{len(wanted)} rows, {len(waiting)} of them to be measured", file=sys.stderr)
    if asked.list:
        for task in wanted:
            print(f"{'waits' if task in waiting else 'done'}\t{task.name}\tseed {task.seed}\t{' '.join(task.overrides[len(size.overrides) + 2 :])}")
        return
    settings_of = {earth: settings for seed in asked.seeds for earth, settings in earths(size, seed).values()}
    for earth in {task.earth for task in waiting}:
        write_synth(earth, settings_of[earth])
    for number, (task, row) in enumerate(run_tasks(waiting, at_once=AT_ONCE, threads=THREADS), start=1):
        kept = with_row(kept, described, task, row)
        write_result(NAME, kept, folder=size.results)
        print(f"{number} of {len(waiting)}: {words_of(task, row)}", file=sys.stderr)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a variant or a group; may be given several times")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=list(SEEDS), metavar="0,1,2")
    parser.add_argument("--list", action="store_true", help="say which rows there are and which wait")
    parser.add_argument("--tiny", action="store_true", help="a tiny Earth and one epoch, into build/: to see that all works")
    return parser.parse_args()


def planned(size: Size, seeds: Sequence[int]) -> tuple[list[Task], dict[str, str]]:
    """The rows that there are to measure, seed by seed, and the names of variants that come to the same as an earlier one.

    Tables and beams are measured with the row that the variants of that name come to.
    """
    source = source_sha256()
    first: dict[str, Variant] = {}
    same_as: dict[str, str] = {}
    for variant in variants():
        made_of = made_of_variant(variant, size)
        if made_of in first:
            same_as[variant.name] = first[made_of].name
        first.setdefault(made_of, variant)
    with_tables, with_beams = (same_as.get(name, name) for name in (TABLES_OF, BEAMS_OF))
    tasks = []
    for seed in seeds:
        folders = earths(size, seed)
        earth, _ = folders[""]
        blank = Task("", seed, earth, size.build, "", source, threads=THREADS)
        tasks += [replace(blank, name=limit, made_of=hash_of([limit, size.earth.sha256()])) for limit in LIMITS]
        for made_of, variant in first.items():
            overrides = (*size.overrides, f"data.dir={earth}", f"train.seed={seed}", *written_out(variant.overrides, size.overrides))
            task = replace(blank, name=variant.name, made_of=made_of, recipe=RECIPE, overrides=overrides, is_calibrated=variant.is_calibrated)
            tasks.append(replace(task, with_tables=variant.name == with_tables, with_beams=variant.name == with_beams))
        for name, changed in EARTHS.items():
            (folder, settings), (model, limit) = folders[name], rows_of_earth(name)
            hashed = settings.model_copy(update={"seed": 0}).sha256()
            overrides = (*size.overrides, f"data.dir={folder}", f"train.seed={seed}", *changed.overrides)
            recipe = recipe_of(changed.overrides, size.overrides).model_dump(mode="json")
            tasks.append(replace(blank, name=model, earth=folder, made_of=hash_of([recipe, hashed]), recipe=RECIPE, overrides=overrides))
            tasks.append(replace(blank, name=limit, earth=folder, limit="learnable", made_of=hash_of(["learnable", hashed])))
    return tasks, same_as


def earths(size: Size, seed: int) -> dict[str, tuple[Path, SynthSettings]]:
    """Folder and settings of the common Earth, under "", and of the other ones by their names."""
    common = size.earth.model_copy(update={"seed": seed})
    others = {
        name: (size.build / f"earth-{number}-{seed}", common.model_copy(update=dict(earth.changes))) for number, (name, earth) in enumerate(EARTHS.items(), 1)
    }
    return {"": (size.build / f"earth-{seed}", common), **others}


def rows_of_earth(name: str) -> tuple[str, str]:
    """Names of the rows of another Earth: the model's, and the learnable limit's."""
    return f"{name}: HierLoc", f"{name}: learnable"


def made_of_variant(variant: Variant, size: Size) -> str:
    """Hash of a variant's whole recipe and Earth, whatever its seed."""
    return hash_of([recipe_of(variant.overrides, size.overrides).model_dump(mode="json"), size.earth.sha256(), variant.is_calibrated])


def about(size: Size, tasks: Sequence[Task], same_as: dict[str, str]) -> Row:
    """What the result says besides its rows."""
    return {
        "note": "generated features: this tests the code, not what HierLoc's paper claims of photos",
        "settings": size.earth.model_dump(mode="json"),
        "base": list(size.overrides),
        "earths": list(EARTHS),
        "groups": {group: list(members) for group, members in VARIANTS.items()},
        "overrides": {variant.name: list(variant.overrides) for variant in variants()},
        "same_as": same_as,
        "longest_training_s": LONGEST_TRAINING_S,
        "tables_of": TABLES_OF,
        "beams_of": BEAMS_OF,
        **version_of(tasks),
        **provenance(data_sha256=size.earth.sha256(), seed=0),
    }


if __name__ == "__main__":
    try:
        main()
    except GeocairnError as error:
        sys.exit(str(error))
