"""Reads the text that stands in a photo: lines, how sure the reader is, and where they stand; textures taken for text are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geocairn.clues.clue import Box
from geocairn.clues.text import Line, ReadText
from geocairn.errors import MissingExtra

# Below 16 px there is no room for a letter. RapidOCR raises the short side to 736 px whatever the long one is (a 5 x 500 strip takes it a minute):
# strips are padded to at most 1 : 3, wide enough for panoramas.
MIN_SIDE_PX = 16
MAX_ASPECT = 3.0

# Of the development photos' readings under 0.65 hardly one is a word, and of lone one- or two-character readings ("1", "H", "日" up to 0.98)
# most are windows, lamps and railings.
MIN_CONFIDENCE = 0.65
MIN_SHORT_CONFIDENCE = 0.9
MIN_LETTERS = 3  # a Han, kana or Hangul glyph counts for two
NEIGHBOUR_HEIGHTS = 2.0


@dataclass(frozen=True)
class RawLine:
    """One line as the reader saw it.

    Attributes:
        text, confidence: as `Line` has them.
        quad_px: (4, 2) float64 corners, clockwise from the text's own top left, in pixels of the image that was read.
    """

    text: str
    confidence: float
    quad_px: NDArray[np.float64]

    @property
    def box_px(self) -> Box:
        """Smallest upright box around the corners: left, top, right, bottom."""
        (left, top), (right, bottom) = self.quad_px.min(axis=0), self.quad_px.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def read_text(image: Image.Image, scale: float = 1.0) -> ReadText:
    """Read all text of an upright RGB image.

    Args:
        image: mode RGB; may be a reduced copy of the photo.
        scale: pixels of the photo per pixel of `image`; boxes are multiplied by it.

    Returns:
        Lines in reading order (rows from top to bottom, each from left to right); none where there is no text.

    Raises:
        MissingExtra: rapidocr or onnxruntime is not installed.
    """
    if min(image.size) < MIN_SIDE_PX:
        return ReadText(())
    lines = without_noise(read_raw(image))
    return ReadText(tuple(_line(lines[index], scale) for index in reading_order([line.box_px for line in lines])))


def read_raw(image: Image.Image) -> list[RawLine]:
    """Every line that RapidOCR reports, noise included.

    Raises:
        MissingExtra: rapidocr or onnxruntime is not installed.
    """
    width, height = image.size
    found = _engine()(_padded(np.asarray(image))[:, :, ::-1])
    if found.txts is None:
        return []
    quads = np.clip(np.asarray(found.boxes, dtype=np.float64), 0, [width, height])
    return [RawLine(text.strip(), float(score), quad) for text, score, quad in zip(found.txts, found.scores, quads, strict=True)]


def without_noise(lines: Sequence[RawLine]) -> list[RawLine]:
    """Leave out what is likelier a texture than text.

    A line stays if it is read with `MIN_CONFIDENCE` and has `MIN_LETTERS` characters that are not all alike; a shorter one stays only beside such
    a line (within `NEIGHBOUR_HEIGHTS` of its height) and read with `MIN_SHORT_CONFIDENCE`: signs have words, brick walls have single glyphs.
    """
    words = [line for line in lines if _is_word(line)]
    return [
        line for line in lines if _is_word(line) or (_may_be_short_word(line) and any(_are_neighbours(line.box_px, word.box_px) for word in words))
    ]


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Indices of the boxes row by row from the top, each row from the left.

    A box belongs to the row whose first box holds its middle, vertically.
    """
    rows: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda i: (boxes[i][1], boxes[i][0])):
        middle = (boxes[index][1] + boxes[index][3]) / 2
        row = next((row for row in rows if boxes[row[0]][1] <= middle <= boxes[row[0]][3]), None)
        if row is None:
            rows.append([index])
        else:
            row.append(index)
    return [index for row in rows for index in sorted(row, key=lambda i: boxes[i][0])]


def _line(raw: RawLine, scale: float) -> Line:
    left, top, right, bottom = (round(edge * scale, 1) for edge in raw.box_px)
    return Line(raw.text, raw.confidence, (left, top, right, bottom))


def _is_word(line: RawLine) -> bool:
    return line.confidence >= MIN_CONFIDENCE and _n_letters(line.text) >= MIN_LETTERS and _has_different_letters(line.text)


def _may_be_short_word(line: RawLine) -> bool:
    return line.confidence >= MIN_SHORT_CONFIDENCE and 0 < _n_letters(line.text) < MIN_LETTERS


def _n_letters(text: str) -> int:
    # From U+1100 on a character is a syllable or a word rather than a letter.
    return sum((2 if ord(character) >= 0x1100 else 1) for character in text if character.isalnum())


def _has_different_letters(text: str) -> bool:
    # "年年年年年年年" at 0.97 is a row of windows, "888" one of wheels; "2000" and "Ann" are words, so two different characters suffice.
    return len({character.casefold() for character in text if character.isalnum()}) > 1


def _are_neighbours(a: Box, b: Box) -> bool:
    gap = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3], 0.0)
    return gap <= NEIGHBOUR_HEIGHTS * min(a[3] - a[1], b[3] - b[1])


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    missing = int(max(height, width) / MAX_ASPECT) - min(height, width)
    if missing <= 0:
        return pixels
    # Repeating the last row or column draws no edge that could look like a letter.
    return np.pad(pixels, ((0, missing if height < width else 0), (0, missing if width < height else 0), (0, 0)), mode="edge")


@cache
def _engine() -> Any:
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingExtra(f"reading text in photos needs {error.name}, which is not installed: pip install geocairn[text]") from None
    # One thread each: photos are shared out to processes, and threads that wait for one another halve the rate.
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    return RapidOCR(params=threads | {"Global.log_level": "error"})
