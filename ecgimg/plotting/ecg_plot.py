"""The plot of a record: leads on ECG paper as SVG, for notebooks and files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import BadOutput, BadRequest
from ecgimg.plotting.marks import Mark
from ecgimg.plotting.paper_layout import lay_out
from ecgimg.plotting.svg import as_svg

_SECONDS = 10.0  # drawn unless more is asked for: the usual page


@dataclass(frozen=True, eq=False, repr=False)
class EcgPlot:
    """Leads on ECG paper at 25 mm/s and 10 mm/mV; a notebook shows it.

    Parameters
    ----------
    svg : str
        The SVG document; its units are millimetres.
    title : str
        What is drawn, in a few words.
    """

    svg: str
    title: str

    def save(self, path: str | Path) -> Path:
        """Write the plot as an SVG file, whole or not at all; `BadOutput` for another suffix or place."""
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise BadOutput(f"plots cannot be written as {path.name}; name a file that ends in .svg")
        with atomic_path(path) as draft:
            draft.write_text(self.svg, encoding="utf-8")
        return path

    def __repr__(self) -> str:
        return f"EcgPlot({self.title})"

    def _repr_svg_(self) -> str:
        return self.svg


def plot_leads(
    signals: NDArray[np.float32],
    fs_hz: float,
    leads: Sequence[str],
    marks: Sequence[Mark] = (),
    *,
    start_s: float = 0.0,
    seconds: float | None = None,
) -> EcgPlot:
    """Plot leads; see `ecgimg.EcgRecord.plot`."""
    total_s = signals.shape[1] / fs_hz
    if not 0 <= start_s < total_s:
        raise BadRequest(f"the record has no second {start_s:g}; give a start_s from 0 to below {total_s:g}")
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise BadRequest(f"{seconds:g} seconds cannot be plotted; give a positive number")
    seconds = min(_SECONDS if seconds is None else seconds, total_s - start_s)
    count = f"{len(leads)} lead{'s' if len(leads) > 1 else ''}"
    title = f"{count}, {start_s:.4g} to {start_s + seconds:.4g} s"
    return EcgPlot(as_svg(lay_out(signals, fs_hz, leads, marks, start_s=start_s, seconds=seconds), title), title)
