"""The types that the stages of delineation pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

P, QRS, T = 1, 2, 3
"""Classes of the network's outputs; 0 is the time between waves."""

KINDS = {"P": P, "QRS": QRS, "T": T}
"""The classes of waves by name."""


@dataclass(frozen=True, eq=False)
class WaveEvidence:
    """What the network says of every lead, `step_s` apart.

    Parameters
    ----------
    probability : (leads, 4, steps) float32
        Of no wave, P, QRS and T.
    onset_s, end_s : (leads, 3, steps) float32
        Where the P, QRS or T wave around the step begins and ends; of use only where that wave is probable.
    onset_error_s, end_error_s : (leads, 3, steps) float32
        Mean errors to be expected of both.
    known : (leads, steps) bool
        Where the lead has a value.
    step_s : float
    """

    probability: NDArray[np.float32]
    onset_s: NDArray[np.float32]
    end_s: NDArray[np.float32]
    onset_error_s: NDArray[np.float32]
    end_error_s: NDArray[np.float32]
    known: Mask
    step_s: float


@dataclass(frozen=True, eq=False)
class WaveTable:
    """Waves as columns of equal length, ordered by lead and onset.

    Parameters
    ----------
    lead : (waves,) int
        Row of the lead in the record.
    kind : (waves,) int
        `P`, `QRS` or `T`.
    onset_s, end_s, onset_error_s, end_error_s : (waves,) float64
    probability : (waves,) float64
        Mean probability of the kind between onset and end.
    """

    lead: Ints
    kind: Ints
    onset_s: Floats
    end_s: Floats
    onset_error_s: Floats
    end_error_s: Floats
    probability: Floats

    def __len__(self) -> int:
        return len(self.lead)


@dataclass(frozen=True, eq=False)
class BeatWaves:
    """The waves of every beat in every lead, in seconds; NaN where a lead does not show the wave.

    Parameters
    ----------
    qrs_s : (beats, 2) float64
        Onset and end of the QRS over the leads that show it: medians, to tell beats apart, not to measure them.
    onset_s, end_s, onset_error_s, end_error_s : (3, beats, leads) float64
        Of P, QRS and T, in this order.
    probability : (3, beats, leads) float64
        Mean probability of each wave, 0 where there is none.
    seen : (beats, leads) bool
        Whether the lead is known throughout the beat's QRS; where it is not, the beat has no wave in it.
    p_seen : (beats, leads) bool
        Whether it is known where a P wave would be, too.
    lone_p_s : (events, 2) float64
        Onset and end of P waves that no beat follows.
    """

    qrs_s: Floats
    onset_s: Floats
    end_s: Floats
    onset_error_s: Floats
    end_error_s: Floats
    probability: Floats
    seen: Mask
    p_seen: Mask
    lone_p_s: Floats

    def __len__(self) -> int:
        return len(self.qrs_s)
