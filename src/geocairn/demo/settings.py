"""What the training part of the first run does."""

from pydantic import Field

from geocairn.config import Config
from geocairn.synth.settings import SynthSettings

# Over the recipes, which are for an Earth seven times as large: smaller batches make more steps of as few photos.
SHORTER: dict[str, tuple[str, ...]] = {
    "neighbours": (),
    "softmax": ("train.batch_size=256",),
    "hierloc": ("train.batch_size=256",),
}


class TrainingDemoSettings(Config):
    """A small Earth, how the systems are trained on it, and how many answers are shown."""

    # Of the first seeds the one whose photos are spread most evenly over countries: ten answers then come from many.
    earth: SynthSettings = SynthSettings(photos=30_000, cities=500, seed=2)
    overrides: dict[str, tuple[str, ...]] = Field(SHORTER, description="for each system that is trained, settings over those of its recipe")
    n_samples: int = Field(10, ge=1, description="test photos whose answers are shown")
    jobs: int = Field(1, ge=1, description="processes that answer; changes nothing but speed")
