"""From the picture of an ECG to its calibrated signals: one module a stage, `pipeline` in the order data flows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.formats.pages import open_pages

__all__ = ["Digitization", "LeadReading", "digitize", "digitize_image"]


def digitize(
    page: str | Path | NDArray[np.uint8],
    layout: str = "auto",
    *,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Digitize one page; see `ecgimg.digitize`."""
    if isinstance(page, np.ndarray):
        return digitize_image(page, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv)
    opened = next(open_pages(page))
    return digitize_image(
        opened.image, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv, vector=opened.vector
    )
