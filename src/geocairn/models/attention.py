"""An image's tangent looks at the tangents of all entities, level by level, and is moved by what it sees."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from geocairn.config import Config
from geocairn.models.limits import MOST_UNITS


class AttentionConfig(Config):
    """Cross-attention from the image to the entities. Source: HierLoc, section 3.5."""

    is_on: bool = True
    heads: int = Field(8, ge=1, le=MOST_UNITS)
    fuse_hidden: int = Field(512, ge=1, le=MOST_UNITS)
    dropout: float = Field(0.1, ge=0, lt=1)
    trains_entities: bool = Field(
        False, description="whether gradients flow through attention into the entities; the paper lets them 'remain fixed' there, against overfitting"
    )


class KeysAndValues(NamedTuple):
    """Projected entities of one level, each (heads, n, d / heads)."""

    keys: Tensor
    values: Tensor


class LevelAttention(nn.Module):
    """Multi-head attention of images to the entities of one level.

    The softmax runs over all entities at once in blocks (flash attention, on a processor as on a GPU), so that no (B, n) table is kept, in training or after.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.value, self.out = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        # A bias of the keys would add the same to all scores of a softmax, and never learn.
        self.key = nn.Linear(dim, dim, bias=False)

    def project(self, entities: Tensor) -> KeysAndValues:
        """(n, d) tangents -> keys and values: what inference keeps."""
        return KeysAndValues(self._split(self.key(entities)), self._split(self.value(entities)))

    def forward(self, z: Tensor, entities: KeysAndValues) -> Tensor:
        """(B, d) tangents -> (B, d) what they see; 0 where the level has no entity."""
        if entities.keys.shape[1] == 0:
            return torch.zeros_like(z)
        seen = scaled_dot_product_attention(self._split(self.query(z))[None], entities.keys[None], entities.values[None])[0]
        out: Tensor = self.out(seen.transpose(0, 1).flatten(1))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.heads, x.shape[1] // self.heads).transpose(0, 1)


class Fusion(nn.Module):
    """z* = z + MLP([seen at level 1 || seen at level 2 || ...])."""

    def __init__(self, config: AttentionConfig, dim: int, n_levels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(LevelAttention(dim, config.heads) for _ in range(n_levels))
        self.fuse = nn.Sequential(nn.Linear(n_levels * dim, config.fuse_hidden), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.fuse_hidden, dim))

    def project(self, entities: Sequence[Tensor]) -> list[KeysAndValues]:
        """(n, d) tangents of each level -> their keys and values."""
        return [level.project(tangents) for level, tangents in zip(self.levels, entities, strict=True)]  # type: ignore[operator]

    def forward(self, z: Tensor, entities: Sequence[KeysAndValues]) -> Tensor:
        """(B, d) image tangents, float32 or wider -> (B, d) of the same width, whatever autocast says."""
        seen = [level(z, projected) for level, projected in zip(self.levels, entities, strict=True)]
        moved: Tensor = self.fuse(torch.cat(seen, dim=-1))
        return z + moved.to(z.dtype)
