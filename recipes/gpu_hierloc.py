"""Training steps of HierLoc on a CUDA device at the size of its paper, in time and memory, and the CPU's numbers beside the device's on a smaller model."""

import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from bench_hierloc import LEVELS, PAPER_SIZES, SEED
from hierloc_head import trainer_on, write_data
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.manifest import file_sha256

BATCHES = (16, 96, 1024)
PRECISIONS = ("32-true", "bf16-mixed")
STEPS, WARM_STEPS = 10, 3
SMALL_SIZES, SMALL_STEPS = (12, 60, 300, 2000), 20
# As a share of the CPU's number.
TOLERANCE = 1e-3
# Both devices draw other numbers for dropout.
NO_DROPOUT = [f"model.{part}.dropout=0.0" for part in ("image", "entities", "entities.location", "attention")]


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no CUDA device, or a torch that sees none; nothing is measured")
    with TemporaryDirectory() as folder:
        small, whole = Path(folder) / "small", Path(folder) / "whole"
        write_data(small, SMALL_SIZES, n_train=4000, seed=SEED)
        write_data(whole, PAPER_SIZES, seed=SEED)
        same = compared(small)
        result = {
            "device": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "entities": dict(zip(LEVELS, PAPER_SIZES, strict=True)),
            "same_as_cpu": same,
            "steps": [measured(whole, batch, precision) for precision in PRECISIONS for batch in BATCHES],
        }
        digest = file_sha256(whole / "train.parquet")
    write_result("gpu_hierloc", {**result, **provenance(data_sha256=digest, seed=SEED)})
    print(json.dumps(result, indent=1))
    if fault := fault_of(same):
        sys.exit(fault)


def compared(data: Path) -> dict[str, Any]:
    """Losses and lengths of the gradient over some steps on both devices, in float32; the largest difference as a share of the CPU's number."""
    seen = {device: steps_on(data, device) for device in ("cpu", "cuda")}
    share = np.abs(seen["cuda"] / seen["cpu"] - 1).max(axis=0)
    return {
        "entities": SMALL_SIZES,
        "steps": SMALL_STEPS,
        "loss_cpu": [round(float(loss), 6) for loss in seen["cpu"][[0, -1], 0]],
        "loss_cuda": [round(float(loss), 6) for loss in seen["cuda"][[0, -1], 0]],
        "largest_difference": {"loss": float(f"{share[0]:.2g}"), "grad_norm": float(f"{share[1]:.2g}")},
    }


def fault_of(same: dict[str, Any]) -> str:
    """What is wrong where the devices' losses or gradients differ by more than the tolerance, or by no number; "" where they agree."""
    differ = [f"{what} by {share:g}" for what, share in same["largest_difference"].items() if not share <= TOLERANCE]
    return f"the CUDA device's numbers are not the CPU's to {TOLERANCE:g}: {', '.join(differ)}" if differ else ""


def steps_on(data: Path, device: str) -> NDArray[np.float64]:
    """(steps, 2) loss and length of the gradient."""
    with TemporaryDirectory() as folder:
        trainer = trainer_on(data, Path(folder), f"train.device={device}", "train.batch_size=64", "train.lr=2e-3", "train.warmup_steps=5", *NO_DROPOUT)
        stepped = [trainer.step(number) for number in range(SMALL_STEPS)]
    return np.array([[step.loss, step.grad_norm] for step in stepped])


def measured(data: Path, batch: int, precision: str) -> dict[str, Any]:
    """Median time of a step, and the most memory that it took."""
    with TemporaryDirectory() as folder:
        trainer = trainer_on(data, Path(folder), "train.device=cuda", f"train.batch_size={batch}", f"train.precision={precision}")
        torch.cuda.reset_peak_memory_stats()
        times = []
        for number in range(WARM_STEPS + STEPS):
            torch.cuda.synchronize()
            started = time.perf_counter()
            loss = trainer.step(number).loss
            torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
    step_s = statistics.median(times[WARM_STEPS:])
    memory_gb = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    del trainer
    torch.cuda.empty_cache()
    return {
        "batch": batch,
        "precision": precision,
        "step_ms": round(1000 * step_s, 1),
        "photos_per_s": round(batch / step_s, 1),
        "peak_memory_gb": memory_gb,
        "last_loss": round(loss, 4),
    }


if __name__ == "__main__":
    main()
