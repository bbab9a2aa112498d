"""A bundle with another calibration: the same files but for `calibration.json`, what its card says of it, and their hashes."""

import json
import shutil
from pathlib import Path
from typing import Any

from geocairn.answer.decide import Calibration
from geocairn.errors import BadOutput
from geocairn.manifest import file_sha256
from geocairn.storage import folder_appearing_at_once
from geocairn.systems.bundle import MANIFEST, verify_bundle

NEVER = "Never calibrated."
HEADING = "\n## Calibration\n\n"
CHANGED = ("calibration.json", "card.md")


def check_target(folder: Path, out: Path | None) -> Path:
    """Where the bundle in `folder` is to be written with its new calibration; checked before the work.

    Args:
        out: None for in place.

    Returns:
        The folder to write, with links followed, so that a link to a bundle is not what is replaced.

    Raises:
        BadOutput: `out` is a file, lies in the bundle, or holds something else than a bundle.
    """
    if out is None:
        return folder.resolve()
    target = out.resolve()
    if folder.resolve() in target.parents:
        raise BadOutput(f"{out}: lies in the bundle itself; name a folder elsewhere")
    if target.exists() and not target.is_dir():
        raise BadOutput(f"{out}: is a file; name a folder")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise BadOutput(f"{out}: is there and holds no bundle; name a new folder")
    return target


def save_recalibrated(folder: Path, calibration: Calibration, *, said: str, target: Path) -> Path:
    """Write the bundle in `folder` with another calibration; it appears at once, or the old one stays.

    Args:
        said: of the calibration, for the card.
        target: as `check_target` gives it; may be `folder` itself.

    Raises:
        BadBundle: `folder` is no whole bundle.
        BadOutput: the target cannot be written.
    """
    verify_bundle(folder)
    with folder_appearing_at_once(target) as draft:
        shutil.copytree(folder, draft, dirs_exist_ok=True)
        _write_json(draft / "calibration.json", calibration.model_dump(mode="json"))
        card = (draft / "card.md").read_text(encoding="utf-8").split(HEADING)[0].replace(NEVER, "").rstrip()
        (draft / "card.md").write_text(f"{card}\n{HEADING}{said}\n", encoding="utf-8")
        listed = json.loads((draft / MANIFEST).read_text(encoding="utf-8"))
        for name in CHANGED:
            listed["files"][name] = {"sha256": file_sha256(draft / name), "bytes": (draft / name).stat().st_size}
        _write_json(draft / MANIFEST, listed)
        verify_bundle(draft)
    return target


def _write_json(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
