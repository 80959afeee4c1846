"""Lead vectors: what each lead sees of the heart's dipole.

Frank's axes (Frank 1956, Circulation 13:737): x to the patient's left, y to the feet, z to the back. The rows of the
twelve leads are Dower's (Dower, Machado and Osborne 1980, Clin Cardiol 3:97). The rows of V7-V9 and V3R-V6R continue
his chest rows around the torso; they are estimates of this project.

Every wave is kept as its size in the `BASE` leads. The limb leads have two degrees of freedom, I and aVF; the other
four are sums of these, so the laws of Einthoven and Goldberger hold whatever is added to a chest lead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRequest

Array = NDArray[np.float64]

BASE = ("I", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R")
"""The leads that the others are sums of; the order of every `amp` array of this package."""

N_BASE = len(BASE)

INDEX = {name: row for row, name in enumerate(BASE)}

CHEST = slice(2, 8)
"""V1 to V6 in an array over `BASE`."""

INDEPENDENT = slice(0, 8)
"""The eight leads that carry a standard record: I, aVF and V1 to V6."""

ELECTRODES = ("RA", "LA", "LL", *BASE[2:])

AVF_TO_FRONTAL = 2.0 / np.sqrt(3.0)
"""Goldberger's aVF is smaller than a bipolar lead by √3/2: the frontal vector is (I, 2/√3 · aVF)."""

# Rows of Dower: mV in the lead per mV of x, y and z.
_LEAD_I = np.array([0.632, -0.235, 0.059])
_LEAD_II = np.array([0.235, 1.066, -0.132])
_DOWER_CHEST = [
    [-0.515, 0.157, -0.917],
    [0.044, 0.164, -1.387],
    [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601],
    [1.125, 0.127, -0.086],
    [0.831, 0.076, 0.230],
]
# V7 to V9, then V3R to V6R: estimates, see above.
_EXTRA_CHEST = [
    [0.56, 0.06, 0.42],
    [0.33, 0.05, 0.52],
    [0.10, 0.04, 0.55],
    [-0.62, 0.15, -0.62],
    [-0.62, 0.14, -0.40],
    [-0.56, 0.11, -0.24],
    [-0.48, 0.08, -0.10],
]

# aVF is II - I / 2.
FIELD: Array = np.vstack([_LEAD_I, _LEAD_II - _LEAD_I / 2, _DOWER_CHEST, _EXTRA_CHEST])
"""(base leads, 3): mV in a lead for each mV of dipole along x, y and z."""

_LOCAL = np.zeros((N_BASE, 6))
_LOCAL[CHEST] = np.eye(6)
# V7 to V9 see less and less of what is local to V6, V3R to V6R of what is local to V1.
_LOCAL[8:11, 5] = 0.5, 0.3, 0.15
_LOCAL[11:15, 0] = 0.6, 0.4, 0.25, 0.15

_FROM_BASE = {
    "II": {"I": 0.5, "aVF": 1.0},
    "III": {"I": -0.5, "aVF": 1.0},
    "aVR": {"I": -0.75, "aVF": -0.5},
    "aVL": {"I": 0.75, "aVF": -0.5},
}


def project(vectors: Array, local: Array) -> Array:
    """Return what the base leads see of dipoles and of sources near one chest electrode.

    Parameters
    ----------
    vectors : (waves, 3) mV
        Dipoles in Frank's axes.
    local : (waves, 6) mV
        What is added in V1 to V6; leads beyond them see a fading part of V6 or V1.

    Returns
    -------
    (waves, base leads) mV
    """
    return vectors @ FIELD.T + local @ _LOCAL.T


def turn_frontal(amp: Array, angle_deg: float) -> Array:
    """Return sizes (..., base leads) with the frontal vector turned clockwise, towards the feet, by `angle_deg`.

    Only the limb leads change: chest leads are so near to the heart that they hardly follow the frontal axis.
    """
    angle = np.radians(angle_deg)
    turned = amp.copy()
    x, y = amp[..., 0], amp[..., 1] * AVF_TO_FRONTAL
    turned[..., 0] = x * np.cos(angle) - y * np.sin(angle)
    turned[..., 1] = (x * np.sin(angle) + y * np.cos(angle)) / AVF_TO_FRONTAL
    return turned


def frontal_axis_deg(lead_i: float, avf: float) -> float:
    """Return the axis in degrees, (-180, 180], of areas or amplitudes in I and aVF."""
    return float(np.degrees(np.arctan2(avf * AVF_TO_FRONTAL, lead_i)))


def leads_from_base(leads: Sequence[str]) -> Array:
    """Return the matrix (leads, base leads) that gives these leads; `BadRequest` for a lead no model exists for."""
    unknown = [name for name in leads if name not in INDEX and name not in _FROM_BASE]
    if unknown or not leads or len(set(leads)) != len(leads):
        known = ", ".join((*BASE[:1], *_FROM_BASE, *BASE[1:]))
        raise BadRequest(f"the simulated heart has the leads {known}, each once; got {', '.join(leads) or 'none'}")
    matrix = np.zeros((len(leads), N_BASE))
    for row, name in enumerate(leads):
        for source, weight in _FROM_BASE.get(name, {name: 1.0}).items():
            matrix[row, INDEX[source]] = weight
    return matrix


def base_from_electrodes() -> Array:
    """Return the matrix (base leads, electrodes): limb differences, and chest electrodes against Wilson's terminal."""
    matrix = np.zeros((N_BASE, len(ELECTRODES)))
    matrix[0, :3] = -1.0, 1.0, 0.0
    matrix[1, :3] = -0.5, -0.5, 1.0
    matrix[2:, :3] = -1.0 / 3.0
    matrix[2:, 3:] = np.eye(N_BASE - 2)
    return matrix
