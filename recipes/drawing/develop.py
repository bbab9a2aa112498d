"""From a perfect picture to a photograph: haze, depth of field, glow, vignette, sensor noise, JPEG."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from drawing.camera import FAR_M
from drawing.noise import Plane, blurred, halved

MAX_BYTES = 150_000


@dataclass(frozen=True)
class Lens:
    """What air, lens and sensor do.

    Attributes:
        haze: colour of the air.
        haze_km: distance at which 63 % of a thing's colour is lost to it.
        focus_m: distance that is sharp.
        aperture: blur in pixels of a thing at infinity, for a focus at 10 m.
        warmth: share by which red gains and blue loses.
        exposure: factor on all light.
        contrast: of the tone curve; 0 is straight.
        colourfulness: share of saturation that the film keeps.
        noise: standard deviation of the sensor's noise at middle grey.
        vignette: share of light lost in the corners.
    """

    haze: tuple[float, float, float] = (0.78, 0.84, 0.9)
    haze_km: float = 0.6
    focus_m: float = 8.0
    aperture: float = 0.9
    warmth: float = 0.0
    exposure: float = 1.0
    contrast: float = 0.22
    noise: float = 0.009
    colourfulness: float = 0.84
    vignette: float = 0.28


def develop(colour: Plane, depth: Plane, lens: Lens, rng: np.random.Generator) -> Image.Image:
    """A photograph at half the size of the picture taken."""
    clear = np.exp(-depth / (1000 * lens.haze_km))[..., None]
    clear[depth >= FAR_M] = 1
    light = halved(colour * clear + np.array(lens.haze, np.float32) * (1 - clear))
    light = out_of_focus(light, np.maximum(halved(depth[..., None])[..., 0], 0.5), lens)
    light += 0.16 * blurred(np.clip(light - 0.82, 0, 1), 9.0)  # glow about what is bright
    height, width = light.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light *= (1 - lens.vignette * ((x**2 + y**2) / 2) ** 1.4)[..., None] * (1 + 0.03 * (x - y))[..., None]
    light *= lens.exposure * np.array([1 + lens.warmth, 1, 1 - lens.warmth], np.float32)
    light = np.clip(light, 0, 1.2)
    curve = light - lens.contrast * 0.15 * np.sin(2 * np.pi * np.clip(light, 0, 1))
    grey = curve.mean(axis=2, keepdims=True)
    curve = grey + lens.colourfulness * (curve - grey)
    noisy = curve + sensor_noise(curve, lens.noise, rng)
    return Image.fromarray((255 * np.clip(noisy, 0, 1)).round().astype(np.uint8))


def out_of_focus(light: Plane, depth: Plane, lens: Lens) -> Plane:
    """Blur by distance from the plane of focus; even what is in focus passes a lens that is not perfect."""
    blur_px = 0.45 + lens.aperture * 10 * np.abs(1 / depth - 1 / lens.focus_m)
    steps = (0.45, 0.9, 1.6, 2.8)
    layers = [blurred(light, sigma) for sigma in steps]
    at = np.interp(blur_px, steps, range(len(steps))).astype(np.float32)[..., None]
    return np.asarray(sum(layer * np.clip(1 - np.abs(at - index), 0, 1) for index, layer in enumerate(layers)))


def sensor_noise(light: Plane, sigma: float, rng: np.random.Generator) -> Plane:
    """Noise that grows with the root of the light, and blots of colour: what is left after a camera has smoothed its own noise away."""
    height, width = light.shape[:2]
    grain = blurred(rng.standard_normal((height, width, 1)).astype(np.float32), 0.55)
    blots = blurred(rng.standard_normal((height, width, 3)).astype(np.float32), 1.6)
    blots -= blots.mean(axis=2, keepdims=True)
    return np.asarray(sigma * (0.4 + np.sqrt(np.clip(light, 0, 1))) * (1.6 * grain + 2.2 * blots))


def jpeg(image: Image.Image, exif: Image.Exif | None = None) -> bytes:
    """The file: as good as fits into `MAX_BYTES`, and at best quality 88."""
    for quality in range(88, 60, -1):
        out = BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True, progressive=True, exif=exif if exif is not None else b"")
        if len(out.getvalue()) <= MAX_BYTES:
            break
    return out.getvalue()
