"""A flat thing with relief: colours and heights are drawn side by side, and light turns the heights into highlights and shadows."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from drawing.lettering import font
from drawing.noise import Plane, blurred, fractal

Colour = tuple[int, int, int]
Pair = tuple[float, float]

FLAT_CM = 128  # the height map's zero: a grey value is a centimetre


class Panel:
    """A wall, a sign or a side of a tram, drawn in metres from its top left corner.

    Attributes:
        colour: RGB.
        height: L, centimetres above the ground plane of the panel plus `FLAT_CM`.
        px_per_m: resolution of both.
    """

    def __init__(self, width_m: float, height_m: float, colour: Colour, *, px_per_m: float = 64) -> None:
        size = (round(width_m * px_per_m), round(height_m * px_per_m))
        self.px_per_m = px_per_m
        self.width_m, self.height_m = width_m, height_m
        self.colour = Image.new("RGB", size, colour)
        self.height = Image.new("L", size, FLAT_CM)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour | None, raised_cm: float | None = None) -> None:
        """A rectangle; None leaves the colour or the height as it is."""
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour, raised_cm)

    def polygon(self, points: Sequence[Pair], colour: Colour | None, raised_cm: float | None = None) -> None:
        """A polygon."""
        corners = [(px * self.px_per_m, py * self.px_per_m) for px, py in points]
        if colour is not None:
            ImageDraw.Draw(self.colour).polygon(corners, colour)
        if raised_cm is not None:
            ImageDraw.Draw(self.height).polygon(corners, round(FLAT_CM + raised_cm))

    def disc(self, x: float, y: float, radius: float, colour: Colour, raised_cm: float | None = None) -> None:
        """A disc about a centre."""
        edges = [(value * self.px_per_m) for value in (x - radius, y - radius, x + radius, y + radius)]
        ImageDraw.Draw(self.colour).ellipse(edges, colour)
        if raised_cm is not None:
            ImageDraw.Draw(self.height).ellipse(edges, round(FLAT_CM + raised_cm))

    def rounded(self, x: float, y: float, width: float, height: float, radius: float, colour: Colour, raised_cm: float | None = None) -> None:
        """A rectangle with round corners."""
        edges = [(value * self.px_per_m) for value in (x, y, x + width, y + height)]
        ImageDraw.Draw(self.colour).rounded_rectangle(edges, radius * self.px_per_m, colour)
        if raised_cm is not None:
            ImageDraw.Draw(self.height).rounded_rectangle(edges, radius * self.px_per_m, round(FLAT_CM + raised_cm))

    def fade(self, x: float, y: float, width: float, height: float, top: Colour, bottom: Colour) -> None:
        """A rectangle that runs from one colour to another."""
        left, upper, right, lower = (round(value * self.px_per_m) for value in (x, y, x + width, y + height))
        if right <= left or lower <= upper:
            return
        ramp = np.linspace(top, bottom, lower - upper).round().astype(np.uint8)[:, None]
        self.colour.paste(Image.fromarray(np.repeat(ramp, right - left, axis=1)), (left, upper))

    def words(
        self, x: float, y: float, words: str, size_m: float, colour: Colour, *, face: str = "sans bold", anchor: str = "mm", raised_cm: float | None = None
    ) -> None:
        """A line of letters `size_m` in size."""
        letters, at = font(face, round(size_m * self.px_per_m)), (x * self.px_per_m, y * self.px_per_m)
        ImageDraw.Draw(self.colour).text(at, words, colour, letters, anchor=anchor)
        if raised_cm is not None:
            ImageDraw.Draw(self.height).text(at, words, round(FLAT_CM + raised_cm), letters, anchor=anchor)

    def weather(self, rng: np.random.Generator, *, mottle: float = 0.05, streaks: float = 0.04, grain: float = 0.02) -> None:
        """Blots, streaks of rain and grain over what has been drawn so far, as shares of its brightness."""
        height, width = self.colour.size[::-1]
        factor = 1 + mottle * fractal(rng, height, width, coarsest_px=1.6 * self.px_per_m)
        factor += streaks * fractal(rng, height, width, coarsest_px=0.25 * self.px_per_m, n_octaves=3, stretch=10)
        factor += grain * rng.standard_normal((height, width)).astype(np.float32)
        pixels = np.asarray(self.colour, dtype=np.float32) * factor[..., None]
        self.colour = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

    def texture(self, light: Pair = (-0.6, -0.8), *, strength: float = 0.5, shadow: float = 0.55) -> Plane:
        """(H, W, 4) of the panel under a light.

        Args:
            light: from where it falls, across and down the panel.
            strength: of highlights on edges.
            shadow: how dark cast shadows are.
        """
        px_per_cm = self.px_per_m / 100
        heights = blurred(np.asarray(self.height, dtype=np.float32) * px_per_cm, 0.7)
        down, across = np.gradient(heights)
        slope = np.clip((across * light[0] + down * light[1]) * strength * 0.35, -0.25, 0.3)
        lit = np.asarray(self.colour, dtype=np.float32) / 255 * (1 - slope - shadow * cast_shadow(heights, light))[..., None]
        return opaque(np.clip(lit, 0, 1))


def cast_shadow(heights: Plane, light: Pair, *, reach_px: int = 24, fall: float = 1.1) -> Plane:
    """(H, W) in [0, 1]: how much of each point's light is taken by what stands higher towards the light, `fall` px lower with each px away."""
    padded, covered = np.pad(heights, reach_px, mode="edge"), np.zeros_like(heights)
    height, width = heights.shape
    for step in range(1, reach_px, 1 if reach_px < 30 else 2):
        dx, dy = round(light[0] * step), round(light[1] * step)
        towards = padded[reach_px + dy : reach_px + dy + height, reach_px + dx : reach_px + dx + width]
        np.maximum(covered, np.clip((towards - heights - fall * step) / 2, 0, 1), out=covered)
    return blurred(covered, 1.2)


def opaque(rgb: Plane) -> Plane:
    """(H, W, 4) texture without holes."""
    return np.concatenate([rgb, np.ones((*rgb.shape[:2], 1), np.float32)], axis=2).astype(np.float32)


def cut_out(rgb: Plane, alpha: Plane) -> Plane:
    """(H, W, 4) texture with holes; colours are multiplied by their opacity, as the camera wants them."""
    return np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
