"""What a bundle is, in words and figures; of those that ship with the package as of those in folders."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from geocairn.errors import BadBundle
from geocairn.places.atlas import Progress
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.summary import describe_hierarchy
from geocairn.systems.bundle import MANIFEST, is_bundle, listed_files, load_bundle
from geocairn.systems.bundles import SHIPPED, folder_named, load_system

_CARDS = {
    "clues": "Where travel photos are taken, and what is read in the photo: place names, languages, scripts, phone numbers, domains, currencies, postal codes.",
    "prior": "Where travel photos are taken, whatever the photo shows: the floor that every other bundle has to beat.",
}


def bundles_in(folders: Iterable[Path]) -> list[str]:
    """The bundles that folders are or hold, each once, as it was named first.

    Raises:
        BadBundle: a folder is none and holds none.
    """
    found: dict[Path, str] = {}
    for folder in folders:
        for path in _bundle_folders(folder):
            found.setdefault(path.resolve(), str(path))
    return list(found.values())


def _bundle_folders(folder: Path) -> list[Path]:
    """A folder that is a bundle, or the bundles in it, by name."""
    if is_bundle(folder):
        return [folder]
    try:
        found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and is_bundle(path)]
    except OSError as error:
        raise BadBundle(f"{folder}: cannot be listed ({error.strerror}); name a folder that is a bundle or holds bundles") from None
    if not found:
        raise BadBundle(f"{folder}: neither a bundle (a folder with a {MANIFEST} that lists its files) nor a folder that holds one")
    return found


def summarise_bundle(name: str, progress: Progress = lambda step: None) -> dict[str, Any]:
    """What a list says of a bundle: a shipped one by its name, else the folder's.

    Raises:
        UnknownName, BadBundle, BadHierarchy: there is none, or it is not whole.
    """
    described, hierarchy = _described(name, progress)
    places = {level: len(hierarchy.places_of(level)) for level in hierarchy.level_names}
    calibrated = described["calibration"]["calibrated"]
    return {key: described[key] for key in ("bundle", "name", "kind", "takes")} | {"places": places, "calibrated": calibrated, "sha256": described["sha256"]}


def describe_bundle(name: str, progress: Progress = lambda step: None) -> dict[str, Any]:
    """All that is known of a bundle: settings, places, calibration, card, files.

    Raises:
        UnknownName, BadBundle, BadHierarchy: there is none, or it is not whole.
    """
    described, hierarchy = _described(name, progress)
    return described | {"hierarchy": describe_hierarchy(hierarchy), "files": list(_files(name)), "card": _card(name)}


def _described(name: str, progress: Progress) -> tuple[dict[str, Any], Hierarchy]:
    if name in SHIPPED:
        system = load_system(name, progress)
        calibration = system.calibration.model_dump(mode="json")
        told = {"bundle": name, "name": name, "kind": "shipped", "takes": ["photos"], "sha256": system.sha256, "config": {}, "calibration": calibration}
        return told, system.hierarchy
    bundle = load_bundle(folder_named(name))
    config = bundle.config
    told = {
        "bundle": name,
        "name": config.name,
        "kind": config.kind,
        "takes": [*config.stores, *(["photos"] if config.encoders or not config.stores else [])],
        "sha256": bundle.sha256,
    }
    return told | {"config": config.model_dump(mode="json"), "calibration": bundle.calibration.model_dump(mode="json")}, bundle.hierarchy


def _files(name: str) -> Iterator[dict[str, Any]]:
    for file, told in sorted(listed_files(Path(name)).items()) if name not in SHIPPED else ():
        yield {"file": file, "bytes": told["bytes"], "sha256": told["sha256"]}


def _card(name: str) -> str:
    if name in SHIPPED:
        return _CARDS[name]
    try:
        return (Path(name) / "card.md").read_text(encoding="utf-8")
    except ValueError:
        raise BadBundle(f"{Path(name) / 'card.md'}: is no text in UTF-8; fetch or export the bundle anew") from None
