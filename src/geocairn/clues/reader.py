"""Reads the text that stands in a photo: lines, how sure the reader is, and where they stand; textures taken for text are left out."""

import os
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geocairn.clues.lookalike import spelt_in_own_script
from geocairn.clues.raw_lines import RawLine, reading_order, without_noise
from geocairn.clues.tesseract import reread
from geocairn.clues.text import Line, ReadText
from geocairn.errors import MissingExtra

# Below 16 px there is no room for a letter. RapidOCR raises the short side to 736 px whatever the long one is (a 5 x 500 strip takes it a minute):
# strips are padded to at most 1 : 3, wide enough for panoramas.
MIN_SIDE_PX = 16
MAX_ASPECT = 3.0


def read_text(image: Image.Image, scale: float = 1.0) -> ReadText:
    """Read all text of an upright RGB image.

    RapidOCR reads; Tesseract, where installed, reads again what RapidOCR cannot; words that it spelt with Latin look-alikes of Cyrillic letters
    are spelt back.

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
    lines = without_noise(spelt_in_own_script(reread(read_raw(image))))
    return ReadText(tuple(_line(lines[index], scale) for index in reading_order([line.box_px for line in lines])))


def read_raw(image: Image.Image) -> list[RawLine]:
    """Every box in which RapidOCR sees text, noise and what it cannot read included.

    Raises:
        MissingExtra: rapidocr or onnxruntime is not installed.
    """
    engine = _engine()
    # The engine's one-call form drops the boxes that it cannot read, which are those that Tesseract is asked about; so its stages are called in turn.
    pixels, scaling = engine.preprocess_img(_padded(np.asarray(image))[:, :, ::-1])
    detected, _, read, crops = engine.run_ocr_steps(pixels, scaling)
    if detected.boxes is None or read.txts is None:
        return []
    ratio = scaling["preprocess"]
    quads = np.clip(np.asarray(detected.boxes, dtype=np.float64) * [ratio["ratio_w"], ratio["ratio_h"]], 0, image.size)
    # Crops as they were before its classifier turned some: it takes a third of the words in scripts that it does not know to stand on their head.
    found = zip(read.txts, read.scores, quads, detected.scores, crops, strict=True)
    return [RawLine(text.strip(), float(score), quad, float(detection), crop) for text, score, quad, detection, crop in found]


def _line(raw: RawLine, scale: float) -> Line:
    left, top, right, bottom = (round(edge * scale, 1) for edge in raw.box_px)
    return Line(raw.text, raw.confidence, (left, top, right, bottom))


def _padded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    missing = int(max(height, width) / MAX_ASPECT) - min(height, width)
    if missing <= 0:
        return pixels
    # Repeating the last row or column draws no edge that could look like a letter.
    return np.pad(pixels, ((0, missing if height < width else 0), (0, missing if width < height else 0), (0, 0)), mode="edge")


@cache
def _engine() -> Any:
    # From 1.31 on onnxruntime notes each session, with an identity of the machine, in the user's cache for sending it home. It asks for the variable
    # when it is first loaded; the call is for programs that had loaded it before.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import_module("onnxruntime").disable_telemetry_events()
        from rapidocr import RapidOCR
    except ImportError as error:
        raise MissingExtra(f"reading text in photos needs {error.name}, which is not installed: pip install geocairn[text]") from None
    # One thread each: photos are shared out to processes, and threads that wait for one another halve the rate.
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    return RapidOCR(params=threads | {"Global.log_level": "error"})
