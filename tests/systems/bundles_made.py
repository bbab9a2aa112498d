"""Small whole bundles to export, pull and damage."""

import hashlib
import json
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import numpy as np
from tests.places.factory import small_earth

from geocairn.answer.decide import Calibration
from geocairn.systems.bundle import MANIFEST, BundleConfig, save_bundle
from geocairn.systems.limits import PRIOR_KIND


@cache
def _one_bundle() -> Path:
    config = BundleConfig(kind=PRIOR_KIND, name="a [red] bundle", stores={"features": "an encoder"})
    arrays = {"weights": np.arange(6.0).reshape(2, 3)}
    folder = Path(mkdtemp(prefix="geocairn-test-")) / "b"
    return save_bundle(folder, config, hierarchy=small_earth(), calibration=Calibration(calibrated=True), card="# Card\n\nOf Ísland.\n", arrays=arrays)


def bundle_at(folder: Path) -> Path:
    """A bundle of its own, whole."""
    return Path(copytree(_one_bundle(), folder))


def replace_listed(folder: Path, name: str, content: bytes) -> None:
    """Change a file and list it as it is now, as whoever made the bundle would."""
    (folder / name).write_bytes(content)
    listed = json.loads((folder / MANIFEST).read_text())
    listed["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / MANIFEST).write_text(json.dumps(listed))
