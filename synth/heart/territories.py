"""Ischaemia and infarction: which lead shows how much of them, and how waves change there.

Sizes are shares of the size asked for, over I, aVF and V1 to V6 (the leads of `lead_vectors.INDEPENDENT`), then V7 to
V9 and V3R to V6R. The limb pairs hold the reciprocal change: an inferior injury raises III over II and lowers aVL.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The rows: I, aVF | V1 V2 V3 V4 V5 V6 | V7 V8 V9 | V3R V4R V5R V6R.
_ST = {
    "septal": (0.0, -0.05, 0.8, 1.0, 0.5, 0.15, 0.0, -0.05, -0.1, -0.1, -0.1, 0.4, 0.2, 0.1, 0.0),
    "anterior": (0.12, -0.12, 0.2, 0.75, 1.0, 0.9, 0.45, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "lateral": (0.60, -0.45, -0.15, -0.1, 0.1, 0.45, 0.9, 1.0, 0.7, 0.4, 0.2, -0.2, -0.2, -0.1, -0.1),
    "inferior": (-0.28, 0.90, -0.05, -0.30, -0.28, -0.10, 0.05, 0.12, 0.15, 0.1, 0.1, 0.2, 0.35, 0.35, 0.3),
    "posterior": (0.05, 0.05, -0.6, -1.0, -0.85, -0.35, 0.05, 0.3, 0.6, 0.75, 0.7, -0.4, -0.2, -0.1, -0.1),
    "subendocardial": (0.55, 0.40, -0.3, -0.05, 0.35, 0.85, 1.0, 0.85, 0.6, 0.4, 0.3, -0.4, -0.4, -0.3, -0.3),
}

# How far a T wave or a QRS is taken over by the territory, 0 to 1.
_TERRITORY_SHARE = {
    "septal": (0.0, 0.0, 1.0, 1.0, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.4, 0.2, 0.1),
    "anterior": (0.0, 0.0, 0.2, 0.8, 1.0, 1.0, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "lateral": (1.0, 0.0, 0.0, 0.0, 0.0, 0.4, 1.0, 1.0, 0.9, 0.6, 0.3, 0.0, 0.0, 0.0, 0.0),
    "inferior": (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "posterior": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.8, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0),
}


def st_shifts(shifts: dict[str, float]) -> tuple[Array, Array]:
    """Return ST elevation and depression, each (base leads,) mV.

    The elevation carries its reciprocal depression with it. A depression asked for is subendocardial: it has hardly a
    reciprocal side, except in aVR, which the limb leads' own law gives.
    """
    up, down = np.zeros(15), np.zeros(15)
    for name, mv in shifts.items():
        pattern = np.array(_ST[name])
        if mv >= 0:
            up += mv * pattern
        elif name == "subendocardial":
            down += mv * pattern
        else:
            # A depression keeps a fifth of the reciprocal side.
            main = np.sign(pattern[np.argmax(np.abs(pattern))])
            down += mv * np.where(pattern * main >= 0, pattern, 0.2 * pattern)
    return up, down


def territory_share(names: tuple[str, ...]) -> Array:
    """Return how far each base lead belongs to the named territories, (base leads,) 0 to 1."""
    share: Array = np.max([np.zeros(15), *(np.array(_TERRITORY_SHARE[name]) for name in names)], axis=0)
    return share


def invert_t(t_mv: Array, names: tuple[str, ...], depth_mv: float) -> Array:
    """Return T sizes (base leads,) turned over in the territories, at least `depth_mv` deep where they are whole.

    A posterior inversion is seen from the front: V1 to V3 get taller T waves.
    """
    share = territory_share(names)
    # Tall T waves invert deeper than flat ones.
    depth = np.maximum(depth_mv, 0.5 * np.abs(t_mv))
    turned = t_mv * (1 - share) - depth * share
    if "inferior" in names and "lateral" not in names:
        # II holds half of lead I: without this a tall T in I would keep II upright.
        turned[0] = np.clip(turned[0], -np.inf, 0.9 * depth[1])
    if "posterior" in names:
        turned[2:5] += np.array([0.6, 1.0, 0.7]) * depth_mv
    return turned
