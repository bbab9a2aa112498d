"""The checks behind `geocairn doctor`."""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from geocairn import __version__
from geocairn.clues.tesseract import SCRIPT_LETTERS, tesseract_scripts
from geocairn.storage import cache_folder

TEXT_PACKAGES = ("rapidocr", "onnxruntime", "lingua-language-detector", "wordfreq", "phonenumbers", "rapidfuzz", "babel")
ENCODER_PACKAGES = ("torch", "transformers", "safetensors")
DEBIAN_PACKS = "apt install tesseract-ocr tesseract-ocr-script-{cyrl,grek,arab,thai,hang,deva}"


@dataclass(frozen=True)
class Check:
    """One thing looked at; `optional` parts may be absent, `missing` ones are needed by the bundle `clues`."""

    what: str
    state: Literal["ok", "optional", "missing"]
    found: str
    mend: str = ""


def run_checks() -> Iterator[Check]:
    """Look at everything that Geocairn can use."""
    yield Check("geocairn", "ok", f"{__version__} on Python {platform.python_version()}")
    for package in TEXT_PACKAGES:
        yield _package(package, "missing", "pip install geocairn[text]")
    for package in ENCODER_PACKAGES:
        yield _package(package, "optional", "pip install geocairn[encoders] to extract features of photos")
    yield _package("pillow_heif", "optional", "pip install geocairn[heic] to read HEIC photos")
    yield _tesseract()
    folder = cache_folder()
    built = any(folder.glob("places-*/hierarchy.json"))
    yield Check(
        "places", "ok" if built else "optional", f"built in {folder}" if built else f"not built yet in {folder}", "" if built else "the first run builds them"
    )


def _package(name: str, otherwise: Literal["optional", "missing"], mend: str) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, otherwise, "not installed", mend)


def _tesseract() -> Check:
    if shutil.which("tesseract") is None:
        return Check("tesseract", "optional", "not installed: Cyrillic, Greek, Arabic, Thai, Hangul and Devanagari are read poorly", DEBIAN_PACKS)
    absent = [script for script in SCRIPT_LETTERS if script not in tesseract_scripts()]
    found = ", ".join(tesseract_scripts()) or "no script packs"
    return Check("tesseract", "optional" if absent else "ok", found, f"{DEBIAN_PACKS} for {', '.join(absent)}" if absent else "")
