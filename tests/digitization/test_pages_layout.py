"""Pages of other layouts, cropped ones, and rows that overlap, break off or are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import digitize_image, page_views, pipeline
from ecgimg.digitization.text import rows_missed_by_tracing as rows_from_labels
from ecgimg.reasons import ReasonCode
from layouts import load_layout
from synth.page_spec import GridStyle, LabelStyle
from tests.digitization.pages import clean_page, read_page, simulated_record, snr_db


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
    page = clean_page(header=False, print_scale=False, pulse="none", label=replace(LabelStyle(), size_mm=0.3))
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
