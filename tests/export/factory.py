"""Predictions made of the real types over a small Earth of eight leaves, one of which lies across the antimeridian."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from geocairn.answer.prediction import Candidate, Claim, ClueRecord, LevelAnswer, Prediction, Provenance, Region
from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.territory import build_territories

PARIS, VERSAILLES, LYON, SUVA, TAVEUNI, NADI, SYDNEY, TROMSO = range(8)
LEAVES_DEG = np.array([(48.85, 2.35), (48.80, 2.13), (45.76, 4.84), (-18.14, 178.44), (-16.8, 179.97), (-17.8, 177.42), (-33.87, 151.21), (69.65, 18.96)])
HOSTILE = "</script><script>alert(1)</script>\"'&<b>{@x}$y\u2028\u2029\u202ekcab\x07\x00\ufffe=1+1"


@cache
def territory_file() -> str:
    out = Path(mkdtemp(prefix="geocairn-test-")) / "territory.npz"
    build_territories(unit_from_latlon(LEAVES_DEG), out)
    return str(out)


def region(nominal, leaves, *, area_km2=20000.0):
    bits = np.zeros(len(LEAVES_DEG), dtype=bool)
    bits[list(leaves)] = True
    members = np.packbits(bits).tobytes()
    return Region(nominal=nominal, mass=min(1.0, nominal + 0.03), area_km2=area_km2, members=members, territory=territory_file())


def candidate(rank, leaf, *, radius_km=12.0, p=0.5, chain=("France", "Île-de-France", "Paris", "Paris")):
    lat, lon = LEAVES_DEG[leaf]
    return Candidate(rank=rank, lat_deg=lat, lon_deg=lon, radius_km=radius_km, p=p, chain=list(chain))


def provenance():
    return Provenance(bundle="clues", bundle_sha256="b" * 64, version="0.1.0", settings_sha256="5" * 64, seconds=0.4)


def prediction(photo="p.jpg", **changes):
    values = {
        "photo": photo,
        "sha256": "a" * 64,
        "error": None,
        "abstain": None,
        "levels": [
            LevelAnswer(level="country", id="FR", name="France", p=0.91),
            LevelAnswer(level="region", id="FR/11", name="Île-de-France", p=0.8),
        ],
        "candidates": [candidate(1, PARIS, p=0.71), candidate(2, LYON, p=0.12, chain=["France", "Auvergne-Rhône-Alpes", "Rhône", "Lyon"])],
        "regions": [region(0.5, [PARIS]), region(0.8, [PARIS, VERSAILLES]), region(0.95, [PARIS, VERSAILLES, LYON], area_km2=60000.0)],
        "clues": [ClueRecord(kind="toponym", text="Paris", box_px=[10, 20, 80, 40], supports="FR/11", log_odds=3.2)],
        "claimed": Claim(source="exif", lat_deg=48.86, lon_deg=2.34, distance_km=1.2),
        "provenance": provenance(),
    }
    return Prediction(**(values | changes))


def failed(photo="broken.jpg", error="broken.jpg: is not a photo"):
    return prediction(photo, error=error, sha256=None, levels=[], candidates=[], regions=[], clues=[], claimed=None)


def across_the_antimeridian(photo="fiji.jpg"):
    return prediction(
        photo,
        levels=[LevelAnswer(level="country", id="FJ", name="Fiji", p=0.9)],
        candidates=[
            candidate(1, TAVEUNI, radius_km=60.0, p=0.6, chain=["Fiji", "Northern", "Taveuni"]),
            candidate(2, SUVA, chain=["Fiji", "Suva"], p=0.2),
        ],
        regions=[region(0.5, [TAVEUNI]), region(0.8, [TAVEUNI, SUVA]), region(0.95, [TAVEUNI, SUVA, NADI])],
        clues=[],
        claimed=None,
    )


def hostile():
    return prediction(
        HOSTILE,
        abstain=HOSTILE,
        levels=[LevelAnswer(level="country", id=HOSTILE, name=HOSTILE, p=0.5)],
        candidates=[candidate(1, SYDNEY, chain=[HOSTILE, "=cmd|' /C calc'!A0"])],
        clues=[ClueRecord(kind="hint", text=HOSTILE, box_px=None, supports=HOSTILE, log_odds=1.0)],
        claimed=Claim(source=HOSTILE, lat_deg=-33.9, lon_deg=151.2, distance_km=3.0, captured_at=HOSTILE),
    )


def album():
    """One photo of each sort: answered, across the antimeridian, abstained, hostile, failed."""
    abstained = prediction("blank.png", abstain="nothing narrows it down to a country", levels=[], clues=[], claimed=None)
    return [prediction(), across_the_antimeridian(), abstained, hostile(), failed()]
