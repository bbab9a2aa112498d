"""Boxes that RapidOCR finds but cannot read are read again by Tesseract's script packs, where they are installed; the better reading is kept."""

import io
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geocairn.clues.raw_lines import RawLine, n_letters

# First and last code point of each pack's letters. The order is that of asking: the packs that load fastest first.
SCRIPT_LETTERS: dict[str, tuple[tuple[int, int], ...]] = {
    "Greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Thai": ((0xE00, 0xE7F),),
    "Arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
    "Hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF)),
    "Devanagari": ((0x900, 0x97F),),
    "Cyrillic": ((0x400, 0x52F),),
}

MIN_HEIGHT_PX, MAX_HEIGHT_PX = 12, 256  # smaller letters come back as noise from every pack; what is larger and in doubt is a landscape
MIN_ASPECT = 1.3  # a word of two letters or more
MIN_DETECTION = 0.65
SURE_DETECTION = 0.8  # each pack that is asked in vain costs a third of a photo's reading; Thai and Hangul are seldom read as nothing
LARGE_PX, MIN_LARGE_DETECTION = 64, 0.75  # what is large and in doubt is mostly foliage, crowds and brickwork; large letters are found surely
SURE, SURE_HAN = 0.9, 0.7  # RapidOCR's own reading stands, unless another line of the photo shows that it is in one of these scripts
MAX_FALSE_HAN = 4  # RapidOCR finds no more than that in a line of Hangul or Devanagari
LOOKALIKE_CAPITALS, MIN_CAPITALS = frozenset("ABCEHIKMNOPTXYZ "), 3  # different ones: AAAA is a row of gables
MIN_EMPTY_DETECTION = 0.7  # of a box in which RapidOCR reads nothing at all: below, it is a texture
MIN_CONFIDENCE = 0.8
MIN_LETTERS = {"Hangul": 2, "Thai": 3, "Devanagari": 3}
MIN_SHARE = 0.7  # of the letters that are of the script
LINE_PX, MARGIN_PX = 48, 10
TIMEOUT_S = 20.0


@cache
def tesseract_scripts() -> tuple[str, ...]:
    """Which of the six script packs (Greek, Thai, Arabic, Hangul, Devanagari, Cyrillic) are installed; none where Tesseract is not."""
    program = shutil.which("tesseract")
    if program is None:
        return ()
    listed = _run([program, "--list-langs"], b"").split()
    return tuple(script for script in SCRIPT_LETTERS if script in listed)


def reread(lines: Sequence[RawLine]) -> list[RawLine]:
    """Read again the lines that RapidOCR could not read well, and keep the better readings.

    Lines that it read surely stay, unless another line turns out to be in one of the scripts: then all are tried in that script. A photo without
    doubtful lines costs nothing. Where Tesseract is missing, fails or takes over `TIMEOUT_S`, lines stay as they are.

    Args:
        lines: with their crops.

    Returns:
        As many lines, in the same order.
    """
    better = list(lines)
    doubtful = {script: rows for script in tesseract_scripts() if (rows := [row for row, line in enumerate(lines) if script in scripts_to_try(line)])}
    if not doubtful:
        return better
    # Each pack is a process of its own: they run side by side.
    with ThreadPoolExecutor(len(doubtful)) as pool:
        readings = dict(zip(doubtful, pool.map(lambda script: _read_lines(_crops(lines, doubtful[script]), script), doubtful), strict=True))
    for script, rows in doubtful.items():
        if _keep_better(better, lines, rows, readings[script], script):
            others = [row for row, line in enumerate(better) if row not in rows and _is_legible(line)]
            _keep_better(better, lines, others, _read_lines(_crops(lines, others), script), script)
    return better


def scripts_to_try(line: RawLine) -> tuple[str, ...]:
    """In which scripts a line may be that RapidOCR read like this; none for a sure reading or a likely texture.

    RapidOCR knows Latin, Han, kana and half of Greek. Of rendered signs it reads Arabic as nothing, Cyrillic as nothing or as the capitals that look
    like Latin ones, Thai as lower-case Latin or nothing, Hangul and Devanagari as unsure Han or nothing.
    """
    if not _is_legible(line):
        return ()
    if _share(line.text, "Greek") > 0:
        return ("Greek",)
    if not line.text:
        if line.detection < MIN_EMPTY_DETECTION:
            return ()
        return ("Thai", "Arabic", "Hangul", "Devanagari", "Cyrillic") if line.detection >= SURE_DETECTION else ("Arabic", "Devanagari", "Cyrillic")
    if line.confidence >= SURE or any(_share(line.text, script) > 0 for script in SCRIPT_LETTERS):
        return ()
    n_han = sum(ord(character) >= 0x2E80 for character in line.text)
    if n_han:
        return ("Hangul", "Devanagari") if line.confidence < SURE_HAN and n_han <= MAX_FALSE_HAN else ()
    if set(line.text) <= LOOKALIKE_CAPITALS:
        return ("Greek", "Cyrillic") if len(set(line.text)) >= MIN_CAPITALS else ()
    return ("Thai",) if any(character.islower() for character in line.text) and n_letters(line.text) >= 2 else ()


def _is_legible(line: RawLine) -> bool:
    if line.crop is None:
        return False
    height, width = line.crop.shape[:2]
    min_detection = MIN_LARGE_DETECTION if height > LARGE_PX else MIN_DETECTION
    return MIN_HEIGHT_PX <= height <= MAX_HEIGHT_PX and width >= MIN_ASPECT * height and line.detection >= min_detection


def _crops(lines: Sequence[RawLine], rows: Sequence[int]) -> list[NDArray[np.uint8]]:
    return [crop for row in rows if (crop := lines[row].crop) is not None]


def _keep_better(better: list[RawLine], lines: Sequence[RawLine], rows: Sequence[int], readings: Sequence[tuple[str, float]], script: str) -> bool:
    """Put the readings that are better in their places; a line that another script has bettered already stays."""
    improved = False
    for row, (text, confidence) in zip(rows, readings, strict=False):
        if better[row] is lines[row] and _is_better(text, confidence, better[row], script):
            better[row] = replace(better[row], text=text, confidence=confidence)
            improved = True
    return improved


def _is_better(text: str, confidence: float, line: RawLine, script: str) -> bool:
    n = sum(_is_of(character, script) for character in text)
    in_script = n >= MIN_LETTERS.get(script, 3) and _share(text, script) >= MIN_SHARE
    # RapidOCR is as sure of "ueealu" for Thai letters as of English ones, so between Latin and another script its confidence decides nothing.
    already = _share(line.text, script) >= MIN_SHARE
    return in_script and confidence >= MIN_CONFIDENCE and (not already or confidence > line.confidence)


def _share(text: str, script: str) -> float:
    letters = [character for character in text if character.isalpha() or _is_of(character, script)]
    return sum(_is_of(character, script) for character in letters) / len(letters) if letters else 0.0


def _is_of(character: str, script: str) -> bool:
    return any(first <= ord(character) <= last for first, last in SCRIPT_LETTERS[script]) and not character.isspace()


def _read_lines(crops: Sequence[NDArray[np.uint8]], script: str) -> list[tuple[str, float]]:
    """Text and confidence of each crop; fewer than the crops where Tesseract gave up."""
    program = shutil.which("tesseract")
    if program is None or not crops:
        return []
    # One multi-page TIFF: loading a pack takes longer (25 to 80 ms) than reading a line with it (5 to 10 ms).
    pages, tiff = [Image.fromarray(black_on_white(crop)) for crop in crops], io.BytesIO()
    pages[0].save(tiff, "TIFF", save_all=True, append_images=pages[1:])
    table = _run([program, "-", "-", "-l", script, "--psm", "7", "tsv"], tiff.getvalue())
    words: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for row in table.splitlines()[1:]:
        level, page, *_, confidence, word = row.split("\t")
        if level == "5" and word.strip():
            words[int(page)].append((word.strip(), float(confidence) / 100))
    return [_joined(words[page], "" if script == "Thai" else " ") for page in range(1, len(crops) + 1)] if table else []


def _joined(words: Sequence[tuple[str, float]], space: str) -> tuple[str, float]:
    n = sum(len(word) for word, _ in words)
    text = space.join(word for word, _ in words).strip("\u200e\u200f")
    return text, sum(len(word) * confidence for word, confidence in words) / n if n else 0.0


def black_on_white(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop of one line as Tesseract likes it: dark letters on a light ground, full contrast, `LINE_PX` high, with a margin.

    Args:
        crop: (H, W, 3) uint8.

    Returns:
        (LINE_PX + 2 MARGIN_PX, W', 1 channel dropped) uint8.
    """
    grey = np.asarray(crop, dtype=np.float64).mean(axis=2)
    dark, ground, light = np.percentile(grey, [2, 50, 98])
    stretched = np.clip((grey - dark) / max(light - dark, 1.0), 0, 1)
    if ground - dark < light - ground:  # letters cover less than their ground
        stretched = 1 - stretched
    height, width = grey.shape
    line = Image.fromarray((255 * stretched).astype(np.uint8)).resize((max(round(width * LINE_PX / height), 1), LINE_PX), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(line), MARGIN_PX, mode="edge")


def _run(command: Sequence[str], stdin: bytes) -> str:
    # Several threads make Tesseract's small networks 2 to 6 times slower.
    environment = dict(os.environ, OMP_THREAD_LIMIT="1")
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
