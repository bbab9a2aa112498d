import contextlib
import os
import runpy
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from geocairn.errors import BadPhoto
from geocairn.photo.read import PhotoLimits, one_line, read_photo

CORPUS = runpy.run_path(str(Path(__file__).with_name("corpus.py")))
scene, exif_block, png_of = CORPUS["scene"], CORPUS["exif_block"], CORPUS["png_of"]

# EXIF 2.3, tag 0x0112: where the stored picture's first row and first column lie in the upright one.
FIRST_ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def encoded(image: Image.Image, format_name: str = "PNG", **options) -> bytes:
    file = BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def oriented(value: int) -> bytes:
    return exif_block({0x0112: (3, 1, value.to_bytes(2, "little") + bytes(2))})


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The array that a camera stores, from the words of the EXIF table."""
    row, column = FIRST_ROW_AND_COLUMN[orientation]
    stored = upright.transpose(1, 0, 2) if row in ("left", "right") else upright
    stored = stored[::-1] if row in ("bottom", "right") else stored
    return stored[:, ::-1] if column in ("bottom", "right") else stored


@pytest.mark.parametrize("orientation", FIRST_ROW_AND_COLUMN)
@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP"])
def test_all_eight_orientations_come_out_upright(orientation, format_name):
    upright = np.asarray(scene(1, 24, 16))
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = encoded(Image.fromarray(as_stored(upright, orientation)), format_name, exif=oriented(orientation), **options)
    photo = read_photo(data)
    assert_array_equal(photo.image, upright)
    assert (photo.width_px, photo.height_px, photo.scale) == (24, 16, 1.0)


def test_a_jpeg_and_a_pil_image_are_turned_too():
    stored = scene(1, 64, 32)
    data = encoded(stored, "JPEG", exif=oriented(6))
    photo, lazy = read_photo(data), read_photo(Image.open(BytesIO(data)))
    assert (photo.width_px, photo.height_px, photo.image.size) == (32, 64, (32, 64))
    assert_array_equal(photo.image, lazy.image)


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_means_upright(value):
    assert_array_equal(read_photo(encoded(scene(1, 9, 5), exif=oriented(value))).image, np.asarray(scene(1, 9, 5)))


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "GIF", "WEBP", "JPEG"])
def test_the_suffix_does_not_matter_and_the_format_is_known(tmp_path, format_name):
    path = tmp_path / "photo.txt"
    path.write_bytes(encoded(scene(2, 40, 30), format_name))
    photo = read_photo(path)
    assert (photo.format, photo.name, photo.image.mode, photo.image.size) == (format_name, str(path), "RGB", (40, 30))


def test_the_name_is_the_users_and_the_hash_is_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = encoded(scene(2, 4, 4))
    Path("a.png").write_bytes(data)
    photo = read_photo("./a.png")
    assert photo.name == "./a.png"
    assert photo.sha256 == read_photo(data).sha256
    assert read_photo(data, name="upload 7").name == "upload 7"


def test_the_hash_of_a_pil_image_follows_its_pixels():
    image = scene(3, 8, 8)
    assert read_photo(image).sha256 == read_photo(image.copy()).sha256
    assert read_photo(image).sha256 != read_photo(scene(4, 8, 8)).sha256


def test_a_large_photo_is_reduced_and_says_by_how_much():
    photo = read_photo(encoded(scene(3, 600, 200)), PhotoLimits(long_side_px=150))
    assert photo.image.size == (150, 50)
    assert (photo.width_px, photo.height_px, photo.scale) == (600, 200, 4.0)


def test_a_jpeg_is_reduced_to_nearly_the_same_picture_as_a_png():
    image = scene(3, 640, 320).resize((1280, 640))
    limits = PhotoLimits(long_side_px=160)
    from_jpeg = read_photo(encoded(image, "JPEG", quality=95), limits)
    assert from_jpeg.scale == 8
    difference = np.asarray(from_jpeg.image, dtype=float) - np.asarray(read_photo(encoded(image), limits).image)
    assert np.abs(difference).mean() < 3


def test_one_pixel_and_a_very_long_strip_are_photos():
    assert read_photo(encoded(Image.new("RGB", (1, 1), (9, 8, 7)))).image.getpixel((0, 0)) == (9, 8, 7)
    strip = read_photo(encoded(Image.new("RGB", (30_000, 2), (9, 8, 7))))
    assert (strip.image.size, strip.width_px) == ((1600, 1), 30_000)


def test_a_jpeg_of_256_megapixels_is_read_at_a_fraction():
    data = encoded(Image.new("L", (16_000, 16_000), 120), "JPEG", quality=30)
    photo = read_photo(data)
    assert (photo.width_px, photo.image.size) == (16_000, (1600, 1600))
    with pytest.raises(BadPhoto, match=r"is 16000 x 16000: 256.0 megapixels to decode, over the limit of 100.0"):
        read_photo(data, PhotoLimits(long_side_px=16_000))


def test_the_first_frame_of_an_animation_is_read():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for format_name in ("GIF", "WEBP", "PNG", "TIFF"):
        photo = read_photo(encoded(frames[0], format_name, save_all=True, append_images=frames[1:]))
        assert photo.n_frames == 2
        assert photo.image.getpixel((4, 4))[2] < 10


def test_heic_is_read_where_the_extra_is_installed(monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    file = BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), (200, 30, 30))).save(file, quality=95)
    photo = read_photo(file.getvalue())
    assert (photo.format, photo.image.size) == ("HEIF", (64, 48))
    assert np.abs(np.asarray(photo.image, dtype=int).mean((0, 1)) - (200, 30, 30)).max() < 8
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(BadPhoto, match=r"pip install geocairn\[heic\]"):
        read_photo(file.getvalue())


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        # Each limit is connected.
        (PhotoLimits(max_bytes=100), r"over the limit of 0\.0; save it smaller, or raise max_bytes"),
        (PhotoLimits(max_pixels=100), r"is 40 x 30: 0\.0 megapixels to decode, over the limit of 0\.0; reduce it, or raise max_pixels"),
        (PhotoLimits(max_decode_bytes=4000), r"decoding this GIF takes about 0 MiB, over the limit of 0; .* raise max_decode_bytes"),
        (PhotoLimits(max_frames=1), r"declares more than 1 frames; .* raise max_frames"),
    ],
)
def test_each_limit_refuses(limits, words):
    data = encoded(scene(2, 40, 30), "GIF", save_all=True, append_images=[scene(3, 40, 30)])
    assert read_photo(data).n_frames == 2
    with pytest.raises(BadPhoto, match=words):
        read_photo(data, limits)


def test_the_file_limit_is_kept_before_reading(tmp_path):
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(BadPhoto, match=r"large.jpg: is 300\.0 MiB, over the limit of 256\.0"):
        read_photo(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("Grüße\n".encode() * 100, "is a text file, not a photo"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "is an AVIF image"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "is a video"),
        (bytes(40), r"is of an unknown kind \(it starts with the bytes 00 00"),
    ],
)
def test_a_stranger_is_named(tmp_path, content, words):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(BadPhoto, match=words):
        read_photo(path)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "TIFF"])
def test_a_file_cut_short_says_so(format_name):
    data = encoded(scene(2, 200, 150), format_name)
    with pytest.raises(BadPhoto, match="is truncated"):
        read_photo(data[: len(data) * 2 // 3])


def test_what_is_not_a_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    expected = {
        "pipe": "is a pipe",
        "loop": "leads back to itself",
        "dangling": "link to a file that does not exist",
        ".": "is a folder",
        "gone.jpg": "does not exist",
        "dangling/x": "does not exist",
        "x" * 5000: "too long",
    }
    for name, words in expected.items():
        with pytest.raises(BadPhoto, match=words):
            read_photo(tmp_path / name)
    with pytest.raises(BadPhoto, match="is a device"):
        read_photo("/dev/zero")
    with pytest.raises(BadPhoto, match="is a NoneType"):
        read_photo(None)


def test_permission_denied_is_told(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(encoded(scene(1, 4, 4)))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("geocairn.photo.read.os.open", refuse)
    with pytest.raises(BadPhoto, match="permission denied"):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\0b", "\udc80", "", "\u202etxt.jpg"])
def test_a_name_cannot_break_the_line(name):
    with pytest.raises(BadPhoto) as caught:
        read_photo(name)
    assert str(caught.value).isprintable()


def test_a_long_name_is_cut_in_the_middle():
    assert one_line("a" * 200 + "b" * 200, 20) == "a" * 10 + "..." + "b" * 10


def test_what_a_decoder_raises_becomes_one_line(monkeypatch):
    for error, words in [(ZeroDivisionError("a\nb\x07"), "damaged"), (MemoryError(), "more memory"), (RecursionError(), "damaged"), (KeyError(3), "damaged")]:

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr("geocairn.photo.read.Image.open", fail)
        with pytest.raises(BadPhoto, match=words) as caught:
            read_photo(png_of())
        assert str(caught.value).isprintable()


def test_a_damaged_tiff_leaves_stderr_alone(capfd):
    data = bytearray(encoded(scene(2, 64, 64).convert("1"), "TIFF", compression="group4"))
    data[40:60] = bytes(20)
    with contextlib.suppress(BadPhoto):
        read_photo(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_the_pixels_carry_no_metadata():
    assert read_photo(encoded(scene(1, 64, 32), "JPEG", exif=oriented(6), comment=b"home")).image.info == {}
