"""Open whatever holds a page: a path, bytes, a file object, a Pillow image, an array, or a page that is open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ecgimg.errors import BadRequest, EcgImgError, MissingExtra
from ecgimg.formats.pages.isolated_decoding import open_pages
from ecgimg.formats.pages.limits import MAX_BYTES, MAX_PIXELS, MIN_SIDES_PX, check_size, reading
from ecgimg.formats.pages.page_input import PageInput, make_page
from ecgimg.formats.pages.pictures import decode_image, to_eight_bits, white_below

Picture = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[Any] | PageInput

_NAME = "the picture"  # in messages, of one that has no file
_ARRAYS = (
    "give a picture as (height, width), (height, width, 3) RGB or (height, width, 4) RGBA, of bool, uint8, uint16, or "
    "floats from 0 to 1 or from 0 to 255"
)


def open_page(picture: Picture, number: int | None = None) -> PageInput:
    """Open one page, by default the first.

    Parameters
    ----------
    picture : Picture
        As `iter_pages` takes it.
    number : int, optional
        From 1.

    Returns
    -------
    PageInput

    Raises
    ------
    UnreadablePage, MissingExtra
        As `open_pages`.
    BadRequest
        For a page that the file does not have, and for what is no picture.
    """
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise BadRequest(f"page is the number of a page, counted from 1, got {number!r:.40}")
    opened = next(iter_pages(picture, 1 if number is None else number), None)
    if opened is None:
        raise BadRequest(f"{_name(picture)} has no page {number}; its pages are counted from 1")
    return opened


def iter_pages(picture: Picture, first: int = 1) -> Iterator[PageInput]:
    """Yield the pages of a picture or PDF in order, from page `first` on.

    Parameters
    ----------
    picture : str, Path, bytes, binary file object, PIL.Image.Image, array or PageInput
        An image of Pillow gives the frame that it shows. An array is (height, width) grey, (height, width, 3) RGB or
        (height, width, 4) RGBA, of bool, uint8, uint16, or floats from 0 to 1 or from 0 to 255.
    first : int
        From 1.

    Yields
    ------
    PageInput

    Raises
    ------
    UnreadablePage, MissingExtra
        As `open_pages`.
    BadRequest
        For what is no picture; its type, or its dtype and shape, are named.
    """
    if isinstance(picture, str | os.PathLike):
        yield from open_pages(Path(picture), first=first)
    elif isinstance(picture, bytes | bytearray | memoryview) or hasattr(picture, "read"):
        yield from _pages_of_bytes(picture, first)
    elif first == 1:
        yield _page_in_memory(picture)


def is_picture(thing: object) -> bool:
    """Tell whether something may hold a page by its type, and an array by its dtype and shape."""
    if isinstance(thing, np.ndarray):
        is_number = thing.dtype.kind in "bf" or (thing.dtype.kind == "u" and thing.dtype.itemsize <= 2)
        # signals (leads, samples) have the shape of a picture that is too small
        is_grey = thing.ndim == 2 and min(thing.shape) >= MIN_SIDES_PX[0]
        return is_number and thing.size > 0 and (is_grey or (thing.ndim == 3 and thing.shape[2] in (3, 4)))
    in_memory = bytes | bytearray | memoryview | Image.Image | PageInput
    return isinstance(thing, str | os.PathLike | in_memory) or hasattr(thing, "read")


def _page_in_memory(picture: Any) -> PageInput:
    if isinstance(picture, PageInput):
        return picture
    if isinstance(picture, np.ndarray):
        return make_page(pixels_of_array(picture), Path(_NAME), 1, 1, None)
    if isinstance(picture, Image.Image):
        with reading(_NAME, "picture"):
            return decode_image(picture.copy(), Path(_NAME), MAX_PIXELS)
    raise BadRequest(
        f"a {type(picture).__name__} is no picture; give a path, bytes, a binary file object, a PIL image or an array"
    )


def _pages_of_bytes(picture: Any, first: int) -> Iterator[PageInput]:
    """Yield the pages of bytes or a file object, which are written to a file for the decoders' process."""
    with TemporaryDirectory(prefix="ecgimg-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(_content(picture))
        try:
            for page in open_pages(path, first=first):
                yield replace(page, source=Path(_NAME))
        except MissingExtra:
            raise
        except EcgImgError as error:
            raise type(error)(str(error).replace(str(path), _NAME)) from None


def _content(picture: Any) -> bytes:
    if not hasattr(picture, "read"):
        return bytes(picture)
    with reading(_NAME, "file object"):
        content = picture.read(MAX_BYTES + 1)
    if not isinstance(content, bytes):
        raise BadRequest(f"a page is read from a binary file object, and this one gives {type(content).__name__}")
    return content


def pixels_of_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (height, width, 3) uint8 RGB of a picture as `iter_pages` takes it; what is transparent is white.

    Raises
    ------
    BadRequest
        For any other array; its dtype and shape are named.
    UnreadablePage
        For a picture that is too small or too large.
    """
    refusal = f"an array of {array.dtype} and shape {array.shape} is no picture"
    if not is_picture(array):
        raise BadRequest(f"{refusal}; {_ARRAYS}")
    check_size(_NAME, array.shape[1], array.shape[0], MAX_PIXELS)
    if array.dtype.kind == "f" and not (array.min() >= 0 and array.max() <= 255):
        raise BadRequest(f"{refusal}, as it holds values that are negative, above 255 or NaN; {_ARRAYS}")
    scaled = (
        array if array.dtype == np.uint8 else to_eight_bits(array.astype(np.float32) if array.dtype == bool else array)
    )
    if scaled.ndim == 2:
        return np.repeat(scaled[..., None], 3, axis=2)
    return np.ascontiguousarray(scaled) if scaled.shape[2] == 3 else white_below(scaled)


def _name(picture: Any) -> str:
    return str(picture) if isinstance(picture, str | os.PathLike) else _NAME
