"""Make sphere.json: distances and midpoints on a sphere of 6371 km, computed by geographiclib and not by Geocairn.

Run it in an environment of its own: `pip install geographiclib==2.1 && python tests/goldens/make_sphere.py`.
"""

import json
import random
from pathlib import Path

from geographiclib.geodesic import Geodesic

SPHERE = Geodesic(6_371_000.0, 0.0)
TELLING = [
    ((0.0, 0.0), (0.0, 0.0)),
    ((0.0, 0.0), (0.0, 180.0)),
    ((0.0, 0.0), (0.5, 179.7)),
    ((0.0, 179.9), (0.0, -179.9)),
    ((90.0, 0.0), (-90.0, 0.0)),
    ((89.999, 10.0), (89.999, -170.0)),
    ((48.8566, 2.3522), (48.8566, 2.35221)),
    ((-77.85, 166.67), (71.29, -156.79)),
    ((48.8584, 2.2945), (40.6892, -74.0445)),
    ((-33.8568, 151.2153), (35.6586, 139.7454)),
]


def golden_pair(a: tuple[float, float], b: tuple[float, float]) -> dict[str, object]:
    """Distance and midpoint of one pair, as the library gives them."""
    line = SPHERE.InverseLine(*a, *b)
    middle = line.Position(line.s13 / 2)
    return {"a": a, "b": b, "km": line.s13 / 1000, "middle": (middle["lat2"], middle["lon2"])}


def main() -> None:
    """Write the goldens beside this script."""
    generator = random.Random(20)
    drawn = [tuple((generator.uniform(-90, 90), generator.uniform(-180, 180)) for _ in range(2)) for _ in range(60)]
    near = [((lat, lon), (lat + generator.gauss(0, 1e-4), lon + generator.gauss(0, 1e-4))) for (lat, lon), _ in drawn[:10]]
    lines = ",\n".join(json.dumps(golden_pair(a, b)) for a, b in [*TELLING, *drawn, *near])
    text = f'{{"library": "geographiclib 2.1, Geodesic(6371000, 0)", "pairs": [\n{lines}\n]}}\n'
    Path(__file__).with_name("sphere.json").write_text(text)


if __name__ == "__main__":
    main()
