import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geocairn.photo.not_photo import not_photo_reason
from geocairn.photo.read import read_photo

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "src" / "geocairn" / "examples"
PHOTOS = sorted(EXAMPLES.glob("*.jpg"))
CLAIMING = EXAMPLES / "shop_front.jpg"


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "recipes"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    lettering = pytest.importorskip("drawing.lettering")
    if missing := lettering.missing_packages():
        pytest.skip(f"fonts are missing: apt-get install {' '.join(missing)}")
    import make_examples

    return make_examples


def test_there_are_nine_scenes_and_a_screenshot():
    assert len(PHOTOS) == 9
    assert (EXAMPLES / "screenshot.png").exists()


def test_the_folder_at_the_root_is_the_one_in_the_package():
    assert (ROOT / "examples").resolve() == EXAMPLES.resolve()


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.name)
def test_an_example_is_a_small_jpeg_that_passes_for_a_photo(path):
    photo = read_photo(path)
    assert (photo.format, photo.width_px, photo.height_px) == ("JPEG", 1024, 768)
    assert path.stat().st_size <= 150_000
    assert not_photo_reason(photo) is None


def test_only_one_example_claims_a_place_and_it_is_the_wrong_one():
    claims = {path.name: read_photo(path).claim for path in PHOTOS}
    assert [name for name, claim in claims.items() if claim is not None] == [CLAIMING.name]
    claim = claims[CLAIMING.name]
    assert (claim.lat_deg, claim.lon_deg) == pytest.approx((38.7139, -9.1394), abs=1e-3)  # Lisbon; the picture shows Rio de Janeiro
    assert claim.captured_at == "2023-08-14T15:20:05+01:00"


def test_the_screenshot_is_called_no_photo():
    photo = read_photo(EXAMPLES / "screenshot.png")
    assert photo.format == "PNG"
    assert photo.claim is None
    assert not_photo_reason(photo) is not None


@pytest.mark.parametrize("name", ["platform.jpg", "screenshot.png"])
def test_the_recipe_draws_what_is_shipped(recipe, name):
    # Other versions of NumPy, FreeType and libjpeg may differ in the last bits.
    again = Image.open(io.BytesIO(recipe.example(name))).convert("RGB")
    shipped = Image.open(EXAMPLES / name).convert("RGB")
    assert again.size == shipped.size
    assert np.abs(np.asarray(again, dtype=float) - np.asarray(shipped, dtype=float)).mean() < 1.5


def test_the_recipe_knows_all_examples(recipe):
    assert sorted([*recipe.SCENES, recipe.SCREENSHOT]) == sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".jpg", ".png"))
