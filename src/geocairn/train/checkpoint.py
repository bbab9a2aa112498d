"""Checkpoints: everything that a run needs to go on as if it had never stopped, each file written at once and listed with its hash."""

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import BadConfig, BadOutput, BadRun
from geocairn.manifest import file_sha256
from geocairn.storage import appearing_at_once, write_json

FORMAT = "geocairn-checkpoint-1"


class CheckpointRecord(Config):
    """What the `.json` beside a checkpoint says; it is written last, and a checkpoint without it does not count."""

    format: str = Field(FORMAT, pattern=f"^{FORMAT}$")
    step: int = Field(ge=0, description="optimiser steps done")
    bytes: int = Field(ge=1)
    file_sha256: str


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    """Write the state after `step` steps; one of the same step is replaced.

    Args:
        state: numbers, strings, lists, mappings and tensors.

    Raises:
        BadOutput: it cannot be written, as where the disk is full.
    """
    path = folder / f"{_stem(step)}.pt"
    with appearing_at_once(path) as draft:
        try:
            torch.save(_plain(state), draft)
        except (OSError, RuntimeError) as error:
            # Of a full disk torch tells as of a fault of its own.
            raise BadOutput(f"{path}: cannot be written ({' '.join(str(error).split())[:200]}); make room, and --resume goes on") from None
    record = CheckpointRecord(step=step, bytes=path.stat().st_size, file_sha256=file_sha256(path))
    write_json(path.with_suffix(".json"), record.model_dump(mode="json"))


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps of the finished checkpoints, in order."""
    found = (path.stem.removeprefix("step-") for path in folder.glob("step-*.json") if path.with_suffix(".pt").exists())
    return sorted(int(number) for number in found if number.isdigit())


def unfinished_checkpoints(folder: Path) -> list[Path]:
    """Checkpoints without the record that is written last, in order: of a run that was killed just then, or of which somebody has deleted it."""
    return sorted(path for path in folder.glob("step-*.pt") if not path.with_suffix(".json").exists())


def load_checkpoint(folder: Path, step: int) -> dict[str, Any]:
    """Read the state after `step` steps, on the CPU, after checking that it is as it was written.

    Raises:
        BadRun: missing, truncated or otherwise changed, or with objects in it: one line that says what to do.
    """
    path = folder / f"{_stem(step)}.pt"
    try:
        record = CheckpointRecord.parse(str(path.with_suffix(".json")), json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
        if path.stat().st_size != record.bytes or file_sha256(path) != record.file_sha256:
            raise BadRun(f"{path}: truncated or changed since it was written; {_mend(folder, step)}")
    except (OSError, ValueError, RecursionError, BadConfig) as error:
        raise BadRun(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}); {_mend(folder, step)}") from None
    return _read_plain(path, _mend(folder, step))


def prune_checkpoints(folder: Path, *, keep_last: int, best: int | None) -> None:
    """Delete all but the last `keep_last` checkpoints and that of step `best`, and what interrupted writes have left."""
    steps = checkpoint_steps(folder)
    kept = {_stem(step) for step in (*steps[-keep_last:], *([best] if best is not None else []))}
    # The record goes first: a checkpoint without one does not count.
    for path in sorted(folder.iterdir(), key=lambda path: path.suffix != ".json"):
        if path.name.lstrip(".").startswith("step-") and path.stem not in kept:
            path.unlink()


def _stem(step: int) -> str:
    return f"step-{step:09d}"


def _read_plain(path: Path, mend: str) -> dict[str, Any]:
    """The state in a file of numbers, strings, lists, mappings and tensors; whatever else it holds is not made.

    Raises:
        BadRun: it holds anything else, or cannot be read.
    """
    try:
        with warnings.catch_warnings():
            # What torch says of such files is advice to read them without a guard.
            warnings.simplefilter("ignore")
            return dict(torch.load(path, map_location="cpu", weights_only=True))
    except (pickle.UnpicklingError, AttributeError):
        raise BadRun(f"{path}: holds something else than numbers, texts, lists and tensors, and was not read: somebody has changed it; {mend}") from None
    except Exception as error:  # noqa: BLE001 - bytes that were meant to deceive make torch raise anything
        raise BadRun(f"{path}: cannot be read ({' '.join(str(error).split())[:200] or type(error).__name__}); {mend}") from None


def _mend(folder: Path, step: int) -> str:
    earlier = [other for other in checkpoint_steps(folder) if other < step]
    return f"delete it and its .json, and --resume goes on from step {earlier[-1]}" if earlier else "delete the run and train anew"


def _plain(value: Any) -> Any:
    """The same values, with every tensor a bare one: kinds from elsewhere could not be read back safely, and a slice would bring all that it is cut from."""
    if isinstance(value, torch.Tensor):
        plain = value.detach().as_subclass(torch.Tensor)
        return plain if plain.untyped_storage().nbytes() == plain.numel() * plain.element_size() else plain.clone()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
