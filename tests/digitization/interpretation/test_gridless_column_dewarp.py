"""Columns of uneven width are made even."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.gridless_column_dewarp import fit_column_dewarp
from ecgimg.digitization.model import FlatPage, ResolvedScale
from tests.digitization.printed_rows import PX_PER_MM, PX_PER_S, START_PX, interpretation_of, printed_rows, scale_of


def narrowed_px(x, narrower):
    """Return where x lies once columns get narrower to the right, the first start staying where it is."""
    away = (np.asarray(x, np.float64) - START_PX) / PX_PER_S
    return START_PX + PX_PER_S * (away - narrower * away**2 / 20)


@pytest.mark.parametrize("narrower", [0.0, 0.05, -0.04])
@pytest.mark.parametrize("n_separators", [3, 2, 1])
def test_fit_column_dewarp_by_separators(layout, narrower, n_separators):
    """Without a grid, separators make columns of uneven width even."""
    even = printed_rows(layout)
    rows = [
        replace(
            even_row,
            points_px=np.stack([narrowed_px(even_row.points_px[:, 0], narrower), even_row.points_px[:, 1]], axis=1),
        )
        for even_row in even
    ]
    borders = narrowed_px(START_PX + 2.5 * PX_PER_S * np.arange(1, 4), narrower)
    scale, placement = scale_of(rows), interpretation_of(layout)
    blank = np.zeros((round(rows[-1].baseline_px) + 400, round(borders[-1]) + 1200), np.float32)
    segmentation = SimpleNamespace(trace=np.full(blank.shape, 255, np.uint8), label=np.zeros(blank.shape, np.uint8))
    page = FlatPage(blank, segmentation, blank, PX_PER_MM, (0, 0), None)
    dewarp = fit_column_dewarp(page, rows, placement, np.repeat(borders[-n_separators:], 3), [], scale)
    if n_separators == 1:
        assert dewarp is None
        return
    with_starts = dewarp.with_flat_starts(rows, placement)
    assert with_starts[0].column_starts_px[1:] == pytest.approx(borders, abs=0.5)
    assert dewarp.start_px == pytest.approx(START_PX, abs=1)
    for even_row, uneven_row in zip(even, with_starts, strict=True):
        dewarped = dewarp.dewarp_row(uneven_row)
        stretch = dewarp.spacing_px / (2.5 * PX_PER_S)
        assert dewarped.points_px[:, 0] == pytest.approx(
            START_PX + stretch * (even_row.points_px[:, 0] - START_PX), abs=1.5
        )
        assert dewarp.even_to_image(np.asarray)(dewarped.points_px) == pytest.approx(uneven_row.points_px, abs=0.01)
    resolved = ResolvedScale(scale, {"px_per_mm": "width", "gain": "pulse"}, ()).stretched(stretch)
    assert resolved.scale.px_per_s == pytest.approx(PX_PER_S * stretch)
    assert resolved.scale.px_per_mv("I") == pytest.approx(scale.px_per_mv("I"))
