"""The samples of a plot are found again, and a curve of a pen is left as it is."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import digitize_image
from ecgimg.digitization.interpretation import interpret
from ecgimg.digitization.model import RowTrace
from ecgimg.digitization.tracing.recover_plotted_samples import interpolate_plot_samples
from ecgimg.resample import resample
from tests.digitization.pages import clean_page, simulated_record


def form_db(truth, record_read):
    """Return the power of the leads over that of the error, without offsets, at the best shift of all up to 8 ms."""
    seconds, best = np.arange(record_read.n_samples) / record_read.fs_hz, -np.inf
    for late_s in np.arange(-0.008, 0.008, 0.00025):
        power = error = 0.0
        for name in record_read.leads:
            read = np.interp(seconds + late_s, seconds, record_read.lead(name))
            known = np.isfinite(read)
            a, b = truth.lead(name)[known], read[known]
            power += float(((a - a.mean()) ** 2).sum())
            error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        best = max(best, 10 * np.log10(power / error))
    return best


@pytest.mark.slow
@pytest.mark.parametrize(("fs_hz", "layout"), [(125.0, "3x4+II"), (100.0, "6x2")])
def test_interpolate_plot_samples_of_page(fs_hz, layout, monkeypatch):
    """A curve is read between the samples of a plot."""
    plotted = resample(simulated_record(), fs_hz)
    page = clean_page(layout, plotted)
    curved = digitize_image(page.image)
    monkeypatch.setattr(interpret, "interpolate_plot_samples", lambda rows, borders_px: rows)
    straight = digitize_image(page.image)
    truth = resample(plotted, 500.0)
    assert form_db(truth, curved.record) > form_db(truth, straight.record) + 4
    assert form_db(truth, curved.record) > 26


@pytest.mark.slow
@pytest.mark.parametrize("hum_mv", [0.0, 0.04])
def test_interpolate_plot_samples_of_pen_curve(hum_mv, monkeypatch):
    """A curve of a pen is left as it is."""
    drawn = simulated_record()
    hum = hum_mv * np.sin(2 * np.pi * 50 * np.arange(drawn.n_samples) / drawn.fs_hz)
    page = clean_page(record=EcgRecord(drawn.signals + hum.astype(np.float32), drawn.fs_hz, drawn.leads))
    calls = []
    monkeypatch.setattr(interpret, "interpolate_plot_samples", lambda *given: calls.append(given) or given[0])
    digitize_image(page.image)
    rows, borders_px = calls[0]
    for before, after in zip(rows, interpolate_plot_samples(rows, borders_px), strict=True):
        np.testing.assert_array_equal(after.points_px, before.points_px)


def test_interpolate_plot_samples_of_overlapping_strokes():
    """Strokes that overlap are plots of their own."""
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


def test_interpolate_plot_samples_without_rows():
    """A page without rows has no samples."""
    assert interpolate_plot_samples((), ()) == ()
