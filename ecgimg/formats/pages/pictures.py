"""Decode pictures: PNG, JPEG, TIFF, BMP, WebP, GIF and HEIC become upright 8-bit RGB arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ecgimg._optional_packages import without_warnings
from ecgimg.errors import MissingExtra, UnreadablePage
from ecgimg.formats.pages.limits import MAX_PAGES, check_size, reading, reduction_factor
from ecgimg.formats.pages.page_input import PageInput, make_page, page_name

# Pillow knows many formats more; each decoder that is not needed is one that a file may attack.
_PICTURES = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF")
SCANNER_DPI = (90.0, 1300.0)
"""A dpi tag outside says nothing: cameras and programs write 72 for want of a number."""

_OPAQUE = 255

_NEW_SUBFILE_TYPE = 254  # TIFF tag: bit 0 a reduced copy, bit 2 a transparency mask
_NO_PAGE = 0b101
_ORIENTATION, _EXIF_FOLDER, _EXPOSURE_TIME = 0x0112, 0x8769, 0x829A  # EXIF tags


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """Give the picture with its head read and its pixels not; it is closed afterwards."""
    with reading(path, "picture"):
        file: BinaryIO = path.open("rb")
    with closing(file):
        with reading(path, "picture"):
            image = Image.open(file, formats=_PICTURES)
        with closing(image):
            yield image


def frame_numbers(path: Path, image: Image.Image) -> list[int]:
    """Return the indices of the frames that are pages: all of a TIFF but its thumbnails and masks, else the first."""
    if image.format != "TIFF":
        return [0]
    frames: list[int] = []
    with reading(path, "TIFF"):
        for index in range(MAX_PAGES + 1):
            try:
                image.seek(index)
            except EOFError:
                break
            tags: Any = getattr(image, "tag_v2", {})
            if not int(tags.get(_NEW_SUBFILE_TYPE, 0)) & _NO_PAGE:
                frames.append(index)
    if len(frames) > MAX_PAGES:
        raise UnreadablePage(f"{path} has more than {MAX_PAGES} pages; split it")
    return frames or [0]


def picture_pages(path: Path, first: int, max_pixels: int) -> Iterator[PageInput]:
    """Yield the pages of a picture file from page `first` on, of at most `max_pixels` each."""
    with open_picture(path) as image:
        frames = frame_numbers(path, image)
        for number, frame in enumerate(frames[first - 1 :], start=first):
            name = page_name(path, number, len(frames))
            with reading(name, f"{image.format} picture"):
                image.seek(frame)
                pixels, reduced_by = _pixels(image, name, max_pixels)
                hint = _scanner_px_per_mm(image)
            yield make_page(pixels, path, number, len(frames), hint, reduced_by=reduced_by)


def heic_page(path: Path, max_pixels: int) -> PageInput:
    """Decode the one page of a HEIC picture, as phones take them."""
    module = import_pillow_heif(path)
    with reading(path, "HEIC picture"), path.open("rb") as file:
        heif = module.open_heif(file, convert_hdr_to_8bit=True)
        width, height = heif.size
        check_size(str(path), width, height, max_pixels)
        factor = reduction_factor(width, height)
        pixels = _to_rgb(_reduced(heif.to_pillow(), factor))  # its own rotation is applied by libheif
    return make_page(pixels, path, 1, 1, None, reduced_by=factor)


def import_pillow_heif(path: Path) -> Any:
    """Import the optional HEIC decoder; `MissingExtra` names the file that asked for it."""
    try:
        with without_warnings():
            return import_module("pillow_heif")
    except ImportError as error:
        raise MissingExtra("pillow-heif", "heic", f"reading the HEIC picture {path}") from error


def _pixels(image: Image.Image, name: str, max_pixels: int) -> tuple[NDArray[np.uint8], int]:
    """Decode a picture and turn it upright; (height, width, 3), and by what it was reduced."""
    check_size(name, *image.size, max_pixels)
    factor = reduction_factor(*image.size)
    drafted = 1
    if factor % 2 == 0 and image.draft(None, (image.size[0] // 2, image.size[1] // 2)) is not None:
        drafted = 2  # a JPEG is halved as it is decoded: faster, in less memory
    image.load()
    pixels = _to_rgb(_reduced(image, factor // drafted))
    if image.format != "TIFF":  # a TIFF is turned when it is loaded
        pixels = _turned(pixels, _orientation(image))
    return np.ascontiguousarray(pixels), factor


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return a picture each of whose pixels is the mean of `factor` by `factor` pixels."""
    if factor == 1:
        return image
    # the mean of palette indices is another colour, and Pillow has no mean of 16-bit greys
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
    elif image.mode.startswith("I;16"):
        image = Image.fromarray(_to_eight_bits(np.asarray(image)))
    return image.reduce(factor)


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return any mode as (height, width, 3) 8-bit RGB, transparency laid over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(_to_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    # exports keep what is drawn on a transparent page: without white below, it would come out black
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if np.asarray(layer.getchannel("A")).min() < _OPAQUE:
            image = Image.new("RGBA", layer.size, "white")
            image.alpha_composite(layer)
    return np.array(image.convert("RGB"))


def _to_eight_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale (height, width) greys of more than 8 bits, or fractions, to 8 bits.

    White is taken to be the top of the narrowest range that holds the brightest pixel (1 for fractions, 8, 12, 16,
    32 bits): scanners put 12 bits into files of 16, and a page is mostly paper.
    """
    if grey.dtype.kind == "f":
        grey = np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(grey.max(initial=0))
    ranges = (*((1.0,) if grey.dtype.kind == "f" else ()), 255.0, 4095.0, 65535.0, 2.0**32 - 1)
    top = next((white for white in ranges if brightest <= white), brightest)
    scaled: NDArray[np.float32] = grey.astype(np.float32) * np.float32(255 / top)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF says nothing, and the picture is whole
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return (height, width, 3) pixels turned as EXIF orientation 1 to 8 asks."""
    if orientation >= 5:  # 5 to 8 are 1, 4, 3, 2 of the picture mirrored at its diagonal
        return _turned(pixels.transpose(1, 0, 2), {5: 1, 6: 2, 7: 3, 8: 4}[orientation])
    if orientation in (2, 3):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4):
        pixels = pixels[::-1]
    return pixels


def _scanner_px_per_mm(image: Image.Image) -> float | None:
    """Return the resolution that a scanner tagged, or None: a camera's dpi tag means nothing."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
        taken_by_camera = _EXPOSURE_TIME in image.getexif().get_ifd(_EXIF_FOLDER)
    except Exception:  # no tag, or one that makes no sense
        return None
    low, high = SCANNER_DPI
    if taken_by_camera or not (low <= across <= high and math.isclose(across, down, rel_tol=0.01)):
        return None
    return across / 25.4
