"""What every file in results/ says of where its numbers came from."""

import os
import platform
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import geocairn
from geocairn.manifest import AUTHOR_COLUMNS, Manifest
from geocairn.storage import write_json

RESULTS = Path(__file__).parent.parent / "results"


def provenance(*, data_sha256: str, seed: int) -> dict[str, Any]:
    """Commit (with `+` where the tree has changes of its own), data hash, seed and machine of a run."""
    root = Path(__file__).parent
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--", "../src"], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    machine = {"cpus": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version(), "system": platform.system()}
    return {"commit": commit + ("+" if changed else ""), "version": geocairn.__version__, "data_sha256": data_sha256, "seed": seed, "machine": machine}


def author_folds(manifest: Manifest, n_folds: int) -> NDArray[np.int64]:
    """(N,) fold of each row, by a hash of its author's name: fold 0 of 2 is what answers are fitted on, fold 1 what they are reported on."""
    column = next(name for name in AUTHOR_COLUMNS if name in manifest.columns)
    return np.array([sha256(str(author).encode()).digest()[0] % n_folds for author in manifest.columns[column]], dtype=np.int64)


def write_result(name: str, values: dict[str, Any], *, folder: Path = RESULTS) -> None:
    """Write results/NAME.json at once."""
    write_json(folder / f"{name}.json", values)
