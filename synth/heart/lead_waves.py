"""Where each lead shows the waves of a simulated record, as an annotator of that lead alone would mark them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.heart.waves import Wave, sum_waves

Array = NDArray[np.float64]

# A wave begins where it leaves this share of its own peak in the lead, or these mV where that is more; in a lead where
# its peak stays below the last number, nobody could mark it. Shares and mV are about those of the annotators of LUDB.
_EDGES = {"P": (0.06, 0.008, 0.03), "QRS": (0.03, 0.02, 0.08), "T": (0.05, 0.010, 0.04)}
_STEP_S = 0.001


@dataclass(frozen=True)
class LeadWave:
    """A wave as one lead shows it.

    Parameters
    ----------
    lead : str
    kind : {"P", "QRS", "T"}
    onset_s, peak_s, end_s : float
        Seconds of the canvas; parts of it may lie off the canvas.
    is_visible : bool
        False where the wave is too small in this lead to be marked; its times are then those of the whole heart.
    """

    lead: str
    kind: str
    onset_s: float
    peak_s: float
    end_s: float
    is_visible: bool


def locate_lead_waves(
    beats: Sequence[tuple[float, Sequence[Wave]]], matrix: Array, leads: Sequence[str]
) -> tuple[LeadWave, ...]:
    """Return the waves of all leads.

    Parameters
    ----------
    beats : sequence of (zero_s, waves)
        Waves of a beat or of an atrial event, timed from its zero.
    matrix : (leads, base leads)
        See `lead_vectors.leads_from_base`.
    """
    found = []
    for zero_s, waves in beats:
        for kind in ("P", "QRS", "T"):
            own = [wave for wave in waves if wave.part == kind]
            if own:
                found += _waves_of_part(zero_s, own, matrix, leads, kind)
    return tuple(found)


def _waves_of_part(zero_s: float, waves: list[Wave], matrix: Array, leads: Sequence[str], kind: str) -> list[LeadWave]:
    """Return one wave of the heart in every lead."""
    share, least_mv, visible_mv = _EDGES[kind]
    t_s = np.arange(min(wave.start_s for wave in waves), max(wave.end_s for wave in waves), _STEP_S)
    course_mv = np.abs(matrix @ sum_waves(waves, t_s))
    found = []
    for lead, row in zip(leads, course_mv, strict=True):
        peak = int(row.argmax())
        above = np.flatnonzero(row >= max(share * row[peak], least_mv))
        is_visible = bool(row[peak] >= visible_mv)
        first, last = (above[0], above[-1]) if is_visible else (0, len(t_s) - 1)
        onset_s, peak_s, end_s = (float(zero_s + t_s[at]) for at in (first, peak, last))
        found.append(LeadWave(lead, kind, onset_s, peak_s, end_s, is_visible))
    return found
