"""Names of places as vectors, without any model: hashed n-grams of their characters."""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from geocairn.config import Config

Array = NDArray[np.float32]
_GRAMS_KEPT = 1 << 20


class HashedText(Config):
    """Counts of the n-grams of a name's words, each added to one of `dim` numbers with a sign, both by hash; rows of length 1.

    Equal names give equal bytes on every machine; names that share pieces ("-burg", "Saint-") lie near each other.
    """

    dim: int = Field(256, ge=1)
    shortest: int = Field(2, ge=1, description="characters of the shortest n-grams; the ends of a word count as one each")
    longest: int = Field(4, ge=1, description="characters of the longest")

    @model_validator(mode="after")
    def _lengths_are_ordered(self) -> "HashedText":
        if self.longest < self.shortest:
            raise ValueError(f"longest is below shortest, {self.shortest}")
        return self

    def embed(self, names: Sequence[str]) -> Array:
        """Vectors of names; upper and lower case, and ways to write the same character (NFKC), count as the same.

        Args:
            names: N texts.

        Returns:
            (N, dim) float32 of length 1; NaN for a name that is blank, or shorter than the shortest n-gram.

        Source: signed feature hashing, Weinberger et al., ICML 2009.
        """
        # Counts are whole numbers, and each step on them is rounded once: equal bytes on every machine.
        rows = np.zeros((len(names), self.dim), dtype=np.float32)
        for row, name in zip(rows, names, strict=True):
            numbers = [_hash(gram) for gram in self._grams(name)]
            # Signs may cancel all that was counted: such a row stays zero; one of which nothing was counted is unknown.
            for number in numbers:
                row[(number >> 1) % self.dim] += 1 - 2 * (number & 1)
            if not numbers:
                row[:] = np.nan
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(lengths == 0, 1, lengths), dtype=np.float32)

    def _grams(self, name: str) -> Iterator[str]:
        # Folding case may bring forth what NFKC writes otherwise, so that it is applied twice.
        for word in unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split():
            bounded = f"\x02{word}\x03"
            for n in range(self.shortest, self.longest + 1):
                yield from (bounded[start : start + n] for start in range(len(bounded) - n + 1))


@lru_cache(_GRAMS_KEPT)
def _hash(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
