"""Marks of waves: what they refuse, and their shapes on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgimg.errors import BadRequest
from ecgimg.plotting.marks import MARK_KINDS, Mark, PaperRow, WaveShapes, wave_shapes


def row(lead: str = "II") -> PaperRow:
    """A row from 10 to 20 mm, one sample a millimetre, whose middle is not known."""
    y_mm = np.linspace(30.0, 40.0, 11)
    y_mm[5] = np.nan
    return PaperRow(lead, np.linspace(10.0, 20.0, 11), y_mm, 25.0, 45.0)


def shapes_of(*marks: Mark) -> tuple[WaveShapes, ...]:
    """The shapes of marks on a row of lead II whose seconds are its millimetres."""
    return wave_shapes(marks, [row()], float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("Q7", 1.0, "p_peak"), "needs a lead, got 'Q7'"),
        (("II", 1.0, "q_peak"), "unknown kind of mark 'q_peak'"),
        (("II", math.nan, "p_peak"), "has no time"),
    ],
)
def test_mark_refusals(values, message):
    """A mark of no lead, of no kind or at no time is refused."""
    with pytest.raises(BadRequest, match=message):
        Mark(*values)


@pytest.mark.parametrize("kind", MARK_KINDS)
def test_every_kind_is_drawn(kind):
    """Every kind of mark has a shape."""
    (shapes,) = shapes_of(Mark("II", 12.0, kind))
    assert shapes.ticks_mm or shapes.peaks_mm


def test_wave_of_onset_peak_and_end():
    """A wave is a band from onset to end over its row, with a tick at both and a dot on the trace."""
    (shapes,) = shapes_of(Mark("II", 14.0, "qrs_end"), Mark("II", 12.0, "qrs_onset"), Mark("II", 13.2, "r_peak"))
    assert shapes.wave == "QRS"
    assert shapes.bands_mm == ((12.0, 14.0, 25.0, 45.0),)
    assert shapes.ticks_mm == ((12.0, 25.0, 45.0), (14.0, 25.0, 45.0))
    assert shapes.peaks_mm == ((13.2, 33.0),)


def test_onset_or_end_alone_has_no_band():
    """An onset without an end, or an end without an onset, is a tick."""
    (shapes,) = shapes_of(Mark("II", 11.0, "t_end"), Mark("II", 13.0, "t_onset"), Mark("II", 17.0, "t_onset"))
    assert shapes.bands_mm == ()
    assert [x for x, _, _ in shapes.ticks_mm] == [11.0, 13.0, 17.0]


def test_band_across_the_end_is_cut():
    """A band ends where its row ends, without a tick there."""
    (shapes,) = shapes_of(Mark("II", 18.0, "t_onset"), Mark("II", 23.0, "t_end"))
    assert shapes.bands_mm == ((18.0, 20.0, 25.0, 45.0),)
    assert [x for x, _, _ in shapes.ticks_mm] == [18.0]


def test_marks_that_are_not_drawn():
    """Marks of other leads and seconds, and peaks where the trace is not known, have no shape."""
    assert shapes_of(Mark("V1", 12.0, "p_peak"), Mark("II", 30.0, "p_peak"), Mark("II", 15.1, "p_peak")) == ()


def test_pacing_spike():
    """A pacing spike is a tick over the whole row with a sign on top."""
    (shapes,) = shapes_of(Mark("II", 15.0, "pacing_spike"))
    assert shapes.ticks_mm == ((15.0, 25.0, 45.0),)
    assert shapes.peaks_mm == ((15.0, 25.0),)


def test_marks_of_several_rows():
    """The marks of one wave on several rows are one set of shapes; each lies on the row of its lead."""
    marks = [Mark("II", 12.0, "p_peak"), Mark("V1", 13.0, "p_peak")]
    (shapes,) = wave_shapes(marks, [row(), row("V1")], float)
    assert shapes.peaks_mm == ((12.0, 32.0), (13.0, 33.0))
