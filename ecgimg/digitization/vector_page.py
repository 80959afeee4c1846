"""Read a page from its own paths: a vector PDF holds the traces, and needs neither networks nor a grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgimg.digitization.interpretation.interpret import Given
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.interpretation.shared_row_ends import shared_width_px
from ecgimg.digitization.model import ImageGeometry, ScaleReading
from ecgimg.digitization.quality.assess import assess_page
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.signals.zero_level import with_zero_levels
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.tracing.undo_vector_plot_averaging import undo_sample_averaging
from ecgimg.digitization.tracing.vector_rows import VectorRows


def digitize_vector_rows(
    vector_rows: VectorRows, image_px_per_page_mm: float, given: Given, timer: StageTimer
) -> Digitization:
    """Interpret the rows of a vector page, whose coordinates are mm of ECG paper.

    Parameters
    ----------
    image_px_per_page_mm : float
        Of the picture of the page, for drawing the result on it.
    """
    timer.lap("paths")
    text = ScaleReading(vector_rows.speed_mm_s, vector_rows.gain_mm_mv, vector_rows.chest_gain_mm_mv, "text")
    width_mm = shared_width_px(vector_rows.rows, 1.0)
    resolved = resolve_scale(1.0, width_mm, vector_rows.rows, vector_rows.pulses, (given.scale, text))
    rows = undo_sample_averaging(vector_rows.rows, resolved.scale)
    extent_mm = min(row.points_px[0, 0] for row in rows), max(row.points_px[-1, 0] for row in rows)
    interpretation = given.match(rows, extent_mm, vector_rows.labels, resolved.scale)
    scale = with_zero_levels(rows, vector_rows.pulses, interpretation, resolved.scale)
    timer.lap("interpretation")
    image_px = np.array([vector_rows.x_unit, vector_rows.y_unit]) * image_px_per_page_mm
    geometry = ImageGeometry(lambda points: points * image_px - 0.5, float(image_px[0]), ())
    return assess_page(geometry, rows, interpretation, replace(resolved, scale=scale), timer.laps_s, given.layout)
