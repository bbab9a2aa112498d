"""The reader finds words where they stand, and no words where there are none."""

import os
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw, ImageFont

from geocairn.clues.reader import _engine, read_text
from geocairn.errors import MissingExtra


def sign(words: dict[tuple[int, int], str], size: tuple[int, int] = (640, 400)) -> Image.Image:
    image = Image.new("RGB", size, (40, 60, 90))
    for where, text in words.items():
        ImageDraw.Draw(image).text(where, text, font=ImageFont.load_default(48), fill=(250, 250, 250))
    return image


def test_words_are_read_where_they_stand():
    text = read_text(sign({(60, 60): "Welcome to Lincoln", (60, 240): "Car park"}))
    assert [line.text for line in text.lines] == ["Welcome to Lincoln", "Car park"]
    left, top, right, bottom = text.lines[1].box_px
    assert 30 < left < 70
    assert 220 < top < 260
    assert 200 < right < 300
    assert 270 < bottom < 310
    assert all(line.confidence > 0.9 for line in text.lines)


def test_boxes_are_scaled_to_the_photo():
    image = sign({(60, 60): "Lincoln"})
    once, thrice = read_text(image).lines[0].box_px, read_text(image, 3.0).lines[0].box_px
    assert thrice == pytest.approx([3 * edge for edge in once], abs=0.2)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (17, 2000), (300, 300)])
def test_photos_without_text_have_no_lines(size):
    assert read_text(Image.new("RGB", size, (120, 130, 140))).lines == ()


def test_reading_writes_nothing(capfd):
    read_text(sign({(60, 60): "Lincoln"}))
    assert capfd.readouterr() == ("", "")


def test_reading_twice_is_the_same():
    image = sign({(60, 60): "Lincoln", (300, 200): "EXIT"})
    assert read_text(image) == read_text(image)


def test_reading_leaves_nothing_in_the_users_home(tmp_path):
    code = "from PIL import Image; from geocairn.clues.reader import read_text; read_text(Image.new('RGB', (300, 300)))"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment[name] = str(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_named(monkeypatch):
    _engine.cache_clear()
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(MissingExtra, match=r"rapidocr.*pip install geocairn\[text\]"):
        read_text(sign({(60, 60): "Lincoln"}))


def test_importing_the_readers_loads_no_heavy_library():
    heavy = ["rapidocr", "onnxruntime", "cv2", "lingua", "wordfreq", "phonenumbers", "babel"]
    clues = ["reader", "tesseract", "lookalike", "language", "script", "street_words", "phone", "domain", "currency", "postal_code"]
    code = f"import sys; from geocairn.clues import {', '.join(clues)}; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
