"""Sort the paths of a vector page into traces, calibration pulses and grid, and read its labels and scale."""

from __future__ import annotations

from ecgimg.formats.vector_pdf.calibration_pulses import separate_pulses, trim_pulses
from ecgimg.formats.vector_pdf.elements import VectorEcg, VectorPage, VectorPath, VectorPulse
from ecgimg.formats.vector_pdf.grid import find_grid, glyph_grid
from ecgimg.formats.vector_pdf.labels_and_scale import lead_labels, printed_scales
from ecgimg.formats.vector_pdf.trace_selection import in_reading_order, trace_candidates, unrepeated


def split_vector(page: VectorPage) -> VectorEcg:
    """Sort a page's paths into traces, pulses and grid, and read its labels, speed and gain."""
    candidates, rest = trace_candidates(page.paths)
    traces: list[VectorPath] = []
    pulses: list[VectorPulse] = []
    for path in candidates:
        trace, own = trim_pulses(path)
        pulses += own
        if trace is not None:
            traces.append(trace)
    own_pulses, others = separate_pulses(rest)
    grid, others, grid_x_mm, grid_y_mm = find_grid(others)
    # some exports print the grid as text in a font of dots, which draws no path
    if grid_y_mm is None:
        grid_y_mm = glyph_grid(page.texts)
    speed, gain, chest = printed_scales(page.texts)
    return VectorEcg(
        # twice drawn traces would be two leads at one place
        traces=tuple(in_reading_order(unrepeated(traces))),
        # a set, since a pulse that is drawn twice over itself is found twice
        pulses=tuple(sorted({*pulses, *own_pulses}, key=lambda pulse: (round(pulse.base_mm), pulse.left_mm))),
        grid=tuple(grid),
        grid_x_mm=grid_x_mm,
        grid_y_mm=grid_y_mm,
        labels=tuple(lead_labels(page.texts)),
        speed_mm_s=speed,
        gain_mm_mv=gain,
        chest_gain_mm_mv=chest,
        other=tuple(others),
    )
