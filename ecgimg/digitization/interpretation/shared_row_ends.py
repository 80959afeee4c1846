"""Where the rows of a page start and end together, whatever single rows have lost or picked up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.numerics import Floats, densest_cluster, gaussian_mode

_SAME_END_PX = 0.25  # ends that agree spread by about so much
_SAME_END_MM = 0.6  # ends that are nearer to each other agree
_WIDENINGS = (1, 2, 4)  # times that distance, tried until two ends agree
_MAX_CROPPED = 0.97  # rows that are longer, as a share of the record, are not cropped
_EDGE_MM = 2.0  # the picture may crop rows that end so near to its edge


def shared_end_px(ends_px: Floats, px_per_mm: float) -> float:
    """Return the median of the ends on which most rows agree.

    They agree within 0.6 mm or, if no two do, within two or four times as much.

    Parameters
    ----------
    ends_px : (rows,) float64
    px_per_mm : float
    """
    agreeing_px = ends_px
    for widening in _WIDENINGS:
        agreeing_px = densest_cluster(ends_px, widening * _SAME_END_MM * px_per_mm)
        if len(agreeing_px) > 1:
            break
    return float(np.median(agreeing_px))


def modal_end_px(ends_px: Floats) -> float:
    """Return the end (rows,) px around which most lie, to a fraction of a pixel."""
    return gaussian_mode(ends_px, _SAME_END_PX)


def shared_width_px(rows: Sequence[RowTrace], px_per_mm: float) -> float:
    """Return the distance between the left and the right end on which most rows agree."""
    left, right = (shared_end_px(np.array([row.points_px[end, 0] for row in rows]), px_per_mm) for end in (0, -1))
    return right - left


def uncropped_extents(
    page: FlatPage, rows: Sequence[RowTrace], extent_px: tuple[float, float], record_px: float
) -> list[tuple[float, float]]:
    """Return the extents that the columns may have beyond an edge of the picture that crops them.

    Parameters
    ----------
    page : FlatPage
    rows : sequence of RowTrace
    extent_px : (float, float)
        Where the columns start and end within the picture.
    record_px : float
        Width of all columns together if none is cropped.

    Returns
    -------
    list of (float, float)
        None, one or two extents of that width.
    """
    left, right = extent_px
    if right - left > _MAX_CROPPED * record_px:
        return []
    height, width = page.page_map.size_px[::-1]
    extents = []
    for end, extent in ((0, (right - record_px, right)), (-1, (left, left + record_px))):
        x, y = page.flat_to_image(np.array([row.points_px[end] for row in rows])).T
        to_edge_px = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
        if np.median(to_edge_px) < _EDGE_MM * page.page_map.px_per_mm:
            extents.append(extent)
    return extents
