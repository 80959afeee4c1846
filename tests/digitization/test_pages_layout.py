"""Pages of other layouts, cropped ones, and rows that overlap, break off or are missing."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import digitize_image, page_views, pipeline
from ecgimg.digitization.text import rows_missed_by_tracing as rows_from_labels
from ecgimg.reasons import ReasonCode
from layouts import load_layout
from synth import HeartSpec, simulate
from synth.page_spec import GridStyle, LabelStyle
from tests.digitization.pages import clean_page, read_page, simulated_record, snr_db

HIDDEN = replace(LabelStyle(), size_mm=0.3)  # lead labels too small to be read


def test_digitize_cabrera_order():
    """The Cabrera order is recognised by lead labels and limb-lead laws."""
    page = clean_page("6x2-cabrera")
    digitization = read_page(page)
    assert digitization.layout == "6x2-cabrera"
    assert snr_db(page, digitization) > 15


def test_digitize_simultaneous_columns():
    """Simultaneous columns are recognised by their beats."""
    page = clean_page("6x2-simultaneous")
    assert read_page(page).layout == "6x2-simultaneous"


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["3x4+II", "6x2"])
def test_digitize_gapped_columns(layout):
    """Columns with gaps between them are read where they start."""
    page = clean_page(layout=load_layout(layout), separator="gap")
    digitization = read_page(page)
    assert (digitization.layout, digitization.status) == (layout, "ok")
    assert snr_db(page, digitization) > 15


def test_digitize_page_without_labels():
    """The layout of a page without legible lead labels is recognised by its limb leads."""
    page = clean_page(header=False, print_scale=False, pulse="none", label=HIDDEN)
    digitization = read_page(page)
    assert (digitization.status, digitization.layout) == ("limited", "3x4+II")


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.15, 0.25])
def test_digitize_nearly_flat_rhythm_strip(share):
    """A rhythm strip that is nearly flat is not taken for a form line."""
    record = simulated_record()
    first, third = record.lead("I"), share * record.lead("III")
    second = first + third
    limbs = [first, second, third, -(first + second) / 2, first - second / 2, second - first / 2]
    still = EcgRecord(np.concatenate([limbs, record.signals[6:]]), record.fs_hz, record.leads)
    page = clean_page("3x4+III", record=still)
    digitization = read_page(page)
    assert digitization.layout == "3x4+III"
    assert digitization.lead_seconds["III"] > 9


def test_digitize_overlapping_rows():
    """Rows that overlap are read, and so are tall complexes."""
    page = clean_page(plot_mm=(10.0, 45.0, 270.0, 109.0))  # rows 16 mm apart, complexes up to 20 mm tall
    digitization = read_page(page)
    assert digitization.layout == "3x4+II"
    assert snr_db(page, digitization) > 8


def test_digitize_page_cropped_at_right():
    """A trace that leaves the picture keeps the rest."""
    page = clean_page()
    cut = np.ascontiguousarray(page.image[:, : round(0.93 * page.image.shape[1])])
    digitization = digitize_image(cut)
    assert digitization.layout == "3x4+II"
    assert snr_db(page, digitization) > 12


@pytest.mark.slow
def test_digitize_cropped_page_keeps_columns():
    """The columns of a cropped page stand where those of the whole page do."""
    page = clean_page(layout=load_layout("6x2"), separator="none")
    cut_px = round(0.2 * page.image.shape[1])
    cropped = digitize_image(np.ascontiguousarray(page.image[:, :-cut_px]))
    whole = digitize_image(page.image)
    assert cropped.layout == whole.layout == "6x2"
    assert cropped.lead_seconds["V1"] < whole.lead_seconds["V1"] - 0.3
    for lead in ("II", "V1", "V4"):
        cropped_mv, whole_mv = (digitization.record.lead(lead) for digitization in (cropped, whole))
        known = np.isfinite(cropped_mv) & np.isfinite(whole_mv)
        assert known.sum() > 1500
        assert np.abs(cropped_mv - whole_mv)[known].mean() < 0.02


@pytest.mark.slow
def test_digitize_page_with_missing_rows(monkeypatch):
    """Lead labels tell where missing rows are; a page whose rows stay missing is limited."""
    page = clean_page("3x1")
    assert read_page(page).status == "ok"
    trace_rows = page_views.trace_rows
    monkeypatch.setattr(page_views, "trace_rows", lambda flat: trace_rows(flat)[:1])
    digitization = read_page(page)
    assert (digitization.status, digitization.layout) == ("ok", "3x1")  # the lead labels tell where to seek them
    monkeypatch.setattr(rows_from_labels, "trace_rows", lambda flat, _: trace_rows(flat)[:1])
    digitization = read_page(page)
    assert (digitization.status, digitization.layout) == ("limited", "1x1")
    assert ReasonCode.TRACE_OUTSIDE_ROWS.reason() in digitization.reasons


@pytest.mark.slow
def test_digitize_strokes_without_common_times(monkeypatch):
    """A page whose strokes share no times is refused."""
    page = clean_page("3x1", grid=GridStyle(style="none"))
    trace_rows = page_views.trace_rows

    def apart(flat):
        spans = ((300, 400), (900, 960), (900, 1000))
        pieces = [
            row.select((row.points_px[:, 0] > first) & (row.points_px[:, 0] < last))
            for row, (first, last) in zip(trace_rows(flat), spans, strict=False)
        ]
        return tuple(row for row in pieces if len(row.points_px))

    for module in (page_views, pipeline):
        monkeypatch.setattr(module, "trace_rows", apart)
    digitization = read_page(page)
    assert (digitization.status, digitization.layout) == ("refused", None)


def test_digitize_given_layout():
    """A layout given by hand is not doubted: a strip is read without label, scale or grid."""
    page = clean_page("1x1", label=HIDDEN, header=False, print_scale=False, pulse="none", grid=GridStyle(style="none"))
    assert digitize_image(page.image).status == "refused"
    given = digitize_image(page.image, layout="1x1")
    assert (given.status, given.layout) == ("limited", "1x1")
    assert given.reasons[0] == ReasonCode.STRIP_LABEL_UNREAD.reason(lead="II")


@pytest.mark.parametrize(("layout", "rows"), [("6x2", "6 rows"), ("1x1", "1 row")])
def test_digitize_contradicted_layout(layout, rows, monkeypatch):
    """What contradicts a given layout is told at once, without another view of the page."""
    monkeypatch.setattr(pipeline, "alternative_views", None)
    reading = read_page(clean_page("3x4+II"), layout=layout)
    assert reading.reasons == (
        ReasonCode.LAYOUT_CONTRADICTED.reason(layout=layout, expected=rows, shown="4 rows", seen="3x4+II"),
    )


@pytest.mark.parametrize(("lead", "is_labelled"), [("II", True), ("I", False)])
def test_digitize_consecutive_rows(lead, is_labelled):
    """Rows of one lead that go on in each other are read as one recording, of the lead that is printed, else I."""
    options = {} if is_labelled else {"label": HIDDEN}
    record = simulate(HeartSpec(), np.random.default_rng(2), 30.0).record
    page = clean_page(load_layout("3x1-consecutive").of_lead(lead), record=record, **options)
    reading = read_page(page)
    assert reading.layout == "3x1-consecutive"
    assert np.isfinite(reading.record.lead(lead)).sum() / reading.record.fs_hz > 29
    assert snr_db(page, reading) > 12
    assert reading.status == ("ok" if is_labelled else "limited")


def test_digitize_drawing():
    """A drawing of lines and letters is refused."""
    rng = np.random.default_rng(0)
    image = np.full((900, 1200, 3), 255, np.uint8)
    for number in range(40):
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        points = rng.integers(0, (1200, 900), (5, 2)).astype(np.int32)
        if number % 2:
            cv2.polylines(image, [points], False, colour, 3, cv2.LINE_AA)
        else:
            cv2.putText(image, "HEART", points[0].tolist(), cv2.FONT_HERSHEY_SIMPLEX, 2, colour, 4)
    assert digitize_image(image).status == "refused"
