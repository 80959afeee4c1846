"""Settle paper speed and gain: as the user or the page says, else as the calibration pulses show, else as usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.heart_rate import Beats, find_beats
from ecgimg.digitization.model import Pulse, ResolvedScale, RowTrace, Scale, ScaleReading
from ecgimg.digitization.pulses.detect import STANDARD_GAINS_MM_MV, STANDARD_SPEEDS_MM_S, nearest_standard
from ecgimg.reasons import Reason, ReasonCode

Floats = NDArray[np.float64]

_ABOUT_TEN_S = 0.5
_PULSE_TOLERANCE = 0.15
_PULSE_S, _TOO_WIDE, _SHORTEST_S = 0.2, 1.4, 1.0
_USUAL_MM_MV, _USUAL_MM_S = 10.0, 25.0
_TEN_SECONDS, _LESS_S, _SHORT_S, _FAST_SHORT_S = 10.0, 9.0, 6.0, 4.0
_CLEARLY = 6.0  # of likelihoods: as much as tells in spite of what is usual
_RARE = {(False, False): 0.0, (True, False): 1 / 3, (False, True): 1 / 2, (True, True): 0.9}  # speed, length


def settle_scale(
    px_per_mm: float,
    width_px: float,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    said: Sequence[ScaleReading],
    *,
    ruled: bool = True,
) -> ResolvedScale:
    """Take each number from the first who says it, else from the pulses, else as usual.

    Without a ruling a millimetre is what makes the page, of a width less the gaps between its columns, ten seconds
    wide, or five at 50 mm/s unless the heart would race, or 6 to 9 seconds where its pulses are of a usual height only
    then; that height is taken as it is. At 50 mm/s a page may be as short as 4 seconds, if its gain is told. Pulses
    that would be too wide at the speed that is told tell how short a page is.
    """
    told = next((each for each in said if each.speed_mm_s), None)
    told_mm_s = told.speed_mm_s if told is not None else None
    spoken = next((each for each in said if each.gain_mm_mv), None)
    height_mm = float(np.median([pulse.height_mm for pulse in pulses])) if pulses else None
    sized_by = "grid"
    if not ruled:
        told_gain = spoken.gain_mm_mv if spoken is not None else None
        stretch, sized_by = _sized(px_per_mm, width_px, rows, pulses, told_mm_s, told_gain)
        px_per_mm *= stretch
        pulses = [replace(pulse, height_mm=pulse.height_mm / stretch) for pulse in pulses]
        height_mm = None if height_mm is None else height_mm / stretch
    shown = None
    if height_mm is not None:
        shown = nearest_standard(height_mm, STANDARD_GAINS_MM_MV, _PULSE_TOLERANCE) if ruled else height_mm
    chest = next((each.chest_gain_mm_mv for each in said if each.chest_gain_mm_mv or each is spoken), None)
    gain, told_by = shown or _USUAL_MM_MV, "pulse" if shown else "assumed"
    warnings: tuple[Reason, ...] = ()
    if spoken is not None and spoken.gain_mm_mv and (ruled or shown is None or spoken.source == "given"):
        gain, told_by = spoken.gain_mm_mv, spoken.source
        if shown not in (None, gain, chest) and spoken.source != "given":
            warnings = (ReasonCode.GAIN_CONTRADICTS_PULSE.reason(gain_mm_mv=gain, pulse_mm=shown),)
    elif spoken is not None and spoken.gain_mm_mv and chest is not None:  # as many times the pulse's height
        chest *= gain / spoken.gain_mm_mv
    if chest is None and any(each.limb_only for each in said):
        warnings = (*warnings, ReasonCode.CHEST_GAIN_UNREAD.reason())
    speed, speed_by = (
        (told_mm_s, told.source) if told and told_mm_s else _shown_speed(width_px / px_per_mm, rows, pulses, px_per_mm)
    )
    sources = {"px_per_mm": sized_by, "speed": speed_by, "gain": told_by}
    levels = tuple(float(np.mean(row.points_px[:, 1])) for row in rows)
    return ResolvedScale(Scale(px_per_mm, speed, gain, chest or gain, levels), sources, warnings)


def _sized(
    px_per_mm: float,
    width_px: float,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    told_mm_s: float | None,
    told_mm_mv: float | None,
) -> tuple[float, str]:
    """Return how many times more px a millimetre of a page without ruling has than thought, and what tells."""
    speed, is_fast = told_mm_s or _USUAL_MM_S, told_mm_s == max(STANDARD_SPEEDS_MM_S)
    stretch = width_px / (_TEN_SECONDS * speed) / px_per_mm
    wide = [(pulse.right_px - pulse.left_px) / (px_per_mm * stretch * speed) for pulse in pulses if pulse.is_whole]
    too_wide = float(np.median(wide)) / _PULSE_S if wide and told_mm_s else 1.0
    seconds, sized_by = _TEN_SECONDS, "width"
    if too_wide > _TOO_WIDE:
        seconds = max(round(2 * _TEN_SECONDS / too_wide) / 2, _SHORTEST_S)
    elif pulses:
        height_mm = float(np.median([pulse.height_mm for pulse in pulses])) / stretch
        seconds = _shown_seconds(height_mm, told_mm_mv, _FAST_SHORT_S if is_fast and told_mm_mv else _SHORT_S)
    elif is_fast and len(rows) > 1:
        beats = find_beats(rows, px_per_mm * stretch)
        if beats is None or beats.likelihood(2 * speed) > beats.likelihood(speed) - _CLEARLY:
            return stretch * 2, sized_by
    if seconds != _TEN_SECONDS:
        sized_by = "pulse"
    return stretch * _TEN_SECONDS / seconds, sized_by


def _shown_seconds(height_mm: float, gain_mm_mv: float | None, shortest_s: float) -> float:
    """Return how long a page is, in half seconds, whose pulses would be so high if it showed ten."""
    gains = (gain_mm_mv,) if gain_mm_mv else STANDARD_GAINS_MM_MV
    lengths = [round(2 * _TEN_SECONDS * gain / height_mm) / 2 for gain in gains]
    shorter = [seconds for seconds in lengths if shortest_s <= seconds <= _LESS_S]
    return (
        shorter[0]
        if shorter and all(abs(seconds - _TEN_SECONDS) > _ABOUT_TEN_S for seconds in lengths)
        else _TEN_SECONDS
    )


def _shown_speed(
    width_mm: float, rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float
) -> tuple[float, str]:
    """Take the speed at which the page shows ten seconds, else the one that the pulses' width (0.2 s) says.

    Some pulses are short, none is long: a page of several rows that would show more than ten seconds is not as slow as
    its pulses say, unless its beats do. Without pulses these tell whether ten seconds are five at 50 mm/s.
    """
    fast, longest_s = max(STANDARD_SPEEDS_MM_S), _TEN_SECONDS + _ABOUT_TEN_S
    pulse_mm = [(pulse.right_px - pulse.left_px) / px_per_mm for pulse in pulses if pulse.is_whole]
    told = nearest_standard(float(np.median(pulse_mm)) / _PULSE_S, STANDARD_SPEEDS_MM_S, 0.2) if pulse_mm else None
    if told == fast:
        return fast, "pulse"
    is_long = told is not None and len(rows) > 1 and width_mm > longest_s * told
    beats = find_beats(rows, px_per_mm) if told is None or is_long else None
    while told and told < fast and len(rows) > 1 and width_mm > longest_s * told:
        if beats is not None and beats.likelihood(2 * told) < beats.likelihood(told) - _CLEARLY:
            break
        told *= 2
    if told is not None:
        by_width = told != _USUAL_MM_S and _shows_ten_seconds(width_mm, _USUAL_MM_S)
        return (_USUAL_MM_S, "width") if by_width and not _shows_ten_seconds(width_mm, told) else (told, "pulse")
    likely = _likely_speed(width_mm, beats, len(rows))
    return likely, "width" if likely == _USUAL_MM_S and _shows_ten_seconds(width_mm, likely) else "assumed"


def _shows_ten_seconds(width_mm: float, speed_mm_s: float) -> bool:
    return abs(width_mm / speed_mm_s - _TEN_SECONDS) < _ABOUT_TEN_S


def _likely_speed(width_mm: float, beats: Beats | None, n_rows: int) -> float:
    """Return the likeliest speed: a usual one, of a usual page, of a usual heart.

    Pages of more than ten seconds are single strips; the picture may show a part of the page only. Another speed at
    which the page shows ten seconds is likelier than the usual one at which it does not.
    """

    def likelihood(speed: float) -> float:
        result = beats.likelihood(speed) if beats is not None else 0.0
        result -= _CLEARLY * _RARE[speed != _USUAL_MM_S, not _shows_ten_seconds(width_mm, speed)]
        if width_mm / speed > _TEN_SECONDS + _ABOUT_TEN_S:
            result -= _CLEARLY if n_rows > 1 else _CLEARLY / 3
        return result

    return max(STANDARD_SPEEDS_MM_S, key=likelihood)
