"""Rows of a small feature store."""

import numpy as np

from geocairn.data.feature_store import StoreHeader

HEADER = StoreHeader(encoder="tiles", dim=5, manifest_sha256="0" * 64)
PHOTOS = [f"p{row}" for row in range(23)]
ROWS = np.random.default_rng(0).normal(size=(23, 5)).astype(np.float16)


def computed(rows: range) -> np.ndarray:
    return ROWS[rows.start : rows.stop].astype(np.float64)


def flip(path):
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
