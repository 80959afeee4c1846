"""The PDF report: what stands on it, how large it is, and whom it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ecgimg
from ecgimg import STANDARD_LEADS, BadOutput, BadRequest, EcgRecord
from ecgimg.classification.findings import Finding
from ecgimg.digitization import Digitization, LeadReading
from ecgimg.measurement import Measured, Measurements
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Conclusion, Grade, Judgement, Report, write_pdf
from tests.measurement.measured import CLEAN, lead, measured_page

PX_PER_MM = 10.0
RULER_PX = 1.5  # what a ruler on the rendered sheet may be off
PAGE = Digitization("ok", speed_mm_s=25.0, gain_mm_mv=10.0, px_per_mm=8.0)


def texts_of(path: Path) -> list[str]:
    """Return the text of every page."""
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def rendered(path: Path, number: int) -> NDArray[np.uint8]:
    """Return a page as (height, width, 3) RGB at `PX_PER_MM`."""
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(path) as document:
        return np.asarray(document[number].render(scale=PX_PER_MM * 25.4 / 72).to_pil().convert("RGB"))


def centres(mask: Sequence[bool] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the middle of each run of True."""
    places = np.flatnonzero(mask)
    return np.array([run.mean() for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)])


def is_ink(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return picture.max(axis=2) < 130


def squares(height_mv: float = 1.0) -> EcgRecord:
    """Return lead II with a square of some height from second 2 to 4, and nothing of any other lead."""
    signals = np.full((1, 5000), 0.0, np.float32)
    signals[0, 1000:2000] = height_mv
    return EcgRecord(signals, 500.0, ("II",))


def test_true_size_by_ruler(tmp_path):
    """On the rendered sheet 100 mm of its grid are 100 mm both ways, 4 s are 100 mm, and a millivolt is 10 mm."""
    picture = rendered(write_pdf(Report(record=squares()), tmp_path / "report.pdf"), 1)
    assert picture.shape[:2] == pytest.approx((2100, 2970), abs=1)
    # free of lettering and traces: 12 mm from the top, and 4 mm from the left
    thick = picture.astype(int)[:, :, 1]
    for line_of_sight in (thick[115:125].mean(axis=0), thick[:, 35:45].mean(axis=1)):
        lines_px = centres(line_of_sight < 200)
        assert len(lines_px) > 40
        assert lines_px[20:] - lines_px[:-20] == pytest.approx(100 * PX_PER_MM, abs=RULER_PX)
    ink = is_ink(picture)
    pulse = ink[:, 190:281]
    top_px, foot_px = centres(pulse[:600, 30:70].sum(axis=1) > 30)[0], centres(pulse[:600].sum(axis=1) > 30)[-1]
    assert foot_px - top_px == pytest.approx(10 * PX_PER_MM, abs=RULER_PX)
    trace = ink[:600, 300:2800]
    edges_px = centres(trace.sum(axis=0) > 80)
    assert np.diff(edges_px) == pytest.approx([50 * PX_PER_MM], abs=RULER_PX)
    high_px, low_px = centres(trace.sum(axis=1) > 400)
    assert low_px - high_px == pytest.approx(10 * PX_PER_MM, abs=RULER_PX)


def test_rows_do_not_run_into_each_other(tmp_path):
    """Deep S waves above high R waves come to lie on as many sheets as keep the rows apart."""
    signals = np.zeros((12, 5000), np.float32)
    for place in range(250, 5000, 400):
        signals[:, place : place + 20] = 1.2
        signals[:, place + 20 : place + 40] = -1.4
    path = write_pdf(Report(record=EcgRecord(signals, 500.0)), tmp_path / "report.pdf")
    texts = texts_of(path)
    assert len(texts) > 2
    for number in range(1, len(texts)):
        leads = set(STANDARD_LEADS) & set(texts[number].splitlines())
        column = is_ink(rendered(path, number))[80:1960, 320:2780].any(axis=1)
        rows = np.split(np.arange(len(column)), np.flatnonzero(np.diff(column.astype(int))) + 1)
        assert sum(bool(column[run[0]]) for run in rows) == len(leads) >= 4


def test_sheets_are_numbered_and_dated(tmp_path):
    """Every sheet has its number, the day, the notice and the identity as typed, and the size of A4."""
    import pypdfium2 as pdfium

    report, path = Report(record=EcgRecord(np.zeros((12, 12_000), np.float32), 500.0)), tmp_path / "report.pdf"
    write_pdf(report, path, identity=" Doe, Jane \n *1960 ", printed_on=date(2026, 2, 3))
    texts = texts_of(path)
    assert len(texts) == 4  # three times ten seconds
    for number, text in enumerate(texts, start=1):
        for words in (f"page {number} of 4", "printed on 2026-02-03", NOTICE, "Doe, Jane *1960"):
            assert words in text
    with pdfium.PdfDocument(path) as document:
        for page in document:
            assert page.get_size() == pytest.approx((297 / 25.4 * 72, 210 / 25.4 * 72), abs=0.1)


def test_findings_stand_in_order(tmp_path):
    """Critical comes before likely, possible and what is not judged, each with its probability or numbers."""
    reason = ReasonCode.LEADS_NEEDED.reason(leads="lead V1")
    finding = Finding("AFIB", 0.123, 0.1)
    judgements = (
        Judgement("heart attack", Grade.CRITICAL), Judgement("fast heart", Grade.LIKELY),
        Judgement(finding.name, Grade.POSSIBLE, finding=finding),
    )  # fmt: skip
    conclusion = Conclusion(judgements, {reason: ("bigeminy",)})
    findings = Report(findings=(finding,), record=squares(), conclusion=conclusion)
    text = texts_of(write_pdf(findings, tmp_path / "report.pdf"))[0]
    order = [
        "Critical", "Heart attack", "measured\r\n", "Likely", "Fast heart", "Possible", "Atrial fibrillation", "12",
        "Not judged", "Bigeminy",
    ]  # fmt: skip
    text = text[text.index("Critical") :]
    assert sorted(order, key=text.index) == order


def test_long_findings_end_above_the_leads(tmp_path):
    """More findings than the sheet has room for end with where the rest is."""
    judgements = tuple(Judgement(f"finding {number} {'x' * 40}", Grade.LIKELY) for number in range(40))
    report = Report(record=squares(), conclusion=Conclusion(judgements))
    text = texts_of(write_pdf(report, tmp_path / "report.pdf"))[0]
    assert "Finding 5" in text
    assert "Finding 39" not in text
    assert "the rest is in the JSON file" in text


def test_print_around_the_leads_is_not_shown(tmp_path):
    """What stands on the page outside of its leads is white in the report, and the leads are seen."""
    picture = np.full((800, 1200, 3), 255, np.uint8)
    picture[20:100, 100:900] = (255, 0, 0)  # the header
    picture[700:780, 100:900] = (255, 0, 0)  # the footer
    picture[300:420, 300:1000] = (0, 0, 255)
    box = np.array([(200.0, 250.0), (1100.0, 250.0), (1100.0, 480.0), (200.0, 480.0)])
    points = np.stack([np.linspace(200, 1100, 50), np.full(50, 360.0)], axis=1)
    points[10, 1] = 230.0  # an R wave above the box
    page = replace(PAGE, record=squares(), readings=(LeadReading("II", 1, 0, 0, 0.0, 10.0, points, box),))
    shown = rendered(write_pdf(Report(digitization=page), tmp_path / "report.pdf", picture), 0).astype(int)
    left = shown[:, :1700]
    assert (left[:, :, 2] - left[:, :, 0] > 100).sum() > 10_000
    # the overlay draws lead II in red: a line, not a block
    is_red = ((left[:, :, 0] - left[:, :, 2]) > 100).astype(np.uint8)
    assert is_red.any()
    assert is_red.sum(axis=0).max() < 200


@pytest.mark.parametrize("shape", [(300, 900), (900, 600)], ids=["wide", "tall"])
def test_report_of_many_lines(tmp_path, shape):
    """Measurements with many lines leave room for the picture, and long names and reasons do not run together."""
    noises = {name: replace(CLEAN, muscle_uv=30.0 + 40.0 * (k % 2)) for k, name in enumerate(STANDARD_LEADS)}
    leads = {name: lead(name, noise, st_j60_mv=Measured(0.2, 0.01, 3)) for name, noise in noises.items()}
    reasons = [ReasonCode.LEADS_NEEDED.reason(leads=f"the leads {', '.join(STANDARD_LEADS[:k])}") for k in range(3, 7)]
    names = ("p_axis_deg", "qrs_axis_deg", "t_axis_deg", "sokolow_lyon_mv")
    missing = {name: Measured(reason=reason) for name, reason in zip(names, reasons, strict=True)}
    report = Report(digitization=replace(PAGE, record=squares()), measurements=measured_page(leads=leads, **missing))
    text, _ = texts_of(write_pdf(report, tmp_path / "report.pdf", np.full((*shape, 3), 200, np.uint8)))
    assert "P duration" in text
    assert "the rest is in the JSON file" in text


def test_report_of_page_that_was_not_measured(tmp_path):
    """Where nothing was measured, the report says why."""
    report = Report(
        digitization=replace(PAGE, record=squares()), measurements=Measurements((ReasonCode.NO_BEAT_FOUND.reason(),))
    )
    assert "No heartbeat was found." in texts_of(write_pdf(report, tmp_path / "report.pdf"))[0]


def test_report_that_cannot_be_written(tmp_path):
    """Another suffix, a long identity, and a page that was not read are refused before anything is written."""
    with pytest.raises(BadOutput, match=r"ends in \.pdf"):
        write_pdf(Report(), tmp_path / "report.svg")
    with pytest.raises(BadRequest, match="at most 60 characters, not 61"):
        write_pdf(Report(), tmp_path / "report.pdf", identity="x" * 61)
    with pytest.raises(BadRequest, match="font lacks 李 of the identity"):
        write_pdf(Report(), tmp_path / "report.pdf", identity="Jörg 李")
    with pytest.raises(BadRequest, match="nothing was read"):
        write_pdf(Report(digitization=Digitization("refused")), tmp_path / "report.pdf")
    assert not list(tmp_path.iterdir())


def test_report_of_read_page(tmp_path):
    """The report of a photo has its verdict, numbers, findings and measurements."""
    path = Path(ecgimg.__file__).parent / "samples" / "photo.jpg"
    first, *sheets = texts_of(write_pdf(ecgimg.classify(path), tmp_path / "report.pdf"))
    for words in ("The page was read", "105 bpm, QRS 108 ms", "Atrial fibrillation", "Measurements", "Heart rate"):
        assert words in first
    for words in ("QTc (Fridericia)", "QRS axis", "Sokolow-Lyon", "Not judged", "page 1 of"):
        assert words in first
    assert sheets
