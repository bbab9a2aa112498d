"""What systems demand of the arrays of their bundles, and of the scores that they make with them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geocairn.errors import BadBundle, BadFeatures
from geocairn.systems.bundle import WEIGHTS, Bundle

# What float32 holds, with room for differences: beyond it scores are faults of a system.
HIGHEST_SCORE = 1e37


def checked_array(bundle: Bundle, name: str, n_dims: int, dtype: DTypeLike) -> NDArray[np.generic]:
    """An array of a bundle.

    Raises:
        BadBundle: it is not there, of another type or number of dimensions, or not finite.
    """
    found = bundle.arrays.get(name)
    if found is None:
        raise BadBundle(f"{bundle.folder / WEIGHTS}: holds no array {name!r}; train it anew")
    if found.dtype != dtype or found.ndim != n_dims:
        wanted = f"{np.dtype(dtype)} of {n_dims} dimensions"
        raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {name!r} is {found.dtype} of shape {found.shape}, not {wanted}; train it anew")
    if not np.isfinite(found).all():
        raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {name!r} is not finite; train it anew")
    return found


def sizes_of(arrays: Mapping[str, NDArray[Any]], axes: Mapping[str, Sequence[str | int]]) -> dict[str, int]:
    """The sizes of the axes of a model's arrays, which share them.

    Args:
        axes: for each array its axes: names, or the sizes that they must have.

    Returns:
        The size of each named axis.

    Raises:
        KeyError: an array is not there.
        BadBundle: one is empty, or of another shape than those before it allow.
    """
    sizes: dict[str, int] = {}
    for name, wanted in axes.items():
        shape = arrays[name].shape
        if len(shape) == len(wanted):
            for axis, size in zip(wanted, shape, strict=True):
                if isinstance(axis, str):
                    sizes.setdefault(axis, size)
        expected = tuple(axis if isinstance(axis, int) else sizes.get(axis, axis) for axis in wanted)
        if shape != expected or 0 in shape:
            told = "something" if 0 in shape else str(expected).replace("'", "")
            raise BadBundle(f"its array {name!r} is of shape {shape}, not {told}")
    return sizes


def check_range(array: NDArray[Any], name: str, *, least: float = -np.inf, most: float = np.inf, above: float = -np.inf) -> None:
    """Refuse numbers of a model's array beyond their range.

    Args:
        least, most: the range, itself allowed.
        above: what all must be greater than.

    Raises:
        BadBundle: naming the first such number.
    """
    wrong = ~((array >= least) & (array <= most) & (array > above))
    if wrong.any():
        rule = f"above {above:g}" if np.isfinite(above) else f"at least {least:g}" if np.isinf(most) else f"from {least:g} to {most:g}"
        raise BadBundle(f"its array {name!r} holds {np.asarray(array)[wrong][0]:g}, and all of it must be {rule}")


def check_shares(array: NDArray[Any], name: str) -> None:
    """Refuse rows of a model's array that are no probabilities.

    Raises:
        BadBundle: a number is negative, or a row does not sum to 1.
    """
    check_range(array, name, least=0)
    if (np.abs(array.sum(axis=-1) - 1) > 1e-6).any():
        raise BadBundle(f"its array {name!r} holds probabilities that do not sum to 1")


def check_no_other_arrays(bundle: Bundle, known: Iterable[str]) -> None:
    """Refuse arrays that nobody reads.

    Raises:
        BadBundle: naming the first one.
    """
    unknown = sorted({*bundle.arrays} - {*known}) if (bundle.folder / WEIGHTS).exists() else []
    if unknown:
        raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {unknown[0]!r} is not known to the kind {bundle.config.kind!r}; take it out")


def check_spread(std: NDArray[np.float32], name: str, bundle: Bundle) -> None:
    """Refuse what cannot be the spread of training photos' features. That of a feature that never varied is 0, but of several photos some feature varies.

    Raises:
        BadBundle: a negative number, or 0 throughout.
    """
    counted = bundle.hierarchy.places_of(0)
    n_photos = int(bundle.hierarchy.count[counted.start : counted.stop].sum())
    if (std < 0).any():
        raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {name!r} is a spread, but {std.min():g} is among its numbers; train it anew")
    if n_photos > 1 and not (std > 0).any():
        raise BadBundle(f"{bundle.folder / WEIGHTS}: its array {name!r} is 0 throughout, as if all training photos were alike; train it on other features")


def check_takes_features(bundle: Bundle) -> None:
    """Refuse a bundle that takes features and does not say which.

    Raises:
        BadBundle: it names no store.
    """
    if not bundle.config.stores:
        raise BadBundle(f"{bundle.folder / 'config.json'}: stores = {{}}: the kind {bundle.config.kind!r} takes features; name their store and encoder")


def check_finite_features(features: NDArray[np.floating], bundle_name: str, dim: int, *, more: bool = False) -> None:
    """Refuse features that a bundle does not take.

    Args:
        features: (B, F).
        dim: numbers per photo that the bundle takes.
        more: whether others may follow them.

    Raises:
        BadFeatures: of another width, or not finite.
    """
    if features.ndim != 2 or features.shape[1] < dim or (features.shape[1] > dim and not more):
        raise BadFeatures(f"features of shape {features.shape}: the bundle {bundle_name!r} takes {dim} numbers per photo")
    is_whole = np.isfinite(features).all(axis=1)
    if not is_whole.all():
        raise BadFeatures(f"{int((~is_whole).sum())} of {len(features)} rows of features are not finite; extract them anew")


def without_broken_rows(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows as they are, but NaN throughout where one has a NaN, no best place, or numbers that no log-probability reaches: it says nothing of any place.

    Args:
        scores: (B, L) log-scores; minus infinity excludes a place. Changed in place.
    """
    bounded = np.where(np.isneginf(scores), 0, scores)
    is_whole = (np.abs(bounded) < HIGHEST_SCORE).all(axis=1) & ~np.isneginf(scores).all(axis=1)
    scores[~is_whole] = np.nan
    return scores
