"""Surfaces that repeat without a seam: road, paving, cobbles, grass; and what has a shape of its own: leaves, hills, clouds."""

import numpy as np
from PIL import Image, ImageDraw

from drawing.camera import Camera
from drawing.noise import Plane, blurred, fractal, seamless
from drawing.panel import Colour, cut_out, opaque

TILE_PX = 768


def rgb(colour: Colour) -> Plane:
    """(3,) in [0, 1]."""
    return np.array(colour, np.float32) / np.float32(255)


def asphalt(rng: np.random.Generator, colour: Colour = (122, 121, 120)) -> Plane:
    """Tarmac with grit, patches and old tar."""
    grit = 0.07 * seamless(rng, TILE_PX, coarsest_px=6, n_octaves=3, falloff=0.9)
    patches = 0.05 * seamless(rng, TILE_PX, coarsest_px=300, n_octaves=5)
    return opaque(np.clip(rgb(colour) * (1 + grit + patches)[..., None], 0, 1))


def stones(rng: np.random.Generator, colour: Colour, *, columns: int, rows: int, joint_px: float = 3, spread: float = 0.08, roundness: float = 0.0) -> Plane:
    """Stones or bricks in running bond, each with a shade of its own.

    Args:
        columns, rows: stones in the tile; rows must be even.
        roundness: how much each stone darkens towards its edge.
    """
    y, x = np.mgrid[:TILE_PX, :TILE_PX].astype(np.float32)
    wobble = 0.8 * seamless(rng, TILE_PX, coarsest_px=24, n_octaves=3)
    row_at = (y + wobble) * rows / TILE_PX
    row = np.floor(row_at).astype(int) % rows
    column_at = (x + wobble) * columns / TILE_PX + 0.5 * (row % 2)
    column = np.floor(column_at).astype(int) % columns
    shade = 1 + spread * rng.standard_normal((rows, columns)).astype(np.float32)[row, column]
    hue = 1 + 0.12 * spread * rng.standard_normal((rows, columns, 3)).astype(np.float32)[row, column]
    inside_x, inside_y = column_at % 1, row_at % 1
    edge_px = np.minimum(np.minimum(inside_x, 1 - inside_x) * TILE_PX / columns, np.minimum(inside_y, 1 - inside_y) * TILE_PX / rows)
    joint = np.clip(1 - edge_px / joint_px, 0, 1)
    bulge = 1 - roundness * ((2 * inside_x - 1) ** 4 + (2 * inside_y - 1) ** 4) / 2
    grit = 1 + 0.04 * seamless(rng, TILE_PX, coarsest_px=40, n_octaves=6, falloff=0.8)
    return opaque(np.clip(rgb(colour) * (shade * bulge * grit * (1 - 0.45 * joint))[..., None] * hue, 0, 1))


def grass(rng: np.random.Generator, colour: Colour = (88, 112, 48)) -> Plane:
    """A lawn: blades in clumps."""
    clumps = seamless(rng, TILE_PX, coarsest_px=120, n_octaves=7, falloff=0.75)
    yellow = seamless(rng, TILE_PX, coarsest_px=250, n_octaves=3)
    tint = np.stack([1 + 0.16 * clumps + 0.08 * yellow, 1 + 0.15 * clumps + 0.03 * yellow, 1 + 0.16 * clumps - 0.05 * yellow], axis=2)
    return opaque(np.clip(rgb(colour) * tint, 0, 1))


def stain(rng: np.random.Generator, *, darkness: float = 0.35, size_px: int = 512, coarsest_px: float = 160) -> Plane:
    """A film of dirt, thick here and thin there, to lie over tiles so that they do not look alike."""
    film = np.clip(0.5 + 0.35 * fractal(rng, size_px, size_px, coarsest_px=coarsest_px), 0, 1) * darkness
    return cut_out(np.full((size_px, size_px, 3), 0.12, np.float32), film)


def soft_shadow(width: int, height: int, *, darkness: float = 0.45, softness: float = 0.12) -> Plane:
    """A dark patch with soft edges."""
    margin = max(int(softness * min(width, height)), 1)
    mask = np.zeros((height, width), np.float32)
    mask[2 * margin : height - 2 * margin, 2 * margin : width - 2 * margin] = darkness
    return cut_out(np.full((height, width, 3), 0.05, np.float32), blurred(mask, margin / 1.2))


def tree(rng: np.random.Generator, leaf: Colour, *, bark: Colour = (74, 62, 50), size_px: int = 900, n_leaves: int = 9000, trunk_share: float = 0.36) -> Plane:
    """A broad-leaved tree lit from the upper left, in a square."""
    canvas, scale = Image.new("RGBA", (size_px, size_px), (*leaf, 0)), size_px / 900
    draw = ImageDraw.Draw(canvas)
    middle, top = size_px / 2, size_px * (1 - trunk_share)
    foot, head = [(middle - 20 * scale, size_px), (middle + 22 * scale, size_px)], [(middle + 10 * scale, top * 0.6), (middle - 8 * scale, top * 0.6)]
    draw.polygon([*foot, *head], (*bark, 255))
    for _ in range(9):
        end = (middle + rng.normal(0, 170) * scale, top * rng.uniform(0.25, 0.8))
        draw.line([(middle, top * rng.uniform(0.8, 1.1)), end], (*bark, 255), round(9 * scale))
    clumps = np.column_stack([rng.normal(0, 0.2, 26), rng.normal(0, 0.15, 26)])
    centres = clumps[rng.integers(0, len(clumps), n_leaves)]
    around = rng.standard_normal((n_leaves, 2)) * 0.055
    lit = -(around[:, 0] * 0.6 + around[:, 1]) / 0.055 * 0.11 - (centres[:, 0] * 0.5 + centres[:, 1]) * 0.8
    shade = np.clip(0.78 + lit + rng.normal(0, 0.13, n_leaves), 0.25, 1.5)
    at = (np.column_stack([0.5, 0.36 * (1 - trunk_share) / 0.64]) + centres + around) * size_px
    for index in np.argsort(shade + rng.normal(0, 0.25, n_leaves)):
        (x, y), size = at[index], rng.uniform(2.5, 6.5) * scale
        tint = np.clip(np.array(leaf) * shade[index] + rng.normal(0, 6, 3), 0, 255).astype(int)
        draw.ellipse((x - size, y - size * 0.7, x + size, y + size * 0.7), (*tint.tolist(), 255))
    return from_rgba(canvas)


def hills(
    rng: np.random.Generator,
    colour: Colour,
    *,
    width: int = 1600,
    height: int = 320,
    roughness: float = 0.45,
    bareness: float = 0.3,
    relief: float = 0.16,
    snow: float = 0.0,
) -> Plane:
    """A chain of hills that fills a rectangle's width.

    Args:
        roughness: weight of each finer scale of the crest.
        bareness: how much rock or dry grass stands out.
        relief: how far the crest rises and falls, as a share of the height.
        snow: share of the height, from the crest down, that lies under snow.
    """
    crest = fractal(rng, 2, width, coarsest_px=width / 4, n_octaves=9, falloff=roughness)[0]
    crest = height * (0.04 + relief * (1 - (crest - crest.min()) / (crest.max() - crest.min())))
    below = np.arange(height, dtype=np.float32)[:, None] - crest[None]
    folds = fractal(rng, height, width, coarsest_px=130, n_octaves=8, falloff=0.62, stretch=1.3)
    slope = folds - np.roll(folds, (3, 4), axis=(0, 1))  # a slope that rises to the lower right lies towards the sun
    light = 1 + 0.22 * np.clip(slope / slope.std(), -2.2, 2.2) + 0.05 * fractal(rng, height, width, coarsest_px=5, n_octaves=2)
    bare = np.clip(0.5 * fractal(rng, height, width, coarsest_px=120, n_octaves=7) + bareness - 0.5, 0, 1)[..., None]
    colours = rgb(colour) * (1 - bare) + rgb((160, 148, 124)) * bare
    white = np.clip((snow - below / height) * 5 + 0.5 * folds + 0.35 * slope / slope.std(), 0, 1)[..., None] if snow else 0
    return cut_out(np.clip((colours * (1 - white) + rgb((236, 240, 246)) * white) * light[..., None], 0, 1), np.clip(below, 0, 1))


def sky(camera: Camera, rng: np.random.Generator, *, zenith: Colour, horizon: Colour, cloud: Colour = (250, 248, 245), cover: float = 0.45) -> Plane:
    """(H, W, 3) sky of a camera: a gradient, and clouds on a ceiling that runs to the horizon."""
    rays = camera.rays()
    up = rays[..., 1] / np.linalg.norm(rays, axis=2)
    up = np.abs(up)  # below the horizon its mirror image, for water
    share = np.clip(up / 0.75, 0, 1)[..., None] ** 0.55
    background = rgb(horizon) * (1 - share) + rgb(zenith) * share
    drift = seamless(rng, 1024, coarsest_px=340, n_octaves=8, falloff=0.55)
    steep = np.maximum(up, 0.03) + 0.12
    column = (rays[..., 0] / np.linalg.norm(rays, axis=2) / steep * 260).astype(int) % 1024
    row = (rays[..., 2] / np.linalg.norm(rays, axis=2) / steep * 420).astype(int) % 1024
    density = blurred(np.clip((drift[row, column] + 2.2 * cover - 1.1) * 0.55, 0, 1), 2.0)
    body = blurred(density, 14.0)
    shade = np.clip(1.02 - 0.22 * body, 0, 1)[..., None]
    alpha = (density * np.clip(0.35 + up * 3, 0, 1) * 0.9)[..., None]
    return np.asarray(background * (1 - alpha) + rgb(cloud) * shade * alpha, dtype=np.float32)


def from_rgba(canvas: Image.Image) -> Plane:
    """A texture from a picture with holes."""
    pixels = np.asarray(canvas, dtype=np.float32) / np.float32(255)
    return cut_out(pixels[..., :3], pixels[..., 3])
