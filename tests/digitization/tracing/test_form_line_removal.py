"""Form lines are told from traces."""

from __future__ import annotations

from ecgimg.digitization.tracing.form_line_removal import form_lines
from tests.digitization.pages import ink_of_rows
from tests.digitization.printed_rows import PX_PER_MM


def test_form_lines_through_complexes():
    """A straight form line is told from the complexes that it goes through."""
    trace = ink_of_rows() > 0
    lined = trace.copy()
    lined[100:103, 40:1960] = True  # goes through the complexes of the first row
    lines = form_lines(lined, PX_PER_MM)
    assert not form_lines(trace, PX_PER_MM).any()
    assert lines[101, 40:1960].mean() > 0.9
    assert (lines & trace).sum() < 0.02 * trace.sum()
