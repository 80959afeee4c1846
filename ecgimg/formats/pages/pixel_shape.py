"""What the tags of a picture say of its pixels: how many there are to an inch, and whether they are square."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

SCANNER_DPI = (90.0, 1300.0)
"""A dpi tag outside says nothing: cameras and programs write 72 for want of a number."""

_SQUARE = 1.01  # ratio up to which unequal tags are rounding
# Faxes have 204 × 98, 204 × 196 or 204 × 391 pixels an inch (ITU-T T.4 and T.30), and scanners halve one direction. Any
# other ratio (72 × 300, 96 × 120) was seen in no device, and is a mistake of a program.
_DEVICE_RATIOS = ((_SQUARE, 1.1), (1.8, 2.2))
_PAPER_RATIOS = (1.25, 1.5)  # long to short side: letter is 1.29, A4 is 1.41
_EXIF_FOLDER, _EXPOSURE_TIME = 0x8769, 0x829A  # EXIF tags

Pair = tuple[float, float]


def unequal_resolution(image: Image.Image) -> Pair | None:
    """Return (across, down) of a picture whose tags say that its pixels are not square; None where they are.

    Pixels an inch, or any unit where the file states only their ratio. Tags are believed where a fax or a scanner has
    such a ratio, unless the picture has the shape of a sheet of paper as it is and would lose it.
    """
    across, down = _tagged(image) or (1.0, 1.0)
    ratio = across / down
    if not any(low < max(ratio, 1 / ratio) <= high for low, high in _DEVICE_RATIOS):
        return None
    width, height = image.size
    is_stale = max(ratio, 1 / ratio) > _DEVICE_RATIOS[0][1] and (
        _has_shape_of_paper(width, height) and not _has_shape_of_paper(width, height * ratio)
    )
    return None if is_stale else (across, down)


def stretch_to_square(resolution: Pair | None) -> Pair:
    """Return by how much a picture of pixels that are not square is stretched (across, down): one of them is 1."""
    across, down = resolution or (1.0, 1.0)
    return max(down / across, 1.0), max(across / down, 1.0)


def scanner_px_per_mm(image: Image.Image) -> float | None:
    """Return the finer resolution that a scanner tagged, or None: a camera's dpi tag means nothing."""
    tagged = _pair(image.info.get("dpi"))
    if tagged is None or _is_photo(image):
        return None
    low, high = SCANNER_DPI
    is_square = max(tagged) <= _SQUARE * min(tagged)
    if not low <= min(tagged) <= max(tagged) <= high or not (is_square or unequal_resolution(image)):
        return None
    return (tagged[0] if is_square else max(tagged)) / 25.4


def _tagged(image: Image.Image) -> Pair | None:
    """Return the resolution or the ratio (across, down) that the tags state; None where they state none."""
    info = image.info
    dpi = _pair(info.get("dpi"))
    # a resolution that no scanner has, as 72 × 36, is none to go by
    if dpi is not None and not all(SCANNER_DPI[0] <= value <= SCANNER_DPI[1] for value in dpi):
        return None
    # PNG, TIFF and JPEG without a unit
    ratio = info.get("aspect") or info.get("resolution") or (info.get("jfif_unit") == 0 and info.get("jfif_density"))
    found = dpi or _pair(ratio)
    return None if found is None or _is_photo(image) else found


def _pair(values: Any) -> Pair | None:
    """Return two positive finite numbers, or None for anything else."""
    try:
        across, down = (float(value) for value in values)
    except Exception:  # no tag, or one that makes no sense
        return None
    return (across, down) if all(value > 0 and math.isfinite(value) for value in (across, down)) else None


def _is_photo(image: Image.Image) -> bool:
    try:
        return _EXPOSURE_TIME in image.getexif().get_ifd(_EXIF_FOLDER)
    except Exception:  # damaged EXIF: whatever wrote it, the tags cannot be relied on
        return True


def _has_shape_of_paper(width: float, height: float) -> bool:
    return _PAPER_RATIOS[0] <= max(width, height) / min(width, height) <= _PAPER_RATIOS[1]
