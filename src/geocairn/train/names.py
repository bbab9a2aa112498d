"""What the names of entities become: hashed n-grams, or what a CLIP's text tower makes of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.models.text_features import HashedText

HASHED = "hashed"


class NameSettings(HashedText):
    """How names are embedded; `dim`, `shortest` and `longest` are of hashed n-grams alone."""

    encoder: str = Field(HASHED, min_length=1, description="hashed: n-grams of characters, without a model; else folder or name of a CLIP with a text tower")

    def embed(self, names: Sequence[str]) -> NDArray[np.float32]:
        """(N, d) float32 vectors of length 1; NaN for a blank name.

        Raises:
            UnknownName, BadEncoder: the encoder is neither a folder nor a known name, cannot be fetched, or has no text tower.
        """
        if self.encoder == HASHED:
            return super().embed(names)
        from geocairn.models.text_encoder import load_text_encoder

        return load_text_encoder(self.encoder).embed(names)

    def encoder_used(self) -> Mapping[str, str]:
        """Hash of the encoder's files; nothing for hashed n-grams.

        Raises:
            UnknownName, BadEncoder: as for `embed`.
        """
        if self.encoder == HASHED:
            return {}
        from geocairn.models.text_encoder import text_encoder_sha256

        return {"text.encoder": text_encoder_sha256(self.encoder)}
