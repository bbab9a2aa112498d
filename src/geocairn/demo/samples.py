"""A few answers beside the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geocairn.answer.prediction import Prediction
from geocairn.evaluate.maps import sampled_rows
from geocairn.export.map import MapSettings, write_map
from geocairn.geo.sphere import distance_km
from geocairn.locate import Locator
from geocairn.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class Sample:
    """A photo of known place and what a bundle answers about it.

    Attributes:
        true_place: city and country in words.
        true_latlon_deg: degrees.
    """

    true_place: str
    true_latlon_deg: tuple[float, float]
    prediction: Prediction

    @property
    def km(self) -> float:
        """From the truth to the first candidate; infinite without one."""
        best = self.prediction.best
        return float("inf") if best is None else float(distance_km([self.true_latlon_deg], [[best.lat_deg, best.lon_deg]])[0])


def place_samples(bundle: Path, manifest: Path, n: int, *, country_names: Mapping[str, str]) -> list[Sample]:
    """Answers about `n` photos that stand evenly spread over a manifest: nobody chose them.

    Args:
        bundle: folder of a bundle that takes features.
        manifest: with the columns country and city, and the features beside it.
        country_names: by the ids in the column country.
    """
    rows = read_manifest(manifest)
    chosen = sampled_rows(np.arange(len(rows)), n).tolist()
    predictions = Locator.load(str(bundle)).locate_rows(manifest, [rows.photos[row] for row in chosen])
    return [Sample(_true_place(rows, row, country_names), _latlon(rows, row), prediction) for row, prediction in zip(chosen, predictions, strict=True)]


def write_samples_map(samples: Sequence[Sample], out: Path, *, note: str) -> None:
    """Draw samples with their true places on one page that works from disk.

    Args:
        note: stands above each answer.
    """
    truths = {sample.prediction.photo: sample.true_latlon_deg for sample in samples}
    predictions = [sample.prediction for sample in samples]
    write_map(predictions, out, photo_of=lambda photo: None, truth_of=truths.get, settings=MapSettings(note=note))


def _true_place(manifest: Manifest, row: int, country_names: Mapping[str, str]) -> str:
    country, city = (str(manifest.column(name)[row]) for name in ("country", "city"))
    return f"{city}, {country_names.get(country, country)}"


def _latlon(manifest: Manifest, row: int) -> tuple[float, float]:
    lat_deg, lon_deg = manifest.latlon_deg[row].tolist()
    return lat_deg, lon_deg
