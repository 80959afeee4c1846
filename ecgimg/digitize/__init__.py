"""From the picture of an ECG to its calibrated signals: one module a stage, `pipeline` in the order data flows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._verbs import make_callable
from ecgimg.digitize.pipeline import digitize_image
from ecgimg.digitize.result import Digitization, LeadReading
from ecgimg.formats.page import open_pages

__all__ = ["Digitization", "LeadReading", "digitize", "digitize_image"]


def digitize(
    page: str | Path | NDArray[np.uint8],
    layout: str = "auto",
    *,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Digitize one page: a file (its first page) or a picture (height, width, 3) uint8 RGB.

    Parameters
    ----------
    page : path or array
    layout : str
        ``"auto"``, a name of `layouts.names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
        Used as they are where given.

    Raises
    ------
    UnreadablePage
        When the file cannot be opened. A page that can be opened but not read is a result with status ``refused``.
    """
    if isinstance(page, np.ndarray):
        return digitize_image(page, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv)
    opened = next(open_pages(page))
    return digitize_image(
        opened.image, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv, vector=opened.vector
    )


make_callable(__name__)
