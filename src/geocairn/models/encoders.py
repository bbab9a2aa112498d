"""Frozen image encoders: what the field uses, by name from the hub or from a local folder; loaded strictly, with their own preprocessing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from geocairn.errors import BadConfig, BadEncoder
from geocairn.models.preprocess import Preprocessing, read_json, read_preprocessing
from geocairn.models.pretrained import encoder_sha256, load_pretrained, pretrained_folder, run_in_blocks

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16", "float16"]
DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Photos that go through the network together, always so many: then a photo's numbers do not depend on its company. A CPU gains nothing by more than one.
BLOCK: Mapping[str, int] = {"cpu": 1, "cuda": 32}

_PROCESSED = {"do_resize": True, "do_center_crop": False, "do_rescale": True, "do_normalize": True, "rescale_factor": 1 / 255}
_CLIP_LEVELS = {"image_mean": (0.48145466, 0.4578275, 0.40821073), "image_std": (0.26862954, 0.26130258, 0.27577711)}
_IMAGENET_LEVELS = {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)}
_HALF_LEVELS = {"image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5)}
_CROPPED = {"do_center_crop": True, "crop_size": 224, "size": 224, "default_to_square": False, "resample": 3}
_SQUARE = {"height": 224, "width": 224}


@dataclass(frozen=True)
class Family:
    """How encoders of one architecture are read.

    Attributes:
        model: class of transformers.
        features: what `features` gives: an output of the class by name, or "cls", the first token of its last hidden states.
        processor: what its `preprocessor_config.json` leaves out, as transformers fills it in.
        leaves_out: patterns of weights that its files may hold besides (a text tower, a classifier, indices that are computed).
        options: further arguments of the class.
    """

    model: str
    features: Literal["image_embeds", "pooler_output", "cls"]
    processor: Mapping[str, Any]
    leaves_out: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


_CLIP = Family(
    "CLIPVisionModelWithProjection",
    "image_embeds",
    _PROCESSED | _CLIP_LEVELS | _CROPPED,
    (r"text_model\..*", r"text_projection\.weight", "logit_scale", r".*\.position_ids"),
)
_SIGLIP = Family(
    "SiglipVisionModel", "pooler_output", _PROCESSED | _HALF_LEVELS | {"size": _SQUARE, "resample": 3}, (r"text_model\..*", "logit_scale", "logit_bias")
)
_DINOV2 = _PROCESSED | _CLIP_LEVELS | _CROPPED
# By the `model_type` in config.json.
FAMILIES: Mapping[str, Family] = {
    "clip": _CLIP,
    "clip_vision_model": _CLIP,
    "siglip": _SIGLIP,
    "siglip_vision_model": _SIGLIP,
    "swin": Family(
        "SwinModel",
        "pooler_output",
        _PROCESSED | _HALF_LEVELS | {"size": _SQUARE, "resample": 2},
        (r"classifier\..*", r".*\.relative_position_index", r".*\.attn_mask"),
    ),
    "vit": Family(
        "ViTModel",
        "cls",
        _PROCESSED | _HALF_LEVELS | {"size": _SQUARE, "resample": 2},
        (r"classifier\..*", r"(vit\.)?pooler\..*"),
        {"add_pooling_layer": False},
    ),
    "dinov2": Family("Dinov2Model", "pooler_output", _DINOV2, (r"classifier\..*",)),
    "dinov2_with_registers": Family("Dinov2WithRegistersModel", "pooler_output", _DINOV2, (r"classifier\..*",)),
    "dinov3_vit": Family("DINOv3ViTModel", "pooler_output", _PROCESSED | _IMAGENET_LEVELS | {"size": _SQUARE, "resample": 2, "resize_floats": True}),
}

# Where each named encoder lies on the hub.
ENCODERS: Mapping[str, str] = {
    "dinov3-vitl16": "facebook/dinov3-vitl16-pretrain-lvd1689m",
    "dinov2-vitl14": "facebook/dinov2-large",
    "dinov2-vitl14-registers": "facebook/dinov2-with-registers-large",
    "clip-vitl14": "openai/clip-vit-large-patch14",
    "clip-vitl14-336": "openai/clip-vit-large-patch14-336",
    "streetclip": "geolocal/StreetCLIP",
    "siglip-so400m-384": "google/siglip-so400m-patch14-384",
    "swin-base-in22k": "microsoft/swin-base-patch4-window7-224-in22k",
    "vit-base16-in21k": "google/vit-base-patch16-224-in21k",
}


@dataclass(frozen=True)
class ImageEncoder:
    """A frozen network from pixels to numbers; rows do not depend on the other rows of a batch.

    Attributes:
        name: as the user gave it.
        family: the `model_type` of its configuration.
        sha256: of weights, configuration and preprocessing.
        dim: numbers per photo.
        n_tokens, token_dim: shape of a photo's tokens.
        block: photos that go through the network together.
    """

    name: str
    family: str
    sha256: str
    preprocessing: Preprocessing
    precision: Precision
    device: str
    dim: int
    n_tokens: int
    token_dim: int
    block: int
    _network: Callable[[Tensor], tuple[Tensor, Tensor]]

    @property
    def identity(self) -> str:
        """What feature stores and bundles call it: equal identities give equal numbers, whatever the folder's name."""
        return _identity(self.family, self.precision, self.sha256)

    def features(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) pixels -> (B, dim) float32 on the encoder's device, as `Family.features` pools them; not normalised."""
        return self._run(pixels, 0)

    def tokens(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) pixels -> (B, n_tokens, token_dim) float32 last hidden states, as the network's class gives them.

        CLIP's are those of the last block, without projection and without the norm after it, the class token first.
        """
        return self._run(pixels, 1)

    def _run(self, pixels: Tensor, which: int) -> Tensor:
        if tuple(pixels.shape[1:]) != (3, *self.preprocessing.size_px):
            raise BadEncoder(f"{self.name}: pixels are {tuple(pixels.shape)}, not (B, 3, {', '.join(map(str, self.preprocessing.size_px))}); preprocess them")
        return run_in_blocks(lambda block: self._network(block)[which], pixels, self.block, self.device)


def load_encoder(name: str, *, device: Device = "auto", precision: Precision = "float32") -> ImageEncoder:
    """Load an encoder with its preprocessing; a folder is read as it lies, a name is fetched from the hub.

    Args:
        name: a folder with config.json, preprocessor_config.json and model.safetensors, or one of `ENCODERS`.
        device: "auto" is CUDA where there is one.
        precision: of weights and arithmetic; features are float32 always.

    Raises:
        UnknownName: neither a folder nor a known name.
        BadEncoder: it cannot be fetched, is of an unknown family, holds no safetensors, or lacks or has weights that the network has not.
        BadConfig: CUDA is asked for and there is none.
    """
    where = chosen_device(device)
    folder, kind, preprocessing = _found(name)
    family = FAMILIES[kind]
    model = load_pretrained(folder, family.model, DTYPES[precision], family.leaves_out, **family.options).to(where)

    def network(pixels: Tensor) -> tuple[Tensor, Tensor]:
        out = model(pixel_values=pixels.to(DTYPES[precision]))
        pooled = out.last_hidden_state[:, 0] if family.features == "cls" else getattr(out, family.features)
        return pooled.float(), out.last_hidden_state.float()

    dim, tokens = _shapes(folder, network, preprocessing, where)
    sha256 = encoder_sha256(folder, preprocessing.sha256())
    return ImageEncoder(name, kind, sha256, preprocessing, precision, where, dim, *tokens, BLOCK[where], network)


def encoder_identity(name: str, *, precision: Precision = "float32") -> str:
    """The `ImageEncoder.identity` of an encoder, by its files alone.

    Raises:
        UnknownName, BadEncoder: as for `load_encoder`, but for what only a look at the weights shows.
    """
    folder, kind, preprocessing = _found(name)
    return _identity(kind, precision, encoder_sha256(folder, preprocessing.sha256()))


def _found(name: str) -> tuple[Path, str, Preprocessing]:
    """Folder, family and preprocessing of an encoder."""
    folder = pretrained_folder(name, ENCODERS, ("preprocessor_config.json",))
    kind = family_of(folder)
    return folder, kind, read_preprocessing(folder, FAMILIES[kind].processor)


def _identity(family: str, precision: Precision, sha256: str) -> str:
    return f"{family} {FAMILIES[family].features} {precision} {sha256}"


def family_of(folder: Path) -> str:
    """The family of a local encoder, by its config.json.

    Raises:
        BadEncoder: it is of none that is known.
    """
    kind = read_json(folder / "config.json").get("model_type")
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise BadEncoder(f"{folder / 'config.json'}: model_type {kind!r} is no image encoder that is known; they are {', '.join(FAMILIES)}")
    return kind


def chosen_device(device: Device) -> str:
    """The device that is meant: "cpu" or "cuda".

    Raises:
        BadConfig: CUDA is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise BadConfig("device cuda: there is no GPU that torch can use; choose cpu or auto, or install torch for CUDA")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def _shapes(folder: Path, network: Callable[[Tensor], tuple[Tensor, Tensor]], preprocessing: Preprocessing, device: str) -> tuple[int, tuple[int, int]]:
    """Numbers per photo, and tokens and numbers per token; a black photo shows that network and preprocessing fit each other."""
    try:
        with torch.no_grad():
            pooled, tokens = network(torch.zeros(1, 3, *preprocessing.size_px, device=device))
    except Exception as error:  # noqa: BLE001 - networks refuse what does not fit them in many ways
        size = " x ".join(map(str, preprocessing.size_px))
        raise BadEncoder(f"{folder}: its network does not take {size} pixels ({' '.join(str(error).split())}); are its files of one encoder?") from None
    return pooled.shape[1], (tokens.shape[1], tokens.shape[2])
