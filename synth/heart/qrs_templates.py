"""QRS complexes as tables: each row a wave of the heart's dipole, timed in fractions of the QRS duration.

The dynamical model of McSharry et al. 2003 (IEEE Trans Biomed Eng 50:289) draws each wave as a Gaussian; Sameni et al.
2007 (EURASIP J Adv Signal Process 2007:43407) and Clifford, Nemati and Sameni 2010 (Physiol Meas 31:595) take it to the
three axes of the dipole and to abnormal beats. The sizes here were set by eye and by the median amplitudes that normal
adults show; the shapes follow what electrocardiography texts require of each conduction defect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NO_LOCAL = (0.0,) * 6


@dataclass(frozen=True)
class DipoleWave:
    """One wave: it rises from `start` to `peak`, holds, and is gone at `end` (fractions of the QRS duration).

    `x`, `y`, `z` are mV of dipole (left, feet, back), `local` mV added in V1 to V6. A wave that does not turn keeps its
    frontal direction whatever the axis: the late forces of right bundle branch block point to the right.
    """

    start: float
    peak: float
    hold: float
    end: float
    x: float
    y: float
    z: float
    local: tuple[float, ...] = _NO_LOCAL
    follows_axis: bool = True


@dataclass(frozen=True)
class Repolarization:
    """How ST and T follow from the QRS: share of the usual T wave, what opposes the QRS area (per second), local T."""

    primary: float = 1.0
    t_per_area: float = 0.0
    st_per_area: float = 0.0
    t_local: tuple[float, ...] = _NO_LOCAL


# Septal forces, the apex, the free left wall, and the base last.
NORMAL = (
    DipoleWave(0.00, 0.19, 0.0, 0.42, -0.13, -0.06, -0.19, (-0.04, 0.05, 0.03, 0.0, 0.0, 0.0)),
    DipoleWave(0.12, 0.40, 0.0, 0.66, 0.55, 0.27, -0.10, (0.03, 0.03, -0.02, 0.05, 0.02, 0.05)),
    DipoleWave(0.22, 0.48, 0.0, 0.76, 0.66, 0.42, 0.66, (0.14, -0.30, 0.17, 0.05, 0.00, 0.00)),
    DipoleWave(0.46, 0.68, 0.0, 1.00, -0.20, -0.10, 0.46, (0.00, -0.26, -0.16, -0.02, 0.0, 0.0)),
)

# The left anterior wall is activated last: the axis swings up and to the left.
_LAFB = (
    DipoleWave(0.00, 0.20, 0.0, 0.44, -0.10, 0.30, -0.14, (0.0, 0.0, 0.10, 0.10, 0.05, 0.0)),
    DipoleWave(0.14, 0.44, 0.0, 0.72, 0.95, -0.30, 0.25, (0.05, -0.10, 0.10, 0.15, 0.05, 0.0)),
    DipoleWave(0.30, 0.60, 0.0, 0.88, 0.25, -0.75, 0.48, (0.05, -0.20, -0.25, -0.35, -0.25, -0.10)),
    DipoleWave(0.55, 0.78, 0.0, 1.00, -0.16, -0.24, 0.28, (0.0, -0.10, -0.15, -0.20, -0.18, -0.15)),
)

# The posterior wall is activated last: the axis swings down and to the right.
_LPFB = (
    DipoleWave(0.00, 0.20, 0.0, 0.42, 0.16, -0.28, -0.16, (0.0, 0.05, 0.0, 0.0, -0.30, -0.26)),
    DipoleWave(0.16, 0.46, 0.0, 0.76, 0.00, 0.95, 0.70, (0.05, -0.05, 0.90, 1.00, 1.00, 0.80)),
    DipoleWave(0.40, 0.66, 0.0, 1.00, -0.32, 0.18, 0.32, (0.0, -0.15, 0.0, 0.0, 0.08, 0.05)),
)

# No septal Q wave; slow, notched activation of the left ventricle from right to left.
_CLBBB = (
    DipoleWave(0.00, 0.13, 0.0, 0.30, 0.20, 0.12, 0.00, (0.07, 0.10, 0.03, 0.0, 0.0, 0.0)),
    DipoleWave(0.04, 0.33, 0.0, 0.64, 0.56, 0.12, 0.30, (0.14, -0.15, -0.38, -0.40, -0.10, 0.0)),
    DipoleWave(0.16, 0.44, 0.14, 0.88, 0.40, 0.00, 0.82, (0.18, -0.50, -0.85, -0.50, -0.10, 0.0)),
    DipoleWave(0.40, 0.69, 0.0, 1.00, 0.52, -0.16, 0.22, (0.10, -0.10, -0.30, -0.25, 0.05, 0.12)),
)

_ILBBB = (
    DipoleWave(0.00, 0.26, 0.0, 0.52, 0.34, 0.14, 0.10, (0.08, 0.10, 0.0, 0.0, 0.0, 0.0)),
    DipoleWave(0.16, 0.50, 0.0, 0.82, 1.05, 0.32, 0.72, (0.15, -0.30, -0.30, -0.20, 0.0, 0.0)),
    DipoleWave(0.48, 0.72, 0.0, 1.00, 0.28, 0.02, 0.38, (0.0, -0.20, -0.25, -0.15, 0.0, 0.0)),
)

# The right ventricle comes last: R' in V1, a broad S in I and V6, whatever the axis is.
_RBBB_END = (
    DipoleWave(0.42, 0.62, 0.06, 0.92, -0.36, -0.02, -0.30, (0.28, 0.0, 0.00, 0.10, 0.12, 0.06), False),
    DipoleWave(0.56, 0.78, 0.02, 1.00, -0.24, -0.02, -0.18, (0.20, 0.05, 0.0, 0.08, 0.10, 0.05), False),
)

# In right bundle branch block the right-sided forces are missing from the S of V1.
_RBBB_START = (DipoleWave(0.14, 0.28, 0.0, 0.44, 0.0, 0.0, 0.0, (0.72, 0.46, 0.10, 0.0, 0.0, 0.0)),)

_IRBBB_END = (DipoleWave(0.62, 0.80, 0.0, 1.00, -0.22, -0.04, -0.28, (0.08, 0.05, 0.0, 0.0, 0.0, 0.0)),)

_RVH = (
    DipoleWave(0.00, 0.20, 0.0, 0.42, -0.06, -0.12, -0.18, (0.12, 0.10, 0.05, 0.0, 0.0, 0.0)),
    DipoleWave(0.12, 0.40, 0.0, 0.66, 0.38, 0.42, -0.10, (0.45, 0.15, -0.10, 0.0, 0.05, 0.05)),
    DipoleWave(0.26, 0.54, 0.0, 0.84, -0.42, 0.42, -0.46, (0.45, -0.20, -0.55, -0.50, -0.24, -0.10)),
    DipoleWave(0.50, 0.74, 0.0, 1.00, -0.30, -0.02, 0.08, (-0.10, -0.40, -0.30, -0.26, -0.22, -0.16)),
)

# The delta wave of an accessory pathway on the left, then on the right.
_DELTA_LEFT = (DipoleWave(0.00, 0.27, 0.12, 0.76, 0.24, 0.10, -0.34, (0.05, 0.05, 0.0, 0.0, 0.0, 0.0)),)
_DELTA_RIGHT = (DipoleWave(0.00, 0.27, 0.12, 0.76, 0.36, 0.02, 0.14, (0.0, 0.05, 0.05, 0.05, 0.05, 0.05)),)

# Pacing at the apex of the right ventricle: activation runs up and to the left.
_PACED = (
    DipoleWave(0.00, 0.22, 0.0, 0.48, 0.22, -0.30, 0.30, (0.05, -0.10, -0.40, -0.35, -0.25, -0.15)),
    DipoleWave(0.12, 0.42, 0.06, 0.82, 0.26, -0.80, 0.66, (0.15, -0.30, -0.65, -0.75, -0.70, -0.50)),
    DipoleWave(0.44, 0.70, 0.0, 1.00, 0.32, -0.42, 0.40, (0.10, -0.20, -0.50, -0.50, -0.40, -0.15)),
)

# A PVC of the right outflow tract, which runs down, and one of the left ventricle, which runs to the right.
_PVC_RIGHT = (
    DipoleWave(0.00, 0.20, 0.0, 0.46, 0.14, 0.20, -0.02, (0.10, 0.10, 0.0, 0.0, 0.0, 0.0)),
    DipoleWave(0.10, 0.42, 0.0, 0.80, 0.36, 0.95, 0.70, (0.05, -0.40, -0.60, 0.10, 0.50, 0.55)),
    DipoleWave(0.42, 0.68, 0.0, 1.00, 0.26, 0.62, 0.46, (0.05, -0.20, -0.30, 0.10, 0.25, 0.30)),
)

_PVC_LEFT = (
    DipoleWave(0.00, 0.24, 0.0, 0.52, -0.10, -0.24, -0.50, (0.25, 0.10, 0.10, 0.10, 0.0, 0.0)),
    DipoleWave(0.14, 0.44, 0.0, 0.80, -0.58, -0.58, -0.50, (0.20, 0.10, 0.30, 0.10, -0.10, -0.30)),
    DipoleWave(0.46, 0.72, 0.0, 1.00, -0.46, -0.46, 0.04, (0.15, -0.20, -0.30, -0.20, -0.20, -0.20)),
)

_RBBB_T = (-0.12, -0.06, 0.0, 0.0, 0.0, 0.0)

# Abnormal conduction turns ST and T against the QRS (secondary change): the second and third number.
_REPOLARIZATION = {
    "normal": Repolarization(),
    "clbbb": Repolarization(0.30, 5.0, 1.3),
    "ilbbb": Repolarization(0.75, 1.5, 0.4),
    "crbbb": Repolarization(0.85, 1.8, 0.15, _RBBB_T),
    "irbbb": Repolarization(0.95, 0.4, 0.0),
    "lafb": Repolarization(0.85, 0.0, 0.0),
    "lpfb": Repolarization(0.85, 0.0, 0.0),
    "crbbb+lafb": Repolarization(0.8, 1.8, 0.15, _RBBB_T),
    "wpw": Repolarization(0.45, 3.2, 0.7),
    "ivcd": Repolarization(0.65, 1.2, 0.3),
    "lvh": Repolarization(0.45, 4.2, 1.3, (0.0, 0.0, 0.0, 0.0, -0.04, -0.06)),
    "rvh": Repolarization(0.65, 4.5, 0.7),
    "paced": Repolarization(0.30, 3.8, 0.9),
    "pvc": Repolarization(0.15, 4.6, 0.9),
}


def compress(rows: tuple[DipoleWave, ...], start: float, end: float, size: float = 1.0) -> tuple[DipoleWave, ...]:
    """Return rows pressed between two fractions of the QRS, their x and y times `size`."""
    span = end - start
    return tuple(
        replace(
            row,
            start=start + span * row.start,
            peak=start + span * row.peak,
            hold=span * row.hold,
            end=start + span * row.end,
            x=size * row.x,
            y=size * row.y,
        )
        for row in rows
    )


def qrs_template(kind: str) -> tuple[DipoleWave, ...]:
    """Return the waves of a conduction, of ``rvh``, ``paced``, ``pvc_right`` or ``pvc_left``."""
    return {
        "normal": NORMAL,
        "clbbb": _CLBBB,
        "ilbbb": _ILBBB,
        "crbbb": compress(NORMAL, 0.0, 0.60, 1.3) + _RBBB_START + _RBBB_END,
        "irbbb": compress(NORMAL, 0.0, 0.80) + _IRBBB_END,
        "lafb": _LAFB,
        "lpfb": _LPFB,
        "crbbb+lafb": compress(_LAFB, 0.0, 0.60, 1.15) + _RBBB_START + _RBBB_END,
        "wpw_left": _DELTA_LEFT + compress(NORMAL, 0.28, 1.0)[1:],
        "wpw_right": _DELTA_RIGHT + compress(NORMAL, 0.28, 1.0)[1:],
        "ivcd": (*NORMAL, DipoleWave(0.5, 0.74, 0.0, 1.0, 0.24, 0.10, 0.16)),
        "rvh": _RVH,
        "paced": _PACED,
        "pvc_right": _PVC_RIGHT,
        "pvc_left": _PVC_LEFT,
    }[kind]


def repolarization(kind: str) -> Repolarization:
    """Return the ST-T rule of a conduction, a hypertrophy, ``paced`` or ``pvc``."""
    return _REPOLARIZATION[kind]
