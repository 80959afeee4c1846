"""The samples of a plot are found again, and a pen's curve is left as it is."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import digitize_image
from ecgimg.digitization.interpretation import interpret
from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.tracing.plot_averaging import undo_sample_averaging
from ecgimg.digitization.tracing.plot_samples import interpolate_plot_samples
from ecgimg.resample import resample
from synth import HeartSpec, simulate
from tests.test_digitize import clean_page


def record():
    return simulate(HeartSpec(rate_bpm=66), np.random.default_rng(2)).record


def form_db(truth, found):
    """Power of the leads over that of the error, each lead's offset removed, at the best time for all, up to 8 ms."""
    seconds, best = np.arange(found.n_samples) / found.fs_hz, -np.inf
    for late_s in np.arange(-0.008, 0.008, 0.00025):
        power = error = 0.0
        for name in found.leads:
            read = np.interp(seconds + late_s, seconds, found.lead(name))
            known = np.isfinite(read)
            a, b = truth.lead(name)[known], read[known]
            power += float(((a - a.mean()) ** 2).sum())
            error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        best = max(best, 10 * np.log10(power / error))
    return best


@pytest.mark.slow
@pytest.mark.parametrize(("fs_hz", "layout"), [(125.0, "3x4+II"), (100.0, "6x2")])
def test_between_the_samples_of_a_plot_a_curve_is_read(fs_hz, layout, monkeypatch):
    plotted = resample(record(), fs_hz)
    page = clean_page(layout, plotted)
    found = digitize_image(page.image)
    monkeypatch.setattr(interpret, "interpolate_plot_samples", lambda rows, borders_px: rows)
    straight = digitize_image(page.image)
    truth = resample(plotted, 500.0)
    assert form_db(truth, found.record) > form_db(truth, straight.record) + 4
    assert form_db(truth, found.record) > 26


@pytest.mark.slow
@pytest.mark.parametrize("hum_mv", [0.0, 0.04])
def test_a_pen_s_curve_is_left_as_it_is(hum_mv, monkeypatch):
    drawn = record()
    hum = hum_mv * np.sin(2 * np.pi * 50 * np.arange(drawn.n_samples) / drawn.fs_hz)
    page = clean_page(record=EcgRecord(drawn.signals + hum.astype(np.float32), drawn.fs_hz, drawn.leads))
    sought = []
    monkeypatch.setattr(interpret, "interpolate_plot_samples", lambda *given: sought.append(given) or given[0])
    digitize_image(page.image)
    rows, borders_px = sought[0]
    for before, after in zip(rows, interpolate_plot_samples(rows, borders_px), strict=True):
        np.testing.assert_array_equal(after.points_px, before.points_px)


def test_strokes_that_overlap_are_plots_of_their_own():
    x = np.concatenate([np.arange(100, 500, 0.25), np.arange(498, 900, 0.25)])
    corners = np.random.default_rng(1).normal(size=1000)
    y = 200 + 10 * np.interp(x / 1.6, np.arange(1000), corners)
    none = np.zeros(len(x), bool)
    stroke = (np.arange(len(x)) >= 1600).astype(np.int64)
    row = RowTrace(
        200.0, np.stack([x, y], axis=1), np.ones(len(x)), np.full(len(x), 0.1), none, none, stroke_index=stroke
    )
    (curved,) = interpolate_plot_samples([row], [500.0])
    inside = np.isclose(x / 1.6 % 1, 0, atol=1e-6)
    assert curved.points_px[inside, 1] == pytest.approx(y[inside], abs=0.1)
    assert np.abs(curved.points_px[:, 1] - y).max() > 1


def test_a_page_without_rows_has_no_samples():
    assert interpolate_plot_samples((), ()) == ()


@pytest.mark.parametrize(("averaged", "whole_uv", "undone"), [(5, True, True), (1, True, False), (5, False, False)])
def test_means_of_samples_that_a_vector_plot_draws_are_undone(averaged, whole_uv, undone):
    signals_uv = 1000 * resample(resample(record(), 100.0), 500.0).signals  # no faster than a plot can show
    signals_uv = np.rint(signals_uv) if whole_uv else signals_uv
    at = np.arange(2, signals_uv.shape[1] - 2, 4)
    rows, told_mm = [], []
    for lead_uv in signals_uv:
        drawn_uv = np.mean([lead_uv[at + step] for step in range(-(averaged // 2), averaged // 2 + 1)], axis=0)
        points = np.stack([np.arange(len(at)) * 0.2, -drawn_uv / 100], axis=1)  # 25 mm/s, 10 mm/mV
        no = np.zeros(len(at), bool)
        rows.append(RowTrace(0.0, points, np.ones(len(at)), np.zeros(len(at)), no, no))
        told_mm.append(-lead_uv[at] / 100)
    scale = Scale(1.0, 25.0, 10.0, 10.0, (0.0,) * len(rows))
    found = undo_sample_averaging(rows, scale)
    off_mm = [
        np.array([(row.points_px[:, 1] - told).std() for row, told in zip(each, told_mm, strict=True)])
        for each in (found, rows)
    ]
    if undone:
        assert (off_mm[0] < 0.2 * off_mm[1]).all()
    else:
        assert all(np.array_equal(one.points_px, other.points_px) for one, other in zip(found, rows, strict=True))
