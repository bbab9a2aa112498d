"""Lines as a reader saw them, and which of them are words rather than textures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geocairn.clues.clue import Box

# Of the development photos' readings under 0.65 hardly one is a word, and of lone one- or two-character readings ("1", "H", "日" up to 0.98)
# most are windows, lamps and railings.
MIN_CONFIDENCE = 0.65
MIN_SHORT_CONFIDENCE = 0.9
MIN_LETTERS = 3  # a Han, kana or Hangul glyph counts for two
NEIGHBOUR_HEIGHTS = 2.0


@dataclass(frozen=True, eq=False)
class RawLine:
    """One line as a reader saw it.

    Attributes:
        text: empty where something was found that looks like text but could not be read.
        confidence: of the reading, in [0, 1].
        quad_px: (4, 2) float64 corners, clockwise from the text's own top left, in pixels of the image that was read.
        detection: confidence that there is text at all, in [0, 1].
        crop: (H, W, 3) uint8, the text rectified to run from left to right; None where it was not kept.
    """

    text: str
    confidence: float
    quad_px: NDArray[np.float64]
    detection: float = 1.0
    crop: NDArray[np.uint8] | None = None

    @property
    def box_px(self) -> Box:
        """Smallest upright box around the corners: left, top, right, bottom."""
        (left, top), (right, bottom) = self.quad_px.min(axis=0), self.quad_px.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def without_noise(lines: Sequence[RawLine]) -> list[RawLine]:
    """Leave out what is likelier a texture than text.

    A line stays if it is read with `MIN_CONFIDENCE` and has `MIN_LETTERS` characters that are not all alike; a shorter one stays only beside such
    a line (within `NEIGHBOUR_HEIGHTS` of its height) and read with `MIN_SHORT_CONFIDENCE`: signs have words, brick walls have single glyphs.
    """
    words = [line for line in lines if _is_word(line)]
    return [line for line in lines if _is_word(line) or (_may_be_short_word(line) and any(_are_neighbours(line.box_px, word.box_px) for word in words))]


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


def n_letters(text: str) -> int:
    """Letters and digits of a text; one from U+1100 on counts for two, because there a character is a syllable or a word."""
    return sum((2 if ord(character) >= 0x1100 else 1) for character in text if character.isalnum())


def _is_word(line: RawLine) -> bool:
    return line.confidence >= MIN_CONFIDENCE and n_letters(line.text) >= MIN_LETTERS and _has_different_letters(line.text)


def _may_be_short_word(line: RawLine) -> bool:
    return line.confidence >= MIN_SHORT_CONFIDENCE and 0 < n_letters(line.text) < MIN_LETTERS


def _has_different_letters(text: str) -> bool:
    # "年年年年年年年" at 0.97 is a row of windows, "888" one of wheels; "2000" and "Ann" are words, so two different characters suffice.
    return len({character.casefold() for character in text if character.isalnum()}) > 1


def _are_neighbours(a: Box, b: Box) -> bool:
    gap = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3], 0.0)
    return gap <= NEIGHBOUR_HEIGHTS * min(a[3] - a[1], b[3] - b[1])
