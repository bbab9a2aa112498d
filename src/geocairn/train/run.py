"""One run of whatever a recipe names."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from geocairn.data.extract import Watch as WatchPhotos
from geocairn.train import kinds
from geocairn.train.engine import Tell, Watch, train, unwatched
from geocairn.train.fit import fit_run
from geocairn.train.inputs import OpenFeatures, open_features

Made = TypeVar("Made")


def run_recipe(
    out: Path,
    recipe: Any,
    *,
    resume: bool = False,
    tell: Tell = lambda words: None,
    tell_error: Tell = lambda error: None,
    watching: Callable[[], AbstractContextManager[Watch]] = unwatched,
    watch_photos: WatchPhotos = lambda photos, total: iter(photos),
) -> Path:
    """Train or fit what a recipe names into the run folder `out`; a run of the same recipe that is finished stays as it is.

    Args:
        recipe: of one of the kinds, as `read_recipe` gives it.
        resume: go on with a run that was cut off.
        tell: told what happens, in words.
        tell_error: told the error of each photo that is to be encoded and cannot be, as it comes.
        watching: opens the eyes of who looks on, for as long as steps go; a system that is fitted at once has none.
        watch_photos: wraps the photos that are to be encoded, with their number.

    Returns:
        The bundle.

    Raises:
        GeocairnError: whatever `engine.train` and `fit.fit_run` refuse.
    """
    kind = kinds.KINDS[recipe.system]
    features = partial(open_features, watch=watch_photos, tell=tell, tell_error=tell_error)

    def made(make: Callable[[Any, Path, OpenFeatures], Made], folder: Path) -> Made:
        for words in recipe.rows_left_out():
            tell(words)
        return make(recipe, folder, features)

    if isinstance(kind, kinds.FitKind):
        return fit_run(out, recipe, partial(made, kind.make_fit), resume=resume, tell=tell)
    return train(out, recipe, partial(made, kind.make_task), resume=resume, tell=tell, watching=watching)
