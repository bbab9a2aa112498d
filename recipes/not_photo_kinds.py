"""Pictures that are no photographs, drawn at random: screenshots, documents, drawings and blanks, in many styles, sizes, encodings and states of wear.

`STYLES` maps a kind to its styles, each a function of a random generator that returns a picture; `spoil` wears a picture as scaling and compression do.
"""

import math
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Rng = np.random.Generator
Style = Callable[[Rng], Image.Image]
Colour = tuple[int, int, int]

FONT_FILES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSansMono",
    "DejaVuSans-Oblique",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "cmr10",
    "cmss10",
)
SANS, SANS_BOLD, SERIF, SERIF_BOLD, MONO = FONT_FILES[:5]
SYLLABLES = [
    "an",
    "ter",
    "lo",
    "mi",
    "ra",
    "de",
    "con",
    "ing",
    "ver",
    "sta",
    "ne",
    "ol",
    "ful",
    "tion",
    "ca",
    "pe",
    "ris",
    "mo",
    "un",
    "sel",
    "ke",
    "bra",
    "to",
    "vi",
]


@cache
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the typefaces that come with matplotlib."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"), max(size, 4))


def words(rng: Rng, n: int) -> str:
    """`n` invented words, some with capitals, figures and stops."""
    made = []
    for _ in range(n):
        word = "".join(rng.choice(SYLLABLES, size=rng.integers(1, 4)))
        word = str(rng.integers(1, 9999)) if rng.random() < 0.05 else word.capitalize() if rng.random() < 0.15 else word
        made.append(word + str(rng.choice(["", "", "", "", "", ",", "."])))
    return " ".join(made)


def colour(rng: Rng, low: int = 0, high: int = 256) -> Colour:
    """Any colour with channels in [low, high)."""
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def blank_canvas(
    rng: Rng, background: Colour, *, aspects: tuple[float, ...] = (0.46, 0.56, 0.75, 1.0, 1.33, 1.6, 1.78)
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A canvas of one colour, 500 to 1300 pixels long, and its pen."""
    long_side, aspect = int(rng.integers(500, 1300)), float(rng.choice(aspects))
    size = (long_side, round(long_side / aspect)) if aspect >= 1 else (round(long_side * aspect), long_side)
    image = Image.new("RGB", size, background)
    return image, ImageDraw.Draw(image)


def paragraph(pen: ImageDraw.ImageDraw, rng: Rng, box: tuple[float, float, float, float], face: str, size: int, fill: Colour, leading: float = 1.35) -> float:
    """Fill a box with lines of words; returns where the next line would stand."""
    left, top, right, bottom = box
    n_words = max(1, int((right - left) / (size * 2.6)))
    while top + size < bottom:
        pen.text((left, top), words(rng, n_words if rng.random() < 0.85 else max(1, n_words // 2)), font=font(face, size), fill=fill)
        top += size * leading
    return top


def smooth_noise(rng: Rng, width: int, height: int, cells: int) -> NDArray[np.float64]:
    """(height, width) noise in [0, 1] with features about 1/cells of the width in size."""
    coarse = Image.fromarray((rng.random((max(2, cells * height // max(width, 1)), cells)) * 255).astype(np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 255


def pretended_photo(rng: Rng, width: int, height: int) -> Image.Image:
    """A patch with the statistics of a photograph: noise on all scales under smooth light."""
    layers = sum(smooth_noise(rng, width, height, cells) / math.sqrt(cells) for cells in (3, 6, 12, 24, 48, 96))
    levels = np.stack([layers + 0.3 * smooth_noise(rng, width, height, 4) for _ in range(3)], axis=-1)
    levels = (levels - levels.min()) / (np.ptp(levels) + 1e-9) * 220 + 15 + rng.normal(0, 4, levels.shape)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def gradient(rng: Rng, size: tuple[int, int], start: Colour, end: Colour) -> Image.Image:
    """From one colour to another, in any direction."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    turn = rng.uniform(0, 2 * math.pi)
    along = x / width * math.cos(turn) + y / height * math.sin(turn)
    along = ((along - along.min()) / (np.ptp(along) + 1e-9))[..., None]
    return Image.fromarray(np.round(np.array(start) * (1 - along) + np.array(end) * along).astype(np.uint8))


# Screenshots


def desktop(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, colour(rng, 20, 140), aspects=(1.33, 1.6, 1.78))
    if rng.random() < 0.5:
        image.paste(gradient(rng, image.size, colour(rng), colour(rng)))
    width, height = image.size
    for _ in range(rng.integers(1, 4)):
        left, top = int(rng.uniform(0, 0.4) * width), int(rng.uniform(0, 0.4) * height)
        right, bottom = left + int(rng.uniform(0.4, 0.6) * width), top + int(rng.uniform(0.4, 0.6) * height)
        pen.rectangle((left, top, right, bottom), fill=(250, 250, 250), outline=(120, 120, 120))
        pen.rectangle((left, top, right, top + 24), fill=colour(rng, 60, 230))
        for index in range(3):
            pen.ellipse((right - 20 - 22 * index, top + 6, right - 8 - 22 * index, top + 18), fill=colour(rng))
        pen.text((left + 8, top + 5), words(rng, 3), font=font(SANS, 12), fill=(20, 20, 20))
        paragraph(pen, rng, (left + 12, top + 36, right - 10, bottom - 8), SANS, int(rng.integers(10, 15)), (30, 30, 30))
    pen.rectangle((0, height - 32, width, height), fill=(32, 34, 40))
    for index in range(rng.integers(4, 10)):
        pen.rounded_rectangle((8 + 36 * index, height - 27, 30 + 36 * index, height - 5), 5, fill=colour(rng))
    return image


def web_page(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255))
    width, height = image.size
    pen.rectangle((0, 0, width, 50), fill=colour(rng))
    pen.text((14, 12), words(rng, 2), font=font(SANS_BOLD, 22), fill=(255, 255, 255))
    side = width // 4
    pen.rectangle((0, 50, side, height), fill=(242, 243, 245))
    paragraph(pen, rng, (10, 70, side - 10, height), SANS, 12, (40, 80, 180), leading=2.2)
    top = 70.0
    while top < height - 60:
        pen.text((side + 20, top), words(rng, 4), font=font(SANS_BOLD, 19), fill=(20, 20, 20))
        if rng.random() < 0.4:
            image.paste(pretended_photo(rng, width // 3, height // 6), (side + 20, int(top) + 30))
            top += height / 6 + 40
        top = paragraph(pen, rng, (side + 20, top + 30, width - 20, min(top + rng.uniform(80, 220), height)), SANS, 13, (60, 60, 60)) + 14
    return image


def terminal(rng: Rng) -> Image.Image:
    dark = rng.random() < 0.85
    image, pen = blank_canvas(rng, colour(rng, 0, 45) if dark else (253, 246, 227))
    size = int(rng.integers(10, 18))
    for row in range(4, image.height - size, int(size * 1.3)):
        if rng.random() < 0.85:
            fill = colour(rng, 150, 256) if dark else colour(rng, 0, 120)
            pen.text((6, row), words(rng, int(rng.integers(1, max(2, image.width // (size * 4))))), font=font(MONO, size), fill=fill)
    return image


def chat(rng: Rng) -> Image.Image:
    dark = rng.random() < 0.4
    image, pen = blank_canvas(rng, (15, 20, 26) if dark else colour(rng, 215, 256), aspects=(0.46, 0.5, 0.56))
    width, height = image.size
    pen.rectangle((0, 0, width, height // 12), fill=colour(rng, 20, 160))
    pen.text((width // 6, height // 30), words(rng, 2), font=font(SANS_BOLD, height // 40), fill=(255, 255, 255))
    top = height // 10
    while top < height * 0.88:
        mine, n_lines = rng.random() < 0.5, int(rng.integers(1, 5))
        size = max(9, height // 55)
        left = int(width * (0.25 if mine else 0.04))
        fill = ((0, 92, 75) if mine else (32, 44, 51)) if dark else ((220, 248, 198) if mine else (255, 255, 255))
        box = (left, top, left + int(width * 0.7), top + int(size * 1.4 * n_lines + 14))
        pen.rounded_rectangle(box, 10, fill=fill)
        if rng.random() < 0.12:
            image.paste(pretended_photo(rng, int(width * 0.6), height // 7), (left + 8, box[3]))
            top += height // 7
        paragraph(pen, rng, (left + 10, top + 6, box[2] - 6, top + 8 + size * 1.4 * n_lines), SANS, size, (235, 235, 235) if dark else (20, 20, 20))
        top += box[3] - box[1] + 10
    pen.rounded_rectangle((10, height - height // 14, width - 10, height - 8), 14, fill=(60, 60, 60) if dark else (255, 255, 255))
    return image


def spreadsheet(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255), aspects=(1.33, 1.6, 1.78))
    pen.rectangle((0, 0, image.width, 70), fill=colour(rng, 20, 245))
    step_x, step_y = int(rng.integers(50, 110)), int(rng.integers(18, 28))
    for y in range(70, image.height, step_y):
        pen.line((0, y, image.width, y), fill=(210, 210, 210))
        for x in range(0, image.width, step_x):
            if rng.random() < 0.55:
                pen.text((x + 4, y + 3), f"{rng.uniform(-999, 9999):.2f}" if x else words(rng, 1), font=font(SANS, step_y - 9), fill=(10, 10, 10))
            if rng.random() < 0.02:
                pen.rectangle((x, y, x + step_x, y + step_y), fill=colour(rng, 180, 256))
    for x in range(0, image.width, step_x):
        pen.line((x, 70, x, image.height), fill=(210, 210, 210))
    return image


def code_editor(rng: Rng) -> Image.Image:
    dark = rng.random() < 0.6
    image, pen = blank_canvas(rng, (30, 30, 36) if dark else (255, 255, 255), aspects=(1.33, 1.6, 1.78))
    pen.rectangle((0, 0, image.width // 5, image.height), fill=(37, 37, 44) if dark else (243, 243, 243))
    pen.rectangle((0, image.height - 22, image.width, image.height), fill=(0, 122, 204))
    inks = [colour(rng, 130, 256) if dark else colour(rng, 0, 160) for _ in range(5)]
    size, indent = int(rng.integers(11, 16)), 0
    for number, y in enumerate(range(8, image.height - 40, int(size * 1.4))):
        pen.text((image.width // 5 + 6, y), str(number + 1), font=font(MONO, size), fill=(120, 120, 120))
        indent = int(np.clip(indent + rng.integers(-1, 2), 0, 5))
        x = image.width // 5 + 44 + indent * 4 * size * 0.6
        for _ in range(rng.integers(0, 7)):
            word = words(rng, 1)
            pen.text((x, y), word, font=font(MONO, size), fill=inks[int(rng.integers(5))])
            x += (len(word) + 1) * size * 0.6
        pen.text((12, y), words(rng, 1), font=font(SANS, size - 1), fill=(150, 150, 150))
    return image


def phone_settings(rng: Rng) -> Image.Image:
    dark = rng.random() < 0.5
    image, pen = blank_canvas(rng, (0, 0, 0) if dark else (242, 242, 247), aspects=(0.46, 0.5, 0.56))
    width, height = image.size
    ink, soft, row = ((255, 255, 255), (28, 28, 30), height // 16) if dark else ((0, 0, 0), (255, 255, 255), height // 16)
    pen.text((width // 14, height // 22), words(rng, 1).capitalize(), font=font(SANS_BOLD, height // 24), fill=ink)
    for y in range(height // 8, height - row, row + (8 if rng.random() < 0.5 else 0)):
        if rng.random() < 0.15:
            continue
        pen.rounded_rectangle((width // 24, y, width - width // 24, y + row - 2), 8, fill=soft)
        pen.rounded_rectangle((width // 14, y + row // 4, width // 14 + row // 2, y + row * 3 // 4), 6, fill=colour(rng))
        pen.text((width // 5, y + row // 4), words(rng, 2), font=font(SANS, max(9, row // 3)), fill=ink)
        if rng.random() < 0.5:
            on = rng.random() < 0.5
            pen.rounded_rectangle((width * 0.8, y + row * 0.28, width * 0.9, y + row * 0.72), row // 5, fill=(52, 199, 89) if on else (120, 120, 128))
    return image


def video_player(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (15, 15, 15) if rng.random() < 0.6 else (250, 250, 250), aspects=(1.33, 1.6, 1.78))
    width, height = image.size
    frame = pretended_photo(rng, int(width * rng.uniform(0.45, 0.62)), int(height * rng.uniform(0.4, 0.6)))
    image.paste(frame, (20, 60))
    pen.rectangle((20, 50 + frame.height, 20 + frame.width, 54 + frame.height), fill=(230, 30, 30))
    ink = (200, 200, 200) if image.getpixel((2, 2)) == (15, 15, 15) else (30, 30, 30)
    pen.text((20, 14), words(rng, 2), font=font(SANS_BOLD, 20), fill=ink)
    paragraph(pen, rng, (20, 80 + frame.height, 20 + frame.width, height), SANS, 13, ink)
    for y in range(60, height - 60, 80):
        pen.rectangle((40 + frame.width, y, 150 + frame.width, y + 62), fill=colour(rng))
        pen.text((160 + frame.width, y + 6), words(rng, 3), font=font(SANS, 12), fill=ink)
    return image


def feed(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255), aspects=(0.46, 0.5, 0.56))
    width, height = image.size
    top = height // 20
    pen.text((12, 8), words(rng, 1), font=font(SANS_BOLD, height // 36), fill=(0, 0, 0))
    while top < height:
        pen.ellipse((10, top + 4, 10 + height // 24, top + 4 + height // 24), fill=colour(rng))
        pen.text((20 + height // 20, top + 8), words(rng, 2), font=font(SANS_BOLD, max(9, height // 60)), fill=(20, 20, 20))
        picture = pretended_photo(rng, width, int(height * rng.uniform(0.12, 0.3)))
        image.paste(picture, (0, top + height // 16))
        top += height // 16 + picture.height
        top = int(paragraph(pen, rng, (12, top + 8, width - 12, top + height * rng.uniform(0.06, 0.16)), SANS, max(9, height // 62), (30, 30, 30))) + 14
    return image


def map_app(rng: Rng) -> Image.Image:
    image, pen = road_map(rng), None
    pen = ImageDraw.Draw(image)
    width, height = image.size
    pen.rounded_rectangle((12, 12, width * 0.5, 12 + height * 0.08), 8, fill=(255, 255, 255), outline=(190, 190, 190))
    pen.text((24, 12 + height * 0.02), words(rng, 2), font=font(SANS, max(10, height // 40)), fill=(70, 70, 70))
    pen.rectangle((0, height * 0.82, width, height), fill=(255, 255, 255))
    paragraph(pen, rng, (16, height * 0.84, width - 16, height - 4), SANS, max(10, height // 45), (40, 40, 40))
    return image


def dialog(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, colour(rng))
    image.paste(gradient(rng, image.size, colour(rng), colour(rng)).filter(ImageFilter.GaussianBlur(2)))
    width, height = image.size
    left, top, right, bottom = width * 0.2, height * 0.22, width * 0.8, height * 0.78
    pen.rounded_rectangle((left, top, right, bottom), 12, fill=(255, 255, 255) if rng.random() < 0.7 else (40, 42, 48))
    ink = colour(rng, 90, 160)
    size = max(10, height // 34)
    pen.text((left + 20, top + 16), words(rng, 2), font=font(SANS_BOLD, size + 4), fill=ink)
    for index in range(3):
        y = top + (bottom - top) * (0.25 + 0.18 * index)
        pen.rectangle((left + 20, y, right - 20, y + size * 2), outline=(170, 170, 170))
        pen.text((left + 28, y + size // 2), words(rng, 2), font=font(SANS, size), fill=ink)
    pen.rounded_rectangle((right - width * 0.2, bottom - size * 3, right - 20, bottom - size), 6, fill=colour(rng, 0, 180))
    return image


def game(rng: Rng) -> Image.Image:
    image = pixel_art(rng).resize((960, 540), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 960, 44), fill=(0, 0, 0))
    pen.text((10, 8), f"SCORE {rng.integers(0, 99999):06d}", font=font(MONO, 22), fill=(255, 255, 255))
    pen.rectangle((700, 12, 700 + int(rng.integers(20, 240)), 32), fill=(220, 40, 40))
    return image


# Documents


def paper(rng: Rng, aspects: tuple[float, ...] = (0.707, 0.773)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    tint = int(rng.integers(0, 22))
    shade = (255, 255, 255) if rng.random() < 0.5 else (255 - tint // 3, 255 - tint // 2, 255 - tint)
    return blank_canvas(rng, shade, aspects=aspects)


def letter(rng: Rng) -> Image.Image:
    image, pen = paper(rng)
    width, height = image.size
    face, size = str(rng.choice(FONT_FILES)), max(8, int(height * rng.uniform(0.011, 0.022)))
    margin = width * rng.uniform(0.07, 0.14)
    paragraph(pen, rng, (margin, height * 0.06, width * 0.5, height * 0.14), face, size, (20, 20, 20))
    pen.text((margin, height * 0.19), words(rng, 5), font=font(SANS_BOLD, int(size * 1.3)), fill=(10, 10, 10))
    top = height * 0.24
    while top < height * rng.uniform(0.6, 0.9):
        top = paragraph(pen, rng, (margin, top, width - margin, top + height * rng.uniform(0.06, 0.2)), face, size, (25, 25, 25)) + size
    handwriting(pen, rng, margin, height * 0.92, width * 0.3, size * 2.0, (20, 20, 120))
    return image


def two_columns(rng: Rng) -> Image.Image:
    image, pen = paper(rng)
    width, height = image.size
    size = max(7, int(height * rng.uniform(0.009, 0.014)))
    pen.text((width * 0.15, height * 0.05), words(rng, 6), font=font(SERIF_BOLD, size * 2), fill=(0, 0, 0))
    for left in (0.07, 0.53):
        top = height * 0.14
        while top < height * 0.9:
            if rng.random() < 0.25:
                pen.rectangle((width * left, top, width * (left + 0.4), top + height * 0.14), outline=(60, 60, 60))
                curve(pen, rng, (width * left, top, width * (left + 0.4), top + height * 0.14), colour(rng, 0, 200), 2)
                top += height * 0.16
            bottom = min(top + height * rng.uniform(0.08, 0.2), height * 0.94)
            top = paragraph(pen, rng, (width * left, top, width * (left + 0.4), bottom), SERIF, size, (15, 15, 15), 1.25) + size
    return image


def form(rng: Rng) -> Image.Image:
    image, pen = paper(rng)
    width, height = image.size
    size = max(8, height // 75)
    pen.text((width * 0.1, height * 0.04), words(rng, 4), font=font(SANS_BOLD, size * 2), fill=(0, 0, 0))
    for y in np.arange(0.12, 0.94, rng.uniform(0.03, 0.06)):
        pen.rectangle((width * 0.08, height * y, width * 0.92, height * (y + 0.03)), outline=(90, 90, 90))
        pen.line((width * 0.4, height * y, width * 0.4, height * (y + 0.03)), fill=(90, 90, 90))
        pen.text((width * 0.09, height * y + 3), words(rng, 2), font=font(SANS, size), fill=(40, 40, 40))
        if rng.random() < 0.7:
            handwriting(pen, rng, width * 0.42, height * (y + 0.022), width * rng.uniform(0.1, 0.45), size * 1.2, (20, 30, 110))
    return image


def receipt(rng: Rng) -> Image.Image:
    image, pen = paper(rng, aspects=(0.35, 0.45, 0.5))
    width, height = image.size
    size = max(8, width // 24)
    pen.text((width * 0.2, height * 0.03), words(rng, 2).upper(), font=font(MONO, int(size * 1.4)), fill=(30, 30, 30))
    for y in range(int(height * 0.1), int(height * 0.8), int(size * 1.6)):
        pen.text((width * 0.06, y), words(rng, 2), font=font(MONO, size), fill=(40, 40, 40))
        pen.text((width * 0.74, y), f"{rng.uniform(0.5, 99):6.2f}", font=font(MONO, size), fill=(40, 40, 40))
    x = width * 0.15
    while x < width * 0.85:
        bar = float(rng.integers(1, 5))
        pen.rectangle((x, height * 0.86, x + bar, height * 0.96), fill=(10, 10, 10))
        x += bar + float(rng.integers(1, 5))
    return image


def notes(rng: Rng) -> Image.Image:
    image, pen = paper(rng, aspects=(0.7, 0.77, 1.0, 1.4))
    width, height = image.size
    step = height / rng.uniform(14, 30)
    ink = (20, 30, 120) if rng.random() < 0.6 else (40, 40, 40)
    for y in np.arange(step * 2, height - step, step):
        if rng.random() < 0.9:
            pen.line((0, y, width, y), fill=(180, 205, 235), width=1)
        handwriting(pen, rng, width * 0.08, y, width * rng.uniform(0.3, 0.85), step * 0.45, ink)
    return image


def newspaper(rng: Rng) -> Image.Image:
    image, pen = paper(rng)
    width, height = image.size
    pen.text((width * 0.05, height * 0.02), words(rng, 3), font=font(SERIF_BOLD, height // 18), fill=(15, 15, 15))
    pen.line((width * 0.04, height * 0.1, width * 0.96, height * 0.1), fill=(20, 20, 20), width=2)
    halftone = pretended_photo(rng, int(width * 0.44), int(height * 0.22)).convert("1").convert("RGB")
    for column in range(4):
        left, top = width * (0.05 + 0.235 * column), height * (0.36 if column < 2 else 0.12)
        paragraph(pen, rng, (left, top, left + width * 0.21, height * 0.97), SERIF, max(7, height // 110), (25, 25, 25), 1.2)
    image.paste(halftone, (int(width * 0.05), int(height * 0.12)))
    return image


def book_spread(rng: Rng) -> Image.Image:
    image, pen = paper(rng, aspects=(1.3, 1.45))
    width, height = image.size
    for left in (0.06, 0.54):
        paragraph(pen, rng, (width * left, height * 0.1, width * (left + 0.38), height * 0.9), SERIF, max(8, height // 48), (35, 30, 25), 1.5)
    shade = 1 - 0.35 * np.exp(-np.abs(np.arange(width) / width - 0.5) / 0.03)
    return Image.fromarray((np.asarray(image) * shade[None, :, None]).astype(np.uint8))


def slide(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255) if rng.random() < 0.6 else colour(rng, 0, 90), aspects=(1.33, 1.78))
    width, height = image.size
    ink = (30, 30, 30) if image.getpixel((0, 0)) == (255, 255, 255) else (240, 240, 240)
    pen.rectangle((0, 0, width, height * rng.uniform(0.02, 0.18)), fill=colour(rng, 20, 180))
    pen.text((width * 0.06, height * 0.05), words(rng, 4), font=font(SANS_BOLD, height // 14), fill=ink)
    for index in range(rng.integers(3, 7)):
        y = height * (0.24 + 0.11 * index)
        pen.ellipse((width * 0.06, y + 6, width * 0.06 + 8, y + 14), fill=ink)
        pen.text((width * 0.09, y), words(rng, int(rng.integers(3, 8))), font=font(SANS, height // 24), fill=ink)
    return image


def worn(make: Style) -> Style:
    """The same document after a scanner, a photocopier or a camera has had it."""

    def scanned(rng: Rng) -> Image.Image:
        image = make(rng)
        page = image.getpixel((1, 1))
        if rng.random() < 0.7:
            outside = page if rng.random() < 0.7 else (30, 30, 30)
            image = image.rotate(rng.normal(0, 1.5), Image.Resampling.BICUBIC, fillcolor=outside)
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.1)))
        levels = np.asarray(image).astype(np.float64)
        if rng.random() < 0.5:  # uneven light
            levels *= (rng.uniform(0.6, 0.95) + 0.4 * smooth_noise(rng, image.width, image.height, 2))[..., None]
        levels += rng.normal(0, rng.uniform(1, 9), levels.shape[:2])[..., None] + rng.normal(0, rng.uniform(0.2, 4), levels.shape)
        if rng.random() < 0.4:  # grain of the paper
            levels += (smooth_noise(rng, image.width, image.height, image.width // 4) * rng.uniform(4, 16))[..., None]
        scan = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
        if rng.random() < 0.5:
            scan = scan.convert("L").convert("RGB")
        return scan

    return scanned


def photocopied(make: Style) -> Style:
    """Two levels, with specks and a dark edge."""

    def copied(rng: Rng) -> Image.Image:
        levels = np.asarray(make(rng).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9))).convert("L")).astype(np.float64)
        levels = np.where(levels > rng.uniform(140, 215), 255.0, 0.0)
        levels[rng.random(levels.shape) < rng.uniform(0, 0.004)] = 0
        levels[:, : int(rng.integers(0, 14))] = 0
        copy = Image.fromarray(levels.astype(np.uint8))
        return copy.rotate(rng.normal(0, 1), fillcolor=255).convert("RGB")

    return copied


# Drawings


def handwriting(pen: ImageDraw.ImageDraw, rng: Rng, left: float, baseline: float, length: float, size: float, ink: Colour) -> None:
    """Loops that run along a line like writing."""
    t = np.linspace(0, length / max(size, 1), int(length) + 2)
    x = left + t * size + np.sin(t * 9 + rng.uniform(0, 6)) * size * 0.25
    y = baseline - np.abs(np.sin(t * 7 + rng.normal(0, 0.4, t.shape).cumsum() * 0.2)) * size * (0.5 + 0.5 * np.sin(t * 1.7) ** 2)
    for start in range(0, len(t) - 8, max(9, int(size * 3))):
        stop = start + int(size * rng.uniform(1.6, 2.8)) + 2
        pen.line(list(zip(x[start:stop], y[start:stop], strict=True)), fill=ink, width=max(1, int(size / 9)), joint="curve")


def curve(pen: ImageDraw.ImageDraw, rng: Rng, box: tuple[float, float, float, float], ink: Colour, width: int) -> None:
    """A random walk from left to right."""
    left, top, right, bottom = box
    level = np.cumsum(rng.normal(0, 1, 40))
    level = (level - level.min()) / (np.ptp(level) + 1e-9)
    points = zip(np.linspace(left + 3, right - 3, 40), bottom - 4 - level * (bottom - top - 8), strict=True)
    pen.line(list(points), fill=ink, width=width)


def blob(rng: Rng, x: float, y: float, radius: float, n: int = 40, roughness: float = 0.3) -> list[tuple[float, float]]:
    """Outline of an irregular roundish shape."""
    angle = np.linspace(0, 2 * math.pi, n, endpoint=False)
    waves = sum(rng.normal(0, roughness / k) * np.sin(k * angle + rng.uniform(0, 6)) for k in range(1, 5))
    reach = radius * (1 + waves)
    return list(zip(x + reach * np.cos(angle), y + reach * np.sin(angle), strict=True))


def cartoon(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, colour(rng, 120, 256))
    width, height = image.size
    outline = (0, 0, 0) if rng.random() < 0.7 else None
    thickness = int(rng.integers(2, 7))
    for _ in range(rng.integers(6, 22)):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.04, 0.25) * width
        if rng.random() < 0.5:
            pen.polygon(blob(rng, x, y, radius), fill=colour(rng), outline=outline, width=thickness)
        else:
            pen.ellipse((x - radius, y - radius * 0.7, x + radius, y + radius * 0.7), fill=colour(rng), outline=outline, width=thickness)
    return image


def line_art(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255) if rng.random() < 0.8 else colour(rng, 200, 256))
    ink = (0, 0, 0) if rng.random() < 0.8 else colour(rng, 0, 120)
    for _ in range(rng.integers(5, 40)):
        shape = blob(rng, rng.uniform(0, image.width), rng.uniform(0, image.height), rng.uniform(20, 260), roughness=0.5)
        pen.line([*shape, shape[0]][: int(rng.integers(8, 42))], fill=ink, width=int(rng.integers(1, 5)), joint="curve")
    return image


def chart(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255) if rng.random() < 0.75 else (30, 32, 40), aspects=(1.0, 1.33, 1.6, 1.78))
    width, height = image.size
    ink = (40, 40, 40) if image.getpixel((0, 0)) == (255, 255, 255) else (220, 220, 220)
    pen.line((width * 0.1, height * 0.1, width * 0.1, height * 0.88, width * 0.95, height * 0.88), fill=ink, width=2)
    pen.text((width * 0.3, height * 0.03), words(rng, 3), font=font(SANS_BOLD, height // 22), fill=ink)
    for level in np.linspace(0.1, 0.8, 6):
        pen.line((width * 0.1, height * level, width * 0.95, height * level), fill=(170, 170, 170), width=1)
        pen.text((width * 0.03, height * level - 8), f"{rng.uniform(0, 99):.1f}", font=font(SANS, height // 40), fill=ink)
    if rng.random() < 0.5:
        for x in np.linspace(0.14, 0.9, int(rng.integers(4, 14))):
            pen.rectangle((width * x, height * rng.uniform(0.15, 0.8), width * (x + 0.04), height * 0.88), fill=colour(rng))
    else:
        for _ in range(rng.integers(1, 6)):
            curve(pen, rng, (width * 0.1, height * 0.12, width * 0.95, height * 0.86), colour(rng), int(rng.integers(1, 5)))
    return image


def pie(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255), aspects=(1.0, 1.33))
    width, height = image.size
    start, radius = 0.0, min(width, height) * 0.36
    while start < 360:
        stop = min(360, start + rng.uniform(20, 110))
        pen.pieslice((width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius), start, stop, fill=colour(rng), outline=(255, 255, 255))
        turn = math.radians((start + stop) / 2)
        pen.text(
            (width / 2 + radius * 1.12 * math.cos(turn), height / 2 + radius * 1.12 * math.sin(turn)),
            words(rng, 1),
            font=font(SANS, height // 36),
            fill=(50, 50, 50),
        )
        start = stop
    return image


def icon(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255) if rng.random() < 0.5 else colour(rng), aspects=(1.0,))
    side = image.width
    pen.rounded_rectangle((side * 0.1, side * 0.1, side * 0.9, side * 0.9), side * rng.uniform(0, 0.4), fill=colour(rng))
    for _ in range(rng.integers(1, 4)):
        centre, radius = rng.uniform(0.35, 0.65, 2) * side, side * rng.uniform(0.1, 0.25)
        pen.regular_polygon((centre[0], centre[1], radius), int(rng.integers(3, 8)), float(rng.uniform(0, 90)), fill=colour(rng))
    if rng.random() < 0.5:
        pen.text((side * 0.2, side * 0.7), words(rng, 1), font=font(SANS_BOLD, side // 10), fill=colour(rng))
    return image


def landscape(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255), aspects=(1.0, 1.33, 1.6, 1.78))
    width, height = image.size
    image.paste(gradient(rng, image.size, colour(rng, 90, 256), colour(rng, 90, 256)))
    radius = width * rng.uniform(0.04, 0.12)
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.4) * height
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 240, 170))
    for layer in range(rng.integers(2, 6)):
        base = height * (0.45 + 0.12 * layer)
        ridge = base - height * 0.12 * np.abs(np.sin(np.linspace(0, rng.uniform(3, 14), 60) + rng.uniform(0, 6))) * rng.uniform(0.3, 1.2)
        pen.polygon([(0, height), *zip(np.linspace(0, width, 60), ridge, strict=True), (width, height)], fill=colour(rng, 10, 190))
    for _ in range(rng.integers(0, 14)):
        x, y, size = rng.uniform(0, width), rng.uniform(0.6, 0.95) * height, rng.uniform(0.02, 0.08) * height
        pen.rectangle((x - size / 8, y, x + size / 8, y + size), fill=(90, 60, 30))
        pen.polygon([(x - size / 2, y), (x + size / 2, y), (x, y - size * 1.6)], fill=colour(rng, 20, 150))
    return image


def road_map(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (242, 239, 233) if rng.random() < 0.7 else (36, 47, 62))
    width, height = image.size
    for _ in range(rng.integers(3, 12)):
        fill = [(170, 211, 223), (200, 250, 204), (224, 223, 223)][int(rng.integers(3))]
        pen.polygon(blob(rng, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(30, 220)), fill=fill)
    for _ in range(rng.integers(10, 40)):
        x, y, turn = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, math.pi)
        reach = rng.uniform(0.2, 1.2) * width
        ends = (x - reach * math.cos(turn), y - reach * math.sin(turn), x + reach * math.cos(turn), y + reach * math.sin(turn))
        thickness = int(rng.integers(2, 10))
        pen.line(ends, fill=(190, 180, 170), width=thickness + 2)
        pen.line(ends, fill=[(255, 255, 255), (252, 214, 164), (249, 178, 156)][int(rng.integers(3))], width=thickness)
    for _ in range(rng.integers(4, 25)):
        pen.text((rng.uniform(0, width * 0.9), rng.uniform(0, height * 0.95)), words(rng, 1), font=font(SANS, int(rng.integers(9, 20))), fill=(70, 70, 70))
    return image


def regions_map(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, (255, 255, 255))
    width, height = image.size
    seeds = rng.uniform(0, 1, (int(rng.integers(5, 30)), 2)) * (height, width)
    y, x = np.mgrid[0:height, 0:width]
    warp = 60 * (smooth_noise(rng, width, height, 12) - 0.5)
    nearest = np.argmin((y[..., None] + warp[..., None] - seeds[:, 0]) ** 2 + (x[..., None] + warp[..., None] - seeds[:, 1]) ** 2, axis=-1)
    image = Image.fromarray(np.array([colour(rng, 90, 256) for _ in seeds], dtype=np.uint8)[nearest])
    pen = ImageDraw.Draw(image)
    for seed_y, seed_x in seeds:
        pen.text((seed_x, seed_y), words(rng, 1), font=font(SANS, 15), fill=(20, 20, 20))
    return image


def flow_chart(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (255, 255, 255))
    width, height = image.size
    last = None
    for _ in range(rng.integers(4, 14)):
        x, y = rng.uniform(0.05, 0.75) * width, rng.uniform(0.05, 0.85) * height
        box = (x, y, x + width * 0.2, y + height * 0.09)
        if last:
            pen.line((last[0] + width * 0.1, last[1] + height * 0.09, last[0] + width * 0.1, y, x, y), fill=(50, 50, 50), width=2)
        pen.rounded_rectangle(box, 6, fill=colour(rng, 190, 256), outline=(40, 40, 40), width=2)
        pen.text((x + 6, y + 6), words(rng, 2), font=font(SANS, max(9, height // 45)), fill=(20, 20, 20))
        last = (x, y)
    return image


def pencil(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (250, 248, 242))
    width, height = image.size
    for _ in range(rng.integers(10, 40)):
        shape = blob(rng, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(30, 240), roughness=0.5)
        shade = int(rng.integers(60, 170))
        for _ in range(3):
            wobbly = [(px + rng.normal(0, 1.5), py + rng.normal(0, 1.5)) for px, py in shape]
            pen.line([*wobbly, wobbly[0]], fill=(shade, shade, shade), width=1)
    for _ in range(rng.integers(2, 10)):  # hatching
        x, y, step = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(3, 7)
        for index in range(30):
            shade = int(rng.integers(90, 190))
            pen.line((x + index * step, y, x + index * step - 50, y + 70), fill=(shade, shade, shade), width=1)
    grain = rng.normal(0, rng.uniform(1, 6), (height, width))[..., None]
    return Image.fromarray(np.clip(np.asarray(image.filter(ImageFilter.GaussianBlur(0.6))) + grain, 0, 255).astype(np.uint8))


def crayon(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, (252, 250, 245))
    width, height = image.size
    for _ in range(rng.integers(8, 30)):
        ink, x, y = colour(rng), rng.uniform(0, width), rng.uniform(0, height)
        points = np.cumsum(rng.normal(0, width * 0.05, (int(rng.integers(5, 30)), 2)), axis=0) + np.array([x, y])
        pen.line([(float(px), float(py)) for px, py in points], fill=ink, width=int(rng.integers(4, 16)), joint="curve")
    holes = smooth_noise(rng, width, height, width // 3)[..., None] < rng.uniform(0.15, 0.4)  # wax skips over the grain of the paper
    return Image.fromarray(np.where(holes, 252, np.asarray(image)).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


def shaded_shapes(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, colour(rng, 150, 256))
    for _ in range(rng.integers(3, 12)):
        side = int(rng.uniform(0.1, 0.45) * image.width)
        mask = Image.new("L", (side, side), 0)
        ImageDraw.Draw(mask).polygon(blob(rng, side / 2, side / 2, side * 0.38, roughness=0.2), fill=255)
        image.paste(
            gradient(rng, (side, side), colour(rng), colour(rng)), (int(rng.uniform(-0.1, 0.9) * image.width), int(rng.uniform(-0.1, 0.9) * image.height)), mask
        )
    return image


def watercolour(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, (248, 246, 240))
    width, height = image.size
    for _ in range(rng.integers(6, 25)):
        wash = Image.new("RGB", image.size, (255, 255, 255))
        ImageDraw.Draw(wash).polygon(
            blob(rng, rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.3) * width, roughness=0.4), fill=colour(rng, 110, 250)
        )
        image = ImageChops.multiply(image, wash.filter(ImageFilter.GaussianBlur(rng.uniform(1, 8))))
    grain = (smooth_noise(rng, width, height, width // 5) - 0.5) * rng.uniform(2, 12)
    return Image.fromarray(np.clip(np.asarray(image) + grain[..., None], 0, 255).astype(np.uint8))


def pixel_art(rng: Rng) -> Image.Image:
    palette = np.array([colour(rng) for _ in range(int(rng.integers(4, 16)))], dtype=np.uint8)
    height, width = int(rng.integers(16, 60)), int(rng.integers(16, 60))
    index = (smooth_noise(rng, width, height, int(rng.integers(3, 9))) * 1.4 * len(palette)).astype(int) % len(palette)
    scale = int(rng.integers(6, 20))
    return Image.fromarray(palette[index]).resize((width * scale, height * scale), Image.Resampling.NEAREST)


def blueprint(rng: Rng) -> Image.Image:
    dark = rng.random() < 0.6
    image, pen = blank_canvas(rng, (20, 60, 130) if dark else (255, 255, 255))
    width, height = image.size
    ink = (235, 240, 250) if dark else (20, 20, 20)
    for _ in range(rng.integers(6, 24)):
        x, y = rng.uniform(0, 0.8) * width, rng.uniform(0, 0.8) * height
        box = (x, y, x + rng.uniform(0.05, 0.4) * width, y + rng.uniform(0.05, 0.4) * height)
        if rng.random() < 0.7:
            pen.rectangle(box, outline=ink, width=int(rng.integers(1, 4)))
        else:
            pen.arc(box, rng.uniform(0, 180), rng.uniform(180, 360), fill=ink, width=2)
        pen.text((x + 4, y + 4), f"{rng.uniform(0.5, 20):.2f} m", font=font(SANS, max(8, height // 60)), fill=ink)
    return image


def poster(rng: Rng) -> Image.Image:
    image, pen = blank_canvas(rng, colour(rng), aspects=(0.7, 0.75, 1.0))
    width, height = image.size
    for _ in range(rng.integers(1, 5)):
        pen.polygon([(rng.uniform(0, width), rng.uniform(0, height)) for _ in range(int(rng.integers(3, 6)))], fill=colour(rng))
    for index in range(rng.integers(2, 5)):
        pen.text(
            (width * 0.08, height * (0.1 + 0.2 * index)),
            words(rng, 2).upper(),
            font=font(str(rng.choice(FONT_FILES)), height // int(rng.integers(9, 18))),
            fill=colour(rng),
        )
    return image


# Blanks


def one_colour(rng: Rng) -> Image.Image:
    fill = [(0, 0, 0), (255, 255, 255), colour(rng)][int(rng.integers(3))]
    return blank_canvas(rng, fill)[0]


def plain_gradient(rng: Rng) -> Image.Image:
    start = colour(rng)
    end = tuple(int(np.clip(value + rng.integers(-60, 60), 0, 255)) for value in start)
    return gradient(rng, blank_canvas(rng, start)[0].size, start, (end[0], end[1], end[2]))


def faint_noise(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, colour(rng))
    return Image.fromarray(np.clip(np.asarray(image) + rng.normal(0, rng.uniform(0.5, 6), (image.height, image.width, 3)), 0, 255).astype(np.uint8))


def lens_cap(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, (0, 0, 0))
    noise = np.abs(rng.normal(rng.uniform(0, 8), rng.uniform(1, 7), (image.height, image.width, 3)))
    return Image.fromarray(np.clip(noise + 6 * smooth_noise(rng, image.width, image.height, 3)[..., None], 0, 255).astype(np.uint8))


def vignette(rng: Rng) -> Image.Image:
    image, _ = blank_canvas(rng, colour(rng, 120, 256))
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    levels = np.asarray(image) * (1 - rng.uniform(0.05, 0.35) * (x**2 + y**2) / 2)[..., None]
    return Image.fromarray(np.clip(levels + rng.normal(0, rng.uniform(0, 3), levels.shape), 0, 255).astype(np.uint8))


STYLES: dict[str, list[Style]] = {
    "screenshot": [desktop, spreadsheet, web_page, code_editor, terminal, phone_settings, chat, feed, video_player, map_app, dialog, game],
    "document": [
        letter,
        two_columns,
        worn(letter),
        worn(two_columns),
        photocopied(letter),
        form,
        receipt,
        worn(form),
        notes,
        worn(notes),
        worn(receipt),
        newspaper,
        slide,
        worn(newspaper),
        photocopied(form),
        worn(book_spread),
    ],
    "drawing": [
        cartoon,
        line_art,
        chart,
        pie,
        icon,
        landscape,
        road_map,
        flow_chart,
        pencil,
        regions_map,
        shaded_shapes,
        crayon,
        pixel_art,
        watercolour,
        poster,
        blueprint,
    ],
    "blank": [one_colour, plain_gradient, faint_noise, lens_cap, vignette, one_colour],
}


def spoil(image: Image.Image, rng: Rng) -> Image.Image:
    """Scale to 64 to 4000 pixels, now and then add noise, and pass through an encoding that people use."""
    if rng.random() < 0.6:
        long_side = int(np.clip(math.exp(rng.uniform(math.log(64), math.log(4000))), 64, 4000))
        long_side = max(long_side, 200) if rng.random() < 0.85 else long_side
        ratio = long_side / max(image.size)
        way = Image.Resampling.BICUBIC if rng.random() < 0.8 else Image.Resampling.NEAREST
        image = image.resize((max(1, round(image.width * ratio)), max(1, round(image.height * ratio))), way)
    if rng.random() < 0.2:
        grain = rng.normal(0, rng.uniform(1, 14), (image.height, image.width, 3))
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    encoding = str(rng.choice(["PNG", "JPEG", "JPEG", "JPEG", "WEBP", "GIF"]))
    if encoding == "PNG":
        return image
    file = BytesIO()
    options = {} if encoding == "GIF" else {"quality": int(rng.integers(50, 96))}
    image.save(file, encoding, **options)
    return Image.open(file).convert("RGB")
