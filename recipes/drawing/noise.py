"""Noise and blur: what keeps a drawn surface from looking drawn."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float32]


def fractal(rng: np.random.Generator, height: int, width: int, *, coarsest_px: float, n_octaves: int = 5, stretch: float = 1.0, falloff: float = 0.5) -> Plane:
    """Smooth noise on several scales, mean 0 and standard deviation 1.

    Args:
        coarsest_px: size of the largest blots; each octave halves it.
        stretch: how much longer blots are upright than across.
        falloff: weight of each octave relative to the one before.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(n_octaves):
        cell = max(coarsest_px / 2**octave, 1.0)
        shape = (int(height / (cell * stretch)) + 4, int(width / cell) + 4)
        grid = Image.fromarray(rng.standard_normal(shape).astype(np.float32))
        box = (1.0, 1.0, 1.0 + width / cell, 1.0 + height / (cell * stretch))
        total += falloff**octave * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC, box=box))
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), dtype=np.float32)


def seamless(rng: np.random.Generator, size: int, *, coarsest_px: float, n_octaves: int = 6, falloff: float = 0.6) -> Plane:
    """Square of noise whose edges meet, mean 0 and standard deviation 1."""
    total = np.zeros((size, size), np.float32)
    for octave in range(n_octaves):
        n_cells = max(int(size / coarsest_px * 2**octave), 2)
        if n_cells > size:
            break
        grid = np.pad(rng.standard_normal((n_cells, n_cells)).astype(np.float32), 2, mode="wrap")
        layer = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=(2, 2, 2 + n_cells, 2 + n_cells))
        total += falloff**octave * np.asarray(layer)
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), dtype=np.float32)


def blurred(values: Plane, sigma_px: float) -> Plane:
    """Gaussian blur along the first two axes; edges are repeated."""
    if sigma_px < 0.2:
        return values
    reach = int(np.ceil(2.5 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        margins = [(reach, reach) if dimension == axis else (0, 0) for dimension in range(values.ndim)]
        padded, length = np.pad(values, margins, mode="edge"), values.shape[axis]
        values = np.zeros_like(values)
        for shift, tap in enumerate(taps):
            values += tap * np.take(padded, range(shift, shift + length), axis=axis)
    return values


def halved(values: Plane) -> Plane:
    """Mean of each two by two pixels; both sides are even."""
    return np.asarray((values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]) / np.float32(4))
