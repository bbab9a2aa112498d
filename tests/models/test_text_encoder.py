"""CLIP's text tower: what transformers makes of the same names, and damaged folders in one line."""

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tests.models.tiny import save_tiny, save_tokenizer

from geocairn.errors import BadEncoder, UnknownName
from geocairn.models.text_encoder import BLOCK, TEXT_ENCODERS, load_text_encoder, text_encoder_sha256

NAMES = ["Paris", "Rome, Italy", "x", "llanfairpwllgwyngyll", *(f"{letter}burg" for letter in "abcdefghij")]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return save_tokenizer(save_tiny(tmp_path_factory.mktemp("text"), "clip"))


def test_names_are_embedded_as_by_transformers(folder):
    encoder = load_text_encoder(str(folder), device="cpu")
    model, tokenizer = transformers.CLIPModel.from_pretrained(folder).eval(), transformers.CLIPTokenizer.from_pretrained(folder)
    with torch.no_grad():
        ids = tokenizer(NAMES, padding=True, truncation=True, max_length=encoder.n_tokens, return_tensors="pt")
        expected = torch.nn.functional.normalize(model.get_text_features(**ids).pooler_output, dim=-1)
    found = encoder.embed(NAMES)
    assert found.shape == (len(NAMES), encoder.dim)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01


def test_a_name_has_the_same_bytes_whatever_its_company(folder):
    encoder = load_text_encoder(str(folder), device="cpu")
    assert len(NAMES) > BLOCK["cpu"]
    together = encoder.embed(NAMES)
    np.testing.assert_array_equal(np.concatenate([encoder.embed([name]) for name in NAMES]), together)
    np.testing.assert_array_equal(encoder.embed(NAMES[::-1])[::-1], together)


def test_blank_names_are_unknown(folder):
    encoder = load_text_encoder(str(folder), device="cpu")
    found = encoder.embed(["", "Rome", " \n"])
    assert np.isnan(found[[0, 2]]).all()
    assert np.linalg.norm(found[1]) == pytest.approx(1, rel=1e-6)
    assert encoder.embed([]).shape == (0, encoder.dim)
    assert np.isfinite(encoder.embed(["東京", "\x00", "\U0001f600" * 100])).all()


def test_the_hash_is_of_weights_and_tokenizer(folder, tmp_path):
    changed = shutil.copytree(folder, tmp_path / "changed")
    vocabulary = json.loads((changed / "vocab.json").read_text())
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    (changed / "vocab.json").write_text(json.dumps(vocabulary))
    assert load_text_encoder(str(changed)).sha256 == text_encoder_sha256(str(changed)) != load_text_encoder(str(folder)).sha256
    assert load_text_encoder(str(shutil.copytree(folder, tmp_path / "same"))).sha256 == load_text_encoder(str(folder)).sha256


def _lose_weight(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["text_projection.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "merges.txt").unlink(), r"holds no tokenizer\.json, nor vocab\.json"),
        (lambda folder: (folder / "vocab.json").write_text("{"), "tokenizer cannot be read"),
        (lambda folder: (folder / "tokenizer.json").write_text("[]"), "tokenizer cannot be read"),
        (_lose_weight, r"lacks text_projection\.weight"),
    ],
)
def test_damaged_folders_are_one_line(folder, tmp_path, damage, said):
    copied = shutil.copytree(folder, tmp_path / "copied")
    damage(copied)
    with pytest.raises(BadEncoder, match=said) as refused:
        load_text_encoder(str(copied))
    assert "\n" not in str(refused.value)


def test_encoders_without_a_text_tower_are_told(tmp_path):
    with pytest.raises(BadEncoder, match="model_type 'vit' is no CLIP with a text tower"):
        load_text_encoder(str(save_tiny(tmp_path / "vit", "vit")))
    with pytest.raises(UnknownName, match=r"give a folder, or one of clip-vitl14, clip-vitl14-336, streetclip$"):
        load_text_encoder("dinov3-vitl16")
    assert list(TEXT_ENCODERS) == ["clip-vitl14", "clip-vitl14-336", "streetclip"]
