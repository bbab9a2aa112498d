"""Systems that are fitted at once, without optimiser steps: recipe -> the same run folder, but for checkpoints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from geocairn.train.log import RunLog
from geocairn.train.recipe import AnyRecipe
from geocairn.train.run_folder import BUNDLE, LOG, claim_run, is_finished, save_finished


class Fit(Protocol):
    """A system that is fitted by trying settings on validation rows."""

    @property
    def sizes(self) -> Sequence[str]:
        """What a fit would take, a line each; known without trying anything."""

    @property
    def unused(self) -> Sequence[str]:
        """What of the training rows it cannot use, and why, in words; nothing where it uses all."""

    def tries(self) -> Iterator[Mapping[str, Any]]:
        """Try all settings, in the same order each time; a row of the log for each, with a `step` from 1."""

    @property
    def found(self) -> Mapping[str, Any]:
        """What is to be written down of the settings that were chosen; known after `tries`."""

    def save_bundle(self, folder: Path) -> None:
        """Write the bundle with the settings that were chosen, in place of an older one of the run."""


# From the folder in which it may keep what it builds from the data, such as places.
MakeFit = Callable[[Path], Fit]


def fit_run(out: Path, recipe: AnyRecipe, make_fit: MakeFit, *, resume: bool = False, tell: Callable[[str], None] = lambda words: None) -> Path:
    """Fit a system into the run folder `out`; a run of the same recipe that is finished stays as it is.

    Args:
        resume: begin again a run that was cut off, or whose bundle is gone: there are no steps to go on from, and the log keeps the rows that it has.
        tell: told what happens, in words.

    Returns:
        The bundle.

    Raises:
        BadRun: a run is there that is not to be resumed, or one of another recipe.
        BadOutput: `out` holds other files, or cannot be written.
    """
    if is_finished(out, recipe):
        tell(f"{out}: already trained")
        return out / BUNDLE
    claim_run(out, recipe, resume=resume)
    with RunLog(out / LOG) as log:
        fit = make_fit(out)
        for words in fit.unused:
            tell(words)
        for row in fit.tries():
            log.append(row)
        fit.save_bundle(out / BUNDLE)
        save_finished(out, recipe, fit.found)
    return out / BUNDLE


def sizes_of(make_fit: MakeFit) -> Sequence[str]:
    """What a fit would take, in words; leaves nothing behind."""
    with TemporaryDirectory(prefix="geocairn-dry-run-") as folder:
        fit = make_fit(Path(folder))
        return [*fit.sizes, *fit.unused]
