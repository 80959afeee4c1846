"""Vector pages: traces, pulses, labels and printed scales come from the paths and texts of a PDF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg.formats.pages import pdf
from ecgimg.formats.pages.decode import decode_pages as open_pages
from ecgimg.formats.vector_pdf import VectorPage, VectorText, read_vector_page, split_vector
from tests.formats.pages.pdf_pages import (
    FINE_AND_BOLD,
    HEIGHT_PT,
    PRINT,
    ROWS,
    TO_PAGE,
    WIDTH_PT,
    beats,
    check_ink,
    ecg_content,
    grid_cells,
    grid_lines,
    pdf_bytes,
    pieces,
    pulse_mm,
    stroke,
    vector_pdf,
    word,
)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_split_vector_page(tmp_path: Path, rotation: int):
    """Traces, pulses, grid, labels and scales come back exactly, whatever the page's rotation."""
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


def test_split_vector_short_strokes(tmp_path: Path):
    """Traces drawn in short strokes are chained."""
    content, traces = ecg_content(draw=pieces)
    ink = check_ink(vector_pdf(tmp_path / "a.pdf", content), traces)
    assert len(ink.pulses) == 3


def test_split_vector_subpaths(tmp_path: Path):
    """Traces drawn as subpaths of one path are chained."""

    def draw(points_mm: NDArray[np.float64]) -> str:
        chunks = [points_mm[index : index + 100] for index in range(0, len(points_mm) - 1, 99)]
        return "".join(stroke(chunk) for chunk in chunks).replace("S\n", "") + "S\n"

    content, traces = ecg_content(draw=draw)
    check_ink(vector_pdf(tmp_path / "a.pdf", content), traces)


def test_split_vector_form(tmp_path: Path):
    """Traces inside a form object are found."""
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
def test_split_vector_cropped_page(tmp_path: Path, rotation: int):
    """A crop box moves the traces along with the picture."""
    content, traces = ecg_content()
    sides = (WIDTH_PT, HEIGHT_PT) if rotation == 0 else (HEIGHT_PT, WIDTH_PT)
    crop = f"/CropBox [60 50 {60 + sides[0]:.4f} {50 + sides[1]:.4f}]"
    page = vector_pdf(
        tmp_path / "a.pdf", content, rotation, box="-20 -30 1100 1100", extra=crop, before="1 0 0 1 60 50 cm"
    )
    check_ink(page, traces)


def test_split_vector_beziers(tmp_path: Path):
    """Bézier curves are flattened into short steps."""
    curve = "40 100 m " + " ".join(f"{x + 3} 80 {x + 7} 120 {x + 10} 100 c" for x in range(40, 140, 10)) + " S\n"
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + curve)
    assert page.vector is not None
    (trace,) = split_vector(page.vector).traces
    x = trace.points_mm[:, 0]
    assert (x.min(), x.max()) == pytest.approx((40, 140), abs=0.01)
    assert np.diff(x).max() < 0.4
    assert np.ptp(trace.points_mm[:, 1]) == pytest.approx(2 * 20 * 0.28868, abs=0.05)


@pytest.mark.parametrize("side", ["left", "right"])
def test_split_vector_pulse_in_trace(tmp_path: Path, side: str):
    """A calibration pulse is split from a trace drawn in the same stroke."""
    trace = beats(40, 160, 100)
    pulse = pulse_mm(30, 100) if side == "left" else pulse_mm(165, 100)
    whole = np.vstack([pulse, trace] if side == "left" else [trace, pulse])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(whole))
    assert page.vector is not None
    ink = split_vector(page.vector)
    assert [(round(p.left_mm, 2), round(p.height_mm, 2)) for p in ink.pulses] == [(30 if side == "left" else 165, 10)]
    (found,) = ink.traces
    assert np.abs(found.points_mm - trace).max() < 0.01


def test_split_vector_backward_and_repeated_traces(tmp_path: Path):
    """A backward trace is turned, a repeated one taken once, and a flat one kept."""
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
def test_split_vector_grid(tmp_path: Path, grid: str, wanted: tuple[float, float] | None):
    """The grid's spacing is found where it is certain, in lines and in cells."""
    page = vector_pdf(tmp_path / "a.pdf", grid + "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)))
    assert page.vector is not None
    ink = split_vector(page.vector)
    assert len(ink.traces) == 1
    assert ink.grid_mm == (None if wanted is None else pytest.approx(wanted, rel=1e-3))
    assert bool(ink.grid) == (wanted is not None)


def test_split_vector_grid_in_one_stroke(tmp_path: Path):
    """A grid drawn in one stroke is no trace."""
    x = np.repeat(np.arange(20, 281, 5.0), 2)
    y = np.tile([60.0, 200.0, 200.0, 60.0], 27)[: len(x)]
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(np.column_stack([x, y]))).vector is None


@pytest.mark.parametrize("n", [45, 600])
def test_split_vector_staircase(tmp_path: Path, n: int):
    """A trace drawn in steps is a trace."""
    stairs = np.repeat(np.linspace(40, 160, n), 2)
    points_mm = np.column_stack([stairs[1:], 100 - 0.05 * np.repeat(np.arange(n), 2)[:-1]])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(points_mm))
    assert page.vector is not None
    assert len(split_vector(page.vector).traces) == 1


def test_split_vector_of_a_thousand_lines(tmp_path: Path):
    """A thousand lines are no ECG."""
    lines = "".join(stroke(beats(20, 35, y)) for y in np.linspace(60, 200, 1001))
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.1 w " + lines).vector is None


def test_split_vector_of_many_words(tmp_path: Path):
    """Many words are read up to a limit."""
    words = "".join(word("I " * 200, 5, 1 + y / 2, 0.5) for y in range(100))
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)) + words)
    assert page.vector is not None
    assert 9_000 < len(page.vector.texts) <= 10_000
    split_vector(page.vector)


def test_split_vector_paced_trace(tmp_path: Path):
    """A paced trace is a trace.

    Between its spikes it is all but flat, so that most of its larger steps are as high as itself.
    """
    x = np.arange(40, 160, 0.2)
    points_mm = np.column_stack([x, 100 - 9.0 * (np.arange(len(x)) % 100 == 50)])
    page = vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(points_mm))
    assert page.vector is not None
    assert len(split_vector(page.vector).traces) == 1


def test_read_vector_page_of_opened_page(tmp_path: Path):
    """A page that is open already is read."""
    vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100)))
    document = pdf.pdfium.PdfDocument(tmp_path / "a.pdf")
    page = document[0]
    vector = read_vector_page(page)
    page.close()
    document.close()
    assert vector is not None
    assert vector.paths[0].box_mm[0] == pytest.approx(40, abs=0.01)


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
def test_read_vector_page_without_traces(tmp_path: Path, content: str):
    """A page without traces in its paths has no vector page."""
    assert vector_pdf(tmp_path / "a.pdf", content).vector is None


def test_read_vector_page_of_too_many_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A drawing of too many segments is left to its picture."""
    monkeypatch.setattr("ecgimg.formats.vector_pdf.read_page.MAX_SEGMENTS", 500)
    assert vector_pdf(tmp_path / "a.pdf", "0 0 0 RG 0.3 w " + stroke(beats(40, 160, 100))).vector is None


def test_read_vector_page_with_broken_texts():
    """Texts that cannot be read do not break the page."""

    class NoWords:
        def get_textpage(self) -> None:
            raise pdf.pdfium.PdfiumError("no")

    from ecgimg.formats.vector_pdf.pdf_words import page_words

    assert list(page_words(NoWords(), np.eye(2, 3))) == []


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
def test_split_vector_printed_scales(words: str, scales: tuple[float | None, ...]):
    """Printed scales are read from words, and contradicting ones are not."""
    texts, x = [], 10.0
    for part in words.split():
        texts.append(VectorText(part, (x, 10, x + 2 * len(part), 13)))
        x += 2 * len(part) + 1
    ink = split_vector(VectorPage((297, 210), (), tuple(texts)))
    assert (ink.speed_mm_s, ink.gain_mm_mv, ink.chest_gain_mm_mv) == scales
    assert (ink.traces, ink.pulses, ink.grid_mm, ink.labels) == ((), (), None, ())


@pytest.mark.parametrize("stem", ["00009_hr", "00009_hr_6x2"])
def test_split_vector_real_page_against_record(data_folder: Path, stem: str):
    """Real vector pages agree with their record.

    The pages draw a mean of five samples at every fourth, and leave the first out.
    """
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
def test_split_vector_real_device_page(data_folder: Path, name: str, leads: list[str], scales: tuple[float, float]):
    """Labels, traces, scales, grid and pulses of real devices' pages are found."""
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
