"""Synthetic Earths for tests: cities are drawn of the larger ones alone, which are read sooner."""

from pathlib import Path
from typing import Any

import pytest

from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth


def write_small_earth(out: Path, **settings: Any) -> Path:
    """Write an Earth of these settings into the folder `out`."""
    cities = read_cities(15000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "read_cities", lambda: cities)
        write_synth(out, SynthSettings(**settings))
    return out
