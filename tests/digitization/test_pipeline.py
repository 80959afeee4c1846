"""The digitizer on whole pages: drawn ones, whose truth is known, and real ones where their folder exists."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ecgimg import read_record
from ecgimg.digitization import digitize_image, page_views, pipeline, view_choice
from ecgimg.digitization.quality import assess
from ecgimg.digitization.stage_timer import StageTimer
from layouts import load_layout, visible_window
from synth import PageSpec, make_page
from synth.degradation import Copier, Degradation
from synth.page_map import flat_map
from tests.digitization.pages import clean_page, read_page, simulated_record, snr_db


def test_digitize_clean_page(standard_page):
    """A clean page is read with its layout, its scale and its traces."""
    page, digitization = standard_page
    assert digitization.status == "ok", digitization.reasons
    assert digitization.layout == "3x4+II"
    assert (digitization.speed_mm_s, digitization.gain_mm_mv) == (25.0, 10.0)
    assert digitization.sources["gain"] == "print"
    assert digitization.px_per_mm == pytest.approx(page.truth.parameters["page"]["px_per_mm"], rel=0.003)
    assert snr_db(page, digitization) > 20


def test_digitize_keeps_nan_where_page_shows_nothing(standard_page):
    """What the page does not show stays NaN."""
    page, digitization = standard_page
    shown = visible_window(page.truth.layout, digitization.record.leads, 500.0)
    assert not (digitization.record.known & ~shown).any()
    assert (digitization.record.known & shown).sum() > 0.97 * shown.sum()


def test_digitize_blank_page_and_noise():
    """A blank page and a page of noise are refused, with reasons."""
    blank = np.full((900, 1200, 3), 250, np.uint8)
    assert digitize_image(blank).status == "refused"
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3)).astype(np.uint8)
    digitization = digitize_image(noise)
    assert digitization.status == "refused"
    assert digitization.reasons


def test_digitize_without_torch():
    """Digitizing does not load torch."""
    code = "import sys, numpy, ecgimg.digitization as d; d.digitize_image(numpy.full((600, 800, 3), 255, 'u1'))"
    done = subprocess.run(
        [sys.executable, "-c", code + "; print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_digitize_real_renders(data_folder):
    """Real renders are read with their layout, at more than 15 dB."""
    from ecgimg.formats.pages import open_pages

    for name in ("ecgminer_ludb/090.png", "kit_renders/10504_hr-0.png"):
        digitization = digitize_image(next(open_pages(data_folder / "pages" / name)).image)
        truth = read_record(data_folder / "truth" / f"{name.split('/')[1][:-4]}.csv")
        assert digitization.layout == "3x4+II"
        known = digitization.record.known
        read = np.where(known, digitization.record.signals, 0)
        true = truth.select(digitization.record.leads).signals
        power = error = 0.0
        for row in range(12):
            a, b = true[row, known[row]], read[row, known[row]]
            power += float(((a - a.mean()) ** 2).sum())
            error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        assert 10 * np.log10(power / error) > 15


@pytest.mark.slow
def test_digitize_hardly_read_small_page(monkeypatch):
    """A small page that was hardly read is read enlarged, and reported in its own pixels."""
    page = clean_page(px_per_mm=5.0)
    plain = digitize_image(page.image)
    assert not plain.unread
    monkeypatch.setattr(assess, "_LEAST_READ", 1.1)
    monkeypatch.setattr(pipeline, "shows_more", lambda tried, reading: tried.layout == reading.layout)
    larger = digitize_image(page.image)
    assert set(larger.unread) == set(plain.record.leads)
    assert larger.layout == plain.layout
    assert larger.px_per_mm == pytest.approx(plain.px_per_mm, rel=0.005)
    assert not np.array_equal(larger.record.signals, plain.record.signals)
    for one, other in zip(larger.readings, plain.readings, strict=True):
        assert one.box_px == pytest.approx(other.box_px, abs=2)
        heights = np.interp(other.points_px[:, 0], *one.points_px.T)
        assert np.median(np.abs(heights - other.points_px[:, 1])) < 0.3
    lines = [
        max(float(line[:, axis].max()) for line in digitization.grid_px)
        for digitization in (larger, plain)
        for axis in (0, 1)
    ]
    assert lines[:2] == pytest.approx(lines[2:], abs=5)


@pytest.mark.slow
@pytest.mark.parametrize("doubtful_db", [5.0, 100.0])
def test_digitize_small_page_with_doubtful_leads(monkeypatch, doubtful_db):
    """A small page whose leads do not agree is read enlarged."""
    enlarged_shapes = []
    monkeypatch.setattr(view_choice, "_DOUBTFUL_DB", doubtful_db)
    monkeypatch.setattr(pipeline, "alternative_views", lambda *_: ())
    monkeypatch.setattr(pipeline, "strengthen_pale_ink", lambda image: enlarged_shapes.append(image.shape) or image)
    digitization = digitize_image(clean_page(px_per_mm=5.0).image)
    assert digitization.consistency_db["einthoven"] < 100
    assert bool(enlarged_shapes) == (doubtful_db == 100)


def test_digitize_label_legible_in_other_view_only(monkeypatch):
    """A refused page whose lead label is legible in another view is read, and limited."""
    page = clean_page("1x1", pulse="none", print_scale=False)
    view = pipeline.view_page(page.image, StageTimer())[1]
    monkeypatch.setattr(pipeline, "view_page", lambda image, clock: (None, replace(view, labels=(), has_grid=False)))
    monkeypatch.setattr(pipeline, "alternative_views", lambda *given: iter([replace(view, has_grid=False)]))
    digitization = digitize_image(page.image)
    assert (digitization.status, digitization.layout, digitization.labels_read) == ("limited", "1x1", 1.0)
    monkeypatch.setattr(pipeline, "alternative_views", lambda *given: iter([]))
    assert digitize_image(page.image).status == "refused"


def test_digitize_skewed_grid_fit(monkeypatch):
    """A grid fit that is askew is left out where the limb leads disagree."""
    fit_map_to_grid = page_views.fit_map_to_grid

    def skewed(*given):
        page_map = fit_map_to_grid(*given)
        sheared = page_map.coefficients @ [[1.0, 0.0], [0.1, 1.0]]  # x runs on by a tenth of y
        return replace(page_map, coefficients=sheared)

    monkeypatch.setattr(page_views, "fit_map_to_grid", skewed)
    page = clean_page()
    digitization = read_page(page)
    assert digitization.sources["px_per_mm"] == "width"
    assert digitization.consistency_db["einthoven"] > 10
    assert snr_db(page, digitization) > 10


def test_digitize_binary_photocopy():
    """A photocopy in black and white is read."""
    spec = PageSpec(layout=load_layout("3x4+II"), vendor="ge", separator="tick")
    copier = Copier(contrast=1.2, grey=True, binary="threshold", level=0.5)
    degradation = Degradation(kind="scan", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px, copier=copier)
    record = simulated_record()
    page = make_page(spec, degradation, record, np.random.SeedSequence(3))
    digitization = read_page(page)
    assert digitization.layout == "3x4+II"
    assert snr_db(page, digitization) > 10
