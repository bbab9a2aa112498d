"""One run of whatever a recipe names."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from geocairn.train import kinds
from geocairn.train.engine import Tell, Watch, train, unwatched
from geocairn.train.fit import fit_run


def run_recipe(
    out: Path,
    recipe: Any,
    *,
    resume: bool = False,
    tell: Tell = lambda words: None,
    watching: Callable[[], AbstractContextManager[Watch]] = unwatched,
) -> Path:
    """Train or fit what a recipe names into the run folder `out`; a run of the same recipe that is finished stays as it is.

    Args:
        recipe: of one of the kinds, as `read_recipe` gives it.
        resume: go on with a run that was cut off.
        tell: told what happens, in words.
        watching: opens the eyes of who looks on, for as long as steps go; a system that is fitted at once has none.

    Returns:
        The bundle.

    Raises:
        GeocairnError: whatever `engine.train` and `fit.fit_run` refuse.
    """
    kind = kinds.KINDS[recipe.system]
    if isinstance(kind, kinds.FitKind):
        return fit_run(out, recipe, partial(kind.make_fit, recipe), resume=resume, tell=tell)
    return train(out, recipe, partial(kind.make_task, recipe), resume=resume, tell=tell, watching=watching)
