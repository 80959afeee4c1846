"""Files that hold no page are refused in one sentence that names them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecgimg.errors import UnreadablePage
from ecgimg.formats.pages import pictures
from ecgimg.formats.pages.decode import count_decodable as count_pages
from tests.formats.pages.pictures import H, W, only, picture, png_of, refusal


def test_decode_missing_file_or_folder(tmp_path: Path):
    """A missing file, a folder and an impossible name are refused."""
    assert "does not exist" in refusal(tmp_path / "none.png")
    assert "folder" in refusal(tmp_path)
    refusal(tmp_path / ("long" * 200))
    with pytest.raises(UnreadablePage):
        count_pages("nul\0byte.png")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"time_s,I,II\n0,0,0\n", "but text"),
        (b"<html></html>", "but text"),
        (bytes(128) + b"DICM" + bytes(90), "DICOM"),
        (b"PK\x03\x04\x00\x00", "archive"),
        (bytes(5000), "not a known kind"),
        (b"\x89PNG", "damaged"),
        (b"BM is how this text begins", "damaged"),
        (b"P6 300 300 255\n" + bytes(270000), "not a known kind"),
    ],
)
def test_decode_other_content(tmp_path: Path, content: bytes, said: str):
    """Content that is no picture is refused by what it is."""
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert said in refusal(path)


def test_decode_file_of_too_many_bytes(tmp_path: Path):
    """A file above 200 MB is refused."""
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(200_000_001)
    assert "200 MB" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(1, 1), (199, 149), (4000, 149), (149, 4000), (199, 199)])
def test_decode_too_small_picture(tmp_path: Path, size: tuple[int, int]):
    """A picture too small to hold an ECG page is refused."""
    Image.new("RGB", size).save(tmp_path / "a.png")
    assert "too small to hold an ECG page" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(200, 150), (150, 200)])
def test_decode_smallest_picture(tmp_path: Path, size: tuple[int, int]):
    """A picture of the least size is read."""
    Image.new("L", size).save(tmp_path / "a.png")
    assert only(tmp_path / "a.png").image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("side", [30000, 11000, 65000])
@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tif"])
def test_decode_bomb(tmp_path: Path, side: int, kind: str):
    """A picture that announces far too many pixels is refused before it is decoded."""
    half = min(2 * side, 65000) if kind == "gif" else 2 * side
    made = io.BytesIO()
    Image.new("L", (W, H)).save(made, {"tif": "TIFF"}.get(kind, kind.upper()))
    data = bytearray(made.getvalue())
    if kind == "png":
        data = bytearray(png_of(half, side, 8, 2, b"\x00"))
    elif kind == "gif":
        data[6:10] = struct.pack("<HH", half, side)
    elif kind == "bmp":
        data[18:26] = struct.pack("<ii", half, side)
    else:
        data = bytearray(data.replace(struct.pack("<HHIHH", 256, 4, 1, W, 0), struct.pack("<HHII", 256, 4, 1, half)))
        data = bytearray(data.replace(struct.pack("<HHIHH", 257, 4, 1, H, 0), struct.pack("<HHII", 257, 4, 1, side)))
    (tmp_path / "a").write_bytes(data)
    assert "more than 120 megapixels" in refusal(tmp_path / "a")


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP"])
def test_decode_cut_picture(tmp_path: Path, kind: str, keep: float):
    """A picture that is cut is refused as damaged."""
    noise = np.random.default_rng(5).integers(0, 255, (H, W, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "good", kind)
    data = (tmp_path / "good").read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(keep * len(data))])
    assert "damaged" in refusal(tmp_path / "cut")


def test_decode_tiff_of_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A TIFF of too many pages is refused."""
    monkeypatch.setattr(pictures, "MAX_PAGES", 3)
    picture().save(tmp_path / "a.tif", save_all=True, append_images=[picture()] * 3)
    assert "more than 3 pages" in refusal(tmp_path / "a.tif")
