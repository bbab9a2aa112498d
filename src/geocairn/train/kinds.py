"""Which systems can be trained: the class of each one's recipes, and what makes its task or its fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geocairn.train.fit import Fit
from geocairn.train.hierloc import HierLocRecipe, make_hierloc_task
from geocairn.train.inputs import OpenFeatures
from geocairn.train.neighbours import NeighboursRecipe, make_neighbours_fit
from geocairn.train.recipe import AnyRecipe, Recipe
from geocairn.train.softmax import SoftmaxRecipe, make_softmax_task
from geocairn.train.task import Task


@dataclass(frozen=True)
class Kind:
    """A system that learns step by step.

    Attributes:
        recipe: the class of its recipes.
        make_task: from a recipe, the folder in which it may keep what it builds from the data, such as places, and what opens the features of its photos.
    """

    recipe: type[Recipe]
    make_task: Callable[[Any, Path, OpenFeatures], Task]


@dataclass(frozen=True)
class FitKind:
    """A system that is fitted at once.

    Attributes:
        recipe: the class of its recipes.
        make_fit: from the same three.
    """

    recipe: type[AnyRecipe]
    make_fit: Callable[[Any, Path, OpenFeatures], Fit]


# By the name that a recipe's `system` gives.
KINDS: Mapping[str, Kind | FitKind] = {
    "hierloc": Kind(HierLocRecipe, make_hierloc_task),
    "softmax": Kind(SoftmaxRecipe, make_softmax_task),
    "neighbours": FitKind(NeighboursRecipe, make_neighbours_fit),
}
