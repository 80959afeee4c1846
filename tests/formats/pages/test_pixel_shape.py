"""Pictures whose pixels are not square by their tags are made square; tags that make no sense are not believed."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.formats.pages.pictures import only

SIDE = 500  # px of a disc on a square, as it is meant
FAX = [(204, 98), (204, 196), (204, 391), (98, 204), (200, 100)]


def squashed(dpi: tuple[float, float], size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A black disc of half the height of a page of `size` at the finer resolution, as a device keeps it."""
    y, x = np.mgrid[: size[1], : size[0]]
    disc = np.hypot(x - (size[0] - 1) / 2, y - (size[1] - 1) / 2) > size[1] / 4
    kept = [round(side * own / max(dpi)) for side, own in zip(size, dpi, strict=True)]
    return Image.fromarray(np.where(disc, 255, 0).astype(np.uint8)).resize(kept, Image.Resampling.BOX)


def sides_of_disc(image: np.ndarray) -> tuple[float, float]:
    """Width and height of the ink in pixels."""
    ink = 1 - image[..., 0] / 255
    return float(ink[image.shape[0] // 2].sum()), float(ink[:, image.shape[1] // 2].sum())


@pytest.mark.parametrize("dpi", FAX)
@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "bmp"])
def test_unequal_resolution_is_made_square(tmp_path: Path, dpi: tuple[int, int], suffix: str):
    """The coarser direction is stretched to the finer one, whatever the format that tags it."""
    squashed(dpi).save(tmp_path / f"a.{suffix}", dpi=dpi)
    page = only(tmp_path / f"a.{suffix}")
    width, height = sides_of_disc(page.image)
    assert width == pytest.approx(SIDE / 2, rel=0.01)
    assert height == pytest.approx(SIDE / 2, rel=0.01)
    assert page.px_per_mm_hint == pytest.approx(max(dpi) / 25.4, rel=1e-3)
    assert page.unequal_resolution == pytest.approx(dpi, abs=0.1)


def test_unequal_resolution_of_bilevel_fax(tmp_path: Path):
    """A fax as it is received: one bit a pixel, group 4, in pixels a centimetre."""
    fax = squashed((204, 98), (1728, 2376)).convert("1")
    fax.save(tmp_path / "a.tif", compression="group4", tiffinfo={296: 3, 282: 80.3, 283: 38.6})
    page = only(tmp_path / "a.tif")
    assert page.image.shape[1] == 1728
    width, height = sides_of_disc(page.image)
    assert height / width == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["tif", "png", "jpg"])
def test_unequal_resolution_of_turned_picture(tmp_path: Path, orientation: int, suffix: str):
    """Tags speak of the picture as it is stored, before it is turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    squashed((204, 98), (700, SIDE)).save(tmp_path / f"a.{suffix}", dpi=(204, 98), exif=exif)
    page = only(tmp_path / f"a.{suffix}")
    wanted = (SIDE, 700) if orientation < 5 else (700, SIDE)
    assert page.image.shape[:2] == pytest.approx(wanted, abs=2)
    assert sides_of_disc(page.image) == pytest.approx((SIDE / 2, SIDE / 2), rel=0.01)


def test_unequal_resolution_of_large_picture(tmp_path: Path):
    """A picture that is reduced is made square, too; its scale hint is that of what is read."""
    squashed((1200, 600), (8000, 5200)).save(tmp_path / "a.jpg", dpi=(1200, 600))
    page = only(tmp_path / "a.jpg")
    assert page.reduced_by == 2
    assert page.image.shape[:2] == (2600, 4000)
    assert sides_of_disc(page.image) == pytest.approx((1300, 1300), rel=0.01)
    assert page.px_per_mm_hint == pytest.approx(600 / 25.4, rel=1e-3)


def test_ratio_without_unit(tmp_path: Path):
    """A PNG, a JPEG and a TIFF may state the ratio of the sides of their pixels without a unit."""
    made = squashed((204, 98))
    made.save(tmp_path / "a.tif", tiffinfo={296: 1, 282: 2.0, 283: 1.0})
    made.save(tmp_path / "a.jpg", quality=95)
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    data[13:18] = struct.pack(">BHH", 0, 2, 1)  # of the JFIF header
    (tmp_path / "a.jpg").write_bytes(data)
    made.save(tmp_path / "a.png", dpi=(204, 98))
    data = bytearray((tmp_path / "a.png").read_bytes())
    at = data.index(b"pHYs")
    chunk = b"pHYs" + struct.pack(">IIB", 2, 1, 0)
    data[at : at + 17] = chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(data)
    for name in ("a.tif", "a.jpg", "a.png"):
        page = only(tmp_path / name)
        assert page.unequal_resolution == (2.0, 1.0)
        assert page.px_per_mm_hint is None
        assert page.image.shape[:2] == (480, 500)


@pytest.mark.parametrize("dpi", [(72, 300), (300, 72), (200, 300), (96, 120), (1, 2), (600, 100), (72, 36), (300, 302)])
def test_nonsense_tags_are_not_believed(tmp_path: Path, dpi: tuple[int, int]):
    """A ratio that no device has, or that is rounding, changes nothing."""
    for suffix in ("tif", "png", "jpg"):
        squashed((1, 1)).save(tmp_path / f"a.{suffix}", dpi=dpi)
        page = only(tmp_path / f"a.{suffix}")
        assert page.image.shape == (SIDE, SIDE, 3)
        assert page.unequal_resolution is None


def test_stale_tags_are_not_believed(tmp_path: Path):
    """A sheet of paper that a program made square, and whose tags it left, stays a sheet of paper."""
    squashed((1, 1), (827, 1169)).save(tmp_path / "a.tif", dpi=(204, 98))
    assert only(tmp_path / "a.tif").image.shape == (1169, 827, 3)
    squashed((204, 98), (827, 1169)).save(tmp_path / "b.tif", dpi=(204, 98))
    assert only(tmp_path / "b.tif").image.shape[:2] == pytest.approx((1169, 827), abs=2)


def test_tags_of_camera_are_not_believed(tmp_path: Path):
    """A camera has no resolution."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = 0.01
    squashed((1, 1)).save(tmp_path / "a.jpg", dpi=(204, 98), exif=exif)
    assert only(tmp_path / "a.jpg").image.shape == (SIDE, SIDE, 3)


def test_fax_in_pdf(tmp_path: Path):
    """A page of a PDF has the shape that the page gives its picture."""
    squashed((204, 98), (1728, 2376)).convert("1").save(tmp_path / "a.tif", compression="group4", dpi=(204, 98))
    with Image.open(tmp_path / "a.tif") as fax:
        stored = fax.convert("L")
    content = zlib.compress(stored.tobytes())
    width_pt, height_pt = 1728 * 72 / 204, 1144 * 72 / 98
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [5 0 R] >>",
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (*stored.size, len(content), content),
        b"<< /Length 40 >>\nstream\n%-40s\nendstream" % (b"%.3f 0 0 %.3f 0 0 cm /I Do" % (width_pt, height_pt)),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.3f %.3f] /Resources << /XObject << /I 3 0 R >> >> "
        b"/Contents 4 0 R >>" % (width_pt, height_pt),
    ]
    data = b"%PDF-1.4\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (at, body) for at, body in enumerate(bodies, 1))
    (tmp_path / "a.pdf").write_bytes(data + b"trailer\n<< /Size 6 /Root 1 0 R >>\n%%EOF\n")
    width, height = sides_of_disc(only(tmp_path / "a.pdf").image)
    assert height / width == pytest.approx(1.0, abs=0.01)
