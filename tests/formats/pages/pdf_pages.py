"""PDFs that the tests write: pages of content streams, and ECG pages whose traces are vector paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg.formats.pages import PageInput
from ecgimg.formats.pages.decode import decode_pages as open_pages
from ecgimg.formats.vector_pdf import VectorEcg, split_vector


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


def check_ink(page: PageInput, traces: Sequence[NDArray[np.float64]]) -> VectorEcg:
    """The traces come back to 0.01 mm, and lie where the page's picture is black."""
    assert page.vector is not None
    assert page.px_per_mm_hint is not None
    size_px = np.array(page.vector.size_mm) * page.px_per_mm_hint
    assert size_px == pytest.approx(page.image.shape[1::-1], abs=0.01)  # the page is extended to whole pixels
    assert np.all(np.abs(size_px - np.array([WIDTH_MM, HEIGHT_MM]) * page.px_per_mm_hint - 0.5) < 0.501)
    ink = split_vector(page.vector)
    assert [len(trace.points_mm) for trace in ink.traces] == [len(points_mm) for points_mm in traces]
    for trace, points_mm in zip(ink.traces, traces, strict=True):
        assert np.abs(trace.points_mm - points_mm).max() < 0.01
        x, y = (trace.points_mm[::7] * page.px_per_mm_hint).astype(int).T
        assert (page.image[y, x].mean(axis=1) < 190).mean() > 0.85
        assert (trace.colour, trace.filled) == ((0, 0, 0), False)
        assert trace.width_mm == pytest.approx(0.3, rel=0.01)
    return ink
