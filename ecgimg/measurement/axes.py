"""Axes of P, QRS and T in the frontal plane, and the voltages of the limb and chest leads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecgimg.measurement.delineation.model import Floats
from ecgimg.measurement.order_statistics import known_median
from ecgimg.measurement.results import Measured
from ecgimg.measurement.summarize import LEAST_BEATS, error_of_median, missing
from ecgimg.reasons import Reason, ReasonCode

_SIDE = np.sqrt(3) / 2
# What each limb lead sees of a frontal vector (x to the left, y to the feet); the augmented leads are smaller by √3/2
# (Goldberger 1942).
_DIRECTIONS = {
    "I": (1.0, 0.0), "II": (0.5, _SIDE), "III": (-0.5, _SIDE),
    "aVR": (-0.75, -_SIDE / 2), "aVL": (0.75, -_SIDE / 2), "aVF": (0.0, _SIDE),
}  # fmt: skip
LIMB_LEADS = tuple(_DIRECTIONS)
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")

_LEAST_MV_MS = {"p_axis_deg": 0.6, "qrs_axis_deg": 2.0, "t_axis_deg": 3.0}
"""Smallest area of the frontal vector that has an axis: below, the axes of single beats of LUDB differ by over 30°."""


def measure_axis(name: str, areas_mv_ms: Floats, leads: tuple[str, ...], reason: Reason | None) -> Measured:
    """Return the direction of the frontal vector whose areas the limb leads show, in degrees (-180, 180].

    0° points to the left arm, 90° to the feet. The vector is the least-squares one of the medians over beats of all
    limb leads that are seen, two at least.

    Parameters
    ----------
    name : {"p_axis_deg", "qrs_axis_deg", "t_axis_deg"}
    areas_mv_ms : (beats, leads) float64
        Areas of the wave, NaN where a lead does not show it.
    """
    if reason is not None:
        return missing(reason)
    columns = [k for k, lead in enumerate(leads) if lead in _DIRECTIONS and np.isfinite(areas_mv_ms[:, k]).any()]
    seen = tuple(leads[k] for k in columns)
    if len(columns) < 2:
        return missing(ReasonCode.LEADS_NEEDED.reason(leads="two of the limb leads"), leads=seen)
    count = int(np.isfinite(areas_mv_ms[:, columns]).any(axis=1).sum())
    if count < LEAST_BEATS:
        return missing(ReasonCode.TOO_FEW_BEATS.reason(count=count, least=LEAST_BEATS), count, seen)
    matrix = np.array([_DIRECTIONS[lead] for lead in seen])
    x, y = np.linalg.lstsq(matrix, known_median(areas_mv_ms[:, columns], axis=0), rcond=None)[0]
    if np.hypot(x, y) < _LEAST_MV_MS[name]:
        return missing(ReasonCode.AXIS_UNDEFINED.reason(), count, seen)
    spread = _axis_spread(areas_mv_ms[:, columns], matrix)
    return Measured(float(np.degrees(np.arctan2(y, x))), spread, count, error_of_median(spread, count), seen)


def _axis_spread(areas_mv_ms: Floats, matrix: Floats) -> float | None:
    """Return the circular standard deviation of the axes of single beats, degrees; None where too few have one."""
    known = np.isfinite(areas_mv_ms)
    # the least-squares vector of each beat from the leads that show it: two equations for two unknowns
    squares = np.einsum("bl,li,lj->bij", known.astype(np.float64), matrix, matrix)
    sums = np.where(known, areas_mv_ms, 0.0) @ matrix
    chosen = known.sum(axis=1) >= 2
    x, y = np.linalg.solve(squares[chosen], sums[chosen, :, None])[:, :, 0].T
    angles = np.arctan2(y, x)
    if len(angles) < LEAST_BEATS:
        return None
    length = min(float(np.abs(np.mean(np.exp(1j * angles)))), 1.0)
    return float(np.degrees(np.sqrt(-2 * np.log(max(length, 1e-6)))))


def measure_voltages(
    leads: Mapping[str, Mapping[str, Measured]], heights_mv: Mapping[str, Measured], reason: Reason | None
) -> dict[str, Measured]:
    """Return Sokolow-Lyon and Cornell voltages, and the largest QRS of the limb and of the chest leads, mV.

    Sokolow-Lyon is S in V1 and the taller R of V5 and V6 (1949, Am Heart J 37:161), Cornell R in aVL and S in V3
    (Casale et al. 1985, J Am Coll Cardiol 6:572). Voltage is low where no limb lead reaches 0.5 mV and no chest lead
    1 mV.

    Parameters
    ----------
    leads : mapping of lead to its numbers by name
    heights_mv : mapping of lead to the height of its QRS
    reason : Reason, optional
        Why voltages cannot be judged at all.
    """
    r_v56 = max(
        (_deflection(leads, lead, "r_mv") for lead in ("V5", "V6") if lead in leads),
        key=lambda r: -1.0 if r.value is None else r.value, default=Measured(),
    )  # fmt: skip
    sums = {
        "sokolow_lyon_mv": _sum_mv(_depth(leads, "V1"), r_v56, "V1 and V5 or V6", reason),
        "cornell_mv": _sum_mv(_depth(leads, "V3"), _deflection(leads, "aVL", "r_mv"), "aVL and V3", reason),
    }
    for name, group in (("limb_voltage_mv", LIMB_LEADS), ("chest_voltage_mv", CHEST_LEADS)):
        seen = {lead: heights_mv[lead] for lead in group if lead in heights_mv and heights_mv[lead].value is not None}
        if reason is None and len(seen) == len(group):
            top = max(seen.values(), key=lambda height: height.value or 0.0)
            sums[name] = Measured(top.value, top.spread, top.n, top.expected_error, tuple(seen))
        else:
            needed = ReasonCode.LEADS_NEEDED.reason(leads=f"the leads {', '.join(group)}")
            sums[name] = missing(reason or needed, leads=tuple(seen))
    return sums


def _depth(leads: Mapping[str, Mapping[str, Measured]], lead: str) -> Measured:
    """Return S, or Q of a QRS without R; without a value where the lead is not measured."""
    has_r = lead in leads and leads[lead]["r_mv"].value is not None
    return _deflection(leads, lead, "s_mv" if has_r else "q_mv")


def _deflection(leads: Mapping[str, Mapping[str, Measured]], lead: str, name: str) -> Measured:
    """Return a deflection of the QRS, 0 mV where a QRS that is measured has none."""
    if lead not in leads or leads[lead]["qrs_ms"].value is None:
        return Measured()
    number, n = leads[lead][name], leads[lead]["qrs_ms"].n
    return Measured(0.0, None, n, None, (lead,)) if number.value is None else number


def _sum_mv(depth: Measured, height: Measured, needed: str, reason: Reason | None) -> Measured:
    """Return the sum of two heights, whose errors count as independent."""
    if reason is not None or depth.value is None or height.value is None:
        return missing(reason or ReasonCode.LEADS_NEEDED.reason(leads=needed))
    spread, error = (
        float(np.hypot(one or 0.0, other or 0.0)) if one is not None or other is not None else None
        for one, other in ((depth.spread, height.spread), (depth.expected_error, height.expected_error))
    )
    return Measured(abs(depth.value) + height.value, spread, min(depth.n, height.n), error, depth.leads + height.leads)
