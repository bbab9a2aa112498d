"""Random numbers by purpose: each part of the synthetic Earth draws from a stream of its own, so that none depends on how much another draws."""

import numpy as np

_PURPOSES = (
    "cities",
    "prior",
    "unseen",
    "sites",
    "site splits",
    "splits",
    "photos",
    "authors",
    "missing",
    "generator",
    "gates",
    "warp",
    "noise",
    "tokens",
    "token noise",
    "map shares",
    "maps",
)


def numbers_for(purpose: str, seed: int, block: int = 0) -> np.random.Generator:
    """The stream of a purpose, or of one block of it."""
    return np.random.default_rng([seed, _PURPOSES.index(purpose), block])
