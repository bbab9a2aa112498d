"""A bundle with another calibration: the same files but for `calibration.json`, what its card says of it, and their hashes."""

import json
from pathlib import Path

from geocairn.answer.decide import Calibration
from geocairn.errors import BadBundle, BadOutput
from geocairn.manifest import file_sha256
from geocairn.storage import check_folder_writable, folder_appearing_at_once, write_json
from geocairn.systems.bundle import MANIFEST, OF_CALIBRATION, Bundle, check_spares_others, copy_listed, verify_bundle

NEVER = "Never calibrated."
HEADING = "\n## Calibration\n\n"


def check_target(folder: Path, out: Path | None) -> Path:
    """Where the bundle in `folder` is to be written with its new calibration; checked before the work.

    Args:
        out: None for in place.

    Returns:
        The folder to write, with links followed, so that a link to a bundle is not what is replaced.

    Raises:
        BadOutput: `out` is a file, lies in the bundle, holds something else than this bundle, or may not be written.
    """
    check_folder_writable(out or folder)
    if out is None:
        return folder.resolve()
    target = out.resolve()
    if folder.resolve() in target.parents:
        raise BadOutput(f"{out}: lies in the bundle itself; name a folder elsewhere")
    if target.is_dir() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise BadOutput(f"{out}: is there and holds no bundle; name a new folder")
    check_spares_others(out, folder)
    return target


def save_recalibrated(bundle: Bundle, calibration: Calibration, *, said: str, target: Path) -> Path:
    """Write a bundle with another calibration; it appears at once, or the old one stays.

    Args:
        bundle: as it was read before the calibration was fitted.
        said: of the calibration, for the card.
        target: as `check_target` gives it; may be the bundle's folder itself.

    Raises:
        BadBundle: it is no longer there as it was read.
        BadOutput: the target cannot be written.
    """
    with folder_appearing_at_once(target) as draft:
        _copy_as_read(bundle, draft)
        write_json(draft / "calibration.json", calibration.model_dump(mode="json"))
        card = (draft / "card.md").read_text(encoding="utf-8").split(HEADING)[0].replace(NEVER, "").rstrip()
        (draft / "card.md").write_text(f"{card}\n{HEADING}{said}\n", encoding="utf-8")
        listed = json.loads((draft / MANIFEST).read_text(encoding="utf-8"))
        for name in OF_CALIBRATION:
            listed["files"][name] = {"sha256": file_sha256(draft / name), "bytes": (draft / name).stat().st_size}
        write_json(draft / MANIFEST, listed)
        verify_bundle(draft)
    return target


def _copy_as_read(bundle: Bundle, draft: Path) -> None:
    """Copy the files of a bundle.

    Raises:
        BadBundle: it is gone, or another process has written it since.
    """
    try:
        copy_listed(bundle.folder, draft)
        verify_bundle(draft)
        is_as_read = file_sha256(draft / MANIFEST) == bundle.sha256
    except (BadBundle, FileNotFoundError):
        is_as_read = False
    if not is_as_read:
        raise BadBundle(f"{bundle.folder}: another process has written it since it was read, and nothing was changed here; keep it so, or calibrate it anew")
