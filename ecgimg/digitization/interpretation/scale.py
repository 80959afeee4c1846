"""Resolve paper speed, gain and millimetre: as given or printed, else by the calibration pulses, else as usual.

Without a grid, the millimetre follows from the width of the page: usual pages show ten seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgimg.digitization.interpretation.beats.beat_spacing_and_width import BeatStatistics, measure_beats
from ecgimg.digitization.interpretation.recording_extent import RECORD_S
from ecgimg.digitization.model import Pulse, ResolvedScale, RowTrace, Scale, ScaleReading
from ecgimg.digitization.pulses.detect_by_network import STANDARD_GAINS_MM_MV, STANDARD_SPEEDS_MM_S, nearest_standard
from ecgimg.reasons import Reason, ReasonCode

_USUAL_GAIN_MM_MV, _USUAL_SPEED_MM_S = 10.0, 25.0
_FASTEST_MM_S = max(STANDARD_SPEEDS_MM_S)
_RECORD_TOLERANCE_S = 0.5  # pages that show a record are longer or shorter by less
_PULSE_S = 0.2  # width of a usual pulse
_HEIGHT_TOLERANCE, _WIDTH_TOLERANCE = 0.15, 0.2  # shares by which a pulse may differ from a usual gain, and speed
_MAX_PULSE_RATIO = 1.4  # a pulse that would be so many times too wide tells that the page shows less than a record
_MIN_PAGE_S = 1.0  # no page is shorter, whatever was taken for a pulse
_SHORT_PAGE_S = (6.0, 9.0)  # pages that are told to be short by the height of their pulses alone
_MIN_FAST_PAGE_S = 4.0  # at 50 mm/s, if the gain is known
_CLEARLY = 6.0  # log likelihoods: so much decides against what is usual
_RARITY = {(False, False): 0.0, (True, False): 1 / 3, (False, True): 1 / 2, (True, True): 0.9}
"""How rare a page is, as a share of that, by whether its speed, and its length, are unusual."""


def resolve_scale(
    px_per_mm: float,
    width_px: float,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    readings: Sequence[ScaleReading],
    *,
    has_grid: bool = True,
) -> ResolvedScale:
    """Take each number from the first reading that has it, else from the pulses, else as usual.

    Without a grid, the millimetre follows from the width of the page, and the gain from the pulses as they are high.

    Parameters
    ----------
    px_per_mm : float
        Of the flat page, a guess if there is no grid.
    width_px : float
        Of all columns together, without gaps between them.
    rows : sequence of RowTrace
    pulses : sequence of Pulse
    readings : sequence of ScaleReading
        The one to be trusted most first.
    has_grid : bool
        Whether the page map follows a grid.

    Returns
    -------
    ResolvedScale
        Its zero levels are the means of the rows.
    """
    speeds = ((reading.speed_mm_s, reading.source) for reading in readings if reading.speed_mm_s)
    read_speed, speed_source = next(speeds, (None, ""))
    gain_reading = next((reading for reading in readings if reading.gain_mm_mv), None)
    pulse_mm = float(np.median([pulse.height_mm for pulse in pulses])) if pulses else None
    size_source = "grid"
    if not has_grid:
        read_gain = gain_reading.gain_mm_mv if gain_reading is not None else None
        stretch, size_source = _stretch_without_grid(px_per_mm, width_px, rows, pulses, read_speed, read_gain)
        px_per_mm *= stretch
        pulse_mm = None if pulse_mm is None else pulse_mm / stretch
    gain, chest_gain, gain_source, warnings = _resolve_gain(readings, gain_reading, pulse_mm, has_grid=has_grid)
    speed = read_speed
    if speed is None:
        speed, speed_source = _infer_speed(width_px / px_per_mm, rows, pulses, px_per_mm)
    sources = {"px_per_mm": size_source, "speed": speed_source, "gain": gain_source}
    means_px = tuple(float(np.mean(row.points_px[:, 1])) for row in rows)
    return ResolvedScale(Scale(px_per_mm, speed, gain, chest_gain or gain, means_px), sources, warnings)


def _resolve_gain(
    readings: Sequence[ScaleReading], gain_reading: ScaleReading | None, pulse_mm: float | None, *, has_grid: bool
) -> tuple[float, float | None, str, tuple[Reason, ...]]:
    """Return gain, chest gain (None if it is the same), source of the gain, and warnings."""
    shown = _shown_gain(pulse_mm, has_grid=has_grid)
    chest = next(
        (reading.chest_gain_mm_mv for reading in readings if reading.chest_gain_mm_mv or reading is gain_reading), None
    )
    gain, source = shown or _USUAL_GAIN_MM_MV, "pulse" if shown else "assumed"
    warnings: tuple[Reason, ...] = ()
    if gain_reading is not None and gain_reading.gain_mm_mv:
        if has_grid or shown is None or gain_reading.source == "given":
            gain, source = gain_reading.gain_mm_mv, gain_reading.source
            if shown not in (None, gain, chest) and gain_reading.source != "given":
                warnings = (ReasonCode.GAIN_CONTRADICTS_PULSE.reason(gain_mm_mv=gain, pulse_mm=shown),)
        elif chest is not None:  # in the same ratio to the gain that the pulse shows as it is printed
            chest *= gain / gain_reading.gain_mm_mv
    if chest is None and any(reading.limb_only for reading in readings):
        warnings = (*warnings, ReasonCode.CHEST_GAIN_UNREAD.reason())
    return gain, chest, source, warnings


def _shown_gain(pulse_mm: float | None, *, has_grid: bool) -> float | None:
    """Return the gain that the height of the pulse shows: a standard one, or None, where a grid gives true mm."""
    if pulse_mm is None or not has_grid:
        return pulse_mm
    return nearest_standard(pulse_mm, STANDARD_GAINS_MM_MV, _HEIGHT_TOLERANCE)


def _stretch_without_grid(
    px_per_mm: float,
    width_px: float,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    read_speed_mm_s: float | None,
    read_gain_mm_mv: float | None,
) -> tuple[float, str]:
    """Return how many times as many px as thought a millimetre of a page without a grid has, and the source.

    The page shows ten seconds, with these exceptions:

    - Pulses that would be too wide at a known speed tell how short the page is.
    - If only 6 to 9 seconds make the pulses as high as a usual gain, the page shows these; at 50 mm/s it may show as
      little as 4, if the gain is known.
    - Without pulses, it shows five at 50 mm/s unless the heart would race.
    """
    speed, is_fast = read_speed_mm_s or _USUAL_SPEED_MM_S, read_speed_mm_s == _FASTEST_MM_S
    stretch = width_px / (RECORD_S * speed) / px_per_mm
    widths_s = [(pulse.right_px - pulse.left_px) / (px_per_mm * stretch * speed) for pulse in pulses if pulse.is_whole]
    pulse_ratio = float(np.median(widths_s)) / _PULSE_S if widths_s and read_speed_mm_s else 1.0
    seconds = RECORD_S
    if pulse_ratio > _MAX_PULSE_RATIO:
        seconds = max(round(2 * RECORD_S / pulse_ratio) / 2, _MIN_PAGE_S)
    elif pulses:
        height_mm = float(np.median([pulse.height_mm for pulse in pulses])) / stretch
        min_seconds = _MIN_FAST_PAGE_S if is_fast and read_gain_mm_mv else _SHORT_PAGE_S[0]
        seconds = _seconds_by_pulse_height(height_mm, read_gain_mm_mv, min_seconds)
    elif is_fast and len(rows) > 1:
        beats = measure_beats(rows, px_per_mm * stretch)
        if beats is None or beats.log_likelihood(2 * speed) > beats.log_likelihood(speed) - _CLEARLY:
            return stretch * 2, "width"
    return stretch * RECORD_S / seconds, "width" if seconds == RECORD_S else "pulse"


def _seconds_by_pulse_height(height_mm: float, gain_mm_mv: float | None, min_seconds: float) -> float:
    """Return how many seconds a page shows, in halves, whose pulses would be so high if it showed ten."""
    gains = (gain_mm_mv,) if gain_mm_mv else STANDARD_GAINS_MM_MV
    lengths = [round(2 * RECORD_S * gain / height_mm) / 2 for gain in gains]
    if any(abs(seconds - RECORD_S) <= _RECORD_TOLERANCE_S for seconds in lengths):
        return RECORD_S
    return next((seconds for seconds in lengths if min_seconds <= seconds <= _SHORT_PAGE_S[1]), RECORD_S)


def _infer_speed(
    width_mm: float, rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float
) -> tuple[float, str]:
    """Return the speed at which the page shows ten seconds, else the one that the width of the pulses says.

    Without pulses, the beats tell whether ten seconds are five at 50 mm/s.
    """
    widths_mm = [(pulse.right_px - pulse.left_px) / px_per_mm for pulse in pulses if pulse.is_whole]
    by_pulse = (
        nearest_standard(float(np.median(widths_mm)) / _PULSE_S, STANDARD_SPEEDS_MM_S, _WIDTH_TOLERANCE)
        if widths_mm
        else None
    )
    if by_pulse is None:
        speed = _likeliest_speed(width_mm, measure_beats(rows, px_per_mm), len(rows))
        is_usual = speed == _USUAL_SPEED_MM_S and _shows_record(width_mm, speed)
        return speed, "width" if is_usual else "assumed"
    speed = _speed_of_short_pulses(by_pulse, width_mm, rows, px_per_mm)
    if by_pulse == _FASTEST_MM_S or _shows_record(width_mm, speed):
        return speed, "pulse"
    return (_USUAL_SPEED_MM_S, "width") if _shows_record(width_mm, _USUAL_SPEED_MM_S) else (speed, "pulse")


def _speed_of_short_pulses(speed_mm_s: float, width_mm: float, rows: Sequence[RowTrace], px_per_mm: float) -> float:
    """Return the speed that the pulses say, or twice as much or more if they may be short.

    Some pulses are short, none is long. So a page of several rows that would show more than ten seconds is not as slow
    as its pulses say, unless its beats are.
    """
    longest_s = RECORD_S + _RECORD_TOLERANCE_S

    def is_too_slow(speed: float) -> bool:
        return speed < _FASTEST_MM_S and len(rows) > 1 and width_mm > longest_s * speed

    beats = measure_beats(rows, px_per_mm) if is_too_slow(speed_mm_s) else None
    while is_too_slow(speed_mm_s):
        if beats is not None and beats.log_likelihood(2 * speed_mm_s) < beats.log_likelihood(speed_mm_s) - _CLEARLY:
            break
        speed_mm_s *= 2
    return speed_mm_s


def _shows_record(width_mm: float, speed_mm_s: float) -> bool:
    """Tell whether a page shows about ten seconds at a speed."""
    return abs(width_mm / speed_mm_s - RECORD_S) < _RECORD_TOLERANCE_S


def _likeliest_speed(width_mm: float, beats: BeatStatistics | None, n_rows: int) -> float:
    """Return the likeliest speed: a usual one, of a usual page, of a usual heart.

    Pages of more than ten seconds are single strips; the picture may show a part of the page only. Another speed at
    which the page shows ten seconds is likelier than the usual one at which it does not.
    """

    def log_likelihood(speed: float) -> float:
        result = beats.log_likelihood(speed) if beats is not None else 0.0
        result -= _CLEARLY * _RARITY[speed != _USUAL_SPEED_MM_S, not _shows_record(width_mm, speed)]
        if width_mm / speed > RECORD_S + _RECORD_TOLERANCE_S:
            result -= _CLEARLY if n_rows > 1 else _CLEARLY / 3
        return result

    return max(STANDARD_SPEEDS_MM_S, key=log_likelihood)
