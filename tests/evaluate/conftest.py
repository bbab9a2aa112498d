"""A world of three cities in two countries, and answers about it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geocairn.answer.prediction import Candidate, ClueRecord, LevelAnswer, Prediction, Provenance, Region
from geocairn.evaluate.truth import Places
from geocairn.geo.sphere import distance_km, unit_from_latlon
from geocairn.places.hierarchy import Hierarchy, Strings, check_hierarchy

PARIS, LYON, TOKYO = (48.85, 2.35), (45.76, 4.84), (35.69, 139.69)
OCEAN = (-40.0, -120.0)
CITIES = np.array([PARIS, LYON, TOKYO])


class NearestCity:
    """The city within 500 km; beyond is nowhere."""

    def leaf(self, latlon_deg):
        km = distance_km(np.asarray(latlon_deg)[:, None], CITIES)
        return np.where(km.min(axis=1) < 500, km.argmin(axis=1), -1)


@pytest.fixture(scope="session")
def places() -> Places:
    weight = np.array([0.8, 0.2, 0.5, 0.3, 0.2, 0.5, 0.3, 0.2])
    hierarchy = Hierarchy(
        level_names=("country", "region", "city"),
        level=np.array([0, 0, 1, 1, 1, 2, 2, 2], dtype=np.int8),
        parent=np.array([-1, -1, 0, 0, 1, 2, 3, 4], dtype=np.int32),
        unit=unit_from_latlon([PARIS, TOKYO, PARIS, LYON, TOKYO, PARIS, LYON, TOKYO]),
        radius_km=np.ones(8, dtype=np.float32),
        count=np.ones(8, dtype=np.int64),
        weight=weight,
        area_km2=np.ones(8, dtype=np.float32),
        leaf_start=np.array([0, 2, 0, 1, 2, 0, 1, 2], dtype=np.int32),
        leaf_stop=np.array([2, 3, 1, 2, 3, 1, 2, 3], dtype=np.int32),
        ids=Strings.of(["FR", "JP", "FR/11", "FR/84", "JP/13", "FR/11/1", "FR/84/2", "JP/13/3"]),
        names=Strings.of(["France", "Japan", "Île-de-France", "Auvergne-Rhône-Alpes", "Tokyo", "Paris", "Lyon", "Tokyo"]),
    )
    check_hierarchy(hierarchy)
    return Places(hierarchy, NearestCity())


def members(*leaves: int) -> bytes:
    """The leaves as a region keeps them."""
    bits = np.zeros(3, dtype=np.uint8)
    bits[list(leaves)] = 1
    return np.packbits(bits).tobytes()


@pytest.fixture(scope="session")
def answer() -> Callable[..., Prediction]:
    """A prediction at a point; `levels` are (level, id, name, p), `regions` (nominal, mass, leaves), `clues` (kind, supports)."""

    def make(photo, point=PARIS, *, p=0.7, radius_km=10.0, levels=(), regions=(), clues=(), abstain=None, error=None, others=()):
        spots = [] if error else [(*point, radius_km, p), *others]
        return Prediction(
            photo=str(photo),
            sha256=None,
            error=error,
            abstain=abstain,
            levels=[LevelAnswer(level=level, id=place_id, name=name, p=q) for level, place_id, name, q in levels],
            candidates=[
                Candidate(rank=rank, lat_deg=lat, lon_deg=lon, radius_km=radius, p=q, chain=[]) for rank, (lat, lon, radius, q) in enumerate(spots, start=1)
            ],
            regions=[Region(nominal=nominal, mass=mass, area_km2=1.0, members=members(*leaves)) for nominal, mass, leaves in regions],
            clues=[ClueRecord(kind=kind, text="x", box_px=None, supports=supports, log_odds=1.0) for kind, supports in clues],
            claimed=None,
            provenance=Provenance(bundle="fake", bundle_sha256="b", version="0", settings_sha256="s", seconds=0.1),
        )

    return make


@pytest.fixture
def write(tmp_path) -> Callable[[str, str], Path]:
    """Write a text file and return its path."""

    def to(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to
