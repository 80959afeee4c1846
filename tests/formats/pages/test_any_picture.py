"""Pages are opened from paths, bytes, file objects, images of Pillow and arrays alike; anything else is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecgimg.errors import BadRequest, UnreadablePage
from ecgimg.formats.pages import PageInput, iter_pages, open_page
from tests.formats.pages.pdf_pages import pdf_bytes
from tests.formats.pages.pictures import H, W, picture

RGB = np.asarray(picture())
GREY = np.asarray(picture().convert("L"))
ALPHA = np.dstack([RGB, np.full((H, W), 255, np.uint8)])


def png_bytes() -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def three_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "three.pdf"
    path.write_bytes(pdf_bytes([f"0 g {x} 100 90 90 re f" for x in (100, 300, 500)]))
    return path


def black_column(page: PageInput) -> float:
    """The middle of the ink, in PDF points."""
    return float(np.flatnonzero((page.image < 128).any(axis=(0, 2))).mean() * 72 / 200)


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "bytearray", "memoryview", "file", "buffer", "pillow"])
def test_open_page_of_every_kind(tmp_path: Path, kind: str):
    """A picture is the same whatever holds it."""
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes())
    with path.open("rb") as file, Image.open(path) as image:
        given = {
            "path": path, "text": str(path), "bytes": png_bytes(), "bytearray": bytearray(png_bytes()),
            "memoryview": memoryview(png_bytes()), "file": file, "buffer": io.BytesIO(png_bytes()), "pillow": image,
        }[kind]  # fmt: skip
        page = open_page(given)
    assert np.array_equal(page.image, RGB)
    assert (page.number, page.n_pages) == (1, 1)
    assert open_page(page) is page


def test_open_page_of_pillow_image_that_is_turned(tmp_path: Path):
    """An image of Pillow is turned upright and made square as its file is, and is itself left as it was."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(W, 3 * H).transpose(Image.Transpose.ROTATE_90).save(
        tmp_path / "a.jpg", exif=exif, dpi=(100, 200), quality=95
    )
    with Image.open(tmp_path / "a.jpg") as image:
        page = open_page(image)
        assert image.size == (3 * H, W)
    assert page.image.shape == (6 * H, W, 3)
    assert np.array_equal(page.image, open_page(tmp_path / "a.jpg").image)


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (RGB, RGB), (RGB[:, ::-1], RGB[:, ::-1]), (ALPHA, RGB), (GREY, GREY),
        (GREY > 200, np.where(GREY > 200, 255, 0)),
        (RGB.astype(np.uint16) * 257, RGB), (RGB.astype(">u2") * 257, RGB), (ALPHA.astype(np.uint16) * 257, RGB),
        (RGB / 255, RGB), (GREY / 255, GREY), (ALPHA / 255, RGB), (RGB.astype(np.float32), RGB),
        (GREY.astype(np.float16), GREY),
    ],
)  # fmt: skip
def test_open_page_of_array(array: np.ndarray, wanted: np.ndarray):
    """Grey, RGB and RGBA of bool, 8 and 16 bits and floats give the same picture."""
    pixels = open_page(array).image
    assert (pixels.dtype, pixels.flags.c_contiguous) == (np.uint8, True)
    wanted = wanted if wanted.ndim == 3 else np.repeat(wanted[..., None], 3, axis=2)
    assert np.abs(pixels.astype(int) - wanted).max() <= 1


def test_open_page_of_transparent_array():
    """What is transparent is white."""
    clear = ALPHA.copy()
    clear[..., 3] = 0
    assert (open_page(clear).image == 255).all()


@pytest.mark.parametrize(
    "array",
    [
        RGB.astype(complex), RGB.astype(object), RGB.astype(np.int32), RGB.astype(str), np.dstack([RGB, RGB]),
        np.array(3), np.zeros(500), np.zeros((0, 0, 3), np.uint8), np.zeros((12, 5000), np.float32), RGB[..., :2],
        RGB[None], np.full((H, W), np.nan), RGB / 255 - 1, RGB * 3.0, np.full((H, W), np.inf),
        np.zeros((300, 400), "datetime64[s]"),
    ],
)  # fmt: skip
def test_open_page_of_other_array(array: np.ndarray):
    """An array that is no picture is refused by its dtype and shape."""
    with pytest.raises(BadRequest) as caught:
        open_page(array)
    assert f"an array of {array.dtype} and shape {array.shape} is no picture" in str(caught.value)


@pytest.mark.parametrize("thing", [None, 5, 1.5, [[1, 2]], {"a": 1}, io.StringIO("text")])
def test_open_page_of_something_else(thing: object):
    """What is no picture is refused by its type."""
    with pytest.raises(BadRequest, match=r"no picture|binary"):
        open_page(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the picture is empty"), (b"hello", "but text"), (png_bytes()[:60], "the picture is damaged")],
)
def test_open_page_of_damaged_bytes(content: bytes, said: str):
    """Messages speak of the picture, not of the file that it was put into."""
    with pytest.raises(UnreadablePage, match=said) as caught:
        open_page(io.BytesIO(content))
    assert "ecgimg-" not in str(caught.value)


def test_open_page_of_closed_file(tmp_path: Path):
    """A file object that cannot be read is refused."""
    file = io.BytesIO(png_bytes())
    file.close()
    with pytest.raises(UnreadablePage, match="file object"):
        open_page(file)


def test_open_page_of_small_array():
    """An array is held to the sizes of files."""
    with pytest.raises(UnreadablePage, match="the picture is 90 × 80 px, too small"):
        open_page(np.zeros((80, 90, 3), np.uint8))


@pytest.mark.parametrize("as_bytes", [False, True])
def test_pages_by_number(three_pages: Path, as_bytes: bool):
    """Any page of a file can be named, and all can be gone through."""
    given = three_pages.read_bytes() if as_bytes else three_pages
    for number, middle in ((None, 145), (1, 145), (2, 345), (3, 545)):
        page = open_page(given, number)
        assert (page.number, page.n_pages) == (number or 1, 3)
        assert black_column(page) == pytest.approx(middle, abs=0.5)
    assert [page.number for page in iter_pages(given)] == [1, 2, 3]


@pytest.mark.parametrize("number", [4, 0, -1, 1.0, True, "2", 10**30])
def test_pages_that_are_not_there(three_pages: Path, number: object):
    """A page that the file does not have is refused, and so is what is no number."""
    with pytest.raises(BadRequest, match="counted from 1"):
        open_page(three_pages, number)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="the picture has no page 2"):
        open_page(RGB, 2)
