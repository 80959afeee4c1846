"""Opening pages: every kind of file, hostile ones, and PDFs whose traces are vector paths."""

from __future__ import annotations

import io
import math
import struct
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ecgimg.errors import BadRequest, MissingExtra, UnreadablePage
from ecgimg.formats import page_decoder as page_module
from ecgimg.formats.page import PageInput
from ecgimg.formats.page_decoder import count_decodable as count_pages
from ecgimg.formats.page_decoder import decode_pages as open_pages
from ecgimg.formats.vector import VectorInk, VectorPage, VectorText, read_vector_page, split_vector

W, H = 240, 160


def picture(width: int = W, height: int = H) -> Image.Image:
    """White with a red, a green and a blue corner, so that every turn shows."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:40, :60] = (200, 0, 0)
    pixels[:40, -60:] = (0, 160, 0)
    pixels[-40:, :60] = (0, 0, 180)
    return Image.fromarray(pixels)


def is_upright(pixels: NDArray[np.uint8], width: int = W, height: int = H, tolerance: int = 12) -> bool:
    wanted = np.asarray(picture(width, height)).astype(int)
    return pixels.shape == wanted.shape and bool(np.percentile(np.abs(pixels - wanted), 95) <= tolerance)


def only(path: Path) -> PageInput:
    (page,) = open_pages(path)
    assert count_pages(path) == 1
    assert page.image.dtype == np.uint8
    assert page.image.flags.c_contiguous
    return page


def refusal(path: Path) -> str:
    with pytest.raises(UnreadablePage) as caught:
        list(open_pages(path))
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.count(str(path)) == 1
    return text


# ---- kinds of picture ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif"])
@pytest.mark.parametrize("named", [True, False])
def test_every_kind_by_its_content(tmp_path: Path, suffix: str, named: bool):
    path = tmp_path / f"page.{suffix if named else 'xyz'}"
    picture().save(path, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()), quality=95)
    page = only(path)
    assert is_upright(page.image)
    assert (page.source, page.number, page.n_pages, page.stem, page.vector) == (path, 1, 1, "page", None)


def test_strings_are_paths(tmp_path: Path):
    picture().save(tmp_path / "a.png")
    assert next(open_pages(str(tmp_path / "a.png"))).stem == "a"


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_colour_modes(tmp_path: Path, mode: str):
    half = np.full((H, W), 255, np.uint8)
    half[:, : W // 2] = 0
    wide = {"I;16": half * np.uint16(257), "I": half * np.int32(257), "F": half / np.float32(255)}
    made = Image.fromarray(wide.get(mode, half))
    path = tmp_path / "a"
    (made if mode in wide else made.convert(mode)).save(path, "JPEG" if mode in ("YCbCr", "CMYK") else "TIFF")
    pixels = only(path).image
    assert pixels[:, W // 2 + 8 :].min() >= 250
    assert pixels[:, : W // 2 - 8].max() <= 6


def test_cmyk_jpeg(tmp_path: Path):
    picture().convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as made:
        assert made.mode == "CMYK"
    assert is_upright(only(tmp_path / "a.jpg").image)


@pytest.mark.parametrize(
    ("top", "suffix"), [(65535, "png"), (65535, "tif"), (4095, "png"), (4095, "tif"), (255, "tif")]
)
def test_16_bits_are_scaled(tmp_path: Path, top: int, suffix: str):
    grey = np.linspace(0, top, W * H).round().astype(np.uint16).reshape(H, W)
    Image.fromarray(grey).save(tmp_path / f"a.{suffix}")
    pixels = only(tmp_path / f"a.{suffix}").image
    assert np.abs(pixels - np.rint(grey * (255 / top))[..., None]).max() <= 1


@pytest.mark.parametrize("top", [1.0, 255.0])
def test_float_tiff(tmp_path: Path, top: float):
    grey = np.linspace(0, top, W * H, dtype=np.float32).reshape(H, W)
    grey[0, 0] = np.nan
    Image.fromarray(grey).save(tmp_path / "a.tif")
    pixels = only(tmp_path / "a.tif").image
    assert np.abs(pixels[1:] - np.rint(grey[1:] * (255 / top))[..., None]).max() <= 1


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bit_colour_png(tmp_path: Path):
    row = b"\x00" + struct.pack(">HHH", 0xFFFF, 0x8080, 0x0000) * W
    (tmp_path / "a.png").write_bytes(png_of(W, H, 16, 2, row * H))
    assert only(tmp_path / "a.png").image[5, 5].tolist() == [255, 128, 0]


def test_alpha_is_laid_over_white(tmp_path: Path):
    pixels = np.zeros((H, W, 4), np.uint8)
    pixels[:, : W // 2, 3] = 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = only(tmp_path / "a.png").image
    assert read[0, 0].tolist() == [127, 127, 127]
    assert read[0, -1].tolist() == [255, 255, 255]


def test_transparent_palette_colour(tmp_path: Path):
    made = Image.new("P", (W, H), 1)
    made.putpalette([0, 0, 0, 9, 9, 9])
    made.save(tmp_path / "a.png", transparency=1)
    assert only(tmp_path / "a.png").image.min() == 255


def test_fax_tiff(tmp_path: Path):
    made = picture().convert("L").point(lambda value: 255 * (value > 230)).convert("1")
    made.save(tmp_path / "a.tif", compression="group4", save_all=True, append_images=[made, made])
    pages = list(open_pages(tmp_path / "a.tif"))
    assert [(page.number, page.n_pages, page.stem) for page in pages] == [(1, 3, "a"), (2, 3, "a-p2"), (3, 3, "a-p3")]
    assert all((page.image == np.asarray(made)[..., None] * 255).all() for page in pages)


def test_pages_of_a_tiff_may_differ_and_thumbnails_are_none(tmp_path: Path):
    kinds = [picture(), picture(300, 200).convert("L"), picture(W, H).convert("1")]
    kinds[0].save(tmp_path / "a.tif", save_all=True, append_images=kinds[1:])
    assert [page.image.shape[:2] for page in open_pages(tmp_path / "a.tif")] == [(H, W), (200, 300), (H, W)]
    thumbnail = picture(24, 16)
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    picture().save(tmp_path / "b.tif", save_all=True, append_images=[thumbnail])
    assert count_pages(tmp_path / "b.tif") == 1
    assert is_upright(only(tmp_path / "b.tif").image)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_a_moving_picture_is_its_first_frame(tmp_path: Path, suffix: str):
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
def test_exif_orientation(tmp_path: Path, kind: str, orientation: int):
    turn = _STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture() if turn is None else picture().transpose(turn)
    stored.save(tmp_path / "a", kind, exif=exif, quality=95)
    assert is_upright(only(tmp_path / "a").image)


def test_damaged_exif_is_no_reason_to_refuse(tmp_path: Path):
    picture().save(tmp_path / "a.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12\x00\x03", quality=95)
    assert is_upright(only(tmp_path / "a.jpg").image)


@pytest.mark.parametrize(
    ("dpi", "px_per_mm"),
    [((300, 300), 300 / 25.4), ((72, 72), None), ((96, 96), 96 / 25.4), ((204, 98), None), ((2400, 2400), None)],
)
def test_scanner_dpi(tmp_path: Path, dpi: tuple[int, int], px_per_mm: float | None):
    for suffix in ("jpg", "tif", "png"):
        picture().save(tmp_path / f"a.{suffix}", dpi=dpi)
        hint = only(tmp_path / f"a.{suffix}").px_per_mm_hint
        assert hint == (None if px_per_mm is None else pytest.approx(px_per_mm, rel=1e-3))


def test_a_camera_knows_no_dpi(tmp_path: Path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x829A] = 0.01
    picture().save(tmp_path / "a.jpg", dpi=(300, 300), exif=exif)
    assert only(tmp_path / "a.jpg").px_per_mm_hint is None


def test_heic_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for read in (count_pages, lambda path: next(open_pages(path))):
        with pytest.raises(MissingExtra, match=r"pillow-heif.*ecgimg\[heic\]"):
            read(path)


def test_heic(tmp_path: Path):
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    exif = Image.Exif()
    exif[0x0112] = 6
    heif.from_pillow(picture().transpose(Image.Transpose.ROTATE_90)).save(tmp_path / "a.heic", exif=exif.tobytes())
    assert is_upright(only(tmp_path / "a.heic").image)
    (tmp_path / "b.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:300])
    refusal(tmp_path / "b.heic")


# ---- pictures that are refused ---------------------------------------------------------------------------------------


def test_what_is_no_file(tmp_path: Path):
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
        (bytes(5000), "no known kind"),
        (b"\x89PNG", "damaged"),
        (b"BM is how this text begins", "damaged"),
        (b"P6 300 300 255\n" + bytes(270000), "no known kind"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert said in refusal(path)


def test_a_file_of_too_many_bytes(tmp_path: Path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(200_000_001)
    assert "200 MB" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(1, 1), (199, 149), (4000, 149), (149, 4000), (199, 199)])
def test_too_small(tmp_path: Path, size: tuple[int, int]):
    Image.new("RGB", size).save(tmp_path / "a.png")
    assert "too small to hold an ECG page" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(200, 150), (150, 200)])
def test_just_large_enough(tmp_path: Path, size: tuple[int, int]):
    Image.new("L", size).save(tmp_path / "a.png")
    assert only(tmp_path / "a.png").image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("side", [30000, 11000, 65000])
@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "tif"])
def test_bombs_are_not_decoded(tmp_path: Path, side: int, kind: str):
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
def test_cut_pictures(tmp_path: Path, kind: str, keep: float):
    noise = np.random.default_rng(5).integers(0, 255, (H, W, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "good", kind)
    data = (tmp_path / "good").read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(keep * len(data))])
    assert "damaged" in refusal(tmp_path / "cut")


def test_lab_colours(tmp_path: Path):
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    made = ImageCms.applyTransform(picture(), transform)
    assert made is not None
    made.save(tmp_path / "a.tif")
    assert is_upright(only(tmp_path / "a.tif").image)


def test_a_tiff_of_too_many_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page_module, "MAX_PAGES", 3)
    picture().save(tmp_path / "a.tif", save_all=True, append_images=[picture()] * 3)
    assert "more than 3 pages" in refusal(tmp_path / "a.tif")


# ---- PDF -------------------------------------------------------------------------------------------------------------


def pdf_bytes(
    contents: Sequence[str], box: str = "0 0 842 595", extra: str = "", form: tuple[str, str] | None = None
) -> bytes:
    """A PDF with one page for each content stream; `form` is (what its dictionary says, its content)."""
    resources = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    bodies = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    if form is not None:
        words, content = form
        bodies.append(
            f"<< /Type /XObject /Subtype /Form {words} /Length {len(content)} >>\nstream\n{content}\nendstream"
        )
        resources += f" /XObject << /X {len(bodies)} 0 R >>"
    kids = []
    for content in contents:
        bodies.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] {extra} /Resources << {resources} >> "
            f"/Contents {len(bodies)} 0 R >>"
        )
        kids.append(f"{len(bodies)} 0 R")
    bodies[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(kids)}] >>"
    return assembled(bodies)


def assembled(bodies: Sequence[str], trailer: str = "") -> bytes:
    data, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        starts.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    tail = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}"
    tail += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + tail.encode()


def test_pdf_of_40_pages_is_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "scan.pdf"
    picture().save(path, save_all=True, append_images=[picture()] * 39, resolution=72)
    assert count_pages(path) == 40
    rendered = []
    real = page_module._rasterised

    def counting(page: object, name: str, pdf_dpi: float, most: int) -> tuple[NDArray[np.uint8], float]:
        rendered.append(name)
        return real(page, name, pdf_dpi, most)

    monkeypatch.setattr(page_module, "_rasterised", counting)
    pages = open_pages(path, pdf_dpi=72)
    assert rendered == []
    first = next(pages)
    assert rendered == [f"page 1 of {path}"]
    assert is_upright(first.image)
    assert (first.n_pages, first.stem, first.vector) == (40, "scan", None)
    assert [page.stem for page in pages][-1] == "scan-p40"


@pytest.mark.parametrize("dpi", [72, 200, 300])
def test_pdf_resolution(tmp_path: Path, dpi: int):
    (tmp_path / "a.pdf").write_bytes(pdf_bytes(["0 0 0 rg 72 72 144 72 re f"], box="0 0 360 216"))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=dpi)
    assert page.image.shape == (3 * dpi, 5 * dpi, 3)
    assert page.px_per_mm_hint == pytest.approx(dpi / 25.4)
    assert (page.image[dpi + 1 : 2 * dpi - 1, dpi + 1 : 3 * dpi - 1] == 0).all()
    assert page.image[: dpi - 1].min() == 255


def test_a_huge_pdf_page_is_rasterised_smaller(tmp_path: Path):
    (tmp_path / "a.pdf").write_bytes(pdf_bytes([""], box="0 0 14400 10000"))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=300)
    height, width, _ = page.image.shape
    assert 23e6 < height * width <= 24e6
    assert page.px_per_mm_hint == pytest.approx(width / (14400 * 25.4 / 72), rel=1e-3)


def test_pdfs_that_are_refused(tmp_path: Path):
    path = tmp_path / "a.pdf"
    good = pdf_bytes(["0 0 m 9 9 l S"])
    locked = "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >>".format("41" * 32)
    none = assembled(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"])
    for content, said in [
        (assembled(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 >>"], locked), "password"),
        (none, "no pages"),
        (good[:60], "damaged or no PDF"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 9, "damaged or no PDF"),
        (pdf_bytes([""] * 501), "501 pages"),
        (pdf_bytes([""], box="0 0 20 20"), "too small"),
        (pdf_bytes([""], box="0 0 100000 0.01"), "too small"),
    ]:
        path.write_bytes(content)
        assert said in refusal(path)


def test_a_missing_page_names_itself(tmp_path: Path):
    data = pdf_bytes(["", ""]).replace(b"6 0 R]", b"9 0 R]")
    (tmp_path / "a.pdf").write_bytes(data)
    pages = open_pages(tmp_path / "a.pdf")
    assert next(pages).number == 1
    with pytest.raises(UnreadablePage, match=r"^page 2 of"):
        list(pages)


@pytest.mark.parametrize("dpi", [0, -1, 19, 1201, math.nan, math.inf])
def test_bad_dpi(tmp_path: Path, dpi: float):
    with pytest.raises(BadRequest, match="pdf_dpi"):
        next(open_pages(tmp_path / "a.pdf", pdf_dpi=dpi))


# ---- vector pages ----------------------------------------------------------------------------------------------------

K = 72 / 25.4
WIDTH_MM, HEIGHT_MM = 297.0, 210.0
WIDTH_PT, HEIGHT_PT = WIDTH_MM * K, HEIGHT_MM * K
TO_PAGE = {
    0: (K, 0, 0, -K, 0, HEIGHT_PT),
    90: (0, K, K, 0, 0, 0),
    180: (-K, 0, 0, K, WIDTH_PT, 0),
    270: (0, -K, -K, 0, HEIGHT_PT, WIDTH_PT),
}
"""The matrices from page mm (x right, y down) to a page's own points, by its rotation."""


def stroke(points_mm: NDArray[np.float64]) -> str:
    x0, y0 = points_mm[0]
    return f"{x0:.4f} {y0:.4f} m " + " ".join(f"{x:.4f} {y:.4f} l" for x, y in points_mm[1:]) + " S\n"


def pieces(points_mm: NDArray[np.float64]) -> str:
    return "".join(stroke(points_mm[index : index + 2]) for index in range(len(points_mm) - 1))


def word(text: str, x: float, y: float, size: float = 4) -> str:
    return f"BT /F 1 Tf {size} 0 0 {-size} {x} {y} Tm ({text}) Tj ET\n"


def beats(left: float, right: float, baseline: float, seed: int = 0) -> NDArray[np.float64]:
    """A trace of 0.2 mm steps with narrow beats, (n, 2) page mm, rounded as the PDF writes it."""
    x = np.arange(left, right, 0.2)
    y = baseline - 9 * np.exp(-(((x - left) % 20 - 8) ** 2) / 0.2) - np.random.default_rng(seed).normal(0, 0.2, len(x))
    return np.column_stack([x, y]).round(4)


def pulse_mm(x: float, base: float, height: float = 10, width: float = 5) -> NDArray[np.float64]:
    top = base - height
    return np.array([[x - 2, base], [x, base], [x, top], [x + width, top], [x + width, base], [x + width + 2, base]])


def grid_lines(step: float, colour: str, width: float, box: tuple[float, ...] = (20, 60, 280, 200)) -> str:
    left, top, right, bottom = box
    across = [stroke(np.array([[x, top], [x, bottom]])) for x in np.arange(left, right + 1e-6, step)]
    down = [stroke(np.array([[left, y], [right, y]])) for y in np.arange(top, bottom + 1e-6, step)]
    return f"{colour} RG {width} w\n" + "".join(across + down)


def grid_cells(step: float, colour: str) -> str:
    boxes = [f"{x} {y} {step} {step} re S\n" for x in range(20, 280, int(step)) for y in range(60, 200, int(step))]
    return f"{colour} RG 0.1 w\n" + "".join(boxes)


FINE_AND_BOLD = grid_lines(1, "1 0.8 0.8", 0.1) + grid_lines(5, "1 0.5 0.5", 0.2)
ROWS = (90.0, 130.0, 170.0)
PRINT = word("Speed: 25 mm/sec  Limb: 10 mm/mV  Chest: 5.0 mm/mV", 20, 206) + word("I am 30 years old", 20, 20)


def ecg_content(
    grid: str = FINE_AND_BOLD, draw: Callable[[NDArray[np.float64]], str] = stroke
) -> tuple[str, list[NDArray[np.float64]]]:
    """A page of 3 × 2 leads in page mm, and its traces in reading order."""
    traces = [beats(x, x + 119, y, seed=int(x + y)) for y in ROWS for x in (35, 155)]
    names = ["I", "AVR", "II", "-aVL", "III", "aVF"]
    content = grid + "0 0 0 RG 0.3 w 1 j\n"
    content += "".join(draw(traces[index]) for index in (5, 0, 3, 2, 1, 4))  # in no order
    content += "".join(stroke(pulse_mm(24, y)) for y in ROWS)
    labels = [(name, 36 + 120 * (index % 2), ROWS[index // 2] - 14) for index, name in enumerate(names)]
    return content + "".join(word(*label) for label in labels) + PRINT, traces


def vector_pdf(path: Path, content: str, rotation: int = 0, **options: str) -> PageInput:
    sides = (WIDTH_PT, HEIGHT_PT) if rotation % 180 == 0 else (HEIGHT_PT, WIDTH_PT)
    matrix = " ".join(f"{value:.6f}" for value in TO_PAGE[rotation])
    box = options.get("box", f"0 0 {sides[0]:.4f} {sides[1]:.4f}")
    extra = f"/Rotate {rotation} {options.get('extra', '')}"
    before = options.get("before", "")
    path.write_bytes(pdf_bytes([f"{before} q {matrix} cm\n{content}\nQ"], box=box, extra=extra))
    (page,) = open_pages(path, pdf_dpi=100)
    return page


def check_ink(page: PageInput, traces: Sequence[NDArray[np.float64]]) -> VectorInk:
    """The traces come back to 0.01 mm, and lie where the page's picture is black."""
    assert page.vector is not None
    assert page.vector.size_mm == pytest.approx((WIDTH_MM, HEIGHT_MM), abs=0.01)
    ink = split_vector(page.vector)
    assert [len(trace.points_mm) for trace in ink.traces] == [len(points_mm) for points_mm in traces]
    assert page.px_per_mm_hint is not None
    for trace, points_mm in zip(ink.traces, traces, strict=True):
        assert np.abs(trace.points_mm - points_mm).max() < 0.01
        x, y = (trace.points_mm[::7] * page.px_per_mm_hint).astype(int).T
        assert (page.image[y, x].mean(axis=1) < 190).mean() > 0.85
        assert (trace.colour, trace.filled) == ((0, 0, 0), False)
        assert trace.width_mm == pytest.approx(0.3, rel=0.01)
    return ink


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_vector_page(tmp_path: Path, rotation: int):
    content, traces = ecg_content()
    ink = check_ink(vector_pdf(tmp_path / "a.pdf", content, rotation), traces)
    assert [(round(p.left_mm, 2), round(p.right_mm, 2), round(p.base_mm, 2)) for p in ink.pulses] == [
        (24, 29, y) for y in ROWS
    ]
    assert [pulse.height_mm for pulse in ink.pulses] == pytest.approx([10] * 3, abs=0.01)
    assert ink.grid_mm == pytest.approx((1, 5), rel=1e-4)
    assert ink.other == ()
    assert {label.text: label.box_mm[0] for label in ink.labels} == pytest.approx(
        {"I": 36, "aVR": 156, "II": 36, "-aVL": 156, "III": 36, "aVF": 156}, abs=1
    )
    assert all(2 < label.box_mm[3] - label.box_mm[1] < 4 for label in ink.labels)
    assert (ink.speed_mm_s, ink.gain_mm_mv, ink.chest_gain_mm_mv) == (25, 10, 5)


def test_short_strokes_are_chained(tmp_path: Path):
    content, traces = ecg_content(draw=pieces)
    ink = check_ink(vector_pdf(tmp_path / "a.pdf", content), traces)
    assert len(ink.pulses) == 3


def test_subpaths_of_one_path_are_chained(tmp_path: Path):
    def draw(points_mm: NDArray[np.float64]) -> str:
        chunks = [points_mm[index : index + 100] for index in range(0, len(points_mm) - 1, 99)]
        return "".join(stroke(chunk) for chunk in chunks).replace("S\n", "") + "S\n"

    content, traces = ecg_content(draw=draw)
    check_ink(vector_pdf(tmp_path / "a.pdf", content), traces)


def test_traces_in_a_form(tmp_path: Path):
    content, traces = ecg_content()
    inner = "0.5 0 0 0.5 0 0 cm " + content
    words = "/BBox [-1000 -1000 1000 1000] /Matrix [2 0 0 2 10 -4] /Resources << /Font << >> >>"
    matrix = " ".join(f"{value:.6f}" for value in TO_PAGE[0])
    box = f"0 0 {WIDTH_PT:.4f} {HEIGHT_PT:.4f}"
    outer = f"q {matrix} cm 1 0 0 1 -10 4 cm /X Do Q"
    (tmp_path / "a.pdf").write_bytes(pdf_bytes([outer], box=box, form=(words, inner)))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=100)
    check_ink(page, traces)


@pytest.mark.parametrize("rotation", [0, 90])
def test_cropped_page(tmp_path: Path, rotation: int):
    content, traces = ecg_content()
    sides = (WIDTH_PT, HEIGHT_PT) if rotation == 0 else (HEIGHT_PT, WIDTH_PT)
    crop = f"/CropBox [60 50 {60 + sides[0]:.4f} {50 + sides[1]:.4f}]"
    page = vector_pdf(
        tmp_path / "a.pdf", content, rotation, box="-20 -30 1100 1100", extra=crop, before="1 0 0 1 60 50 cm"
    )
    check_ink(page, traces)


def test_beziers_are_flattened(tmp_path: Path):
    curve = "40 100 m " + " ".join(f"{x + 3} 80 {x + 7} 120 {x + 10} 100 c" for x in range(40, 140, 10)) + " S\n"
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + curve)
    assert page.vector is not None
    (trace,) = split_vector(page.vector).traces
    x = trace.points_mm[:, 0]
    assert (x.min(), x.max()) == pytest.approx((40, 140), abs=0.01)
    assert np.diff(x).max() < 0.4
    assert np.ptp(trace.points_mm[:, 1]) == pytest.approx(2 * 20 * 0.28868, abs=0.05)


@pytest.mark.parametrize("side", ["left", "right"])
def test_pulse_and_trace_in_one_stroke(tmp_path: Path, side: str):
    trace = beats(40, 160, 100)
    pulse = pulse_mm(30, 100) if side == "left" else pulse_mm(165, 100)
    whole = np.vstack([pulse, trace] if side == "left" else [trace, pulse])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(whole))
    assert page.vector is not None
    ink = split_vector(page.vector)
    assert [(round(p.left_mm, 2), round(p.height_mm, 2)) for p in ink.pulses] == [(30 if side == "left" else 165, 10)]
    (found,) = ink.traces
    assert np.abs(found.points_mm - trace).max() < 0.01


def test_backwards_repeated_and_flat_traces(tmp_path: Path):
    trace, flat = beats(40, 160, 100), np.column_stack([np.arange(40, 160, 0.5), np.full(240, 140.0)])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(trace[::-1]) + stroke(trace[::-1]) + stroke(flat))
    assert page.vector is not None
    found = split_vector(page.vector).traces
    assert [len(path.points_mm) for path in found] == [len(trace), 240]
    assert np.abs(found[0].points_mm - trace).max() < 0.01


@pytest.mark.parametrize(
    ("grid", "wanted"),
    [
        (grid_lines(1, "1 0.7 0.7", 0.1), (1, 5)),
        (grid_lines(5, "1 0.7 0.7", 0.1), (1, 5)),
        (grid_lines(0.8, "1 0.7 0.7", 0.1) + grid_lines(4, "1 0 0", 0.1), (0.8, 4)),
        (grid_lines(2, "1 0.7 0.7", 0.1) + grid_lines(10, "1 0 0", 0.1), (2, 10)),
        (grid_lines(5, "1 0.7 0.7", 0.1) + grid_lines(25, "1 0 0", 0.1), (1, 5)),
        (grid_cells(5, "1 0.6 0.6"), (1, 5)),
        ("", None),
        (grid_lines(2, "1 0.7 0.7", 0.1), None),  # two millimetres may be either
        ("0 0 0 RG 0.1 w 30 30 200 100 re S 30 50 m 230 50 l S\n", None),
    ],
)
def test_grids(tmp_path: Path, grid: str, wanted: tuple[float, float] | None):
    page = vector_pdf(tmp_path / "a.pdf", grid + "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)))
    assert page.vector is not None
    ink = split_vector(page.vector)
    assert len(ink.traces) == 1
    assert ink.grid_mm == (None if wanted is None else pytest.approx(wanted, rel=1e-3))
    assert bool(ink.grid) == (wanted is not None)


def test_a_grid_in_one_stroke_is_no_trace(tmp_path: Path):
    x = np.repeat(np.arange(20, 281, 5.0), 2)
    y = np.tile([60.0, 200.0, 200.0, 60.0], 27)[: len(x)]
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(np.column_stack([x, y]))).vector is None


@pytest.mark.parametrize("n", [45, 600])
def test_a_staircase_is_a_trace(tmp_path: Path, n: int):
    stairs = np.repeat(np.linspace(40, 160, n), 2)
    points_mm = np.column_stack([stairs[1:], 100 - 0.05 * np.repeat(np.arange(n), 2)[:-1]])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(points_mm))
    assert page.vector is not None
    assert len(split_vector(page.vector).traces) == 1


def test_a_thousand_lines_are_no_ecg(tmp_path: Path):
    lines = "".join(stroke(beats(20, 35, y)) for y in np.linspace(60, 200, 1001))
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.1 w " + lines).vector is None


def test_many_words_take_no_long_time(tmp_path: Path):
    words = "".join(word("I " * 200, 5, 1 + y / 2, 0.5) for y in range(100))
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)) + words)
    assert page.vector is not None
    assert 9_000 < len(page.vector.texts) <= 10_000
    split_vector(page.vector)


def test_a_paced_trace_is_a_trace(tmp_path: Path):
    """Between its spikes it is all but flat, so that most of its larger steps are as high as itself."""
    x = np.arange(40, 160, 0.2)
    points_mm = np.column_stack([x, 100 - 9.0 * (np.arange(len(x)) % 100 == 50)])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(points_mm))
    assert page.vector is not None
    assert len(split_vector(page.vector).traces) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        FINE_AND_BOLD,
        PRINT,
        "1 1 1 RG 0.3 w " + stroke(beats(40, 160, 100)),  # white on white
        "0 0 0 rg " + stroke(beats(40, 160, 100)).replace("S", "f"),
        "0 0 0 RG " + stroke(beats(40, 160, 100)).replace("S", "n"),
        "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)[:, ::-1]),  # down the page
        "0 0 0 RG 0.3 w " + stroke(beats(40, 85, 100)),  # a signature
        "0 0 0 RG 0.3 w 1e30 1e38 m " + "9e37 1e38 l 1e38 9e37 l " * 60 + "S",
    ],
)
def test_pages_without_vector_traces(tmp_path: Path, content: str):
    assert vector_pdf(tmp_path / "a.pdf", content).vector is None


def test_a_drawing_of_too_many_pieces_is_left_to_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ecgimg.formats.vector.MAX_SEGMENTS", 500)
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100))).vector is None


def test_broken_words_do_not_break_the_page():
    class NoWords:
        def get_textpage(self) -> None:
            raise page_module.pdfium.PdfiumError("no")

    from ecgimg.formats.vector import _words

    assert list(_words(NoWords(), np.eye(2, 3))) == []


@pytest.mark.parametrize(
    ("words", "scales"),
    [
        ("25mm/s 10mm/mV 150Hz", (25, 10, 10)),
        ("50 mm / s , 20 mm / mV", (50, 20, 20)),
        ("12,5 mm/s 2,5 mm/mV", (12.5, 2.5, 2.5)),
        ("25mm/sec 10.0 mm/mV Chest: 5 mm/mV", (25, 10, 5)),
        ("25 mm/s 50 mm/s 10 mm/mV 20 mm/mV", (None, None, None)),
        ("25 mm/s 25 mm/s", (25, None, None)),
        ("0 mm/s 9000 mm/mV", (None, None, None)),
        ("mm/s mm/mV", (None, None, None)),
    ],
)
def test_printed_scales(words: str, scales: tuple[float | None, ...]):
    texts, x = [], 10.0
    for part in words.split():
        texts.append(VectorText(part, (x, 10, x + 2 * len(part), 13)))
        x += 2 * len(part) + 1
    ink = split_vector(VectorPage((297, 210), (), tuple(texts)))
    assert (ink.speed_mm_s, ink.gain_mm_mv, ink.chest_gain_mm_mv) == scales
    assert (ink.traces, ink.pulses, ink.grid_mm, ink.labels) == ((), (), None, ())


# ---- real pages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", ["00009_hr", "00009_hr_6x2"])
def test_real_vector_pages_against_their_record(data_folder: Path, stem: str):
    """The pages draw a mean of five samples at every fourth, and leave the first out."""
    page = next(open_pages(data_folder / "pages" / "ecgtizer_pdf" / f"{stem}.pdf", pdf_dpi=50))
    assert page.vector is not None
    ink = split_vector(page.vector)
    truth = np.genfromtxt(data_folder / "truth" / f"{stem}.csv", delimiter=",", names=True)
    leads = (
        "I aVR V1 V4 II aVL V2 V5 III aVF V3 V6 II" if stem == "00009_hr" else "I V1 II V2 III V3 aVR V4 aVL V5 aVF V6"
    )
    columns = 4 if stem == "00009_hr" else 2
    assert ink.grid_mm == pytest.approx((1, 5), rel=1e-6)
    mm_per_mv = ink.pulses[0].height_mm
    for index, (trace, lead) in enumerate(zip(ink.traces, leads.split(), strict=True)):
        start = 0 if index == 12 else index % columns * 5000 // columns
        drawn = -trace.points_mm[:, 1] / mm_per_mv
        smooth = np.convolve(np.pad(truth[lead], 2, "edge"), np.full(5, 0.2), "valid")
        wanted = smooth[np.minimum(start + 4 * (1 + np.arange(len(drawn))), 4999)]
        error = (drawn - wanted)[: -2 if index % columns == columns - 1 else None]
        assert 10 * np.log10(wanted.var() / (error - np.median(error)).var()) > 30


@pytest.mark.parametrize(
    ("name", "leads", "scales"),
    [
        ("1282423_20210205_133933", ["I II III aVR aVL aVF", "V1 V2 V3 V4 V5 V6"], (25, 10)),
        ("testmannCardiosoft", ["I II III aVR aVL aVF", "V1 V2 V3 V4 V5 V6", "V3R V4R V7"], (50, 10)),
        ("test_example_1", ["I II III aVR aVL aVF V1 V2 V3 V4 V5 V6 II"], (25, 10)),
    ],
)
def test_real_device_pages(data_folder: Path, name: str, leads: list[str], scales: tuple[float, float]):
    pages = list(open_pages(data_folder / "pages" / "device_pdf" / f"{name}.pdf", pdf_dpi=50))
    assert len(pages) == len(leads)
    for page, wanted in zip(pages, leads, strict=True):
        assert page.vector is not None
        ink = split_vector(page.vector)
        assert [label.text for label in ink.labels] == wanted.split()
        assert len(ink.traces) == len(wanted.split())
        assert (ink.speed_mm_s, ink.gain_mm_mv) == scales
        assert ink.grid_mm == pytest.approx((1, 5), rel=2e-3)
        assert all(pulse.height_mm == pytest.approx(10, rel=2e-3) for pulse in ink.pulses)
        assert ink.pulses


# ---- damaged files ---------------------------------------------------------------------------------------------------

FUZZED = ("a.png", "a.jpg", "a.tif", "g4.tif", "a.bmp", "a.gif", "a.webp", "a.pdf", "scan.pdf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "a.jpg", "a.webp"):
        picture().save(folder / name, exif=exif, dpi=(300, 300))
    picture().save(folder / "a.bmp")
    picture().save(folder / "a.gif", save_all=True, append_images=[picture().transpose(Image.Transpose.ROTATE_180)])
    picture().save(folder / "a.tif", compression="tiff_lzw", save_all=True, append_images=[picture()], exif=exif)
    picture().convert("1").save(folder / "g4.tif", compression="group4")
    picture().save(folder / "scan.pdf", resolution=72)
    small = "0 0 0 RG 0.3 w 1 j\n" + stroke(beats(40, 95, 100)) + stroke(pulse_mm(24, 90)) + word("I", 30, 80) + PRINT
    vector_pdf(folder / "a.pdf", grid_lines(5, "1 0 0", 0.1, (20, 60, 60, 120)) + small)
    return folder


def damaged(good: bytes, start: int, changes: list[tuple[int, int]], length: int | None) -> bytes:
    """`good` with bytes changed, counted from `start` per mille of its length, and cut to `length` per mille."""
    data = bytearray(good)
    for offset, value in changes:
        data[(start * len(data) // 1000 + offset) % len(data)] = value
    return bytes(data if length is None else data[: length * len(data) // 1000])


def outcome(path: Path) -> str:
    try:
        counted = count_pages(path)
        pages = 0
        for page in open_pages(path, pdf_dpi=72):
            pages += 1
            assert page.image.dtype == np.uint8
            assert page.image.ndim == page.image.shape[2] == 3
            assert sorted(page.image.shape[:2]) >= [150, 200]
            if page.vector is not None:
                split_vector(page.vector)
        assert pages == counted
    except UnreadablePage as error:
        text = str(error)
        assert str(path) in text
        assert "\n" not in text
        return "refused"
    return "read"


byte = st.one_of(st.integers(0, 255), st.sampled_from(b"0123456789-.+e, []<>/\x00\x01\xff"))


@pytest.mark.parametrize("name", FUZZED)
def test_changed_bytes(folder: Path, name: str):
    good = (folder / name).read_bytes()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        start=st.sampled_from([0, 0, 300, 600, 900]),
        changes=st.lists(st.tuples(st.integers(0, 300), byte), min_size=1, max_size=6),
        length=st.one_of(st.none(), st.none(), st.integers(0, 999)),
    )
    def attempt(start: int, changes: list[tuple[int, int]], length: int | None) -> None:
        (folder / f"bad-{name}").write_bytes(damaged(good, start, changes, length))
        outcome(folder / f"bad-{name}")

    attempt()
    assert outcome(folder / name) == "read"


def test_read_vector_page_takes_an_opened_page(tmp_path: Path):
    vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)))
    document = page_module.pdfium.PdfDocument(tmp_path / "a.pdf")
    page = document[0]
    vector = read_vector_page(page)
    page.close()
    document.close()
    assert vector is not None
    assert vector.paths[0].box_mm[0] == pytest.approx(40, abs=0.01)
