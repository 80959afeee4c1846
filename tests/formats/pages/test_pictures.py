"""Pictures of every kind become the same upright RGB array."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from ecgimg.errors import MissingExtra
from ecgimg.formats.pages.decode import count_decodable as count_pages
from ecgimg.formats.pages.decode import decode_pages as open_pages
from tests.formats.pages.pictures import H, W, is_upright, only, picture, png_of, refusal


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif"])
@pytest.mark.parametrize("named", [True, False])
def test_decode_picture_of_every_kind(tmp_path: Path, suffix: str, named: bool):
    """A picture's kind is known by its content, whatever its suffix."""
    path = tmp_path / f"page.{suffix if named else 'xyz'}"
    picture().save(path, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()), quality=95)
    page = only(path)
    assert is_upright(page.image)
    assert (page.source, page.number, page.n_pages, page.stem, page.vector) == (path, 1, 1, "page", None)


def test_decode_path_given_as_string(tmp_path: Path):
    """A path may be a string."""
    picture().save(tmp_path / "a.png")
    assert next(open_pages(str(tmp_path / "a.png"))).stem == "a"


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_decode_colour_modes(tmp_path: Path, mode: str):
    """Every colour mode becomes RGB."""
    half = np.full((H, W), 255, np.uint8)
    half[:, : W // 2] = 0
    wide = {"I;16": half * np.uint16(257), "I": half * np.int32(257), "F": half / np.float32(255)}
    made = Image.fromarray(wide.get(mode, half))
    path = tmp_path / "a"
    (made if mode in wide else made.convert(mode)).save(path, "JPEG" if mode in ("YCbCr", "CMYK") else "TIFF")
    pixels = only(path).image
    assert pixels[:, W // 2 + 8 :].min() >= 250
    assert pixels[:, : W // 2 - 8].max() <= 6


def test_decode_cmyk_jpeg(tmp_path: Path):
    """A CMYK JPEG keeps its colours."""
    picture().convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as made:
        assert made.mode == "CMYK"
    assert is_upright(only(tmp_path / "a.jpg").image)


@pytest.mark.parametrize(
    ("top", "suffix"), [(65535, "png"), (65535, "tif"), (4095, "png"), (4095, "tif"), (255, "tif")]
)
def test_decode_16_bit_greys(tmp_path: Path, top: int, suffix: str):
    """Greys of 16 and 12 bits are scaled to 8."""
    grey = np.linspace(0, top, W * H).round().astype(np.uint16).reshape(H, W)
    Image.fromarray(grey).save(tmp_path / f"a.{suffix}")
    pixels = only(tmp_path / f"a.{suffix}").image
    assert np.abs(pixels - np.rint(grey * (255 / top))[..., None]).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_decode_float_tiff(tmp_path: Path, top: float):
    """Float greys of 0-1 and of 0-255 are understood, NaN too."""
    grey = np.linspace(0, top, W * H, dtype=np.float32).reshape(H, W)
    grey[0, 0] = np.nan
    Image.fromarray(grey).save(tmp_path / "a.tif")
    pixels = only(tmp_path / "a.tif").image
    assert np.abs(pixels[1:] - np.rint(grey[1:] * (255 / top))[..., None]).max() <= 1


def test_decode_16_bit_colour_png(tmp_path: Path):
    """Colours of 16 bits are scaled to 8."""
    row = b"\x00" + struct.pack(">HHH", 0xFFFF, 0x8080, 0x0000) * W
    (tmp_path / "a.png").write_bytes(png_of(W, H, 16, 2, row * H))
    assert only(tmp_path / "a.png").image[5, 5].tolist() == [255, 128, 0]


def test_decode_alpha_over_white(tmp_path: Path):
    """Transparent pixels are laid over white."""
    pixels = np.zeros((H, W, 4), np.uint8)
    pixels[:, : W // 2, 3] = 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = only(tmp_path / "a.png").image
    assert read[0, 0].tolist() == [127, 127, 127]
    assert read[0, -1].tolist() == [255, 255, 255]


def test_decode_transparent_palette_colour(tmp_path: Path):
    """A transparent colour of a palette is white."""
    made = Image.new("P", (W, H), 1)
    made.putpalette([0, 0, 0, 9, 9, 9])
    made.save(tmp_path / "a.png", transparency=1)
    assert only(tmp_path / "a.png").image.min() == 255


def test_decode_fax_tiff(tmp_path: Path):
    """The pages of a fax are read exactly, with numbers and stems of their own."""
    made = picture().convert("L").point(lambda value: 255 * (value > 230)).convert("1")
    made.save(tmp_path / "a.tif", compression="group4", save_all=True, append_images=[made, made])
    pages = list(open_pages(tmp_path / "a.tif"))
    assert [(page.number, page.n_pages, page.stem) for page in pages] == [(1, 3, "a"), (2, 3, "a-p2"), (3, 3, "a-p3")]
    assert all((page.image == np.asarray(made)[..., None] * 255).all() for page in pages)


def test_decode_tiff_with_unlike_pages_and_thumbnail(tmp_path: Path):
    """The pages of a TIFF may differ in size and mode, and a thumbnail is no page."""
    kinds = [picture(), picture(300, 200).convert("L"), picture(W, H).convert("1")]
    kinds[0].save(tmp_path / "a.tif", save_all=True, append_images=kinds[1:])
    assert [page.image.shape[:2] for page in open_pages(tmp_path / "a.tif")] == [(H, W), (200, 300), (H, W)]
    thumbnail = picture(24, 16)
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    picture().save(tmp_path / "b.tif", save_all=True, append_images=[thumbnail])
    assert count_pages(tmp_path / "b.tif") == 1
    assert is_upright(only(tmp_path / "b.tif").image)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_decode_animation(tmp_path: Path, suffix: str):
    """An animation is its first frame."""
    path = tmp_path / f"a.{suffix}"
    picture().save(path, save_all=True, append_images=[Image.new("RGB", (W, H), "black")] * 3, lossless=True)
    assert is_upright(only(path).image)


_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_decode_exif_orientation(tmp_path: Path, kind: str, orientation: int):
    """A picture is turned upright by its EXIF orientation."""
    turn = _STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture() if turn is None else picture().transpose(turn)
    stored.save(tmp_path / "a", kind, exif=exif, quality=95)
    assert is_upright(only(tmp_path / "a").image)


def test_decode_damaged_exif(tmp_path: Path):
    """Damaged EXIF data is no reason to refuse a picture."""
    picture().save(tmp_path / "a.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12\x00\x03", quality=95)
    assert is_upright(only(tmp_path / "a.jpg").image)


@pytest.mark.parametrize(
    ("dpi", "px_per_mm"),
    [
        ((300, 300), 300 / 25.4),
        ((72, 72), None),
        ((96, 96), 96 / 25.4),
        ((204, 98), 204 / 25.4),
        ((600, 100), None),
        ((2400, 2400), None),
    ],
)
def test_scale_hint_of_scanner_dpi(tmp_path: Path, dpi: tuple[int, int], px_per_mm: float | None):
    """A scanner's resolution becomes the scale hint, the finer one of two, but not a default or an odd value."""
    for suffix in ("jpg", "tif", "png"):
        picture().save(tmp_path / f"a.{suffix}", dpi=dpi)
        hint = only(tmp_path / f"a.{suffix}").px_per_mm_hint
        assert hint == (None if px_per_mm is None else pytest.approx(px_per_mm, rel=1e-3))


def test_scale_hint_of_camera(tmp_path: Path):
    """The resolution in a camera's picture is no scale hint."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = 0.01
    picture().save(tmp_path / "a.jpg", dpi=(300, 300), exif=exif)
    assert only(tmp_path / "a.jpg").px_per_mm_hint is None


def test_decode_heic_without_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """HEIC without its package is refused with the extra that installs it."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for read in (count_pages, lambda path: next(open_pages(path))):
        with pytest.raises(MissingExtra, match=r"pillow-heif.*ecgimg\[heic\]"):
            read(path)


def test_decode_heic(tmp_path: Path):
    """HEIC is read upright, and refused where it is cut."""
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    exif = Image.Exif()
    exif[0x0112] = 6
    heif.from_pillow(picture().transpose(Image.Transpose.ROTATE_90)).save(tmp_path / "a.heic", exif=exif.tobytes())
    assert is_upright(only(tmp_path / "a.heic").image)
    (tmp_path / "b.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:300])
    refusal(tmp_path / "b.heic")


def test_decode_lab_colours(tmp_path: Path):
    """Lab colours become RGB."""
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    made = ImageCms.applyTransform(picture(), transform)
    assert made is not None
    made.save(tmp_path / "a.tif")
    assert is_upright(only(tmp_path / "a.tif").image)
