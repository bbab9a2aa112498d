"""A system over the small Earth whose photos are coloured tiles: red says which city it speaks for, green and blue make it misbehave."""

from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image
from tests.places.factory import CITIES, small_earth

from geocairn.answer.decide import Calibration
from geocairn.clues.clue import Clue, Tier, ratio_from_frequency
from geocairn.errors import GeocairnError
from geocairn.places.territory import build_territories
from geocairn.systems.system import Evidence

NAMES = [leaf.chain[-1] for leaf in CITIES]
SILENT = len(CITIES)
"""The red of a tile that speaks for nothing."""
TORN = 100
"""The green of a tile torn between three continents."""


@cache
def territory_file():
    out = Path(mkdtemp(prefix="geocairn-test-")) / "territory.npz"
    hierarchy = small_earth()
    build_territories(hierarchy.unit[hierarchy.leaves], out)
    return out


class TileSystem:
    """Reads tiles; a hint is the name of a city."""

    name = "tiles"
    sha256 = "7" * 64

    def __init__(self):
        self.hierarchy = small_earth()
        self.territory = territory_file()
        self.calibration = Calibration(support=0.6, calibrated=True)
        self.reliability = {Tier.CERTAIN: 1.0, Tier.STRONG: 0.99, Tier.MEDIUM: 0.7, Tier.WEAK: 0.4}
        self._scores = (None, None, None, self.hierarchy.log_leaf_weight)
        self.seen = []

    def evidence(self, photo):
        red, green, blue = photo.image.getpixel((0, 0))
        self.seen.append(photo)
        if blue == 255:
            raise RuntimeError("two\nlines")
        if blue == 254:
            raise GeocairnError(f"{photo.name}: cannot be weighed; weigh another")
        clues = (self.clue({red: 1.0}),) if red < SILENT else ()
        if green == TORN:
            clues = (self.clue({NAMES.index("Tokyo"): 0.4, NAMES.index("Lyon"): 0.3, NAMES.index("New York"): 0.3}),)
        return Evidence(self._scores, clues, "looks like a screenshot" if green == 255 else None)

    def hint_clues(self, words):
        return [self.clue({NAMES.index(words): 1.0}, kind="hint")] if words in NAMES else []

    def clue(self, shares, kind="toponym"):
        leaves = self.hierarchy.leaves[list(shares)]
        frequency = np.full(len(CITIES), 1e-4)
        frequency[list(shares)] = np.array(list(shares.values())) / self.hierarchy.weight[leaves]
        ratio = ratio_from_frequency(self.hierarchy, frequency)
        box = (1.0, 2.04, 3.06, 4.0) if kind == "toponym" else None
        return Clue(kind, CITIES[next(iter(shares))].chain[-1], box, Tier.STRONG, ratio, int(leaves[0]))


def tile(city=None, *, not_photo=False, green=0, blue=0, size=(24, 16)):
    """A tile that speaks for a city, or for nothing."""
    return Image.new("RGB", size, (SILENT if city is None else NAMES.index(city), 255 if not_photo else green, blue))


def encoded(image, **options):
    """The bytes of the image as PNG, which keeps its colours."""
    out = BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def gps(lat_deg, lon_deg, orientation=1):
    """EXIF that claims a position."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    degrees = [(abs(value), 0.0, 0.0) for value in (lat_deg, lon_deg)]
    exif.get_ifd(0x8825).update({1: "N" if lat_deg >= 0 else "S", 2: degrees[0], 3: "E" if lon_deg >= 0 else "W", 4: degrees[1]})
    return exif.tobytes()
