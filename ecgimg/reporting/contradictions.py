"""Which labels the measurements contradict."""

from __future__ import annotations

from collections.abc import Callable

from ecgimg.measurement import Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.rules.contiguous_leads import usable_leads
from ecgimg.reporting.rules.limits import has_known_gain

_LEAST_BEATS = 6  # of which none is early: fewer may lie between two early ones
_LEAST_LEADS = 6  # of which none has its ST segment off the baseline
_REGULAR = 0.05  # change from RR to RR over their mean
_NARROW_MS, _COMPLETE_MS, _NORMAL_PR_MS = 105.0, 130.0, 185.0
_NOT_FAST_BPM, _NOT_SLOW_BPM = 95.0, 62.0
_LEVEL_ST_MV = 0.03


def is_contradicted(label: str, measured: Measurements) -> bool:
    """Return whether a label of the classifier cannot be, as far as was measured; False where nothing can tell."""
    rule = _RULES.get(label)
    return rule is not None and bool(measured.values) and rule(measured)


def _has_none(*kinds: BeatClass) -> Callable[[Measurements], bool]:
    def rule(measured: Measurements) -> bool:
        beats = [beat.kind for beat in measured.beats]
        return len(beats) >= _LEAST_BEATS and not set(kinds) & set(beats)

    return rule


def _has_regular_p(measured: Measurements) -> bool:
    return measured.number("pr_ms") > 0 and measured.number("rr_irregularity") < _REGULAR


def _has_no_p(measured: Measurements) -> bool:
    reason = measured.values["p_duration_ms"].reason
    is_irregular = measured.number("rr_irregularity") > 2 * _REGULAR
    return reason is not None and reason.code is ReasonCode.NO_P_WAVE and is_irregular


def _has_level_st(measured: Measurements) -> bool:
    """Return whether no usable lead has its ST segment off the baseline, of a page whose gain is known."""
    leads = usable_leads(measured)
    is_off = any(abs(lead.number(name)) >= _LEVEL_ST_MV for lead in leads.values() for name in ("st_j_mv", "st_j60_mv"))
    return has_known_gain(measured) and len(leads) >= _LEAST_LEADS and not is_off


def _is_narrow(measured: Measurements) -> bool:
    return measured.number("qrs_ms") < _NARROW_MS


def _has_usual_voltage(measured: Measurements) -> bool:
    return measured.number("limb_voltage_mv") > 0.6 and measured.number("chest_voltage_mv") > 1.2


_wide, _early = BeatClass.PREMATURE_WIDE, BeatClass.PREMATURE_NARROW
_RULES: dict[str, Callable[[Measurements], bool]] = {
    "STACH": lambda measured: measured.number("rate_bpm") < _NOT_FAST_BPM or _has_no_p(measured),
    "SVTAC": lambda measured: measured.number("rate_bpm") < _NOT_FAST_BPM,
    "PSVT": lambda measured: measured.number("rate_bpm") < _NOT_FAST_BPM,
    "SBRAD": lambda measured: measured.number("rate_bpm") > _NOT_SLOW_BPM or _has_no_p(measured),
    "AFIB": _has_regular_p,
    "AFLT": _has_regular_p,
    "SR": _has_no_p,
    "SARRH": lambda measured: measured.number("rr_irregularity") < 0.01,
    "AVB": lambda measured: measured.number("pr_ms") < _NORMAL_PR_MS,
    "LPR": lambda measured: measured.number("pr_ms") < _NORMAL_PR_MS,
    "IRBBB": lambda measured: measured.number("qrs_ms") > _COMPLETE_MS,
    "ILBBB": lambda measured: measured.number("qrs_ms") > _COMPLETE_MS,
    "CRBBB": _is_narrow,
    "CLBBB": _is_narrow,
    "PACE": lambda measured: _is_narrow(measured) and not measured.spikes_s,
    "PVC": _has_none(_wide, BeatClass.OTHER),
    "BIGU": _has_none(_wide, _early, BeatClass.OTHER),
    "TRIGU": _has_none(_wide, _early, BeatClass.OTHER),
    "PAC": _has_none(_early, _wide, BeatClass.OTHER),
    "LVOLT": _has_usual_voltage,
    "STE": _has_level_st,
    "STD": _has_level_st,
}
