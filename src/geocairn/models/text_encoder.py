"""CLIP's text encoder for names of places, from the folder or hub name of the image encoder that it was trained with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geocairn.errors import BadEncoder
from geocairn.models.encoders import ENCODERS, Device, chosen_device
from geocairn.models.preprocess import read_json
from geocairn.models.pretrained import encoder_sha256, load_pretrained, pretrained_folder, quiet, run_in_blocks

TEXT_ENCODERS: Mapping[str, str] = {name: hub for name, hub in ENCODERS.items() if "clip" in name}
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
_LEAVES_OUT = (r"vision_model\..*", r"visual_projection\.weight", "logit_scale", r".*\.position_ids")
BLOCK: Mapping[str, int] = {"cpu": 8, "cuda": 256}


@dataclass(frozen=True)
class TextEncoder:
    """A frozen network from names to vectors in the space of its images.

    Attributes:
        name: as the user gave it.
        sha256: of weights, configuration and tokenizer.
        dim: numbers per name.
        n_tokens: what every name is filled up or cut to.
    """

    name: str
    sha256: str
    dim: int
    n_tokens: int
    device: str
    _tokenize: Callable[[Sequence[str]], Tensor]
    _network: Callable[[Tensor], Tensor]

    def embed(self, names: Sequence[str]) -> NDArray[np.float32]:
        """(N, dim) float32 vectors of length 1; NaN for a name without a character to read."""
        is_read = np.array([bool(name.split()) for name in names], dtype=bool)
        embedded = run_in_blocks(self._network, self._tokenize(names), BLOCK[self.device], self.device) if len(names) else torch.zeros(0, self.dim)
        embedded = torch.nn.functional.normalize(embedded, dim=-1)
        return np.where(is_read[:, None], embedded.cpu().numpy(), np.float32(np.nan))


def load_text_encoder(name: str, *, device: Device = "auto") -> TextEncoder:
    """Load the text tower of a CLIP.

    Args:
        name: a folder with config.json, model.safetensors and the tokenizer's files, or one of `TEXT_ENCODERS`.

    Raises:
        UnknownName: neither a folder nor a known name.
        BadEncoder: it cannot be fetched, is no CLIP with a text tower, is damaged, or lacks its tokenizer.
        BadConfig: CUDA is asked for and there is none.
    """
    where = chosen_device(device)
    folder = pretrained_folder(name, TEXT_ENCODERS, _TOKENIZER_FILES)
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in ("clip", "clip_text_model"):
        raise BadEncoder(f"{folder / 'config.json'}: model_type {kind!r} is no CLIP with a text tower; give the folder of one, or use hashed n-grams")
    model = load_pretrained(folder, "CLIPTextModelWithProjection", torch.float32, _LEAVES_OUT).to(where)
    n_tokens = int(model.config.max_position_embeddings)  # type: ignore[union-attr, arg-type]
    tokenize = _tokenizer(folder, n_tokens)
    dim = int(model.config.projection_dim)  # type: ignore[union-attr, arg-type]
    return TextEncoder(name, _sha256(folder), dim, n_tokens, where, tokenize, lambda ids: model(input_ids=ids).text_embeds)


def text_encoder_sha256(name: str) -> str:
    """The `sha256` of a text encoder, without loading it.

    Raises:
        UnknownName: neither a folder nor a known name.
        BadEncoder: it cannot be fetched, or holds no weights.
    """
    return _sha256(pretrained_folder(name, TEXT_ENCODERS, _TOKENIZER_FILES))


def _sha256(folder: Path) -> str:
    return encoder_sha256(folder, *((folder / file).read_text(encoding="utf-8") for file in _TOKENIZER_FILES[:3] if (folder / file).is_file()))


def _tokenizer(folder: Path, n_tokens: int) -> Callable[[Sequence[str]], Tensor]:
    from transformers import CLIPTokenizer

    if not (folder / "tokenizer.json").is_file() and not ((folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()):
        raise BadEncoder(f"{folder}: holds no tokenizer.json, nor vocab.json with merges.txt; download the encoder's whole folder")
    try:
        with quiet():
            tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # noqa: BLE001 - damaged files make tokenizers raise anything
        raise BadEncoder(f"{folder}: its tokenizer cannot be read ({' '.join(str(error).split())[:200]}); download the folder anew") from None

    def tokenize(names: Sequence[str]) -> Tensor:
        ids: Tensor = tokenizer(list(names), padding="max_length", truncation=True, max_length=n_tokens, return_tensors="pt")["input_ids"]
        return ids

    return tokenize
