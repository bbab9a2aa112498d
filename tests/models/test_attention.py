import math

import pytest
import torch

from geocairn.models.attention import AttentionConfig, Fusion, LevelAttention

D, HEADS = 32, 8


def plain(block: LevelAttention, z: torch.Tensor, entities: torch.Tensor) -> torch.Tensor:
    """Softmax attention with the whole table of weights, head by head."""
    q, k, v = block.query(z), block.key(entities), block.value(entities)
    width, seen = D // HEADS, []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        weights = torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(width), dim=-1)
        seen.append(weights @ v[:, part])
    return block.out(torch.cat(seen, dim=-1))


def made(n: int, seed: int = 0, scale: float = 1.0) -> tuple[LevelAttention, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    return LevelAttention(D, HEADS), torch.randn(9, D) * scale, torch.randn(n, D) * scale


@pytest.mark.parametrize("n", [1, 2, 511, 5000])
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_attention_equals_the_plain_softmax_and_so_do_its_gradients(n, scale):
    block, z, entities = made(n, scale=scale)
    z.requires_grad_(), entities.requires_grad_()
    fast, slow = block(z, block.project(entities)), plain(block, z, entities)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5 * max(1.0, scale))
    weight = torch.randn_like(fast)
    inputs = [z, entities, *block.parameters()]
    for mine, theirs in zip(torch.autograd.grad((fast * weight).sum(), inputs), torch.autograd.grad((slow * weight).sum(), inputs), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4 * max(1.0, float(theirs.abs().max())))


def test_projections_kept_and_made_anew_give_the_same():
    block, z, entities = made(100)
    kept = block.project(entities)
    assert kept.keys.shape == kept.values.shape == (HEADS, 100, D // HEADS)
    assert block(z, kept).equal(block(z, block.project(entities)))


def test_an_empty_level_is_seen_as_nothing():
    block, z, _ = made(1)
    assert block(z, block.project(torch.zeros(0, D))).equal(torch.zeros_like(z))


def test_a_broken_image_breaks_no_other():
    block, z, entities = made(300)
    z[3] = math.nan
    seen, whole = block(z, block.project(entities)), torch.arange(9) != 3
    assert seen[3].isnan().all()
    torch.testing.assert_close(seen[whole], plain(block, z, entities)[whole], rtol=1e-5, atol=1e-5)


def test_no_table_of_all_weights_is_kept():
    block, _, entities = made(4096)
    z = torch.randn(512, D)
    kept: list[int] = []

    def record(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        block(z, block.project(entities))
    assert max(kept) <= 4096 * D


def test_fusion_adds_what_each_level_shows():
    torch.manual_seed(1)
    fusion = Fusion(AttentionConfig(fuse_hidden=16, dropout=0.0), D, 2)
    z, levels = torch.randn(3, D), [torch.randn(5, D), torch.randn(40, D)]
    seen = torch.cat([plain(block, z, entities) for block, entities in zip(fusion.levels, levels, strict=True)], dim=-1)
    torch.testing.assert_close(fusion(z, fusion.project(levels)), z + fusion.fuse(seen), rtol=1e-5, atol=1e-5)


def test_the_image_stays_wide_under_autocast():
    torch.manual_seed(2)
    fusion = Fusion(AttentionConfig(fuse_hidden=16, dropout=0.0), D, 1)
    z, entities = torch.randn(3, D), [torch.randn(50, D)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        moved = fusion(z, fusion.project(entities))
    assert moved.dtype == torch.float32
    torch.testing.assert_close(moved, fusion(z, fusion.project(entities)), rtol=0.05, atol=0.05)
