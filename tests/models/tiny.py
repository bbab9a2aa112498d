"""Encoders with random weights, as small as their architectures allow, saved as transformers saves them."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
from transformers.utils import logging

SIDE = 32
TOWER = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {**TOWER, "image_size": SIDE, "patch_size": 8}
TEXT = {**TOWER, "vocab_size": 300, "max_position_embeddings": 12, "bos_token_id": 298, "eos_token_id": 299, "pad_token_id": 299}
SQUARE = {"height": SIDE, "width": SIDE}
CROPPED = {"size": {"shortest_edge": SIDE + 4}, "crop_size": SQUARE}

# Small tensors are quicker on one thread than shared out among many.
torch.set_num_threads(1)
logging.set_verbosity_error()
logging.disable_progress_bar()


def _models() -> dict[str, Any]:
    """From a family to what builds its whole model, and to the image processor of transformers and its settings."""
    t = transformers
    swin = {"image_size": SIDE, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
    clip = t.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=12)
    siglip = t.SiglipConfig(vision_config=VISION, text_config=TOWER | {"vocab_size": 50})
    return {
        "clip": (lambda: t.CLIPModel(clip), CLIPImageProcessorPil, CROPPED),
        "clip_vision_model": (lambda: t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(**VISION, projection_dim=12)), CLIPImageProcessorPil, CROPPED),
        "siglip": (lambda: t.SiglipModel(siglip), SiglipImageProcessorPil, {"size": SQUARE}),
        "siglip_vision_model": (lambda: t.SiglipVisionModel(t.SiglipVisionConfig(**VISION)), SiglipImageProcessorPil, {"size": SQUARE}),
        "swin": (lambda: t.SwinForImageClassification(t.SwinConfig(**swin)), ViTImageProcessorPil, {"size": SQUARE, "resample": 3}),
        "vit": (lambda: t.ViTModel(t.ViTConfig(**VISION)), ViTImageProcessorPil, {"size": SQUARE}),
        "dinov2": (lambda: t.Dinov2Model(t.Dinov2Config(**VISION)), BitImageProcessorPil, CROPPED),
        "dinov2_with_registers": (lambda: t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(**VISION)), BitImageProcessorPil, CROPPED),
        "dinov3_vit": (lambda: t.DINOv3ViTModel(t.DINOv3ViTConfig(**VISION)), None, {"image_processor_type": "DINOv3ViTImageProcessorFast", "size": SQUARE}),
    }


FAMILIES = tuple(_models())


def save_tiny(folder: Path, family: str, seed: int = 0) -> Path:
    """Save a tiny encoder of a family, its image processor's settings beside it; `folder`."""
    torch.manual_seed(seed)
    build, processor, settings = _models()[family]
    build().save_pretrained(folder)
    if processor is None:
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    else:
        processor(**settings).save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path) -> Path:
    """Save a tokenizer of single letters, with which a tiny CLIP reads names; `folder`."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {token: number for number, token in enumerate(tokens)} | {"<|startoftext|>": 298, "<|endoftext|>": 299}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return folder
