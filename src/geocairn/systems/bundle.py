"""The bundle: one trained system in one folder, saved at once, every file listed with its hash, loaded strictly or not at all."""

import hashlib
import json
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from geocairn.answer.decide import Calibration
from geocairn.config import Config
from geocairn.errors import BadBundle, BadConfig, BadOutput
from geocairn.manifest import file_sha256
from geocairn.models.preprocess import Preprocessing
from geocairn.places.files import load_hierarchy, save_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.territory import build_territories
from geocairn.storage import folder_appearing_at_once, write_json

Settings = TypeVar("Settings", bound=Config)
FORMAT = "geocairn-bundle-1"
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
REQUIRED = ("config.json", "hierarchy.npz", "hierarchy.json", "territory.npz", "calibration.json", "card.md")
# What another calibration changes; the rest is the system.
OF_CALIBRATION = ("calibration.json", "card.md")
# What bundles may hold: nothing that runs when it is read.
SUFFIXES = (".json", ".npz", ".npy", ".md", ".toml", ".txt", ".safetensors", ".faiss", ".parquet")


def plain_folder_name(name: str) -> str:
    """The name itself, which leads to a folder beside a manifest and nowhere else.

    Raises:
        ValueError: it may lead elsewhere.
    """
    if name in ("", ".", "..") or set(name) & set("/\\:") or not name.isprintable():
        raise ValueError(f"{name!r} is no plain name of a folder beside the manifest")
    return name


class StoreEncoder(Config):
    """The image encoder that made the features of a store, as far as a photo can be encoded anew."""

    name: str = Field(min_length=1, description="where it lay in training: a folder, or a name of the hub")
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    preprocessing: Preprocessing


class BundleConfig(Config):
    """What a bundle is: which system reads it, what it is called, what it takes, and the settings of that system."""

    format: str = Field(FORMAT, pattern=f"^{FORMAT}$")
    kind: str = Field(min_length=1, description="which system reads the folder (systems/bundles.py)")
    name: str = Field(min_length=1, description="what answers call it")
    version: str = Field(default_factory=lambda: version("geocairn"), description="of Geocairn when it was saved")
    stores: dict[str, str] = Field(default_factory=dict, description="feature stores beside a manifest that it takes, and their encoders; empty for photos")
    encoders: dict[str, StoreEncoder] = Field(default_factory=dict, description="image encoders of all its stores; empty where photos cannot be encoded anew")
    leaked: bool = Field(False, description="its places and what it knows of them are knowingly built from test rows too: to measure what that is worth")
    system: dict[str, Any] = Field(default_factory=dict, description="settings of the system itself")

    @model_validator(mode="after")
    def _all_stores_have_encoders(self) -> Self:
        if self.encoders and self.encoders.keys() != self.stores.keys():
            raise ValueError(f"encoders are of {', '.join(self.encoders)}, but stores of {', '.join(self.stores) or 'none'}")
        return self

    @field_validator("name")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in name):
            raise ValueError("holds line ends or control signs; name it in one line")
        return name

    @field_validator("stores")
    @classmethod
    def _lie_beside_the_manifest(cls, stores: dict[str, str]) -> dict[str, str]:
        return {plain_folder_name(name): encoder for name, encoder in stores.items()}


@dataclass(frozen=True)
class Fault:
    """A file that is not as it must be, and the rule that it breaks, with the mend."""

    path: Path
    rule: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}"


@dataclass(frozen=True)
class Bundle:
    """A bundle that was found whole.

    Attributes:
        sha256: hash of the list of all files and their hashes: what predictions quote.
    """

    folder: Path
    config: BundleConfig
    calibration: Calibration
    hierarchy: Hierarchy
    sha256: str

    @property
    def territory(self) -> Path:
        """File with the outlines of the leaves' territories."""
        return self.folder / "territory.npz"

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of `model.safetensors`, by name.

        Raises:
            BadBundle: there is no such file, or it is something else.
        """
        return read_arrays(self.folder / WEIGHTS)


def save_bundle(
    folder: Path,
    config: BundleConfig,
    *,
    hierarchy: Hierarchy,
    calibration: Calibration,
    card: str,
    arrays: Mapping[str, NDArray[Any]] | None = None,
    more: Callable[[Path], None] | None = None,
) -> Path:
    """Write a bundle; an older bundle there is replaced. The territories of the hierarchy's leaves are measured on the way.

    Args:
        arrays: kept in `model.safetensors`.
        more: writes further files (an index, a tokenizer) into the folder that it is given.

    Returns:
        `folder`.

    Raises:
        BadOutput: the folder cannot be written, or holds something else than a bundle.
        BadBundle: `more` has written a file that bundles may not hold.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise BadOutput(f"{folder}: is there and holds no bundle; name a new folder")
    with folder_appearing_at_once(folder) as draft:
        write_json(draft / "config.json", config.model_dump(mode="json"))
        write_json(draft / "calibration.json", calibration.model_dump(mode="json"))
        (draft / "card.md").write_text(card, encoding="utf-8")
        save_hierarchy(hierarchy, draft / "hierarchy.npz")
        build_territories(hierarchy.unit[hierarchy.leaves], draft / "territory.npz")
        if arrays is not None:
            write_arrays(draft / WEIGHTS, arrays)
        if more is not None:
            more(draft)
        files = {name: {"sha256": file_sha256(draft / name), "bytes": (draft / name).stat().st_size} for name in files_in(draft)}
        write_json(draft / MANIFEST, {"format": FORMAT, "files": files})
        verify_bundle(draft)
    return folder


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle after checking that it is whole: all listed files and no others, with their hashes.

    Raises:
        BadBundle: naming the first file that is not as it was saved, or the key that is not known.
        BadHierarchy: the places cannot be used.
    """
    verify_bundle(folder)
    config = read_config(folder)
    calibration = _parsed(Calibration, folder / "calibration.json")
    hierarchy = load_hierarchy(folder / "hierarchy.npz")
    return Bundle(folder, config, calibration, hierarchy, file_sha256(folder / MANIFEST))


def read_config(folder: Path) -> BundleConfig:
    """What a bundle says that it is, without a look at its other files.

    Raises:
        BadBundle: there is no `config.json`, or it cannot be read.
    """
    return _parsed(BundleConfig, folder / "config.json")


def is_calibrated(folder: Path) -> bool:
    """Whether a bundle's probabilities were fitted; False where there is no bundle that says so."""
    try:
        return _parsed(Calibration, folder / "calibration.json").calibrated
    except BadBundle:
        return False


def system_sha256(folder: Path) -> str:
    """Hash of the list of a bundle's files, but for its calibration: of one system it is the same however it is calibrated.

    Raises:
        BadBundle: there is no list, or it cannot be read.
    """
    told = [f"{name} {file['sha256']}" for name, file in sorted(listed_files(folder).items()) if name not in OF_CALIBRATION]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def check_spares_others(out: Path, source: Path) -> None:
    """Refuse to write a bundle over that of another system, which may be all that is left of a training.

    Args:
        out: the folder to write.
        source: the bundle that it is to hold, calibrated anew or not.

    Raises:
        BadOutput: `out` holds another bundle, or one whose list of files is damaged.
    """
    if not is_bundle(out):
        return
    try:
        is_other = system_sha256(out) != system_sha256(source)
    except BadBundle:
        is_other = True
    if is_other:
        raise BadOutput(f"{out}: holds another bundle than {source}; name a new folder, or delete that one")


def verify_bundle(folder: Path) -> None:
    """Check that a bundle holds all files that it lists, as they were saved, and no others.

    Raises:
        BadBundle: naming the first fault.
    """
    for fault in file_faults(folder):
        raise BadBundle(str(fault))


def file_faults(folder: Path) -> Iterator[Fault]:
    """All files of a bundle that are missing, not as they were saved, or not among those that it lists.

    Raises:
        BadBundle: there is no list of files, or it cannot be read.
    """
    listed = listed_files(folder)
    there = files_in(folder)
    for name in REQUIRED:
        if name not in listed:
            yield Fault(folder, f"its {MANIFEST} lists no {name}; fetch or export the bundle anew")
    for name in sorted({*listed, *there}):
        rule = _broken_rule(folder / name, listed.get(name), is_there=name in there)
        if rule:
            yield Fault(folder / name, rule)


def is_bundle(folder: Path) -> bool:
    """Whether a folder is meant as a bundle: it has a list of files, of this format or too damaged to tell."""
    try:
        described = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, RecursionError):
        return True
    return isinstance(described, dict) and described.get("format") == FORMAT


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as safetensors; equal arrays give equal bytes."""
    from safetensors.numpy import save_file

    # The format keeps bytes as they lie: rows must stand one after the other.
    save_file({name: np.array(array, order="C") for name, array in sorted(arrays.items())}, path)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.safetensors`; anything else under that name, a pickle say, is refused.

    Raises:
        BadBundle: no such file, damaged, or of another format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise BadBundle(f"{path}: missing; fetch or export the bundle anew") from None
    except (OSError, SafetensorError) as error:
        raise BadBundle(f"{path}: no readable safetensors ({' '.join(str(error).split())}); fetch or export the bundle anew") from None


def _broken_rule(path: Path, told: Mapping[str, Any] | None, *, is_there: bool) -> str | None:
    """Why a file may not be in a bundle as it is, and the mend; None where it may."""
    if not is_there:
        return "missing; fetch or export the bundle anew"
    if path.suffix and path.suffix not in SUFFIXES:
        return f"a bundle holds no {path.suffix} files (a pickle can run anything); keep weights as safetensors"
    if told is None:
        return f"not among the files that {MANIFEST} lists; take it out"
    if not path.suffix:
        return "a bundle holds no files without a suffix (a pickle can run anything); keep weights as safetensors"
    if not path.is_file():
        return "not a plain file; fetch or export the bundle anew"
    size = path.stat().st_size
    if size != told["bytes"]:
        return f"{size} bytes, but {told['bytes']} were saved; fetch or export the bundle anew"
    try:
        sha256 = file_sha256(path)
    except OSError as error:
        return f"cannot be read ({error.strerror}); ask whoever may"
    return None if sha256 == told["sha256"] else "these are not the bytes that were saved (sha256 differs); fetch or export the bundle anew"


def listed_files(folder: Path) -> dict[str, dict[str, Any]]:
    """The files that a bundle lists, each with `sha256` and `bytes`.

    Raises:
        BadBundle: there is no list, or it cannot be read.
    """
    described = _read_json(folder / MANIFEST)
    files = described.get("files") if isinstance(described, dict) else None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise BadBundle(f"{folder / MANIFEST}: does not say that this is a {FORMAT}; name the folder of a bundle")
    for key in described.keys() - {"format", "files"}:
        raise BadBundle(f"{folder / MANIFEST}: {key} = {described[key]!r}: not known (known keys: format, files); fetch or export the bundle anew")
    if not isinstance(files, dict) or not all(isinstance(told, dict) and {"sha256", "bytes"} == set(told) for told in files.values()):
        raise BadBundle(f"{folder / MANIFEST}: does not list files with sha256 and bytes; fetch or export the bundle anew")
    return files


def files_in(folder: Path) -> list[str]:
    """All files of a bundle but its list, relative to it, sorted."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for name in names if name != MANIFEST)


def copy_listed(folder: Path, draft: Path) -> None:
    """Copy the files that a bundle lists, as far as they are there, into another folder; contents alone, no modes and no times."""
    there = files_in(folder)
    for name in (MANIFEST, *(name for name in listed_files(folder) if name in there)):
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, draft / name)


def _parsed(kind: type[Settings], path: Path) -> Settings:
    values = _read_json(path)
    if not isinstance(values, dict):
        raise BadBundle(f"{path}: holds no settings; fetch or export the bundle anew")
    try:
        return kind.parse(str(path), values)
    except BadConfig as error:
        raise BadBundle(str(error)) from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BadBundle(f"{path}: no such file; a bundle is a folder with a {MANIFEST}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadBundle(f"{path}: not readable as JSON ({' '.join(str(error).split())}); fetch or export the bundle anew") from None
