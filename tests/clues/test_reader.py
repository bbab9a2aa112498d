"""The reader finds words where they stand, and no words where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from geocairn.clues.reader import RawLine, read_text, reading_order, without_noise

edges = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 60))
boxes = edges.map(lambda e: (float(e[0]), float(e[1]), float(e[0] + e[2]), float(e[1] + e[3])))


def raw(text: str, confidence: float = 0.99, left: float = 0.0, top: float = 0.0) -> RawLine:
    right, bottom = left + 20.0 * len(text), top + 30.0
    return RawLine(text, confidence, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))


def sign(words: dict[tuple[int, int], str], size: tuple[int, int] = (640, 400)) -> Image.Image:
    image = Image.new("RGB", size, (40, 60, 90))
    for where, text in words.items():
        ImageDraw.Draw(image).text(where, text, font=ImageFont.load_default(48), fill=(250, 250, 250))
    return image


@given(st.lists(boxes, max_size=8))
def test_reading_order_is_a_permutation(some_boxes):
    assert sorted(reading_order(some_boxes)) == list(range(len(some_boxes)))


def test_reading_order_goes_by_rows():
    assert reading_order([(200, 12, 300, 40), (10, 60, 100, 90), (10, 10, 100, 40)]) == [2, 0, 1]


def test_noise_is_left_out():
    noise = [raw("口", 0.98), raw("8", 0.98), raw("年年年年年年年", 0.97), raw("BEEE", 0.54), raw("—", 0.9), raw("★★★★★", 0.9)]
    assert without_noise(noise) == []


def test_words_stay():
    words = [raw("Fermé le Lundi"), raw("豆花米饭"), raw("334-09-99", 0.9), raw("Rue")]
    assert without_noise(words) == words


def test_short_words_stay_beside_longer_ones():
    beside, far, weak = raw("St", left=150), raw("St", left=1500), raw("St", 0.8, left=150)
    assert without_noise([raw("Market"), beside, far, weak])[1:] == [beside]


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


def test_reading_needs_no_model_file_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    read_text(sign({(60, 60): "Lincoln"}))
    assert list(tmp_path.iterdir()) == []
