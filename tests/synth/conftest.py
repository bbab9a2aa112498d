"""Small Earths, drawn of the larger cities alone, and one that is drawn once for all tests."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.synth.earth import Earth, draw_earth
from geocairn.synth.photos import Photos, draw_photos
from geocairn.synth.settings import SynthSettings

SMALL: dict[str, Any] = {"photos": 3000, "cities": 120, "unseen_max": 0.01, "unseen_share": 0.05}


@cache
def _large_cities() -> list[Any]:
    return read_cities(15000)


@pytest.fixture(autouse=True, scope="session")
def _larger_cities() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "read_cities", _large_cities)
        yield


@pytest.fixture(scope="session")
def draw(_larger_cities: None) -> Callable[..., tuple[Earth, Photos]]:
    """Draws an Earth and its photos, small but for the settings given."""

    @cache
    def drawn(**changes: Any) -> tuple[Earth, Photos]:
        earth = draw_earth(SynthSettings(**SMALL | changes))
        return earth, draw_photos(earth)

    return drawn


@pytest.fixture(scope="session")
def earth(draw: Callable[..., tuple[Earth, Photos]]) -> Earth:
    """A small Earth."""
    return draw()[0]


@pytest.fixture(scope="session")
def photos(draw: Callable[..., tuple[Earth, Photos]]) -> Photos:
    """Its photos."""
    return draw()[1]
