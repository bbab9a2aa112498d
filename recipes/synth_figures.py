"""Systems on synthetic Earths: one trained there, or one of its limits, and what evaluation says of it; for the recipes that set them side by side."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter, process_time
from typing import Any, TypedDict

import geocairn
from geocairn.answer.decide import Decide
from geocairn.errors import BadManifest, BadRun
from geocairn.storage import write_json

SOURCE = Path(geocairn.__file__).parent
# What figures of a trained system pass through; a change anywhere there asks for them anew. How reports look is no part of it.
ROOMS = ("config.py", "metrics.py", "geo", "manifest.py", "places", "models", "search", "answer", "data", "systems", "synth", "train", "locate.py", "evaluate")
LOOKS = tuple(f"evaluate/{name}.py" for name in ("markdown", "plots", "maps", "canvas", "write"))
# Fixed beforehand: the better of several on the test photos would flatter. Levels do not depend on it.
DECIDE: Decide = "geoscore"
LIMITS = ("prior", "learnable", "bayes")
# Columns of a report's tables that the pages show.
TABLES, TABLE_FIGURES = ("training_count", "island"), ("n", "country_pct", "geoscore", "median_km")
Row = dict[str, Any]


class Told(TypedDict):
    """Mean over Earths, and standard deviation where there are several."""

    mean: float
    spread: float | None


def told(values: Sequence[float]) -> Told:
    return {"mean": round(mean(values), 3), "spread": round(stdev(values), 3) if len(values) > 1 else None}


def source_sha256() -> str:
    """Hash of the code that figures come from."""
    paths = (path for room in ROOMS for path in ([SOURCE / room] if room.endswith(".py") else (SOURCE / room).rglob("*.py")))
    files = {path.relative_to(SOURCE).as_posix(): path for path in paths}
    return hash_of({name: sha256(path.read_bytes()).hexdigest() for name, path in files.items() if name not in LOOKS})


def hash_of(values: Any) -> str:
    """Hash of what JSON can say, whatever the order of its keys."""
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Task:
    """A row to be measured: a system on one Earth.

    Attributes:
        name: of the row.
        limit: of the limits, its folder beside the data; "" where that is the name.
        earth: folder of the Earth, which is there.
        build: folder that keeps what is trained.
        made_of: hash of all that the row depends on but the code.
        source: hash of the code.
        recipe, overrides: what is trained; no recipe for a limit.
        is_calibrated: whether the bundle is calibrated on the validation rows first.
        with_tables, with_beams: measure by training photos and landmass, and by the width of a beam.
        threads: that training takes, and processes of the evaluation.
    """

    name: str
    seed: int
    earth: Path
    build: Path
    made_of: str
    source: str
    limit: str = ""
    recipe: Path | None = None
    overrides: tuple[str, ...] = ()
    is_calibrated: bool = True
    with_tables: bool = False
    with_beams: bool = False
    threads: int = 1


def measured(task: Task) -> Row:
    """The row of a task; what of it is trained already is not trained again. Of a training that left the finite it says so, for that is what came out."""
    version = {"source": task.source, "made_of": task.made_of}
    if task.recipe is None:
        return {**version, **figures_of(task.earth / (task.limit or task.name), task)}
    import torch

    from geocairn.train.kinds import KINDS
    from geocairn.train.recipe import read_recipe

    torch.set_num_threads(task.threads)
    recipe: Any = read_recipe(task.recipe, task.overrides, {name: kind.recipe for name, kind in KINDS.items()})
    run = task.build / "runs" / f"{hash_of([task.made_of, task.source])[:16]}-{task.seed}"
    try:
        cost = trained(recipe, run)
    except BadRun as error:
        return {**version, "error": str(error)}
    bundle, why_not = _calibrated(run, task)
    row = {**version, **cost, **figures_of(bundle, task), **({"not_calibrated": why_not} if why_not else {})}
    if task.with_beams:
        from hierloc_beams import beam_rows

        row["beams"] = beam_rows(run / "bundle", recipe)
    check_same_code(task)
    return row


def check_same_code(task: Task) -> None:
    """Stop where the code is no longer that of the task."""
    if source_sha256() != task.source:
        sys.exit(f"{task.name}, seed {task.seed}: the code was changed while it was measured; start again, in a clone of its own where others work on the code")


def trained(recipe: Any, run: Path) -> Row:
    """Train into the folder `run` unless that is done; how long it took. A run that was cut off begins anew, for nobody knows how long it took."""
    from geocairn.train.run import run_recipe

    done = run.parent / f"{run.name}.json"
    if not done.is_file():
        shutil.rmtree(run, ignore_errors=True)
        clock, core = perf_counter(), process_time()
        run_recipe(run, recipe)
        cost = {"train_wall_s": round(perf_counter() - clock, 1), "train_core_s": round(process_time() - core, 1), "threads": _threads()}
        shutil.rmtree(run / "checkpoints", ignore_errors=True)
        write_json(done, {**cost, "last_terms": _last_terms(run)})
    return dict(json.loads(done.read_text(encoding="utf-8")))


def figures_of(bundle: Path, task: Task) -> Row:
    """What `geocairn evaluate` says of a bundle on the test rows."""
    from geocairn.evaluate.run import run_evaluation
    from geocairn.evaluate.settings import EvaluationSettings

    # The spread that is told is that over Earths; resamples would be for nothing.
    settings = EvaluationSettings(bundle=str(bundle), decide=DECIDE, jobs=task.threads, n_resamples=2)
    report = run_evaluation(task.earth / "test.parquet", settings)
    figures: Row = {f"{level}_pct": share.pct for level, share in report.level_accuracy_by_mode["corrected"].items()}
    figures |= {"geoscore": report.geoscore, "median_km": report.median_km, "n": report.n, "n_failed": report.n_failed, "n_leaked": report.system.n_leaked}
    if task.with_tables:
        figures["tables"] = {table: [_table_row(row) for row in report.tables[table]] for table in TABLES if table in report.tables}
    return figures


def run_tasks(tasks: Sequence[Task], *, at_once: int, threads: int) -> Iterator[tuple[Task, Row]]:
    """Measure tasks in processes of their own, so many at once; rows as they are ready."""
    import os
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    # Read by the numeric libraries of the processes when they are loaded.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = {pool.submit(measured, task): task for task in tasks}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def version_of(tasks: Sequence[Task]) -> Row:
    """What a result says of the code, and of what each of its rows is made of: older rows are not to be shown beside newer ones."""
    return {"source": tasks[0].source, "made_of": {task.name: task.made_of for task in tasks}}


def with_row(kept: Row, described: Row, task: Task, row: Row) -> Row:
    """A result with one row more, or in the place of an older one.

    Args:
        described: what it says besides its rows. Rows of other code or recipes stay until they are measured again.
    """
    rows: Row = kept.get("rows", {})
    return {**described, "rows": {**rows, task.name: {**rows.get(task.name, {}), str(task.seed): row}}}


def current_rows(result: Row) -> dict[str, list[Row]]:
    """For each name of a result its rows in the order of their seeds, each with its `seed`: those of the code and recipes that the result says.

    Rows of trainings that failed have an `error` and no figures.
    """
    found = {}
    for name, made_of in result["made_of"].items():
        of_name = sorted(result["rows"].get(name, {}).items(), key=lambda item: int(item[0]))
        found[name] = [{"seed": int(seed), **row} for seed, row in of_name if (row["source"], row["made_of"]) == (result["source"], made_of)]
    return found


def without_failed(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """The rows that have figures; names without any are left out."""
    with_figures = {name: [row for row in of_name if "error" not in row] for name, of_name in rows.items()}
    return {name: of_name for name, of_name in with_figures.items() if of_name}


def words_of(task: Task, row: Row) -> str:
    """A row in a line, for who looks on."""
    if "error" in row:
        return f"{task.name}, seed {task.seed}: {row['error']}"
    cost = f", training {row['train_wall_s']:.0f} s" if "train_wall_s" in row else ""
    return f"{task.name}, seed {task.seed}: city {row['city_pct']:.1f} %, GeoScore {row['geoscore']:.0f}{cost}"


def is_measured(kept: Mapping[str, Any], task: Task) -> bool:
    """Whether a result holds the task's row, of the same code, recipe and Earth."""
    row: Row = kept.get("rows", {}).get(task.name, {}).get(str(task.seed), {})
    return (row.get("source"), row.get("made_of")) == (task.source, task.made_of)


def _calibrated(run: Path, task: Task) -> tuple[Path, str | None]:
    """The bundle to be evaluated, and why it could not be calibrated, as where its scores say nothing."""
    from geocairn.evaluate.calibrate import calibrate_bundle

    bundle = run / "calibrated"
    if not task.is_calibrated:
        return run / "bundle", None
    if not bundle.is_dir():
        try:
            calibrate_bundle(run / "bundle", task.earth / "val.parquet", out=bundle, jobs=task.threads)
        except BadManifest as error:
            return run / "bundle", str(error)
    return bundle, None


def _table_row(row: Any) -> Row:
    return {"value": row.value, **{name: getattr(row, name) for name in TABLE_FIGURES}}


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _last_terms(run: Path) -> dict[str, float]:
    """tau, lambda and sigma at the end of training, of a run that logs them."""
    from geocairn.train.log import read_log

    terms: dict[str, float] = next((row["terms"] for row in reversed(read_log(run / "log.jsonl")) if "terms" in row), {})
    return {name: value for name, value in terms.items() if name.startswith(("tau/", "lambda/", "sigma_km/"))}
