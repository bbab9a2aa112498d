"""From an upright RGB photo to the numbers that an image encoder was trained on. Pillow and numpy alone: worker processes need no torch for it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator

from geocairn.config import Config
from geocairn.errors import BadConfig, BadEncoder

Array = NDArray[np.float32]
Resample = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
Triple = tuple[float, float, float]
Size = tuple[int, int]
Level = TypeVar("Level", np.uint8, np.float32)

# In the order of their numbers in preprocessor_config.json, which are Pillow's.
RESAMPLES: tuple[Resample, ...] = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
LARGEST_SIDE_PX = 8192
# A photo 300 times as wide as high would first become a strip of gigabytes: beyond this many pixels only what the crop keeps is made.
MOST_RESIZED_PX = 16_000_000
STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")


class Preprocessing(Config):
    """Resize, crop, scale and normalise, in this order; it travels with all that is made of an encoder's features."""

    resize_px: Size | None = Field(None, description="height and width, whatever the photo's proportions")
    resize_shortest_px: int | None = Field(None, ge=1, le=LARGEST_SIDE_PX, description="the shorter side; proportions are kept")
    resample: Resample = "bicubic"
    resize_floats: bool = Field(False, description="scale first and resize real numbers, instead of resizing bytes")
    crop_px: Size | None = Field(None, description="height and width of the middle that is kept; where the photo is smaller, zeros around it")
    scale: float | None = Field(1 / 255, gt=0, description="factor of the levels 0 to 255")
    mean: Triple | None = Field(None, description="subtracted from red, green and blue after scaling")
    std: Triple | None = Field(None, description="what they are divided by then")

    @model_validator(mode="after")
    def _sizes_are_known(self) -> Self:
        if self.resize_px is not None and self.resize_shortest_px is not None:
            raise ValueError("resize_px and resize_shortest_px exclude each other")
        if self.crop_px is None and self.resize_px is None:
            raise ValueError("photos would have many sizes; give resize_px or crop_px")
        if any(not 1 <= side <= LARGEST_SIDE_PX for side in (*(self.resize_px or ()), *(self.crop_px or ()))):
            raise ValueError(f"sides are from 1 to {LARGEST_SIDE_PX} pixels")
        if (self.mean is None) != (self.std is None) or (self.std is not None and min(self.std) <= 0):
            raise ValueError("mean and std go together, and std is above 0")
        return self

    @property
    def size_px(self) -> Size:
        """Height and width of what comes out."""
        size = self.crop_px or self.resize_px
        assert size is not None
        return size

    def pixels(self, image: Image.Image) -> Array:
        """What the encoder sees of a photo.

        Args:
            image: RGB of any size, at least 1 x 1.

        Returns:
            (3, height, width) float32.

        Source: the order and rounding of the image processors in transformers: bytes after each resize, levels scaled in float64 and kept in float32.
        """
        pixels: Array = self._cropped(self._resized_floats(image)) if self.resize_floats else _scaled(self._cropped(self._resized(image)), self.scale)
        if self.mean is not None and self.std is not None:
            mean, std = (np.array(levels, dtype=np.float32) for levels in (self.mean, self.std))
            pixels = (pixels - mean) / std
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _cropped(self, levels: NDArray[Level]) -> NDArray[Level]:
        return levels if self.crop_px is None else _middle(levels, self.crop_px)

    def _resized(self, image: Image.Image) -> NDArray[np.uint8]:
        height, width = self._resized_size(image)
        if (height, width) == (image.height, image.width):
            return np.asarray(image)
        if self.crop_px is not None and height * width > MOST_RESIZED_PX:
            return np.asarray(_resized_middle(image, (height, width), self.crop_px, self.resample))
        return np.asarray(image.resize((width, height), _filter(self.resample)))

    def _resized_floats(self, image: Image.Image) -> Array:
        levels = _scaled(np.asarray(image), self.scale)
        height, width = self._resized_size(image)
        bands = [Image.fromarray(np.ascontiguousarray(levels[..., band])).resize((width, height), _filter(self.resample)) for band in range(3)]
        return np.stack([np.asarray(band) for band in bands], axis=-1)

    def _resized_size(self, image: Image.Image) -> Size:
        if self.resize_px is not None:
            return self.resize_px
        if self.resize_shortest_px is None:
            return image.height, image.width
        shortest, side = self.resize_shortest_px, min(image.size)
        # Whole-number division rounds the longer side down, as transformers does.
        return shortest * image.height // side, shortest * image.width // side


def read_preprocessing(folder: Path, defaults: Mapping[str, Any]) -> Preprocessing:
    """What the `preprocessor_config.json` of an encoder's folder asks for.

    Args:
        defaults: what holds for keys that the file leaves out, by the names of that file.

    Raises:
        BadEncoder: no such file, unreadable, or a step that is not known here.
    """
    path = folder / "preprocessor_config.json"
    told = read_json(path)
    # A key without a value is one left out.
    given = dict(defaults) | {key: value for key, value in told.items() if value is not None}
    unknown = [key for key in given if key.startswith("do_") and given[key] is True and key not in (*STEPS, "do_convert_rgb")]
    if unknown:
        raise BadEncoder(f"{path}: {unknown[0]} is true, a step that is not known; name the folder of another encoder")
    try:
        return Preprocessing.parse(str(path), _fields(given))
    except BadConfig as error:
        raise BadEncoder(str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise BadEncoder(f"{path}: not the settings of an image processor ({type(error).__name__}: {error}); download the folder anew") from None


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file of an encoder's folder says.

    Raises:
        BadEncoder: no such file, or no JSON object.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BadEncoder(f"{path}: no such file; download the encoder's whole folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadEncoder(f"{path}: not readable as JSON ({' '.join(str(error).split())}); download the folder anew") from None
    if not isinstance(told, dict):
        raise BadEncoder(f"{path}: holds no settings; download the folder anew")
    return told


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a `Preprocessing` from the keys of `preprocessor_config.json`."""
    fields: dict[str, Any] = {"scale": given["rescale_factor"] if given["do_rescale"] else None, "resize_floats": given.get("resize_floats", False)}
    if given["do_resize"]:
        fields |= _resize_fields(given["size"], keeps_proportions=not given.get("default_to_square", True)) | {
            "resample": dict(enumerate(RESAMPLES))[given["resample"]]
        }
    if given["do_center_crop"]:
        fields["crop_px"] = _pair(given["crop_size"])
    if given["do_normalize"]:
        fields |= {"mean": given["image_mean"], "std": given["image_std"]}
    return fields


def _resize_fields(size: Any, *, keeps_proportions: bool) -> dict[str, Any]:
    """Files of older days give one number; newer ones say what it means."""
    if isinstance(size, dict) and set(size) == {"shortest_edge"}:
        return {"resize_shortest_px": size["shortest_edge"]}
    if isinstance(size, int) and keeps_proportions:
        return {"resize_shortest_px": size}
    return {"resize_px": _pair(size)}


def _pair(size: Any) -> Size:
    if isinstance(size, int):
        return size, size
    if not isinstance(size, dict) or set(size) != {"height", "width"}:
        raise ValueError(f"{size!r} is no size")
    return size["height"], size["width"]


def _filter(resample: Resample) -> Image.Resampling:
    return Image.Resampling(RESAMPLES.index(resample))


def _scaled(levels: NDArray[np.uint8], scale: float | None) -> Array:
    return (levels.astype(np.float64) * (1.0 if scale is None else scale)).astype(np.float32)


def _resized_middle(image: Image.Image, resized: Size, crop: Size, resample: Resample) -> Image.Image:
    """The middle of the photo at the size `resized`, as much of it as the crop keeps, without making the rest."""
    kept = [min(whole, part) for whole, part in zip(resized, crop, strict=True)]
    start = [max(0, (whole - part) // 2) for whole, part in zip(resized, crop, strict=True)]
    down, across = image.height / resized[0], image.width / resized[1]
    box = (start[1] * across, start[0] * down, (start[1] + kept[1]) * across, (start[0] + kept[0]) * down)
    return image.resize((kept[1], kept[0]), _filter(resample), box=box)


def _middle(levels: NDArray[Level], crop: Size) -> NDArray[Level]:
    """The middle of (height, width, 3) levels, with zeros around it where it is smaller."""
    middle = np.zeros((*crop, 3), dtype=levels.dtype)
    there, here = [], []
    for whole, part in zip(levels.shape, crop, strict=False):
        start, before = max(0, (whole - part) // 2), max(0, -((whole - part) // 2))
        n = min(whole, part)
        there.append(slice(start, start + n))
        here.append(slice(before, before + n))
    middle[here[0], here[1]] = levels[there[0], there[1]]
    return middle
