import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from geocairn.photo import pixels
from geocairn.photo.pixels import fitted_size, rgb_converter, working_copy


def rgb_of(image: Image.Image) -> np.ndarray:
    return np.asarray(rgb_converter(image)(image)).astype(int)


def dots(values, mode: str, dtype: type) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=dtype)) if mode != "RGBA" else Image.fromarray(np.array([values], dtype=dtype), "RGBA")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), (255, 0, 0)),
        (Image.new("CMYK", (1, 1), (0, 0, 0, 255)), (0, 0, 0)),
        (Image.new("1", (1, 1), 1), (255, 255, 255)),
        (Image.new("L", (1, 1), 77), (77, 77, 77)),
        (Image.new("YCbCr", (1, 1), (76, 85, 255)), (254, 0, 0)),  # ITU-R BT.601 red
        (Image.new("LAB", (1, 1), (128, 128, 128)), (120, 120, 120)),  # L* 50.2: CIE 1976 gives 119.4
        (Image.new("RGBA", (1, 1), (255, 0, 0, 128)), (255, 127, 127)),
        (Image.new("RGBA", (1, 1), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("LA", (1, 1), (0, 51)), (204, 204, 204)),
        (Image.new("RGBA", (1, 1), (255, 0, 0, 128)).convert("RGBa"), (255, 127, 127)),
        (Image.new("HSV", (1, 1), (0, 255, 255)), (255, 0, 0)),
    ],
)
def test_every_mode_against_known_colours(image, expected):
    assert_allclose(rgb_of(image)[0, 0], expected, atol=1)


def test_sixteen_bits_are_scaled_not_clipped():
    image = Image.fromarray(np.array([[0, 257, 257 * 128, 65535]], dtype=np.uint16))
    assert image.mode == "I;16"
    assert_array_equal(rgb_of(image)[0, :, 0], [0, 1, 128, 255])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([0.0, 25700.0, 65535.0], [0, 100, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([2e5, 3e5, 4e5], [0, 128, 255]),
        ([np.nan, np.inf, 0.5], [0, 0, 128]),
        ([7.0, 7.0, 7.0], [7, 7, 7]),
        ([9e9, 9e9, 9e9], [0, 0, 0]),
    ],
)
def test_floats_take_the_range_that_their_values_fit(values, expected):
    assert_array_equal(rgb_of(Image.fromarray(np.array([values], dtype=np.float32)))[0, :, 0], expected)


def test_whole_numbers_of_32_bits():
    for values, expected in [([0, 100, 255], [0, 100, 255]), ([0, 25700, 65535], [0, 100, 255]), ([-(2**31), 0, 2**31 - 1], [0, 128, 255])]:
        assert_array_equal(rgb_of(Image.fromarray(np.array([values], dtype=np.int32)))[0, :, 0], expected)


def test_transparency_of_a_palette_a_grey_and_a_colour_is_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    palette.info["transparency"] = b"\x00\xff"
    assert_array_equal(rgb_of(palette)[0], [[255, 255, 255], [0, 0, 255]])
    grey = Image.new("L", (1, 1), 9)
    grey.info["transparency"] = 9
    colour = Image.new("RGB", (1, 1), (1, 2, 3))
    colour.info["transparency"] = (1, 2, 3)
    assert rgb_of(grey).min() == rgb_of(colour).min() == 255


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 3000))
def test_a_fitted_size_fits_and_keeps_small_pictures(width, height, long_side):
    fitted = fitted_size((width, height), long_side)
    assert min(fitted) >= 1
    assert max(fitted) <= long_side
    if max(width, height) <= long_side:
        assert fitted == (width, height)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "F", "CMYK", "1"])
def test_bands_give_the_same_picture_as_the_whole(mode, monkeypatch):
    levels = np.random.default_rng(0).integers(0, 255, (331, 247))
    image = Image.fromarray(levels.astype(np.uint8))
    image = Image.fromarray((levels * 257).astype(np.uint16)) if mode == "I;16" else image.convert(mode)
    whole = working_copy(image, 1, long_side_px=40)
    monkeypatch.setattr(pixels, "BAND_PX", 3000)
    assert_array_equal(working_copy(image, 1, long_side_px=40), whole)


def test_a_flat_colour_stays_itself_at_any_size():
    for size in ((1, 1), (500, 3), (3, 500), (333, 77)):
        copy = np.asarray(working_copy(Image.new("RGB", size, (10, 200, 30)), 6, long_side_px=50))
        assert (copy == (10, 200, 30)).all()
