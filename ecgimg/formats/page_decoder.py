"""Decode pages in this process, within no limits of time: `ecgimg.formats.page` calls it where there are some.

PNG, JPEG, BMP, WebP, GIF and HEIC hold one page (of a
moving picture the first frame), TIFF and PDF any number. A PDF page that carries its traces as vector paths comes with
those paths (`ecgimg.formats.vector`) beside its picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ecgimg.errors import BadRequest, EcgImgError, MissingExtra, UnreadablePage
from ecgimg.formats._common import quiet
from ecgimg.formats.vector import VectorPage, read_vector_page

__all__ = ["PageInput", "count_decodable", "decode_pages"]

MAX_BYTES = 200_000_000
MAX_PIXELS = 120_000_000
MAX_PAGES = 500
MAX_READ_PIXELS = 24_000_000
"""Larger pictures are reduced by a whole factor: 14 pixels a millimetre of A4 are left at least.

The largest of which a page that cannot be read is still refused within 30 s and 2 GB (35 megapixels: 34 s, 2.6 GB).
"""

MAX_RENDERED_PIXELS = MAX_READ_PIXELS
"""A PDF page is rasterised at a lower dpi than asked for where it would have more."""

MIN_SIDES_PX = (150, 200)
"""The shorter and the longer side below which no page can be read."""

SCANNER_DPI = (90.0, 1300.0)
"""A dpi tag outside says nothing: cameras and programs write 72 for want of a number."""

_PICTURES = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"BM", b"GIF8")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_KNOWN = "PNG, JPEG, TIFF, BMP, WebP, GIF, HEIC or PDF"


@dataclass(frozen=True, eq=False)
class PageInput:
    """One page as it came from its file, upright as the file says.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB; what was transparent is white.
    source : Path
        The file.
    number : int
        Which page of the file, from 1.
    n_pages : int
        How many the file has.
    stem : str
        ``STEM`` of the file for its first page, ``STEM-p2`` for its second.
    px_per_mm_hint : float or None
        Pixels a millimetre of the page: exact where a PDF was rasterised here, from the dpi tag where a scanner may
        have written it, else None. The paper may have been printed or copied at another size.
    vector : VectorPage or None
        The page's own paths and text, where a PDF carries the traces so.
    reduced_by : int
        How many pixels of the file, across and down, make one of `image`.
    """

    image: NDArray[np.uint8]
    source: Path
    number: int
    n_pages: int
    stem: str
    px_per_mm_hint: float | None
    vector: VectorPage | None
    reduced_by: int = 1


def decode_pages(
    path: str | Path, pdf_dpi: float = 200, first: int = 1, max_pixels: int | None = None
) -> Iterator[PageInput]:
    """Do what `ecgimg.formats.page.open_pages` does, in this process."""
    if not 20 <= pdf_dpi <= 1200:
        raise BadRequest(f"pdf_dpi {pdf_dpi:g} cannot be rasterised at; give 20 to 1200")
    if first < 1:
        raise BadRequest(f"pages are counted from 1, got first = {first}")
    path = Path(path)
    most = MAX_PIXELS if max_pixels is None else min(max_pixels, MAX_PIXELS)
    kind = _kind(path)
    if kind == "PDF":
        yield from _pdf_pages(path, pdf_dpi, first, most)
    elif kind == "picture":
        yield from _picture_pages(path, first, most)
    elif first == 1:
        yield _heic_page(path, most)


def count_decodable(path: str | Path) -> int:
    """Do what `ecgimg.formats.page.count_pages` does, in this process."""
    path = Path(path)
    kind = _kind(path)
    if kind == "PDF":
        with _pdf(path) as document:
            return len(document)
    if kind == "HEIC":
        _pillow_heif(path)
        return 1
    with _picture(path) as image:
        return len(_frames(path, image))


# ---- what the file is ------------------------------------------------------------------------------------------------


def _kind(path: Path) -> str:
    """Return ``"PDF"``, ``"HEIC"`` or ``"picture"`` by the file's first bytes."""
    with _reading(path, "picture or PDF"):
        _check_file(path)
        with path.open("rb") as file:
            head = file.read(1024)
    if head.startswith(_MAGIC) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "picture"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "HEIC"
    if b"%PDF-" in head:
        return "PDF"
    raise UnreadablePage(f"{path} is no known kind of picture{_looks_like(head)}; save it as {_KNOWN}")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UnreadablePage(f"{path} is a folder, not a page; name a file in it")
    if not path.exists():
        raise UnreadablePage(f"{path} does not exist; check the name and the folder")
    if not path.is_file():
        raise UnreadablePage(f"{path} is no ordinary file; save the page to a file first")
    size = path.stat().st_size
    if size == 0:
        raise UnreadablePage(f"{path} is empty; copy or export it again")
    if size > MAX_BYTES:
        raise UnreadablePage(
            f"{path} holds {size / 1e6:.0f} MB, and more than {MAX_BYTES / 1e6:.0f} MB are not read; "
            "save it smaller or split it"
        )


def _looks_like(head: bytes) -> str:
    """Return words on what an unknown file seems to be, or nothing."""
    if head[128:132] == b"DICM":
        return " but a DICOM file (a waveform is read as a record)"
    if head.startswith(b"PK\x03\x04"):
        return " but an archive or office document"
    if b"\x00" not in head and head.isascii():
        return " but text"
    return ""


@contextmanager
def _reading(name: str | Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a file or page into one `UnreadablePage`, and keep its warnings in."""
    try:
        with quiet():
            yield
    except (EcgImgError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise UnreadablePage(_too_large(name, MAX_PIXELS)) from error
    except Exception as error:
        reason = "" if isinstance(error, UnidentifiedImageError) else _reason(error)
        raise UnreadablePage(f"{name} is damaged or no {kind}{reason}; copy or export it again") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f" ({' '.join(str(text).split())[:120].rstrip('.') or type(error).__name__})"


def _too_large(name: str | Path, most: int) -> str:
    return f"{name} has more than {most / 1e6:g} megapixels; scan it at 200 to 600 dpi or save it smaller"


# ---- pictures --------------------------------------------------------------------------------------------------------


@contextmanager
def _picture(path: Path) -> Iterator[Image.Image]:
    """Give the picture with its head read and its pixels not; it is closed afterwards."""
    with _reading(path, "picture"):
        file: BinaryIO = path.open("rb")
    with closing(file):
        with _reading(path, "picture"):
            image = Image.open(file, formats=_PICTURES)
        with closing(image):
            yield image


def _frames(path: Path, image: Image.Image) -> list[int]:
    """Return the indices of the frames that are pages: all of a TIFF but its thumbnails and masks, else the first."""
    if image.format != "TIFF":
        return [0]
    frames: list[int] = []
    with _reading(path, "TIFF"):
        for index in range(MAX_PAGES + 1):
            try:
                image.seek(index)
            except EOFError:
                break
            tags: Any = getattr(image, "tag_v2", {})
            if not int(tags.get(254, 0)) & 0b101:  # NewSubfileType: reduced resolution, transparency mask
                frames.append(index)
    if len(frames) > MAX_PAGES:
        raise UnreadablePage(f"{path} has more than {MAX_PAGES} pages; split it")
    return frames or [0]


def _picture_pages(path: Path, first: int, most: int) -> Iterator[PageInput]:
    with _picture(path) as image:
        frames = _frames(path, image)
        for number, frame in enumerate(frames[first - 1 :], start=first):
            name = _name(path, number, len(frames))
            with _reading(name, f"{image.format} picture"):
                image.seek(frame)
                pixels, reduced_by = _pixels(image, name, most)
                hint = _scanner_px_per_mm(image)
            yield _page(pixels, path, number, len(frames), hint, reduced_by=reduced_by)


def _heic_page(path: Path, most: int) -> PageInput:
    module = _pillow_heif(path)
    with _reading(path, "HEIC picture"), path.open("rb") as file:
        heif = module.open_heif(file, convert_hdr_to_8bit=True)
        width, height = heif.size
        _check_size(str(path), width, height, most)
        factor = reduction_factor(width, height)
        pixels = _rgb(_reduced(heif.to_pillow(), factor))  # its own rotation is applied by libheif
    return _page(pixels, path, 1, 1, None, reduced_by=factor)


def _pillow_heif(path: Path) -> Any:
    try:
        with quiet():
            return import_module("pillow_heif")
    except ImportError as error:
        raise MissingExtra("pillow-heif", "heic", f"reading the HEIC picture {path}") from error


def _pixels(image: Image.Image, name: str, most: int) -> tuple[NDArray[np.uint8], int]:
    """Decode a picture and turn it upright; (height, width, 3), and by what it was reduced."""
    _check_size(name, *image.size, most)
    factor = reduction_factor(*image.size)
    drafted = 1
    if factor % 2 == 0 and image.draft(None, (image.size[0] // 2, image.size[1] // 2)) is not None:
        drafted = 2  # a JPEG is halved as it is decoded: faster, in less memory
    image.load()
    pixels = _rgb(_reduced(image, factor // drafted))
    if image.format != "TIFF":  # a TIFF is turned when it is loaded
        pixels = _turned(pixels, _orientation(image))
    return np.ascontiguousarray(pixels), factor


def reduction_factor(width: int, height: int) -> int:
    """Return the whole factor by which a picture is reduced before it is read: 1 up to 24 megapixels."""
    return max(math.ceil(math.sqrt(width * height / MAX_READ_PIXELS)), 1)


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return a picture each of whose pixels is the mean of `factor` by `factor` pixels."""
    if factor == 1:
        return image
    if image.mode in ("1", "P", "PA"):
        image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
    elif image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    return image.reduce(factor)


def _check_size(name: str, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise UnreadablePage(_too_large(name, most))
    if min(width, height) < MIN_SIDES_PX[0] or max(width, height) < MIN_SIDES_PX[1]:
        raise UnreadablePage(
            f"{name} is {width} × {height} px, too small to hold an ECG page; "
            f"scan or export it larger than {MIN_SIDES_PX[1]} × {MIN_SIDES_PX[0]} px"
        )


_OPAQUE = 255


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return any mode as (height, width, 3) 8-bit RGB, transparency laid over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if np.asarray(layer.getchannel("A")).min() < _OPAQUE:
            image = Image.new("RGBA", layer.size, "white")
            image.alpha_composite(layer)
    return np.array(image.convert("RGB"))


def _eight_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
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
        value = image.getexif().get(0x0112, 1)
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
        taken_by_camera = 0x829A in image.getexif().get_ifd(0x8769)  # an exposure time
    except Exception:  # no tag, or one that makes no sense
        return None
    low, high = SCANNER_DPI
    if taken_by_camera or not (low <= across <= high and math.isclose(across, down, rel_tol=0.01)):
        return None
    return across / 25.4


# ---- PDF -------------------------------------------------------------------------------------------------------------


@contextmanager
def _pdf(path: Path) -> Iterator[Any]:
    """Give the opened document of 1 to `MAX_PAGES` pages."""
    with _reading(path, "PDF"):
        try:
            document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            # PDFium may report the reason of an earlier failure, so the file must bear it out
            said_locked = any(word in str(error).lower() for word in ("password", "security"))
            if not said_locked or b"/Encrypt" not in path.read_bytes():
                raise UnreadablePage(f"{path} is damaged or no PDF, or has no pages; export it again") from error
            raise UnreadablePage(f"{path} is locked by a password; save a copy without one") from error
    with closing(document):
        if len(document) == 0:
            raise UnreadablePage(f"{path} is a PDF without pages; export it again")
        if len(document) > MAX_PAGES:
            raise UnreadablePage(f"{path} has {len(document)} pages, more than the {MAX_PAGES} that are read; split it")
        yield document


def _pdf_pages(path: Path, pdf_dpi: float, first: int, most: int) -> Iterator[PageInput]:
    with _pdf(path) as document:
        n_pages = len(document)
        for index in range(first - 1, n_pages):
            name = _name(path, index + 1, n_pages)
            with _reading(name, "PDF"), closing(document[index]) as page:
                pixels, px_per_mm = _rasterised(page, name, pdf_dpi, most)
                vector = read_vector_page(page)
            yield _page(pixels, path, index + 1, n_pages, px_per_mm, vector)


def _rasterised(page: Any, name: str, pdf_dpi: float, most: int) -> tuple[NDArray[np.uint8], float]:
    """Return (height, width, 3) pixels of a PDF page, and the pixels a millimetre they have."""
    width, height = page.get_size()
    if not (width > 0 and height > 0 and math.isfinite(width * height)):
        raise UnreadablePage(f"{name} has no area; export it again")
    fitting = math.sqrt(0.999 * MAX_RENDERED_PIXELS / (width * height))  # rounding up adds a pixel a side
    scale = min(pdf_dpi / 72, fitting) * (1 - 1e-9)  # the renderer rounds up: whole pixels must stay whole
    _check_size(name, math.ceil(width * scale), math.ceil(height * scale), most)
    with closing(page.render(scale=scale)) as bitmap:
        return np.array(bitmap.to_pil().convert("RGB")), scale * 72 / 25.4


# ---- both ------------------------------------------------------------------------------------------------------------


def _name(path: Path, number: int, n_pages: int) -> str:
    return f"page {number} of {path}" if n_pages > 1 else str(path)


def _page(
    pixels: NDArray[np.uint8],
    path: Path,
    number: int,
    n_pages: int,
    px_per_mm: float | None,
    vector: VectorPage | None = None,
    reduced_by: int = 1,
) -> PageInput:
    stem = path.stem if number == 1 else f"{path.stem}-p{number}"
    hint = px_per_mm / reduced_by if px_per_mm else None
    return PageInput(pixels, path, number, n_pages, stem, hint, vector, reduced_by)
