"""What a recipe's `[train]` table says: how long, how fast, how often, watched by what."""

from typing import Annotated, Literal

from pydantic import Field

from geocairn.config import Config

Precision = Literal["32-true", "bf16-mixed"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Memory = Annotated[float, Field(ge=0, lt=1)]
# Beyond, what is counted or multiplied with leaves the numbers: 64 bits for seeds, float32 for rates.
_MOST_STEPS, _LARGEST_SEED, _LARGEST_RATE = 10**9, 2**63 - 1, 1e6


class TrainSettings(Config):
    """How a task is trained; every length is counted in optimiser steps or epochs, never in seconds."""

    seed: int = Field(0, ge=0, le=_LARGEST_SEED, description="of the initial weights, the order of the rows and everything else that is drawn")
    epochs: int = Field(10, ge=1, le=_MOST_STEPS, description="passes over the training rows")
    steps: int = Field(0, ge=0, le=_MOST_STEPS, description="optimiser steps in all; 0: as many as the epochs have")
    batch_size: int = Field(256, ge=1, description="rows of an optimiser step; the last step of an epoch takes what is left")
    accumulate: int = Field(
        1,
        ge=1,
        description="parts that a batch is cut into to save memory; the step stays the same: a model whose would not refuses it",
    )

    optimiser: Literal["adam", "sgd"] = Field("adam", description="adam: AdamW, and RiemannianAdam on manifolds; sgd: with momentum, Riemannian on manifolds")
    lr: float = Field(1e-3, gt=0, le=_LARGEST_RATE, description="highest learning rate")
    betas: tuple[Memory, Memory] = Field((0.9, 0.999), description="of adam")
    eps: float = Field(1e-8, gt=0, description="of adam")
    momentum: Memory = Field(0.9, description="of sgd")
    weight_decay: float = Field(0.01, ge=0, le=_LARGEST_RATE, description="of matrices in flat space; vectors, scalars and points of manifolds do not decay")
    clip_norm: float = Field(0.0, ge=0, description="longest gradient of a step; 0: as long as it is")

    schedule: Literal["constant", "cosine", "step", "multistep"] = "cosine"
    warmup_steps: int = Field(0, ge=0, description="steps over which the learning rate rises from 0, for every schedule")
    final_fraction: Fraction = Field(0.0, description="cosine: what is left of the learning rate at the end")
    decay_factor: Fraction = Field(0.5, description="step, multistep: what is left of the learning rate after each fall")
    decay_every_epochs: float = Field(1.0, ge=1e-9, description="step: epochs between falls")
    decay_at_epochs: tuple[Annotated[float, Field(ge=0)], ...] = Field((), description="multistep: epochs after which it falls")

    precision: Precision = Field("32-true", description="bf16-mixed: matrix products in bfloat16; weights and geometry stay in float32")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: CUDA where there is one")

    validate_every_epochs: float = Field(1.0, gt=0, le=_MOST_STEPS, description="the last step is always validated")
    watch: str = Field("loss", description="the validation metric that says which weights are best")
    better: Literal["lower", "higher"] = "lower"
    patience: int = Field(0, ge=0, description="stop after so many validations without a new best; 0: never")
    checkpoints: int = Field(10, ge=10, description="checkpoints of a whole run, evenly spaced, besides those at new bests")
    keep_last: int = Field(2, ge=1, description="checkpoints that are kept besides the best one")
    log_every: int = Field(10, ge=1, description="steps between rows of the log")
