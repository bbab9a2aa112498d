"""Draw the example pictures of src/geocairn/examples: all of them, or those named. Run by recipes/make_examples.sh."""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from drawing import scenes
from drawing.camera import take_picture
from drawing.develop import develop, jpeg
from drawing.lettering import missing_packages
from drawing.scenes import Scene
from drawing.screenshot import screenshot
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

EXAMPLES = Path(__file__).parents[1] / "src" / "geocairn" / "examples"
SEED = 7
SCENES: dict[str, Callable[[np.random.Generator], Scene]] = {
    "avenue.jpg": scenes.kyiv,
    "corner_bakery.jpg": scenes.lyon,
    "mountain_lake.jpg": scenes.lake,
    "notice_board.jpg": scenes.lincoln,
    "old_town.jpg": scenes.krakow,
    "platform.jpg": scenes.kyoto,
    "road_sign.jpg": scenes.thessaloniki,
    "shop_front.jpg": scenes.rio,
    "tram_street.jpg": scenes.freiburg,
}
SCREENSHOT = "screenshot.png"
CLAIMING = "shop_front.jpg"
"""It shows Rio de Janeiro; its EXIF says Lisbon."""


def example(name: str) -> bytes:
    """The file of an example."""
    if name == SCREENSHOT:
        out = BytesIO()
        screenshot().save(out, "PNG", optimize=True)
        return out.getvalue()
    rng = np.random.default_rng(SEED)
    scene = SCENES[name](rng)
    colour, depth = take_picture(scene.camera, scene.quads, scene.sky)
    return jpeg(develop(colour, depth, scene.lens, rng), claim_of_lisbon() if name == CLAIMING else None)


def claim_of_lisbon() -> Image.Exif:
    """EXIF of a photo taken in Lisbon on a summer afternoon."""
    exif = Image.Exif()
    exif[IFD.Exif] = {Base.DateTimeOriginal: "2023:08:14 15:20:05", Base.OffsetTimeOriginal: "+01:00"}
    exif[IFD.GPSInfo] = {GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (38.0, 42.0, 50.0), GPS.GPSLongitudeRef: "W", GPS.GPSLongitude: (9.0, 8.0, 22.0)}
    return exif


def main(names: list[str]) -> None:
    """Write the examples named, or all."""
    if missing := missing_packages():
        raise SystemExit(f"fonts are missing; mend: apt-get install {' '.join(missing)}")
    EXAMPLES.mkdir(exist_ok=True)
    for name in names or [*SCENES, SCREENSHOT]:
        (EXAMPLES / name).write_bytes(example(name))
        print(f"{EXAMPLES / name}: {(EXAMPLES / name).stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
