"""Screenshots, documents, drawings and blanks: pictures that show no place, told from photographs by statistics of their pixels.

A lens and a sensor leave their mark everywhere: hardly two neighbouring pixels are equal, colours are many, edges are a few pixels wide, and light falls
unevenly. Pictures made by machine or pen have exactly flat areas, few colours, one background, straight level lines, and steps with nothing between light
and dark. `traits` measures this, and a multinomial logistic regression, fitted by recipes/not_photo.sh, weighs it.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geocairn.photo.read import Photo

Floats = NDArray[np.floating[Any]]
Levels = NDArray[np.int16]

WORDS = {
    "screenshot": "looks like a screenshot",
    "document": "looks like a document",
    "drawing": "looks like a drawing",
    "blank": "is blank",
}
PAGES = ("screenshot", "document")  # what a picture full of text can be
PAGE_LINES, PAGE_SHARE = 12, 0.1  # lines of text, and share of the area, from which it is full of it
TOO_SMALL = "is too small to show a place"
MIN_SIDE_PX = 16  # of the original; street scenes cannot be told from icons below it
LONG_SIDE_PX = 512  # traits are measured at one scale, whatever the size of the photo
BLOCK = 8
AVERAGED = 3
AVERAGED_TRAITS = ("flat2", "flat8", "middle_steps", "strong_steps", "bend4", "middle_bends", "first_colour", "three_colours", "ten_colours", "colour_bits")
MAX_STEP = 4.0  # traits are clipped to this many standard deviations: one odd trait alone decides nothing


@dataclass(frozen=True)
class Weights:
    """The fitted regression.

    Attributes:
        traits: names, in the order of the columns.
        mean, deviation: (T,) of the traits where they were fitted.
        kinds: names of the rows of `slopes`; what remains is a photograph, with score 0.
        slopes, intercepts: (K, T) and (K,).
        bar: log odds of being no photograph from which a picture is called none.
    """

    traits: tuple[str, ...]
    mean: Floats
    deviation: Floats
    kinds: tuple[str, ...]
    slopes: Floats
    intercepts: Floats
    bar: float

    def scores(self, measured: Floats) -> Floats:
        """(N, K) log odds of each kind against a photograph, for (N, T) traits."""
        steps = np.clip((measured - self.mean) / self.deviation, -MAX_STEP, MAX_STEP)
        return np.asarray(steps @ self.slopes.T + self.intercepts)


def not_photo_reason(photo: Photo, text_boxes_px: NDArray[np.floating[Any]] | None = None) -> str | None:
    """Why the picture is no photograph of a place, in words; None where it looks like one.

    Args:
        photo: any photo that could be read.
        text_boxes_px: (N, 4) left, top, right, bottom of the lines of text, in pixels of the upright original, where text has been read already. They settle
            what a picture is called, never whether it is a photograph: boards and shop fronts full of text are the best of clues.
    """
    if min(photo.width_px, photo.height_px) < MIN_SIDE_PX or min(photo.image.size) < BLOCK:
        return TOO_SMALL
    picture = at_one_scale(photo.image)
    if is_blank(picture):
        return WORDS["blank"]
    weights = load_weights()
    measured = traits(picture)
    scores = weights.scores(np.array([[measured[name] for name in weights.traits]]))[0]
    if float(np.logaddexp.reduce(scores)) < weights.bar:
        return None
    possible = PAGES if _is_page_of_text(photo, text_boxes_px) else weights.kinds
    return WORDS[max(possible, key=lambda kind: float(scores[weights.kinds.index(kind)]))]


@cache
def load_weights() -> Weights:
    """The regression that ships with the package."""
    return weights_from_json(json.loads(files("geocairn.photo").joinpath("not_photo.json").read_text(encoding="utf-8")))


def weights_from_json(values: dict[str, Any]) -> Weights:
    """The regression as recipes/not_photo.sh writes it."""
    arrays = {name: np.array(values[name], dtype=np.float64) for name in ("mean", "deviation", "slopes", "intercepts")}
    names = {name: tuple(values[name]) for name in ("traits", "kinds")}
    return Weights(**(values | arrays | names))


def at_one_scale(image: Image.Image) -> Image.Image:
    """The picture at most `LONG_SIDE_PX` long; smaller ones as they are."""
    small = image.copy()
    small.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX), Image.Resampling.BILINEAR)
    return small.resize((max(small.width, BLOCK), max(small.height, BLOCK)))


def is_blank(picture: Image.Image) -> bool:
    """Whether the picture is one colour or a smooth shade, but for noise: a quadratic surface explains its block averages to within a few levels."""
    columns, rows = max(2, picture.width // BLOCK), max(2, picture.height // BLOCK)
    averages = np.asarray(picture.resize((columns, rows), Image.Resampling.BOX), dtype=np.float64).reshape(-1, 3)
    y, x = (grid.ravel() for grid in np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    rest = averages - surface @ np.linalg.lstsq(surface, averages, rcond=None)[0]
    low, high = np.percentile(rest, (0.5, 99.5))
    return bool(high - low < 6 and np.abs(rest).max() < 10)


def traits(picture: Image.Image) -> dict[str, float]:
    """What tells photographs from other pictures, measured on a picture `at_one_scale` (both sides >= 8). Shares are in [0, 1], levels of grey in 0..255."""
    grey = np.asarray(picture.convert("L")).astype(np.int16)
    averaged = picture.reduce(AVERAGED)  # beneath the noise of a scan or a hard compression
    seen_through = {**_steps(np.asarray(averaged.convert("L")).astype(np.int16)), **_colours(averaged)}
    return {**_steps(grey), **_blocks(grey), **_colours(picture), **_lines(grey), **{f"averaged_{name}": seen_through[name] for name in AVERAGED_TRAITS}}


def _cumulated(levels: Levels, at: tuple[int, ...]) -> list[float]:
    """Share of levels up to each of `at`."""
    shares = np.cumsum(np.bincount(levels.ravel(), minlength=max(at) + 1)) / levels.size
    return [float(shares[level]) for level in at]


def _steps(grey: Levels) -> dict[str, float]:
    """Steps between neighbours, and the curvature of the light: sensors leave few zeros and many small steps, pens the reverse."""
    across, down = np.abs(np.diff(grey[:-1], axis=1)), np.abs(np.diff(grey[:, :-1], axis=0))
    flat0, flat2, flat4, flat8, flat32, flat48, flat96 = _cumulated(np.maximum(across, down), (0, 2, 4, 8, 32, 48, 96))
    bend0, bend1, bend2, bend4, bend24 = _cumulated(np.abs(2 * grey[:, 1:-1] - grey[:, 2:] - grey[:, :-2]), (0, 1, 2, 4, 24))
    return {
        "flat0": flat0,
        "flat2": flat2,
        "flat8": flat8,
        "middle_steps": flat32 - flat4,
        "strong_steps": 1 - flat48,
        "hard_steps": 1 - flat96,
        "strong_among_steps": (1 - flat48) / (1 - flat48 + flat32 - flat4 + 1e-3),
        "bend0": bend0,
        "bend1": bend1,
        "bend4": bend4,
        "middle_bends": bend24 - bend2,
    }


def _blocks(grey: Levels) -> dict[str, float]:
    """Blocks of 8 x 8: how noisy the quiet ones are, whether one background runs through all, and whether busy ones hold two levels or many."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    blocks = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3).reshape(rows * columns, -1).astype(np.float32)
    low, high, deviation = blocks.min(axis=1), blocks.max(axis=1), blocks.std(axis=1)
    noise = dict(zip(("noise5", "noise20", "noise40", "noise60", "noise80"), np.log1p(np.percentile(deviation, (5, 20, 40, 60, 80))).tolist(), strict=True))
    ceiling = high.reshape(rows, columns)
    return {
        **noise,
        "still_blocks": float((deviation < 0.3).mean()),
        "textured_blocks": float(((deviation > 2) & (deviation < 12)).mean()),
        "one_ceiling": float((np.abs(high - np.median(high)) < 12).mean()),
        "ceiling": float(np.median(high) / 255),
        "one_floor": float((np.abs(low - np.median(low)) < 12).mean()),
        "floor": float(np.median(low) / 255),
        "even_ceiling": float((np.abs(np.diff(ceiling, axis=1)) < 6).mean()) if columns > 1 else 1.0,
        **_busy_blocks(blocks, low, high),
    }


def _busy_blocks(blocks: Floats, low: Floats, high: Floats) -> dict[str, float]:
    busy = high - low > 50
    if busy.sum() < 4:
        return {"busy_blocks": float(busy.mean()), "two_levels": 0.6, "at_high": 0.3, "at_low": 0.3}
    place = (blocks[busy] - low[busy, None]) / (high - low)[busy, None]
    at_high, at_low = float((place > 0.85).mean()), float((place < 0.15).mean())
    return {"busy_blocks": float(busy.mean()), "two_levels": at_high + at_low, "at_high": at_high, "at_low": at_low}


def _colours(picture: Image.Image) -> dict[str, float]:
    """How few colours cover how much, coarse (4 bits a channel) and fine (6 bits), and how strong they are."""
    red, green, blue = (np.asarray(band).astype(np.int32).ravel() for band in picture.split())
    n_fine = np.bincount((red >> 2 << 12) | (green >> 2 << 6) | (blue >> 2), minlength=1 << 18)
    n_coarse = n_fine.reshape(16, 4, 16, 4, 16, 4).sum(axis=(1, 3, 5))
    coarse, fine = _shares(n_coarse.ravel()), _shares(n_fine)
    chroma = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return {
        "first_colour": float(coarse[0]),
        "three_colours": float(coarse[:3].sum()),
        "ten_colours": float(coarse[:10].sum()),
        "colour_bits": float(-(coarse * np.log2(coarse)).sum()),
        "colours_of_90": float(np.log1p(np.searchsorted(np.cumsum(coarse), 0.9))),
        "colours_of_99": float(np.log1p(np.searchsorted(np.cumsum(coarse), 0.99))),
        "first_fine": float(fine[0]),
        "eight_fine": float(fine[:8].sum()),
        "fine_bits": float(-(fine * np.log2(fine)).sum()),
        "greyness": float((chroma < 10).mean()),
        "chroma": float(chroma.mean() / 255),
        "vivid": float((chroma > 120).mean()),
    }


def _shares(counts: NDArray[np.int64]) -> Floats:
    """Shares of the colours that occur, most frequent first."""
    counts = np.sort(counts[counts > 0])[::-1]
    return np.asarray(counts / counts.sum())


def _lines(grey: Levels) -> dict[str, float]:
    """Straight level and upright edges that run on without a change along them, and the evenness of the margin."""
    across, down = np.abs(np.diff(grey[:-1], axis=1)), np.abs(np.diff(grey[:, :-1], axis=0))
    level = ((down > 12) & (across <= 3)).mean(axis=1)
    upright = ((across > 12) & (down <= 3)).mean(axis=0)
    margin = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    along_rows, along_columns = np.ptp(grey, axis=1), np.ptp(grey, axis=0)
    return {
        "level_line": float(level.max()),
        "upright_line": float(upright.max()),
        "level_lines": float(np.log1p(100 * (level > 0.25).mean())),
        "upright_lines": float(np.log1p(100 * (upright > 0.25).mean())),
        # Gaps between lines of text and between panes run from side to side; skies and walls hold a little noise.
        "still_rows": float((along_rows <= 2).mean()),
        "quiet_rows": float((along_rows <= 12).mean()),
        "still_columns": float((along_columns <= 2).mean()),
        "quiet_columns": float((along_columns <= 12).mean()),
        "even_margin": float((np.abs(margin - np.median(margin)) <= 4).mean()),
    }


def _is_page_of_text(photo: Photo, boxes_px: NDArray[np.floating[Any]] | None) -> bool:
    if boxes_px is None or len(boxes_px) < PAGE_LINES:
        return False
    sides = np.maximum(boxes_px[:, 2:] - boxes_px[:, :2], 0)
    return bool(sides.prod(axis=1).sum() >= PAGE_SHARE * photo.width_px * photo.height_px)
