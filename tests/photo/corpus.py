"""A corpus of good, damaged and hostile files, the same for the same seed: `make_corpus(folder, seed, n)`.

Loaded with `runpy.run_path(...)["make_corpus"]`, or run by hand: `python tests/photo/corpus.py FOLDER`.
"""

import os
import random
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp", "TIFF": ".tif", "HEIF": ".heic"}
FIRST_FRAMES_KEPT = {"save_all": True, "duration": 50}


def make_corpus(folder: Path, seed: int, n: int) -> list[tuple[Path, bool]]:
    """Fill `folder` with `n` files (at least the ~150 that are always made), sorted by name; True marks the good ones, which must be read."""
    rng = random.Random(seed)
    bases = list(good_files(seed))
    made: list[tuple[Path, bool]] = []
    for name, data in bases:
        made.append((_written(folder / f"good_{name}", data), True))
    # Magic bytes decide, so a good file under a stranger's suffix stays good.
    for (name, data), suffix in zip(bases, (".txt", ".png", ".jpg", ".gif", "", ".webp", ".TIFF", ".jpeg.exe"), strict=False):
        made.append((_written(folder / f"good_renamed_{Path(name).stem}{suffix}", data), True))
    for name, data in hostile_files():
        made.append((_written(folder / f"hostile_{name}", data), False))
    made += _odd_paths(folder, bases[0][1])
    for index in range(max(0, n - len(made))):
        name, data = rng.choice(bases)
        damage = rng.choice(DAMAGES)
        made.append((_written(folder / f"bad_{index:04d}_{damage.__name__}_{name}", damage(data, rng, bases)), False))
    return sorted(made)


def scene(seed: int, width: int, height: int) -> Image.Image:
    """A small picture with gradients, edges and grain, so that codecs have something to code."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / (7 + 3 * k)) * np.cos(y / (11 - 2 * k)) for k in range(3)], axis=-1)
    return Image.fromarray(np.clip(128 + 80 * waves + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8))


def good_files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of one file of every kind that must be read."""
    rgb = scene(seed, 160, 120)
    exif = exif_block({0x0112: (3, 1, struct.pack("<HH", 6, 0))})
    yield "baseline.jpg", _encoded(rgb, "JPEG", quality=85)
    yield "progressive.jpg", _encoded(rgb, "JPEG", progressive=True)
    yield "exif.jpg", _encoded(rgb, "JPEG", exif=exif)
    yield "grey.jpg", _encoded(rgb.convert("L"), "JPEG")
    yield "cmyk.jpg", _encoded(rgb.convert("CMYK"), "JPEG")
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode.replace(';', '')}.png", _encoded(rgb.convert("I").convert("I;16") if mode == "I;16" else rgb.convert(mode), "PNG")
    yield "clear_palette.png", _encoded(rgb.convert("P"), "PNG", transparency=3)
    yield "animated.png", _encoded(rgb, "PNG", append_images=[scene(seed + 1, 160, 120)], **FIRST_FRAMES_KEPT)
    yield "still.gif", _encoded(rgb, "GIF")
    yield "animated.gif", _encoded(rgb, "GIF", append_images=[scene(seed + k, 160, 120) for k in (1, 2)], **FIRST_FRAMES_KEPT)
    yield "lossy.webp", _encoded(rgb, "WEBP")
    yield "lossless.webp", _encoded(rgb, "WEBP", lossless=True)
    yield "clear.webp", _encoded(rgb.convert("RGBA"), "WEBP")
    yield "animated.webp", _encoded(rgb, "WEBP", append_images=[scene(seed + 1, 160, 120)], **FIRST_FRAMES_KEPT)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"{compression}.tif", _encoded(rgb, "TIFF", compression=compression)
    yield "fax.tif", _encoded(rgb.convert("1"), "TIFF", compression="group4")
    for mode in ("CMYK", "LAB", "F", "I;16"):
        image = Image.new("LAB", (20, 10), (128, 140, 120)) if mode == "LAB" else rgb.convert("I").convert(mode) if mode == "I;16" else rgb.convert(mode)
        yield f"{mode.replace(';', '')}.tif", _encoded(image, "TIFF")
    yield "pages.tif", _encoded(rgb, "TIFF", save_all=True, append_images=[rgb])
    yield "dot.png", _encoded(rgb.resize((1, 1)), "PNG")
    yield "strip.png", _encoded(Image.new("L", (30_000, 2), 90), "PNG")


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of files made to exhaust or confuse a reader, and of files that are no photos at all."""
    yield from _strangers()
    yield from _hostile_png()
    yield from _hostile_jpeg()
    yield from _hostile_gif()
    yield from _hostile_tiff()
    yield from _hostile_webp()


def exif_block(entries: dict[int, tuple[int, int, bytes]]) -> bytes:
    """EXIF with one directory: tag -> (type, count, the four bytes of the value or offset)."""
    body = b"".join(struct.pack("<HHL", tag, kind, count) + value for tag, (kind, count, value) in entries.items())
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, len(entries)) + body + struct.pack("<L", 0)


def png_of(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (8, 8), depth: int = 8, colour: int = 0, pixels: bytes | None = None) -> bytes:
    """A PNG with correct checksums: a header, `chunks`, the pixels (zeros by default) and the end."""
    row = 1 + -(-size[0] * depth // 8) * {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    pixels = zlib.compress(bytes(row * size[1])) if pixels is None else pixels
    header = struct.pack(">LLBBBBB", *size, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body)) for kind, body in parts)


def tiff_of(tags: dict[int, tuple[int, int, int]], *, following: int = 0, tail: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory: tag -> (type, count, value or offset)."""
    body = b"".join(struct.pack("<HHLL", tag, *entry) for tag, entry in sorted(tags.items()))
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + body + struct.pack("<L", following) + tail


def _strangers() -> Iterator[tuple[str, bytes]]:
    rgb = scene(5, 40, 30)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("a.jpg"), b"not a photo")
    yield "empty.jpg", b""
    yield "one_byte.jpg", b"\xff"
    yield "text.jpg", "Grüße aus Lyon\n".encode() * 20
    yield "page.jpg", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"
    yield "drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>"
    yield "paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
    yield "archive.png", archive.getvalue()
    yield "bitmap.bmp", _encoded(rgb, "BMP")
    yield "icon.ico", _encoded(rgb, "ICO")
    yield "pixmap.ppm", _encoded(rgb, "PPM")
    yield "video.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200)
    yield "no_box.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    yield "box_bomb.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + struct.pack(">L4sL", 0x7FFFFFFF, b"meta", 0) + bytes(64)
    yield "zeros.jpg", bytes(5000)
    yield "bigtiff.tif", b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + bytes(64)
    for name, magic in {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a", "webp": b"RIFF\x04\0\0\0WEBP", "tif": b"II*\0"}.items():
        yield f"magic_only.{name}", magic
        yield f"magic_and_noise.{name}", magic + random.Random(name).randbytes(3000)


def _hostile_png() -> Iterator[tuple[str, bytes]]:
    squeezed = zlib.compress(bytes(80 << 20))
    ihdr_twice = struct.pack(">LLBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    yield "declared_2g.png", png_of(size=(2**31 - 1, 2**31 - 1), pixels=b"x")
    yield "declared_50k.png", png_of(size=(50_000, 50_000), pixels=zlib.compress(bytes(1 << 20)))
    yield "legal_giant.png", png_of(size=(9_900, 9_900), depth=1)
    yield "rows_missing.png", png_of(size=(4_000, 4_000), pixels=zlib.compress(bytes(1000)))
    yield "zero_wide.png", png_of(size=(0, 8), pixels=b"")
    yield "no_pixels.png", png_of(pixels=b"")
    yield "text_bomb.png", png_of((b"zTXt", b"Comment\0\0" + squeezed))
    yield "unicode_text_bomb.png", png_of((b"iTXt", b"Comment\0\1\0\0\0" + squeezed))
    yield "colour_bomb.png", png_of((b"iCCP", b"profile\0\0" + squeezed))
    yield "many_texts.png", png_of(*[(b"zTXt", b"C%d\0\0" % index + zlib.compress(bytes(900_000))) for index in range(100)])
    yield "pixel_bomb.png", png_of(pixels=squeezed)
    yield "many_chunks.png", png_of(*[(b"tEXt", b"a\0b")] * 510_000)
    yield "animated_bomb.png", png_of((b"acTL", struct.pack(">LL", 2**31 - 1, 0)))
    yield "two_headers.png", png_of((b"IHDR", ihdr_twice))
    yield "palette_missing.png", png_of(colour=3)
    yield "exif_bomb.png", png_of((b"eXIf", _overlapping_exif()[6:]))
    yield "exif_noise.png", png_of((b"eXIf", b"II*\0" + random.Random(1).randbytes(500)))


def _hostile_jpeg() -> Iterator[tuple[str, bytes]]:
    good = _encoded(scene(7, 64, 48), "JPEG")
    progressive = _encoded(scene(7, 64, 48), "JPEG", progressive=True)
    frame, scan = good.index(b"\xff\xc0"), progressive.rindex(b"\xff\xda")
    giant = good[: frame + 5] + struct.pack(">HH", 65_500, 65_500) + good[frame + 9 :]
    yield "declared_4g.jpg", giant
    yield "declared_4g_progressive.jpg", giant.replace(b"\xff\xc0", b"\xff\xc2", 1)
    yield "zero_high.jpg", good[: frame + 5] + bytes(2) + good[frame + 7 :]
    yield "many_scans.jpg", progressive[:scan] + progressive[scan:-2] * 2000 + b"\xff\xd9"
    yield "filling.jpg", good[:2] + b"\xff" * (8 << 20) + good[2:]
    yield "junk.jpg", good[:2] + b"\x01" * (8 << 20) + good[2:]
    yield "many_segments.jpg", good[:2] + b"\xff\xfe\x00\x02" * 510_000 + good[2:]
    yield "much_exif.jpg", good[:2] + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 300 + good[2:]
    yield "exif_bomb.jpg", _with_exif(good, _overlapping_exif(60_000))
    yield "exif_loop.jpg", _with_exif(good, exif_block({0x8769: (4, 1, struct.pack("<L", 8)), 0x8825: (4, 1, struct.pack("<L", 8))}))
    yield "exif_short.jpg", _with_exif(good, b"Exif\0\0II*\0\x08")
    yield "lossless.jpg", good.replace(b"\xff\xc0", b"\xff\xc3", 1)
    yield "twelve_bits.jpg", good[: frame + 4] + b"\x0c" + good[frame + 5 :]
    yield "nine_layers.jpg", good[: frame + 9] + b"\x09" + good[frame + 10 :]
    yield "no_tables.jpg", good[:2] + good[frame:]
    yield "icc_out_of_order.jpg", good[:2] + b"\xff\xe2\x00\x10ICC_PROFILE\0\xff\x00" + good[2:]
    yield "photoshop.jpg", good[:2] + b"\xff\xed\x00\x1ePhotoshop 3.0\x008BIM\x04\x04\xff\xff\xff\xff\xff\xff" + good[2:]


def _hostile_gif() -> Iterator[tuple[str, bytes]]:
    good = _encoded(scene(9, 32, 24).convert("P"), "GIF")
    start = good.index(b"\x2c\0\0\0\0" + struct.pack("<HH", 32, 24))
    yield "declared_4g.gif", good[:6] + b"\xff\xff\xff\xff" + good[10:]
    yield "frame_beyond_screen.gif", good[: start + 5] + b"\xff\xff\xff\xff" + good[start + 9 :]
    yield "no_frame.gif", good[:start] + b";"
    yield "many_blocks.gif", good[:start] + b"!\xfe" + b"\x01a" * 600_000 + b"\0" + good[start:]
    yield "many_frames.gif", good[:-1] + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0" * 20_000 + b";"
    yield "bad_code_size.gif", good[: start + 10] + b"\x0f" + good[start + 11 :]


def _hostile_tiff() -> Iterator[tuple[str, bytes]]:
    plain = {256: (4, 1, 8), 257: (4, 1, 8), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 200), 277: (3, 1, 1), 278: (4, 1, 8), 279: (4, 1, 64)}
    yield "minimal.tif", tiff_of(plain, tail=bytes(300))
    yield "declared_4g.tif", tiff_of(plain | {256: (4, 1, 65_000), 257: (4, 1, 65_000)}, tail=bytes(300))
    yield "declared_2e32.tif", tiff_of(plain | {256: (4, 1, 2**32 - 1), 257: (4, 1, 2**32 - 1)}, tail=bytes(300))
    yield "chain_loop.tif", tiff_of(plain, following=8, tail=bytes(300))
    yield "no_directory.tif", b"MM\0*" + struct.pack(">L", 0)
    yield "directory_far_away.tif", b"II*\0" + struct.pack("<L", 2**32 - 1)
    yield "many_samples.tif", tiff_of(plain | {277: (3, 1, 60_000)}, tail=bytes(300))
    yield "many_strips.tif", tiff_of(plain | {273: (4, 2**31, 200)}, tail=bytes(300))
    yield "overlapping.tif", _overlapping_exif()[6:]
    yield "many_entries.tif", tiff_of(dict.fromkeys(range(6000), (1, 1, 0)))
    yield "compression_unknown.tif", tiff_of(plain | {259: (3, 1, 4711)}, tail=bytes(300))
    yield "words_for_numbers.tif", tiff_of(plain | {256: (2, 4, 0x41414141)}, tail=bytes(300))
    yield "no_strip.tif", tiff_of({tag: entry for tag, entry in plain.items() if tag != 273})
    yield "tile_giant.tif", tiff_of(plain | {259: (3, 1, 5), 322: (4, 1, 60_000), 323: (4, 1, 60_000), 324: (4, 1, 200), 325: (4, 1, 64)}, tail=bytes(300))


def _hostile_webp() -> Iterator[tuple[str, bytes]]:
    good = _encoded(scene(3, 32, 24), "WEBP", lossless=True)
    canvas = b"VP8X" + struct.pack("<L", 10) + b"\x02\0\0\0" + b"\xff\xff\xff" * 2
    yield "declared_2e48.webp", _riff(canvas + good[12:])
    yield "declared_268m.webp", _riff(b"VP8L" + struct.pack("<L", 20) + b"\x2f" + struct.pack("<L", (1 << 28) - 1) + bytes(15))
    yield "many_chunks.webp", _riff(good[12:] + b"JUNK\0\0\0\0" * 510_000)
    yield "many_frames.webp", _riff(b"VP8X" + struct.pack("<L", 10) + b"\x02\0\0\0\x07\0\0\x07\0\0" + b"ANMF\0\0\0\0" * 20_000)
    yield "exif_bomb.webp", _riff(b"VP8X" + struct.pack("<L", 10) + b"\x08\0\0\0\x1f\0\0\x17\0\0" + good[12:] + _chunk(b"EXIF", _overlapping_exif()))
    yield "length_wraps.webp", _riff(b"VP8 \xff\xff\xff\xff" + bytes(30))


def _odd_paths(folder: Path, good: bytes) -> list[tuple[Path, bool]]:
    """Good files under hard names, and things that are not files."""
    made = [(_written(folder / name, good), True) for name in ("odd two\nlines.jpg", "odd \x1b[31mred.jpg", "odd =1+1 & <b>.jpg", "odd 雪景色 ❄.jpg")]
    if sys.platform == "linux":
        made.append((_written(folder / os.fsdecode(b"odd \xff\xfe bytes.jpg"), good), True))
    links = {"odd_dangling.jpg": "nowhere.jpg", "odd_circular.jpg": "odd_circular.jpg", "odd_zero_device.jpg": "/dev/zero", "odd_loop": "."}
    for name, target in links.items():
        (folder / name).symlink_to(target)
        made.append((folder / name, False))
    (folder / "odd_linked.jpg").symlink_to("good_baseline.jpg")
    (folder / "odd_folder.jpg").mkdir()
    os.mkfifo(folder / "odd_pipe.jpg")
    os.mknod(folder / "odd_socket.jpg", 0o600 | stat.S_IFSOCK)
    made += [(folder / "odd_linked.jpg", True), (folder / "odd_missing.jpg", False)]
    return made + [(folder / f"odd_{what}.jpg", False) for what in ("folder", "pipe", "socket")]


def flipped_bits(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 4, 16, 64))):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def flipped_in_header(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        spoilt[rng.randrange(4, min(len(spoilt), 120))] = rng.choice((0x00, 0x01, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(spoilt)


def cut_short(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    return data[: rng.randrange(1, len(data))]


def zeroed_run(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    start, length = rng.randrange(len(data)), rng.randrange(1, 400)
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def repeated_run(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    start, length = rng.randrange(len(data)), rng.randrange(1, 400)
    return data[: start + length] + data[start : start + length] * rng.choice((1, 5, 50)) + data[start + length :]


def lost_run(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.randrange(1, 200) :] or b"\0"


def spliced(data: bytes, rng: random.Random, bases: list[tuple[str, bytes]]) -> bytes:
    other = rng.choice(bases)[1]
    return data[: rng.randrange(8, min(len(data), 300))] + other[rng.randrange(len(other)) :]


def noise_behind_header(data: bytes, rng: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    keep = rng.randrange(4, min(len(data), 200))
    return data[:keep] + rng.randbytes(rng.randrange(10, 3000))


Damage = Callable[[bytes, random.Random, list[tuple[str, bytes]]], bytes]
DAMAGES: list[Damage] = [flipped_bits, flipped_in_header, cut_short, zeroed_run, repeated_run, lost_run, spliced, noise_behind_header]


def _encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _with_exif(jpeg: bytes, exif: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def _overlapping_exif(room: int = 400_000) -> bytes:
    """EXIF whose thousands of entries all point at the same large block: unfolded it is thousands of times its size."""
    n_entries = min(4000, room // 24)
    length = room - 12 * n_entries
    block = exif_block({tag: (1, length, struct.pack("<L", 12 * n_entries)) for tag in range(0x1000, 0x1000 + n_entries)})
    return block + bytes(length)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<L", len(body)) + body + bytes(len(body) & 1)


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<L", len(chunks) + 4) + b"WEBP" + chunks


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    make_corpus(Path(sys.argv[1]), seed=1, n=1200)
