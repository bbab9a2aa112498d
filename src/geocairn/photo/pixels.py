"""From whatever a decoder delivers (any mode, any orientation) to the upright RGB working copy."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

BAND_PX = 4_000_000  # a large picture is turned into RGB in bands of about this many pixels, so that no second whole copy is held
ALPHA_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

# What undoes each EXIF orientation; 1, and values that do not exist, mean upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Converter = Callable[[Image.Image], Image.Image]


def working_copy(image: Image.Image, orientation: int, *, long_side_px: int) -> Image.Image:
    """Upright RGB copy whose long side is at most `long_side_px`; smaller pictures keep their size.

    Args:
        image: loaded, of any mode: alpha is laid on white, 16-bit levels keep their order (see `rgb_converter`).
        orientation: EXIF orientation; values outside 1..8 mean upright.
        long_side_px: >= 1.
    """
    factor = max(image.size) // (2 * long_side_px)
    to_rgb = rgb_converter(image)
    rgb = to_rgb(image) if factor < 2 else _reduced(image, factor, to_rgb)
    if orientation in UPRIGHT:
        rgb = rgb.transpose(UPRIGHT[orientation])
    size = fitted_size(rgb.size, long_side_px)
    working = rgb if rgb.size == size else rgb.resize(size, Image.Resampling.LANCZOS)
    working.info = {}  # metadata has been read apart; kept here it would only be carried from process to process
    return working


def fitted_size(size: tuple[int, int], long_side_px: int) -> tuple[int, int]:
    """`size` scaled down to a long side of `long_side_px`, each side at least 1; unchanged where it fits already."""
    scale = min(1.0, long_side_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def rgb_converter(image: Image.Image) -> Converter:
    """The function that turns this image, or any cut of it, into 8-bit RGB.

    16-bit levels map 0..65535 to 0..255. Floats and 32-bit whole numbers say nothing of their range: values within 0..1 (floats), 0..255 or
    0..65535 are taken to span it, others are stretched from their least to their greatest; NaN and infinities become black.
    """
    if image.mode in DEEP_MODES:
        low, high = _value_range(image)
        return partial(_rgb_from_levels, low=low, high=high)
    if image.mode == "LAB":
        return _rgb_from_lab
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        return _rgb_on_white
    return partial(Image.Image.convert, mode="RGB")


def _reduced(image: Image.Image, factor: int, to_rgb: Converter) -> Image.Image:
    """RGB at 1/factor of the size by box averages, made band by band."""
    reduced = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top, band in _bands(image, factor):
        reduced.paste(to_rgb(band).reduce(factor), (0, top // factor))
    return reduced


def _bands(image: Image.Image, factor: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Top row and pixels of full-width bands, from top to bottom; their heights are multiples of `factor`, save the last."""
    rows = max(1, BAND_PX // image.width // factor) * factor
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _value_range(image: Image.Image) -> tuple[float, float]:
    """The values that black and white stand for."""
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    finite = [values[np.isfinite(values)] for values in (np.asarray(band) for _, band in _bands(image))]
    least = min((float(values.min()) for values in finite if values.size), default=0.0)
    greatest = max((float(values.max()) for values in finite if values.size), default=0.0)
    if least < 0:
        return least, greatest
    known = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next(((0.0, top) for top in known if greatest <= top), (least, greatest))


def _rgb_from_levels(image: Image.Image, *, low: float, high: float) -> Image.Image:
    levels = np.nan_to_num(np.asarray(image).astype(np.float64), nan=low, posinf=low, neginf=low)
    levels = (levels - low) * (255 / (high - low)) if high > low else np.zeros_like(levels)
    return Image.fromarray(np.clip(levels, 0, 255).round().astype(np.uint8)).convert("RGB")


def _rgb_from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # loads the colour management library, which hardly any photo needs

    to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    rgb = ImageCms.applyTransform(image, to_srgb)
    if rgb is None:
        raise ValueError("LAB colours could not be converted")
    return rgb


def _rgb_on_white(image: Image.Image) -> Image.Image:
    # La (alpha multiplied in) converts to LA alone; every other mode goes to RGBA in one step.
    rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    rgb = Image.new("RGB", image.size, "white")
    rgb.paste(rgba, mask=rgba.getchannel("A"))
    return rgb
