"""The run folder: the resolved recipe first, then the log and checkpoints, and in the end the bundle and what came out.

RUN/config.toml    the recipe with every default and override
RUN/data.json      hashes of what it learns from
RUN/places/        the hierarchy of the training rows
RUN/features/      the features of the photos, where the recipe names an encoder
RUN/log.jsonl      a row every so many steps, and one for each validation
RUN/checkpoints/   the last ones and the best one, of a system that learns step by step
RUN/bundle/        of the best checkpoint
RUN/finished.json  written last
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geocairn.data.feature_store import META
from geocairn.errors import BadBundle, BadConfig, BadOutput, BadRun
from geocairn.storage import appearing_at_once, write_json
from geocairn.systems.bundle import system_sha256, verify_bundle
from geocairn.train.log import is_being_written
from geocairn.train.recipe import AnyRecipe, Recipe, parse_recipe, read_toml
from geocairn.train.toml import toml_text
from geocairn.train.used import store_used

CONFIG, DATA, FEATURES, LOG, CHECKPOINTS, BUNDLE, FINISHED = "config.toml", "data.json", "features", "log.jsonl", "checkpoints", "bundle", "finished.json"
# What a resumed run may change: how long it goes on.
LENGTHS = ("train.epochs", "train.steps")


def is_finished(run: Path, recipe: AnyRecipe) -> bool:
    """Whether the run of this very recipe has ended and its bundle is there as it was saved, calibrated since or not.

    Raises:
        BadRun: it has, but on other data.
        BadConfig: the folder of its data is gone.
    """
    if _read_told(run / FINISHED).get("recipe_sha256") != recipe.sha256() or _bundle_fault(run) is not None:
        return False
    _check_data(run, recipe)
    return True


def claim_run(run: Path, recipe: AnyRecipe, *, resume: bool) -> bool:
    """Write down what is to be trained, before anything else; with `resume`, take up a run that is there.

    A run that ended before its first row, as where the data were refused, has nothing to lose: it makes room.

    Returns:
        Whether a run of another length is taken up; its recipe is not changed yet.

    Raises:
        BadRun: a run is there and is not to be resumed, or its recipe differs in more than its length, or its data, naming the first; or the bundle
            there is not the one that the run ended with; or another process trains there.
        BadOutput: `run` is a file, holds other files, or cannot be written.
    """
    if not (run / CONFIG).exists():
        if run.exists() and (not run.is_dir() or any(run.iterdir())):
            raise BadOutput(f"{run}: is a file or holds other files; name a new folder")
        _begin(run, recipe)
        return False
    if is_being_written(run / LOG):
        raise BadRun(f"{run}: another process trains there; let that one end, or train into a new folder")
    if not _has_begun(run):
        _begin(run, recipe)
        return False
    changed = list(_changes(run, recipe))
    others = [change for change in changed if change[0] not in LENGTHS]
    if others:
        key, old, new = others[0]
        raise BadRun(f"{run}: holds a run with {key} = {old!r}, not {new!r}; name a new folder, train with its {CONFIG}, or delete it")
    _check_data(run, recipe)
    has_ended = (run / FINISHED).exists()
    if has_ended and (run / BUNDLE).exists():
        _check_bundle(run, recipe)
    if not resume:
        if changed:
            state = f"of another length ({changed[0][0]} = {changed[0][1]!r}); --resume goes on with it"
        elif has_ended:
            state = "that has ended, but its bundle is gone; --resume writes it anew"
        else:
            state = "that was cut off; --resume goes on with it"
        raise BadRun(f"{run}: holds a run {state}, or name a new folder")
    return bool(changed)


def change_length(run: Path, recipe: AnyRecipe) -> None:
    """Write down the new length of a run that is taken up: it has not ended any more."""
    write_recipe(run, recipe)
    (run / FINISHED).unlink(missing_ok=True)


def _check_bundle(run: Path, recipe: AnyRecipe) -> None:
    """Refuse to write over a bundle that is not the one which the run ended with: it is somebody's.

    Raises:
        BadRun: naming its first fault.
    """
    fault = _bundle_fault(run)
    if fault is None:
        return
    can_be_made = not isinstance(recipe, Recipe) or any((run / CHECKPOINTS).glob("*"))
    mend = f"delete {run / BUNDLE}, and --resume writes it anew" if can_be_made else "train into a new folder"
    raise BadRun(f"{run}: the run has ended, but {fault}, or {mend}")


def _bundle_fault(run: Path) -> str | None:
    """Why the bundle of a run is not the one which it ended with, calibrated since or not; None where it is."""
    try:
        verify_bundle(run / BUNDLE)
        is_other = _read_told(run / FINISHED).get("system_sha256") not in (None, system_sha256(run / BUNDLE))
    except BadBundle as error:
        return str(error)
    return f"{run / BUNDLE}: is not the bundle that it ended with; put that back" if is_other else None


def _begin(run: Path, recipe: AnyRecipe) -> None:
    data = _data_used(run, recipe)
    write_recipe(run, recipe)
    write_json(run / DATA, data)


def save_features_used(run: Path) -> None:
    """Write down which features the run has extracted: it goes on with those alone."""
    write_json(run / DATA, {**_read_told(run / DATA), **store_used(run / FEATURES)})


def _data_used(run: Path, recipe: AnyRecipe) -> Mapping[str, str]:
    own = run / FEATURES
    return {**recipe.data_used(), **(store_used(own) if recipe.makes_features() and (own / META).exists() else {})}


def _check_data(run: Path, recipe: AnyRecipe) -> None:
    """Refuse to go on with a run on other data: it would be a run of neither."""
    old, new = _read_told(run / DATA), _data_used(run, recipe)
    if new and not old:
        raise BadRun(f"{run / DATA}: does not say what the run was trained on, so nobody can tell whether the data are the same; name a new folder")
    for name in (name for name in {**new, **old} if old.get(name) != new.get(name)):
        raise BadRun(f"{run}: holds a run on other data, with {name} = {old.get(name)!r}, not {new.get(name)!r}; put the data back, or name a new folder")


def _has_begun(run: Path) -> bool:
    """Whether there is a row of a log, a checkpoint or a bundle."""
    log = run / LOG
    return (run / BUNDLE).exists() or (run / FINISHED).exists() or (log.is_file() and log.stat().st_size > 0) or any((run / CHECKPOINTS).glob("*"))


def write_recipe(run: Path, recipe: AnyRecipe) -> None:
    """Write down the recipe with all its defaults.

    Raises:
        ValueError: TOML cannot hold it, as with None where a setting has another default; a fault of the recipe's class.
    """
    text = toml_text(recipe.model_dump(mode="json"))
    if parse_recipe(type(recipe), tomllib.loads(text), source=CONFIG) != recipe:
        raise ValueError(f"{type(recipe).__name__} does not read back from TOML as it was written")
    with appearing_at_once(run / CONFIG) as draft:
        draft.write_text(text, encoding="utf-8")


def save_finished(run: Path, recipe: AnyRecipe, told: Mapping[str, Any]) -> None:
    """Write down that the run has ended, how, and with which bundle."""
    write_json(run / FINISHED, {"recipe_sha256": recipe.sha256(), "system_sha256": system_sha256(run / BUNDLE), **told})


def _changes(run: Path, recipe: AnyRecipe) -> Iterator[tuple[str, Any, Any]]:
    """Keys in which the recipe differs from the run's, with the old and the new value."""
    path = run / CONFIG
    values = read_toml(path)
    if values.get("system") != recipe.system:
        yield "system", values.get("system"), recipe.system
        return
    try:
        old = _flat(parse_recipe(type(recipe), values, source=str(path)).model_dump(mode="json"))
    except BadConfig as error:
        raise BadRun(f"{error}; the run was trained by another version or its file was changed: name a new folder") from None
    new = _flat(recipe.model_dump(mode="json"))
    yield from ((key, old.get(key), new.get(key)) for key in {**old, **new} if old.get(key) != new.get(key))


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return flat


def _read_told(path: Path) -> dict[str, Any]:
    """What a JSON file of the run says; nothing where it is not there."""
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        mend = "delete it, and --resume writes it anew" if path.name == FINISHED else "train into a new folder"
        raise BadRun(f"{path}: not readable as JSON ({' '.join(str(error).split())}); {mend}") from None
