"""The outer structure of an image file, walked within fixed bounds before any decoder sees it.

Decoders allocate what a header declares and step through whatever chain of blocks they are given. Here sizes, frames and blocks are counted
first, so that a file made to exhaust memory or time is refused in milliseconds. Each `_walk_*` reads one format; offsets outside the file end
the walk (the decoder then says that the file is damaged), and a bound that is passed raises BadPhoto, whose text lacks the file's name: the
caller puts it in front.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from geocairn.errors import BadPhoto
from geocairn.photo.metadata import (
    MAX_ENTRIES,
    Entry,
    directory_entries,
    first_directory,
    next_directory,
    read_directory,
    read_orientation,
    tiff_of_exif,
)

MAX_BLOCKS = 500_000  # chunks, segments or sub-blocks; a 100 MB photo in 4 kB chunks has 25,000
MAX_SCANS = 200  # of a progressive JPEG: each one costs a pass over the whole picture; encoders write about 10
MAX_JUNK_BYTES = 1 << 20  # between the segments of a JPEG, where Pillow steps byte by byte
MAX_EXIF_BYTES = 16 << 20
MAX_STRIPS = 1_000_000  # of a TIFF
MAX_SAMPLES = 6  # per pixel of a TIFF, as Pillow decodes
READ_FORMATS = "JPEG, PNG, WebP, GIF, TIFF and HEIC"

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
STRANGERS = {  # what people give by mistake, named so that they see it
    b"%PDF": "a PDF document",
    b"BM": "a BMP image",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip archive",
    b"\x00\x00\x00\x0cjP  ": "a JPEG 2000 image",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL image",
    b"\xff\x0a": "a JPEG XL image",
    b"\x1aE\xdf\xa3": "a Matroska or WebM video",
    b"RIFF": "a RIFF file (a video or sound)",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML file",
    b"<!DOCTYPE": "an HTML page",
    b"<html": "an HTML page",
}

# From the end of a scan's segment to the next marker: 00 is stuffing, D0-D7 are restarts inside the scan, FF is fill.
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff]")
END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
DCT_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
HUFFMAN_FRAMES = {0xC0, 0xC1, 0xC2}
PROGRESSIVE_FRAMES = {0xC2, 0xCA}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE_MARKERS = {0x01, *range(0xD0, 0xDA)}


@dataclass(frozen=True)
class Container:
    """What the structure of a file says of its picture.

    Attributes:
        format: Pillow's name for it.
        size_px: width and height as stored, before EXIF orientation; None where only the decoder can say (HEIC).
        n_frames: pictures that the file declares; counting stops one past the cap.
        decoder_bytes_per_px: memory that decoding takes beside the picture itself, per stored pixel.
        can_shrink: whether the decoder can deliver 1/2, 1/4 or 1/8 of the size without holding the whole.
        exif: the TIFF structure with the metadata; None where there is none, or where only the decoder can say.
    """

    format: str
    size_px: tuple[int, int] | None
    n_frames: int = 1
    decoder_bytes_per_px: float = 0.0
    can_shrink: bool = False
    exif: bytes | None = None


def read_container(data: bytes, max_frames: int) -> Container:
    """Walk the structure of a file.

    Args:
        data: the whole file.
        max_frames: counting of frames stops one past it.

    Raises:
        BadPhoto: not an image of a known format (the magic bytes decide, no name does), or built to exhaust the reader.
    """
    format_name = sniff_format(data)
    if format_name == "JPEG":
        return _walk_jpeg(data)
    if format_name == "PNG":
        return _walk_png(data)
    if format_name == "GIF":
        return _walk_gif(data, max_frames)
    if format_name == "WEBP":
        return _walk_webp(data)
    if format_name == "TIFF":
        return _walk_tiff(data, max_frames)
    # Planes in the decoder, its interleaved copy and the bytes handed to Pillow: 8 bytes, measured.
    return Container("HEIF", None, decoder_bytes_per_px=8)


def sniff_format(data: bytes) -> str:
    """Pillow's name of the format that the first bytes show: JPEG, PNG, GIF, WEBP, TIFF or HEIF.

    Raises:
        BadPhoto: any other beginning; it names what it looks like.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(PNG_MAGIC):
        return "PNG"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS and b"avif" not in data[8:32]:
        return "HEIF"
    raise BadPhoto(f"is {_stranger(data)}, not a photo that can be read; give {READ_FORMATS}")


def _stranger(data: bytes) -> str:
    for magic, what in STRANGERS.items():
        if data.lstrip()[: len(magic)] == magic or data.startswith(magic):
            return what
    if data[:4] in (b"II+\0", b"MM\0+"):
        return "a BigTIFF"
    if data[4:8] == b"ftyp":
        return "an AVIF image" if b"avif" in data[8:32] else "a video"
    text = data[:512].decode("utf-8", errors="ignore")
    is_text = len(text.encode()) > len(data[:512]) - 4 and all(letter.isprintable() or letter.isspace() for letter in text)  # 4: a letter cut at the end
    return "a text file" if text and is_text else f"of an unknown kind (it starts with the bytes {data[:8].hex(' ')})"


def _walk_jpeg(data: bytes) -> Container:
    size_px, n_components, frame, exif, n_scans, is_buffered = None, 0, 0, b"", 0, False
    for marker, body in _jpeg_segments(data):
        if marker in FRAMES and len(body) >= 6:
            height, width, n_components = struct.unpack_from(">HHB", body, 1)
            size_px, frame = (width, height), marker
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif += body[6:] if exif else body
            _check_exif(exif)
        elif marker == 0xDA:
            n_scans += 1
            # Scans that hold only some of the components make the decoder keep every coefficient of the picture.
            is_buffered |= frame in PROGRESSIVE_FRAMES or body[:1] != bytes([n_components])
            if n_scans > MAX_SCANS:
                raise BadPhoto(f"is a JPEG of more than {MAX_SCANS} scans, made to exhaust its reader; save it again in an image program")
            if not is_buffered:
                break
    if size_px is None:
        raise BadPhoto("is a JPEG without a picture: the file is damaged or cut short; copy it again from its source")
    if frame not in DCT_FRAMES:
        raise BadPhoto(f"is a lossless or hierarchical JPEG (frame type {frame:#x}); save it again as an ordinary JPEG")
    if frame in HUFFMAN_FRAMES and 8 * len(data) < -(-size_px[0] // 8) * -(-size_px[1] // 8):
        # Each block of 8 x 8 pixels takes a bit at the least. The decoder would fill what is missing with grey and say nothing.
        raise BadPhoto(f"is truncated: {len(data)} bytes cannot hold its {size_px[0]} x {size_px[1]} pixels; copy it again from its source")
    return Container("JPEG", size_px, decoder_bytes_per_px=2 * n_components if is_buffered else 0, can_shrink=True, exif=exif or None)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment up to the end of the image; the coded data of a scan is passed over."""
    at, marker, n_junk = 2, 0, 0
    for _ in range(MAX_BLOCKS):
        found = (END_OF_SCAN if marker == 0xDA else NEXT_MARKER).search(data, at)
        if found is None:
            return
        n_junk += 0 if marker == 0xDA else found.start() - at
        if n_junk > MAX_JUNK_BYTES:
            raise BadPhoto(f"is a JPEG with more than {MAX_JUNK_BYTES} bytes of filling; save it again in an image program")
        at, marker = found.end(), data[found.start() + 1]
        if marker == 0xD9 or (marker not in BARE_MARKERS and at + 2 > len(data)):
            return
        if marker not in BARE_MARKERS:
            length = struct.unpack_from(">H", data, at)[0]
            yield marker, data[at + 2 : at + length]
            at += max(length, 2)
    raise _too_many_blocks("JPEG")


def _walk_png(data: bytes) -> Container:
    size_px, n_frames, exif, at = None, 1, None, len(PNG_MAGIC)
    for _ in range(MAX_BLOCKS):
        if at + 12 > len(data):
            return Container("PNG", size_px, n_frames, exif=exif)
        length, kind = struct.unpack_from(">L4s", data, at)
        if kind == b"IHDR" and length >= 8:
            size_px = struct.unpack_from(">LL", data, at + 8)
        elif kind == b"acTL" and length >= 4:
            n_frames = max(n_frames, struct.unpack_from(">L", data, at + 8)[0])
        elif kind == b"eXIf":
            exif = data[at + 8 : at + 8 + length]
            _check_exif(exif)
        at += 12 + length
    raise _too_many_blocks("PNG")


def _walk_gif(data: bytes, max_frames: int) -> Container:
    size_px = struct.unpack_from("<HH", data.ljust(13, b"\0"), 6)
    at, n_frames, n_blocks = 13 + _palette_bytes(data, 10), 0, 0
    while n_frames <= max_frames and at < len(data) and data[at] in b"!,":
        if data[at] == 0x2C:  # a frame: its descriptor, palette and the minimum code size stand before its sub-blocks
            n_frames += 1
            at += 11 + _palette_bytes(data, at + 9)
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
            n_blocks += 1
            if n_blocks > MAX_BLOCKS:
                raise _too_many_blocks("GIF")
        at += 1
        n_blocks += 1
    return Container("GIF", size_px, max(n_frames, 1))


def _palette_bytes(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at `at` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _walk_webp(data: bytes) -> Container:
    size_px, n_frames, exif, at = None, 0, None, 12
    for _ in range(MAX_BLOCKS):
        if at + 8 > len(data):
            # Two canvases, the last frame and the bytes handed to Pillow: 16 bytes beside the picture, measured.
            return Container("WEBP", size_px, max(n_frames, 1), decoder_bytes_per_px=16, exif=exif)
        kind, length = struct.unpack_from("<4sL", data, at)
        body = data[at + 8 : at + 8 + min(length, 16)]
        size_px = size_px or _webp_size(kind, body)
        n_frames += kind == b"ANMF"
        if kind == b"EXIF":
            exif = data[at + 8 : at + 8 + length]
            _check_exif(exif)
        at += 8 + length + (length & 1)
    raise _too_many_blocks("WebP")


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Canvas that one of the three kinds of first chunk declares."""
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None


def _walk_tiff(data: bytes, max_frames: int) -> Container:
    at = first_directory(data)
    _check_directory(data, at)
    tags, n_strips = read_directory(data, at), max((entry.count for entry in directory_entries(data, at) if entry.tag in (273, 324)), default=0)
    if n_strips > MAX_STRIPS:
        raise BadPhoto(f"is a TIFF in {n_strips} strips, more than the {MAX_STRIPS} allowed; save it again in an image program")
    width, height, n_samples = (_whole(tags.get(tag), default) for tag, default in ((256, 0), (257, 0), (277, 1)))
    if n_samples > MAX_SAMPLES:
        raise BadPhoto(f"is a TIFF of {n_samples} samples a pixel, not a photo's 1 to {MAX_SAMPLES}; save it again as RGB")
    # A whole strip or tile as stored is held beside the picture, and so is a turned copy. A tile may be far larger than the picture.
    tile_px = _whole(tags.get(322), 0) * _whole(tags.get(323), 0)
    stored = max(_whole(tags.get(258), 8), 8) / 8 * n_samples * max(1.0, tile_px / max(width * height, 1))
    turned = 4 if read_orientation(data) > 1 else 0
    return Container("TIFF", (width, height), _n_directories(data, max_frames), decoder_bytes_per_px=stored + turned, exif=data)


def _n_directories(data: bytes, max_frames: int) -> int:
    seen: set[int] = set()
    at = first_directory(data)
    while at and at not in seen and len(seen) <= max_frames:  # a chain may bite its own tail
        seen.add(at)
        at = next_directory(data, at)
    return max(len(seen), 1)


def _whole(value: object, default: int) -> int:
    return int(value[0]) if isinstance(value, tuple) and value and value[0] == value[0] and abs(value[0]) < 2**32 else default


def _check_exif(exif: bytes) -> None:
    if len(exif) > MAX_EXIF_BYTES:
        raise BadPhoto(f"holds {len(exif)} bytes of EXIF, more than the {MAX_EXIF_BYTES} allowed; remove its metadata")
    tiff = tiff_of_exif(exif)
    _check_directory(tiff, first_directory(tiff))


def _check_directory(tiff: bytes, at: int) -> None:
    """Refuse a directory whose values overlap so often that reading them all would fill the memory."""
    entries: list[Entry] = list(directory_entries(tiff, at))
    declared = sum(min(entry.n_bytes, len(tiff)) for entry in entries)
    if len(entries) >= MAX_ENTRIES or declared > 4 * len(tiff) + (1 << 20):
        raise BadPhoto(f"holds metadata that unfolds to {declared} bytes in {len(entries)} entries, made to exhaust its reader; remove its metadata")


def _too_many_blocks(format_name: str) -> BadPhoto:
    return BadPhoto(f"is a {format_name} cut into more than {MAX_BLOCKS} blocks, made to exhaust its reader; save it again in an image program")
