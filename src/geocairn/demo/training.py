"""A small synthetic Earth, three systems trained on it, and all of them beside its limits.

FOLDER/demo.json      what is done; it marks the folder as one that may be begun anew
FOLDER/earth/         the synthetic Earth, with its limits as bundles
FOLDER/runs/NAME/     the run and bundle of each system that was trained
FOLDER/report/        the evaluation of HierLoc, with plots
FOLDER/samples.html   a few answers on a map
FOLDER/training.md    tables and pictures on one page
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import torch

from geocairn.demo.samples import Sample, place_samples, write_samples_map
from geocairn.demo.settings import TrainingDemoSettings
from geocairn.demo.words import STATEMENT, SYSTEMS, page
from geocairn.evaluate.calibrate import calibrate_bundle
from geocairn.evaluate.report import Report
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.places.files import load_hierarchy
from geocairn.storage import appearing_at_once, check_result_folder, write_json
from geocairn.synth.write import write_synth
from geocairn.train.engine import Tell, Watch, unwatched
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import read_recipe
from geocairn.train.run import run_recipe

MARK, REPORT, MAP, PAGE = "demo.json", "report", "samples.html", "training.md"
SHOWN = "hierloc"


@dataclass(frozen=True)
class TrainingDemo:
    """What came out.

    Attributes:
        n_train, n_test: photos.
        reports: by the name of the system, trained ones and limits.
        samples: answers of HierLoc.
    """

    n_train: int
    n_test: int
    reports: dict[str, Report]
    samples: list[Sample]


def begin_training_demo(folder: Path, settings: TrainingDemoSettings) -> None:
    """Empty the folder of an earlier run of this and mark it: what another version trained, or half of it, is never taken for new.

    Raises:
        BadOutput: `folder` is a file, cannot be written, or holds other things.
    """
    check_result_folder(folder, (MARK,), "training of a demo")
    # The mark goes last: a folder that was emptied by half is still known as ours.
    for held in folder.iterdir() if folder.exists() else ():
        if held.is_dir() and not held.is_symlink():
            shutil.rmtree(held)
        elif held.name != MARK:
            held.unlink()
    write_json(folder / MARK, settings.model_dump(mode="json"))


def run_training_demo(
    folder: Path,
    settings: TrainingDemoSettings,
    *,
    tell: Tell = lambda words: None,
    watching: Callable[[], AbstractContextManager[Watch]] = unwatched,
) -> TrainingDemo:
    """Draw the Earth, train, evaluate and place samples, all in `folder` and all anew.

    Args:
        tell: told each step, in words.
        watching: opens the eyes of who looks on a training, for as long as its steps go.

    Raises:
        BadOutput: `folder` is a file, cannot be written, or holds other things.
    """
    begin_training_demo(folder, settings)
    earth = folder / "earth"
    photos = write_synth(earth, settings.earth, tell=tell)["photos"]
    bundles = {name: earth / name for name in SYSTEMS if name not in settings.overrides}
    for name in settings.overrides:
        bundles[name] = _train(folder, name, settings, tell=tell, watching=watching)
    reports = {}
    for name in SYSTEMS:
        tell(f"evaluating {name}")
        asked = EvaluationSettings(bundle=str(bundles[name]), jobs=settings.jobs)
        reports[name] = run_evaluation(earth / "test.parquet", asked, out=folder / REPORT if name == SHOWN else None)
    country_names = _country_names(earth)
    samples = place_samples(bundles[SHOWN], earth / "test.parquet", settings.n_samples, country_names=country_names)
    write_samples_map(samples, folder / MAP, note=STATEMENT)
    demo = TrainingDemo(photos["train"], photos["test"], reports, samples)
    with appearing_at_once(folder / PAGE) as draft:
        draft.write_text(page(reports, samples, n_train=demo.n_train, n_test=demo.n_test), encoding="utf-8")
    return demo


def _train(folder: Path, name: str, settings: TrainingDemoSettings, *, tell: Tell, watching: Callable[[], AbstractContextManager[Watch]]) -> Path:
    """The bundle of a system, trained by its recipe and calibrated on the validation photos."""
    tell(f"training {name}")
    earth = folder / "earth"
    # As a string of TOML: a bare path might be read as something else.
    data = f"data.dir={json.dumps(str(earth), ensure_ascii=False)}"
    with as_file(files("geocairn.demo") / "recipes" / f"{name}_synth.toml") as path:
        recipe = read_recipe(path, (data, *settings.overrides[name]), {kind: known.recipe for kind, known in KINDS.items()})
    with _one_thread():
        bundle = run_recipe(folder / "runs" / name, recipe, watching=watching)
    calibrate_bundle(bundle, earth / "val.parquet", jobs=settings.jobs)
    return bundle


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread trains models as small as these nearly as fast as two, and several times faster where something else keeps a core busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _country_names(earth: Path) -> dict[str, str]:
    hierarchy = load_hierarchy(earth / "bayes" / "hierarchy.npz")
    return {hierarchy.ids[place]: hierarchy.names[place] for place in hierarchy.places_of("country")}
