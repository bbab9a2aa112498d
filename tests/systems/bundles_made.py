"""Small whole bundles to export, pull and damage."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.places.factory import small_earth

from geocairn.answer.decide import Calibration
from geocairn.places.files import arrays_sha256
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.bundle import MANIFEST, WEIGHTS, BundleConfig, read_arrays, save_bundle, write_arrays
from geocairn.systems.softmax import KIND


@cache
def _one_bundle() -> Path:
    config = BundleConfig(kind=KIND, name="a [red] bundle", stores={"features": "an encoder"}, system={"layers": 1})
    earth = small_earth()
    numbers = np.arange(3.0 * earth.n_leaves, dtype=np.float32).reshape(-1, 3)
    arrays = {"feature_mean": numbers[0], "feature_std": numbers[1], "layer0.weight": numbers, "layer0.bias": numbers[:, 0]}
    folder = Path(mkdtemp(prefix="geocairn-test-")) / "b"
    return save_bundle(folder, config, hierarchy=earth, calibration=Calibration(calibrated=True), card="# Card\n\nOf Ísland.\n", arrays=arrays)


def bundle_at(folder: Path) -> Path:
    """A bundle of its own, whole."""
    return Path(copytree(_one_bundle(), folder))


def change_arrays(folder: Path, change: Callable[[dict[str, NDArray[Any]]], object]) -> None:
    """Change the arrays of a bundle and list them as they are now."""
    arrays = read_arrays(folder / WEIGHTS)
    change(arrays)
    write_arrays(folder / WEIGHTS, arrays)
    replace_listed(folder, WEIGHTS, (folder / WEIGHTS).read_bytes())


def change_hierarchy(folder: Path, hierarchy: Hierarchy) -> None:
    """Give a bundle another hierarchy, which may break any law, with all hashes as they are now."""
    with np.load(folder / "hierarchy.npz") as stored:
        arrays = {name: getattr(hierarchy, name) if hasattr(hierarchy, name) else stored[name] for name in stored.files}
    content = BytesIO()
    np.savez(content, **arrays)
    replace_listed(folder, "hierarchy.npz", content.getvalue())
    described = json.loads((folder / "hierarchy.json").read_text()) | {"arrays_sha256": arrays_sha256(hierarchy)}
    replace_listed(folder, "hierarchy.json", json.dumps(described).encode())


def replace_listed(folder: Path, name: str, content: bytes) -> None:
    """Change a file and list it as it is now, as whoever made the bundle would."""
    (folder / name).write_bytes(content)
    listed = json.loads((folder / MANIFEST).read_text())
    listed["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / MANIFEST).write_text(json.dumps(listed))
