"""A training demo of seconds: the same way, on a tiny Earth and with tiny models."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from geocairn.demo.settings import TrainingDemoSettings
from geocairn.evaluate import write
from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.synth.settings import SynthSettings

_STEPS = ("train.epochs=1", "train.batch_size=64", "train.warmup_steps=0", "train.device=cpu")
_SMALL = ("model.dim=8", "model.image.hidden=16", "model.image.width=16", "model.attention.heads=2", "model.attention.fuse_hidden=16")
TINY = TrainingDemoSettings(
    earth=SynthSettings(photos=700, cities=40, unseen_max=0.05, val_share=0.15, test_share=0.1),
    overrides={
        "neighbours": ("neighbours.k=[1,10]", "neighbours.temperature=[0.1]"),
        "softmax": (*_STEPS, "model.hidden=16"),
        # So few photos do not tell how authors differ.
        "hierloc": (*_STEPS, *_SMALL, "model.entities.hidden=16", "text.dim=8", "augment.author_spread=0.0"),
    },
)


@contextmanager
def small_world() -> Iterator[None]:
    """Cities are drawn of the larger ones alone, and of all plots the map of errors is drawn."""
    cities = read_cities(15000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "read_cities", lambda: cities)
        patch.setattr(write, "PLOTS", {"errors": write.PLOTS["errors"]})
        yield
