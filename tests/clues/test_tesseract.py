"""Rendered signs in the scripts that RapidOCR cannot read come back in their own letters; everything else stays as it was."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from geocairn.clues import tesseract
from geocairn.clues.raw_lines import RawLine
from geocairn.clues.reader import read_text
from geocairn.clues.tesseract import SCRIPT_LETTERS, black_on_white, reread, scripts_to_try, tesseract_scripts

NOTO = Path("/usr/share/fonts/truetype/noto")
FONTS = {
    "Cyrillic": NOTO / "NotoSans-Bold.ttf",
    "Greek": NOTO / "NotoSans-Bold.ttf",
    "Arabic": NOTO / "NotoSansArabic-Bold.ttf",
    "Thai": NOTO / "NotoSansThai-Bold.ttf",
    "Hangul": Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
    "Devanagari": NOTO / "NotoSansDevanagari-Bold.ttf",
}
SIGNS = {
    "Cyrillic": ["Улица Ленина", "Аптека"],
    "Greek": ["Εστιατόριο", "Θεσσαλονίκη"],
    "Arabic": ["شارع الملك فهد", "القاهرة"],
    "Thai": ["ร้านอาหาร", "ห้ามเข้า"],
    "Hangul": ["부산 식당", "약국"],
    "Devanagari": ["भारतीय रेल", "दिल्ली"],
}
CROP = np.full((30, 90, 3), 200, dtype=np.uint8)


def sign(text: str, script: str, degrees: float = 0.0) -> Image.Image:
    if script not in tesseract_scripts():
        pytest.skip(f"Tesseract's {script} pack is not installed (Debian: tesseract-ocr and tesseract-ocr-script-*)")
    if not FONTS[script].exists():
        pytest.skip(f"{FONTS[script]} is not installed (Debian: fonts-noto-core, fonts-noto-cjk)")
    image = Image.new("RGB", (640, 400), (40, 60, 90))
    ImageDraw.Draw(image).text((60, 150), text, font=ImageFont.truetype(str(FONTS[script]), 48), fill=(250, 250, 250))
    return image.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=(40, 60, 90))


def raw(text: str, confidence: float, *, detection: float = 0.8, crop: np.ndarray | None = CROP) -> RawLine:
    return RawLine(text, confidence, np.zeros((4, 2)), detection, crop)


@pytest.mark.parametrize(("script", "text"), [(script, text) for script, texts in SIGNS.items() for text in texts])
def test_signs_are_read_in_their_script(script, text):
    assert [line.text for line in read_text(sign(text, script)).lines] == [text]


def test_a_slanted_sign_is_read():
    assert read_text(sign("Улица Ленина", "Cyrillic", degrees=6)).lines[0].text == "Улица Ленина"


@pytest.mark.parametrize(
    ("line", "scripts"),
    [
        (raw("Lincoln Cathedral", 0.98), ()),
        (raw("中华第一市", 0.95), ()),
        (raw("", 0.0, detection=0.85), ("Thai", "Arabic", "Hangul", "Devanagari", "Cyrillic")),
        (raw("", 0.0, detection=0.7), ("Arabic", "Devanagari", "Cyrillic")),
        (raw("", 0.0, detection=0.5), ()),
        (raw("", 0.0, crop=None), ()),
        (raw("", 0.0, crop=np.zeros((30, 20, 3), np.uint8)), ()),
        (raw("品言", 0.4), ("Hangul", "Devanagari")),
        (raw("OΔOΣ EPMOY", 0.97), ("Greek",)),
        (raw("ueealu", 0.8), ("Thai",)),
        (raw("BXA", 0.87), ("Greek", "Cyrillic")),
        (raw("AAAA", 0.7), ()),
        (raw("MEXICO GRILLS", 0.7), ()),
    ],
)
def test_only_doubtful_lines_are_asked_about(line, scripts):
    assert scripts_to_try(line) == scripts


def test_sure_lines_cost_no_call(monkeypatch):
    monkeypatch.setattr(tesseract, "tesseract_scripts", lambda: tuple(SCRIPT_LETTERS))
    monkeypatch.setattr(tesseract, "_run", lambda command, stdin: pytest.fail(f"called {command}"))
    lines = [raw("Lincoln Cathedral", 0.98), raw("STOP", 0.7)]
    assert reread(lines) == lines


def test_lines_stay_without_tesseract(monkeypatch):
    monkeypatch.setattr(tesseract.shutil, "which", lambda name: None)
    tesseract_scripts.cache_clear()
    lines = [raw("", 0.0)]
    assert reread(lines) == lines
    assert tesseract_scripts() == ()
    tesseract_scripts.cache_clear()


def test_lines_stay_where_tesseract_fails_or_says_nothing_better(monkeypatch):
    monkeypatch.setattr(tesseract, "tesseract_scripts", lambda: tuple(SCRIPT_LETTERS))
    monkeypatch.setattr(tesseract.shutil, "which", lambda name: "/bin/tesseract")
    lines = [raw("", 0.0), raw("ueealu", 0.8)]
    row = "5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t{}\t{}"
    for table in ["", "header\n" + row.format(96, "Latin"), "header\n" + row.format(40, "ภาษาไทย"), "header\n" + row.format(96, "กa")]:
        monkeypatch.setattr(tesseract, "_run", lambda command, stdin, table=table: table)
        assert reread(lines) == lines


def test_crops_become_black_on_white():
    crop = np.full((20, 80, 3), 30, dtype=np.uint8)
    crop[8:12, 20:60] = 220
    for image in (crop, 255 - crop):
        page = black_on_white(image)
        assert page.dtype == np.uint8
        assert page.shape[0] == tesseract.LINE_PX + 2 * tesseract.MARGIN_PX
        assert page[0, 0] == 255
        assert page[page.shape[0] // 2, page.shape[1] // 2] == 0
