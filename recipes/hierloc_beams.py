"""How right a trained HierLoc is by beams of several widths and flat, and how often a beam's answer is that of trying all places."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.data.feature_store import open_store
from geocairn.places.entities import LEVELS
from geocairn.search.beam import Score, beam_search
from geocairn.search.flat import nearest_leaves, nearest_places
from geocairn.search.index import EntityIndex
from geocairn.systems.bundle import load_bundle
from geocairn.systems.hierloc import HierLocSystem
from geocairn.train.hierloc import HierLocRecipe
from geocairn.train.rows import read_rows

WIDTHS = (1, 2, 4, 10, 32)
SCORES: tuple[Score, ...] = ("last", "sum")
UNKNOWN = -1


def beam_rows(bundle: Path, recipe: HierLocRecipe) -> list[dict[str, Any]]:
    """Accuracies of the test rows by each width and score; `flat` tries all leaves, and `levels` the places of each level apart.

    Args:
        bundle: of a model without prior, for a search goes by distances alone.
        recipe: that it was trained by.
    """
    system = HierLocSystem(load_bundle(bundle))
    hierarchy, index = system.hierarchy, system.index
    levels = range(len(hierarchy.level_names))
    rows = read_rows(recipe.data.dir / "test.parquet", recipe, hierarchy, open_store(recipe.data.dir / recipe.data.store))
    queries = system.points(rows.read(np.arange(len(rows))).numpy())
    widest = max(len(hierarchy.places_of(level)) for level in levels)
    every = {"last": nearest_leaves(queries, index).places[:, 0], "sum": beam_search(queries, index, width=widest, score="sum").places[:, 0]}
    told = []
    for score in SCORES:
        answers = {str(width): beam_search(queries, index, width=width, score=score).places[:, 0] for width in WIDTHS} | {"flat": every[score]}
        for width, answer in answers.items():
            right = right_pct(index.chains(answer), rows.labels, index)
            same = {f"same_as_flat_{other}_pct": 100 * float((answer == every[other]).mean()) for other in SCORES}
            told.append({"width": width, "score": score, **right, **same})
    apart = np.stack([nearest_places(queries, index, level).places[:, 0] for level in levels], axis=1)
    return [*told, {"width": "levels", "score": "last", **right_pct(apart, rows.labels, index)}]


def right_pct(places: NDArray[np.int32], labels: NDArray[np.int64], index: EntityIndex) -> dict[str, float]:
    """How often places are the true ones.

    Args:
        places: (N, levels) found, -1 for none.
        labels: (N, levels) true ones, counted within their level; -1 where not known, and then left out; -2 for a place that the index does not have.
    """
    true = np.where(labels >= 0, labels + np.array(index.level_starts[:-1]), labels)
    known = labels != UNKNOWN
    return {f"{name}_pct": 100 * float((places == true)[known[:, level], level].mean()) for level, name in enumerate(LEVELS)}
