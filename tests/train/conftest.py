"""A small synthetic Earth for all that learns from one."""

import pytest

from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth


@pytest.fixture(scope="session")
def small_synth(tmp_path_factory):
    """600 photos of 60 cities, read only."""
    out = tmp_path_factory.mktemp("synth") / "earth"
    cities = read_cities(15000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "read_cities", lambda: cities)
        write_synth(out, SynthSettings(photos=600, cities=60, unseen_max=0.02))
    return out
