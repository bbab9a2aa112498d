"""The fonts of the signs: named here, installed from Debian."""

from functools import cache
from pathlib import Path

from PIL import ImageFont

FOLDER = Path("/usr/share/fonts")
FONTS = {  # name -> file, its Debian package, index within a collection
    "sans": ("truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core", 0),
    "sans bold": ("truetype/dejavu/DejaVuSans-Bold.ttf", "fonts-dejavu-core", 0),
    "serif bold": ("truetype/dejavu/DejaVuSerif-Bold.ttf", "fonts-dejavu-core", 0),
    "noto": ("truetype/noto/NotoSans-Regular.ttf", "fonts-noto-core", 0),
    "noto bold": ("truetype/noto/NotoSans-Bold.ttf", "fonts-noto-core", 0),
    "noto serif": ("truetype/noto/NotoSerif-Regular.ttf", "fonts-noto-core", 0),
    "noto serif bold": ("truetype/noto/NotoSerif-Bold.ttf", "fonts-noto-core", 0),
    "noto serif italic": ("truetype/noto/NotoSerif-BoldItalic.ttf", "fonts-noto-core", 0),
    "japanese": ("opentype/noto/NotoSansCJK-Bold.ttc", "fonts-noto-cjk", 0),
}


def missing_packages() -> list[str]:
    """Debian packages whose fonts are not installed; `apt-get install` mends it."""
    return sorted({package for file, package, _ in FONTS.values() if not (FOLDER / file).exists()})


@cache
def font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A font of the table at a size."""
    file, _, index = FONTS[name]
    # The basic layout gives the same pixels whether libraqm is installed or not; no script here needs shaping.
    return ImageFont.truetype(FOLDER / file, size_px, index=index, layout_engine=ImageFont.Layout.BASIC)
