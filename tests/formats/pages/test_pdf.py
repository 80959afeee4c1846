"""Pages of PDFs are drawn one by one at the resolution asked for, or refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg.errors import BadRequest, UnreadablePage
from ecgimg.formats.pages import pdf
from ecgimg.formats.pages.decode import count_decodable as count_pages
from ecgimg.formats.pages.decode import decode_pages as open_pages
from tests.formats.pages.pdf_pages import assembled, pdf_bytes
from tests.formats.pages.pictures import is_upright, picture, refusal


def test_decode_pdf_lazily(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The pages of a PDF are drawn one by one, as they are asked for."""
    path = tmp_path / "scan.pdf"
    picture().save(path, save_all=True, append_images=[picture()] * 39, resolution=72)
    assert count_pages(path) == 40
    rendered = []
    real = pdf._rasterised

    def counting(page: object, name: str, pdf_dpi: float, most: int) -> tuple[NDArray[np.uint8], float]:
        rendered.append(name)
        return real(page, name, pdf_dpi, most)

    monkeypatch.setattr(pdf, "_rasterised", counting)
    pages = open_pages(path, pdf_dpi=72)
    assert rendered == []
    first = next(pages)
    assert rendered == [f"page 1 of {path}"]
    assert is_upright(first.image)
    assert (first.n_pages, first.stem, first.vector) == (40, "scan", None)
    assert [page.stem for page in pages][-1] == "scan-p40"


@pytest.mark.parametrize("dpi", [72, 200, 300])
def test_decode_pdf_at_resolution(tmp_path: Path, dpi: int):
    """A page has the size and the scale hint of the resolution asked for."""
    (tmp_path / "a.pdf").write_bytes(pdf_bytes(["0 0 0 rg 72 72 144 72 re f"], box="0 0 360 216"))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=dpi)
    assert page.image.shape == (3 * dpi, 5 * dpi, 3)
    assert page.px_per_mm_hint == pytest.approx(dpi / 25.4)
    assert (page.image[dpi + 1 : 2 * dpi - 1, dpi + 1 : 3 * dpi - 1] == 0).all()
    assert page.image[: dpi - 1].min() == 255


def diamond(x: float, y: float) -> str:
    return f"{x - 4} {y} m {x} {y + 4} l {x + 4} {y} l {x} {y - 4} l h f "


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("box", ["0 0 170.1 120.05", "10.2 -5 180.5 108.4", "0 0 595.28 841.89"])
@pytest.mark.parametrize("dpi", [100, 200])
def test_decode_pdf_unstretched(tmp_path: Path, box: str, turn: int, dpi: int):
    """A page whose sides are no whole pixels has the same scale across and down, that of its hint."""
    left, bottom, right, top = map(float, box.split())
    content = "0 g " + diamond(left + 10, bottom + 10) + diamond(right - 10, top - 10)
    (tmp_path / "a.pdf").write_bytes(pdf_bytes([content], box=box, extra=f"/Rotate {turn}"))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=dpi)
    ink = 1 - page.image[..., 0] / 255
    width_pt, height_pt = (right - left, top - bottom) if turn % 180 == 0 else (top - bottom, right - left)
    assert page.image.shape[:2] == (math.ceil(height_pt * dpi / 72), math.ceil(width_pt * dpi / 72))
    y_px, x_px = np.mgrid[: ink.shape[0], : ink.shape[1]]
    halves = [ink * (x_px < ink.shape[1] / 2), ink * (x_px >= ink.shape[1] / 2)]
    for at_px, side_pt in ((x_px, width_pt), (y_px, height_pt)):
        first_px, second_px = ((at_px * half).sum() / half.sum() for half in halves)
        distance_mm = (side_pt - 20) * 25.4 / 72
        assert abs(second_px - first_px) / distance_mm == pytest.approx(page.px_per_mm_hint, rel=5e-5)


def test_decode_huge_pdf_page(tmp_path: Path):
    """A huge page is drawn smaller, and its scale hint says so."""
    (tmp_path / "a.pdf").write_bytes(pdf_bytes([""], box="0 0 14400 10000"))
    (page,) = open_pages(tmp_path / "a.pdf", pdf_dpi=300)
    height, width, _ = page.image.shape
    assert 23e6 < height * width <= 24e6
    assert page.px_per_mm_hint == pytest.approx(width / (14400 * 25.4 / 72), rel=1e-3)


def test_decode_pdf_refusals(tmp_path: Path):
    """Locked, empty, damaged, too long and too small PDFs are refused."""
    path = tmp_path / "a.pdf"
    good = pdf_bytes(["0 0 m 9 9 l S"])
    locked = "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{0}> /U <{0}> >>".format("41" * 32)
    none = assembled(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"])
    for content, said in [
        (assembled(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 >>"], locked), "password"),
        (none, "no pages"),
        (good[:60], "damaged or not a valid PDF"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 9, "damaged or not a valid PDF"),
        (pdf_bytes([""] * 501), "501 pages"),
        (pdf_bytes([""], box="0 0 20 20"), "too small"),
        (pdf_bytes([""], box="0 0 100000 0.01"), "too small"),
    ]:
        path.write_bytes(content)
        assert said in refusal(path)


def test_decode_pdf_with_missing_page(tmp_path: Path):
    """A missing page is named by its number, after the others were read."""
    data = pdf_bytes(["", ""]).replace(b"6 0 R]", b"9 0 R]")
    (tmp_path / "a.pdf").write_bytes(data)
    pages = open_pages(tmp_path / "a.pdf")
    assert next(pages).number == 1
    with pytest.raises(UnreadablePage, match=r"^page 2 of"):
        list(pages)


@pytest.mark.parametrize("dpi", [0, -1, 19, 1201, math.nan, math.inf])
def test_decode_pdf_at_bad_resolution(tmp_path: Path, dpi: float):
    """A resolution that cannot be drawn is refused."""
    with pytest.raises(BadRequest, match="pdf_dpi"):
        next(open_pages(tmp_path / "a.pdf", pdf_dpi=dpi))
