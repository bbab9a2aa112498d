"""Pretrained networks in folders as transformers writes them: found or fetched, read strictly, from safetensors alone, and run in blocks of fixed shape."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geocairn.errors import BadConfig, BadEncoder, MissingExtra, UnknownName
from geocairn.manifest import file_sha256
from geocairn.models.preprocess import read_json

WEIGHTS, SHARDS = "model.safetensors", "model.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_NOT_INSTALLED = "encoders need torch and transformers; pip install geocairn[encoders]"


def pretrained_folder(name: str, known: Mapping[str, str], more_files: Sequence[str]) -> Path:
    """The folder of a network: `name` itself where it is one, else what the hub holds under that name.

    Args:
        known: from the names that may be fetched to where they lie on the hub.
        more_files: what is needed besides configuration and weights.

    Raises:
        UnknownName: neither a folder nor a known name.
        BadEncoder: a folder without configuration, or it could not be fetched.
    """
    if (Path(name) / "config.json").exists():
        return Path(name)
    if Path(name).is_dir():
        raise BadEncoder(f"{name}: a folder without a config.json; give the folder of an encoder, or one of {', '.join(known)}")
    if name not in known:
        kind = "a file, not a folder" if Path(name).exists() else "neither a folder nor a name that is known"
        raise UnknownName(f"{name}: {kind}; give a folder, or one of {', '.join(known)}")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra(f"{name}: {_NOT_INSTALLED}") from None
    try:
        return Path(snapshot_download(known[name], allow_patterns=["config.json", WEIGHTS, SHARDS, "model-*.safetensors", *more_files]))
    except Exception as error:  # noqa: BLE001 - the network, the hub and its library fail in many ways; all mean that it is not here
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason told'}"
        raise BadEncoder(f"{name}: {known[name]} could not be fetched from the hub ({reason}); download that folder elsewhere and give its path") from None


def load_pretrained(folder: Path, model: str, dtype: torch.dtype, leaves_out: Sequence[str], **options: Any) -> nn.Module:
    """The network of a folder, in evaluation mode and without gradients.

    Args:
        model: name of its class in transformers.
        leaves_out: patterns of weights in the file that this class does without.

    Raises:
        BadEncoder: no safetensors, damaged, or weights that are missing, of another shape, or left over.
        MissingExtra: transformers is not installed.
    """
    weight_files(folder)
    try:
        import transformers
    except ImportError:
        raise MissingExtra(f"{folder}: {_NOT_INSTALLED}") from None
    kind = getattr(transformers, model)
    with quiet():
        try:
            config = _config(kind.config_class, folder)
            told = {"use_safetensors": True, "local_files_only": True, "output_loading_info": True, "dtype": dtype, "config": config}
            # Shapes that do not fit are told below, in our own words.
            told["ignore_mismatched_sizes"] = True
            loaded, info = kind.from_pretrained(folder, **told, **options)
        except Exception as error:  # noqa: BLE001 - damaged files make transformers raise anything
            raise BadEncoder(f"{folder}: cannot be loaded as {model} ({_reason(error)}); download the folder anew") from None
    left_over = [key for key in info["unexpected_keys"] if not any(re.fullmatch(pattern, key) for pattern in leaves_out)]
    if info["mismatched_keys"]:
        name, there, wanted = min(info["mismatched_keys"])
        raise BadEncoder(
            f"{folder}: its weights do not fit its config.json: {name} is {tuple(there)}, but {tuple(wanted)} by the configuration "
            f"({len(info['mismatched_keys'])} such in all; {model}); take both from one encoder"
        )
    for what, keys in (("lacks", info["missing_keys"]), ("has weights unknown to the network:", left_over)):
        if keys:
            raise BadEncoder(f"{folder}: {what} {sorted(map(str, keys))[0]} ({len(keys)} in all; {model}); are its files of one encoder?")
    frozen: nn.Module = loaded.eval().requires_grad_(False)
    return frozen


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder, in the order of their names.

    Raises:
        BadEncoder: there is none, or a shard is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / SHARDS).is_file():
        parts = read_json(folder / SHARDS).get("weight_map")
        names = sorted(set(map(str, parts.values()))) if isinstance(parts, dict) else []
        for name in names:
            if Path(name).name != name or not (folder / name).is_file():
                raise BadEncoder(f"{folder / SHARDS}: names {name!r}, which is no file beside it; download the folder anew")
        if names:
            return [folder / name for name in names]
        raise BadEncoder(f"{folder / SHARDS}: lists no files; download the folder anew")
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise BadEncoder(f"{folder / pickles[0]}: weights in a pickle, which can run anything when it is read; convert them to {WEIGHTS} (docs/encoders.md)")
    raise BadEncoder(f"{folder}: holds no {WEIGHTS}; download the encoder's whole folder")


def encoder_sha256(folder: Path, *more: str) -> str:
    """Hash of a folder's configuration and weights, and of whatever else decides what comes out."""
    files = {path.name: file_sha256(path) for path in (folder / "config.json", *weight_files(folder))}
    return hashlib.sha256(json.dumps([files, more], sort_keys=True).encode()).hexdigest()


def run_in_blocks(network: Callable[[Tensor], Tensor], rows: Tensor, block: int, device: str) -> Tensor:
    """Apply a network to rows in blocks of one shape, the last one filled up with zeros: a row's result does not depend on how many there are.

    Args:
        network: (block, ...) -> (block, ...).
        rows: (B, ...), B >= 0.

    Returns:
        (B, ...) on `device`.

    Raises:
        BadConfig: the memory of the GPU does not suffice for one block.
    """
    found = []
    try:
        with torch.no_grad(), torch.autocast(device, enabled=False), _exact_convolutions(device):
            for start in range(0, max(len(rows), 1), block):
                part = rows[start : start + block].to(device)
                filled = torch.cat([part, part.new_zeros(block - len(part), *rows.shape[1:])]) if len(part) < block else part
                found.append(network(filled)[: len(part)])
        return torch.cat(found)
    except torch.OutOfMemoryError:
        raise BadConfig(f"device {device}: too little memory for {block} rows of {tuple(rows.shape[1:])}; choose bfloat16, cpu or a larger GPU") from None


@contextmanager
def _exact_convolutions(device: str) -> Iterator[None]:
    """Convolutions on a GPU keep all digits of float32, which they do not by default."""
    if device != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Work without the bars and reports of transformers: what matters in them becomes an error of ours."""
    logging: Any = import_module("transformers.utils.logging")
    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()


def _config(kind: Any, folder: Path) -> Any:
    """The configuration of one tower; of a folder with two, the width of the space that they share stands apart from both."""
    config = kind.from_pretrained(folder, local_files_only=True)
    shared = read_json(folder / "config.json").get("projection_dim")
    if shared is not None and hasattr(config, "projection_dim"):
        config.projection_dim = shared
    return config


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else f"{words[:200]}..."
