"""Decode pictures: PNG, JPEG, TIFF, BMP, WebP, GIF and HEIC become upright 8-bit RGB arrays."""

from __future__ import annotations

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
from ecgimg.formats.pages.pixel_shape import Pair, scanner_px_per_mm, stretch_to_square, unequal_resolution

# Pillow knows many formats more; each decoder that is not needed is one that a file may attack.
_PICTURES = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF")
_OPAQUE = 255

_NEW_SUBFILE_TYPE = 254  # TIFF tag: bit 0 a reduced copy, bit 2 a transparency mask
_NO_PAGE = 0b101
_ORIENTATION = 0x0112  # EXIF tag


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
                page = decode_image(image, path, max_pixels, number, len(frames))
            yield page


def decode_image(image: Image.Image, path: Path, max_pixels: int, number: int = 1, n_pages: int = 1) -> PageInput:
    """Decode the frame that a Pillow image shows, make its pixels square and turn it upright."""
    # before the picture is loaded, which may turn it
    resolution, hint = unequal_resolution(image), scanner_px_per_mm(image)
    pixels, reduced_by = _pixels(image, resolution, page_name(path, number, n_pages), max_pixels)
    return make_page(pixels, path, number, n_pages, hint, reduced_by=reduced_by, unequal_resolution=resolution)


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


def _pixels(image: Image.Image, resolution: Pair | None, name: str, max_pixels: int) -> tuple[NDArray[np.uint8], int]:
    """Decode a picture, make its pixels square and turn it upright; (height, width, 3), and by what it was reduced."""
    stretch = stretch_to_square(resolution)
    width, height = (round(side * by) for side, by in zip(image.size, stretch, strict=True))
    check_size(name, width, height, max_pixels)
    factor, orientation, is_tiff = reduction_factor(width, height), _orientation(image), image.format == "TIFF"
    drafted = 1
    if factor % 2 == 0 and image.draft(None, (image.size[0] // 2, image.size[1] // 2)) is not None:
        drafted = 2  # a JPEG is halved as it is decoded: faster, in less memory
    image.load()
    # a TIFF is turned when it is loaded
    is_turned = is_tiff and orientation >= 5
    pixels = _stretched(_to_rgb(_reduced(image, factor // drafted)), stretch[::-1] if is_turned else stretch)
    return np.ascontiguousarray(pixels if is_tiff else _turned(pixels, orientation)), factor


def _stretched(pixels: NDArray[np.uint8], stretch: Pair) -> NDArray[np.uint8]:
    """Return (height, width, 3) pixels stretched (across, down)."""
    if stretch == (1.0, 1.0):
        return pixels
    height, width = pixels.shape[:2]
    size = round(width * stretch[0]), round(height * stretch[1])
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return a picture each of whose pixels is the mean of `factor` by `factor` pixels."""
    if factor == 1:
        return image
    # the mean of palette indices is another colour, and Pillow has no mean of 16-bit greys
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
    elif image.mode.startswith("I;16"):
        image = Image.fromarray(to_eight_bits(np.asarray(image)))
    return image.reduce(factor)


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return any mode as (height, width, 3) 8-bit RGB, transparency laid over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(to_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    # exports keep what is drawn on a transparent page: without white below, it would come out black
    if image.has_transparency_data:
        return white_below(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def white_below(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay (height, width, 4) RGBA over white; (height, width, 3) RGB."""
    if rgba[..., 3].min() == _OPAQUE:
        return np.ascontiguousarray(rgba[..., :3])
    layer = Image.fromarray(rgba)
    page = Image.new("RGBA", layer.size, "white")
    page.alpha_composite(layer)
    return np.array(page.convert("RGB"))


def to_eight_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
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
