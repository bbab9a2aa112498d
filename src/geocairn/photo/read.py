"""The only decoder: a path, bytes or a PIL image becomes an upright RGB Photo, or a BadPhoto with one line that says what is wrong and the mend."""

import errno
import hashlib
import os
import re
import stat
import warnings
from dataclasses import dataclass, replace
from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import Image
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import BadPhoto
from geocairn.photo.containers import Container, read_container
from geocairn.photo.metadata import ExifClaim, read_claim, read_orientation
from geocairn.photo.pixels import fitted_size, working_copy
from geocairn.photo.quiet import silent_stderr_descriptor

PILLOW_PIXELS = 178_956_970  # twice Image.MAX_IMAGE_PIXELS: where Pillow itself refuses. Its guard stays in place; ours is lower.
BYTES_PER_PX = 4  # of a picture in Pillow's memory
DECODER_MODULES = {"JPEG": "JpegImagePlugin", "PNG": "PngImagePlugin", "WEBP": "WebPImagePlugin", "GIF": "GifImagePlugin", "TIFF": "TiffImagePlugin"}

Source = str | Path | bytes | Image.Image


class PhotoLimits(Config):
    """How much a single photo may cost, and the size of the working copy."""

    max_bytes: int = Field(default=256 << 20, ge=1, description="largest file, in bytes")
    max_pixels: int = Field(
        default=100_000_000,
        ge=1,
        le=PILLOW_PIXELS,
        description="most pixels to decode; a JPEG counts at the 1/2, 1/4 or 1/8 of its sides that the working copy needs",
    )
    max_decode_bytes: int = Field(default=640 << 20, ge=1, description="most memory that decoding may take, by an estimate from format and size, in bytes")
    max_frames: int = Field(default=10_000, ge=1, description="most frames or pages that a file may declare; the first one is read")
    long_side_px: int = Field(default=1600, ge=1, description="long side of the working copy; smaller photos keep their size")


DEFAULT_LIMITS = PhotoLimits()


@dataclass(frozen=True)
class Photo:
    """One photo, upright.

    Attributes:
        name: as the user gave it.
        sha256: of the file's bytes; of the working copy's pixels for a PIL image.
        image: RGB, upright, long side within the limit.
        width_px, height_px: of the upright original.
        scale: original pixels per pixel of `image`, >= 1.
        format: JPEG, PNG, WEBP, GIF, TIFF, HEIF; a PIL image's own, or None.
        mode: Pillow's mode of the decoded original, before it became RGB.
        n_frames: frames or pages in the file; the first was read.
        claim: where and when the file says that it was taken; never part of the pixels' answer.
    """

    name: str
    sha256: str
    image: Image.Image
    width_px: int
    height_px: int
    scale: float
    format: str | None
    mode: str
    n_frames: int
    claim: ExifClaim | None


@dataclass(frozen=True)
class _Decoded:
    """A picture in memory, with what its file said of it."""

    image: Image.Image
    size_px: tuple[int, int]  # as stored, before the decoder shrank it
    orientation: int  # still to be undone
    exif: bytes | None
    format: str | None
    n_frames: int


def read_photo(source: Source, limits: PhotoLimits = DEFAULT_LIMITS, *, name: str | None = None) -> Photo:
    """Read one photo: the first frame, upright, as RGB.

    Args:
        source: path of a file, the bytes of one, or a PIL image (its EXIF orientation is applied, where it still carries one).
        limits: what the photo may cost.
        name: what the photo is called in the answer and in errors; the path by default.

    Raises:
        BadPhoto: anything that cannot be read as a photo within the limits. One line without control characters: what is wrong, the value, the mend.
    """
    name = name if name is not None else _name_of(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of sizes; what matters is refused below in our own words
            return _photo_from_image(source, limits, name) if isinstance(source, Image.Image) else _photo_from_bytes(_bytes_of(source, limits), limits, name)
    except BadPhoto as error:
        raise BadPhoto(f"{one_line(name)}: {error}") from None
    except Exception as error:  # noqa: BLE001  # hostile bytes make decoders raise anything, MemoryError and RecursionError included; none may end a batch
        raise BadPhoto(f"{one_line(name)}: {_damage(error)}") from None


def one_line(words: str, max_chars: int = 300) -> str:
    """Words safe to print on one line: as they are where every character is printable, else escaped; cut in the middle where they are long."""
    words = words if len(words) <= max_chars else f"{words[: max_chars // 2]}...{words[-max_chars // 2 :]}"
    return words if words and words.isprintable() else repr(words)


def _name_of(source: object) -> str:
    if isinstance(source, Image.Image):
        return f"PIL image of {source.width} x {source.height}"
    return "bytes" if isinstance(source, bytes) else str(source)


def _photo_from_bytes(data: bytes, limits: PhotoLimits, name: str) -> Photo:
    decoded = _decode(data, read_container(data, limits.max_frames), limits)
    return _photo(decoded, limits, name, hashlib.sha256(data).hexdigest())


def _photo_from_image(image: Image.Image, limits: PhotoLimits, name: str) -> Photo:
    _check_size(image.size, image.size, Container(image.format or "", image.size), limits)
    exif = image.info.get("exif")
    exif = exif if isinstance(exif, bytes) else None
    image.load()
    photo = _photo(_Decoded(image, image.size, read_orientation(exif), exif, image.format, 1), limits, name, "")
    pixels = hashlib.sha256(f"{photo.width_px} x {photo.height_px}".encode())
    pixels.update(photo.image.tobytes())
    return replace(photo, sha256=pixels.hexdigest())


def _photo(decoded: _Decoded, limits: PhotoLimits, name: str, sha256: str) -> Photo:
    working = working_copy(decoded.image, decoded.orientation, long_side_px=limits.long_side_px)
    # Orientations 5 to 8 lay the picture on its side.
    width_px, height_px = decoded.size_px if decoded.orientation < 5 else decoded.size_px[::-1]
    return Photo(
        name=name,
        sha256=sha256,
        image=working,
        width_px=width_px,
        height_px=height_px,
        scale=max(width_px, height_px) / max(working.size),
        format=decoded.format,
        mode=decoded.image.mode,
        n_frames=decoded.n_frames,
        claim=read_claim(decoded.exif),
    )


def _decode(data: bytes, container: Container, limits: PhotoLimits) -> _Decoded:
    if container.n_frames > limits.max_frames:
        raise BadPhoto(f"declares more than {limits.max_frames} frames; save its first frame as a picture, or raise max_frames")
    if container.size_px is not None:
        # Before the decoder is made: some allocate the picture when they open the file.
        _check_size(container.size_px, _decoded_size(container.size_px, container, limits), container, limits)
    image = _open(data, container)
    stored = image.size
    if container.can_shrink:
        image.draft(image.mode, fitted_size(stored, limits.long_side_px))
    _check_size(stored, image.size, container, limits)
    exif = container.exif if container.format != "HEIF" else image.info.get("exif")
    if container.format == "TIFF":
        with silent_stderr_descriptor():
            image.load()
        # Pillow turns TIFF upright itself, and its size with it.
        return _Decoded(image, image.size, 1, exif, container.format, container.n_frames)
    image.load()
    return _Decoded(image, stored, read_orientation(exif), exif, container.format, container.n_frames)


def _open(data: bytes, container: Container) -> Image.Image:
    if container.format == "HEIF":
        return _open_heic(data)
    plugin = import_module(f"PIL.{DECODER_MODULES[container.format]}")
    if container.format == "JPEG":
        # Image.open refuses by the stored size; a JPEG is decoded at a fraction of it, and that fraction is what has been checked.
        return plugin.JpegImageFile(BytesIO(data))  # type: ignore[no-any-return]
    return Image.open(BytesIO(data), formats=[container.format])


def _open_heic(data: bytes) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise BadPhoto("is a HEIC photo, and its reader is not installed; pip install geocairn[heic], or save it as JPEG") from None
    return HeifImageFile(BytesIO(data))  # type: ignore[no-untyped-call]


def _decoded_size(stored: tuple[int, int], container: Container, limits: PhotoLimits) -> tuple[int, int]:
    """Size that the decoder delivers: a JPEG's at the largest of 1/8, 1/4, 1/2 that is no smaller than the working copy."""
    if not container.can_shrink or min(stored) < 1:
        return stored
    wanted = fitted_size(stored, limits.long_side_px)
    ratio = min(stored[0] // wanted[0], stored[1] // wanted[1])
    step = next(step for step in (8, 4, 2, 1) if ratio >= step or step == 1)
    return -(-stored[0] // step), -(-stored[1] // step)


def _check_size(stored: tuple[int, int], decoded: tuple[int, int], container: Container, limits: PhotoLimits) -> None:
    width, height = stored
    if width < 1 or height < 1:
        raise BadPhoto(f"has no pixels ({width} x {height}); save it again in an image program")
    n_decoded = decoded[0] * decoded[1]
    if n_decoded > limits.max_pixels:
        raise BadPhoto(
            f"is {width} x {height}: {n_decoded / 1e6:.1f} megapixels to decode, over the limit of {limits.max_pixels / 1e6:.1f}; "
            "reduce it, or raise max_pixels"
        )
    n_bytes = BYTES_PER_PX * n_decoded + container.decoder_bytes_per_px * width * height
    if n_bytes > limits.max_decode_bytes:
        raise BadPhoto(
            f"is {width} x {height}: decoding this {container.format} takes about {n_bytes / 2**20:.0f} MiB, over the limit of "
            f"{limits.max_decode_bytes / 2**20:.0f}; reduce it, save it as an ordinary JPEG, or raise max_decode_bytes"
        )


def _bytes_of(source: object, limits: PhotoLimits) -> bytes:
    if isinstance(source, str | Path):
        data = _file_bytes(str(source), limits.max_bytes)
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    else:
        raise BadPhoto(f"is a {type(source).__name__}; give a path, the bytes of a file or a PIL image")
    if not data:
        raise BadPhoto("is empty (0 bytes); copy it again from its source")
    if len(data) > limits.max_bytes:
        raise _too_many_bytes(len(data), limits.max_bytes)
    return data


def _file_bytes(path: str, max_bytes: int) -> bytes:
    """Up to one byte more than `max_bytes` of a regular file. Never waits: a pipe, socket or device is refused before and after it is opened."""
    try:
        _check_regular(os.stat(path))
        # Were the file exchanged for a pipe in this instant, opening it would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            _check_regular(status)
            if status.st_size > max_bytes:
                raise _too_many_bytes(status.st_size, max_bytes)
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte or half a surrogate pair in the path
        raise BadPhoto(_path_problem(path, error)) from None


def _check_regular(status: os.stat_result) -> None:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe (FIFO)", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    if kind is not None:
        raise BadPhoto(f"is {kind}; give the file of a photo")


def _path_problem(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return "is not a path that can exist (it holds a NUL or a broken character); check its spelling"
    if error.errno == errno.ENOENT:
        return "is a link to a file that does not exist; mend the link" if os.path.islink(path) else "does not exist; check the spelling and the folder"
    problems = {
        errno.ELOOP: "is a link that leads back to itself; mend the link",
        errno.EACCES: "may not be read by this user (permission denied); change its permissions",
        errno.EPERM: "may not be read by this user (not permitted); change its permissions",
        errno.ENAMETOOLONG: f"is a path that is too long ({len(path)} characters); check its spelling",
        errno.ENOTDIR: "leads through a file as if that were a folder; check the path",
        errno.EISDIR: "is a folder; give the file of a photo",
    }
    return problems.get(error.errno or 0, f"cannot be read ({one_line(error.strerror or str(error))}); check the disk and the path")


def _too_many_bytes(n_bytes: int, max_bytes: int) -> BadPhoto:
    return BadPhoto(f"is {n_bytes / 2**20:.1f} MiB, over the limit of {max_bytes / 2**20:.1f}; save it smaller, or raise max_bytes")


def _damage(error: Exception) -> str:
    """What a decoder's exception means to the owner of the file."""
    words = " ".join(re.sub(r"<[^>]*>", "", str(error)).split())
    if isinstance(error, MemoryError):
        return "needs more memory than there is; reduce it"
    if "truncated" in words.lower() or isinstance(error, EOFError):
        return "is truncated: the file ends before the picture does; copy it again from its source"
    reason = one_line(words or type(error).__name__, 120)
    return f"is damaged and cannot be decoded ({reason}); copy it again from its source, or save it again as JPEG or PNG"
