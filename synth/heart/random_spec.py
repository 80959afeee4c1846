"""Random hearts: a plausible patient and recording, over all conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

from synth.heart.spec import HeartSpec

HeartOptions = dict[str, Any]

# How often each main finding is drawn.
_GROUP_SHARES = {
    "normal": 0.37,
    "conduction": 0.14,
    "injury": 0.08,
    "ischaemia": 0.06,
    "infarct": 0.08,
    "hypertrophy": 0.08,
    "fibrillation": 0.06,
    "other_rhythm": 0.04,
    "av_block": 0.04,
    "paced": 0.03,
    "small": 0.02,
}

# How often each kind is drawn, its shortest and longest QRS in ms, and the limits of its axis in degrees.
_CONDUCTION_KINDS = {
    "clbbb": (0.14, 122, 175, -50, 60),
    "ilbbb": (0.07, 106, 118, -30, 60),
    "crbbb": (0.15, 122, 165, -25, 100),
    "irbbb": (0.16, 96, 117, 0, 95),
    "lafb": (0.20, 84, 112, -75, -46),
    "lpfb": (0.05, 88, 112, 101, 135),
    "crbbb+lafb": (0.08, 124, 165, -80, -46),
    "wpw": (0.06, 112, 155, -30, 85),
    "ivcd": (0.09, 112, 145, -40, 80),
}

# Inferior stands twice, so that it is drawn twice as often.
_TERRITORY_SETS = (
    *(("septal", "anterior"), ("anterior",), ("anterior", "lateral"), ("septal", "anterior", "lateral")),
    *(("lateral",), ("inferior",), ("inferior",), ("inferior", "lateral"), ("inferior", "posterior"), ("posterior",)),
)


def make_random_heart_spec(rng: Generator) -> HeartSpec:
    """Return a random patient: nearly four in ten normal, the rest over all that `HeartSpec` knows.

    Rates, axes, amplitudes and noise spread about as they do in adult resting records (PTB-XL, Wagner et al. 2020).

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    HeartSpec
    """
    options = _common_options(rng)
    names = list(_GROUP_SHARES)
    group = str(rng.choice(names, p=np.array(list(_GROUP_SHARES.values())) / sum(_GROUP_SHARES.values())))
    options |= _GROUPS[group](rng)
    if group != "normal" and options.get("pacing") is None:
        options |= _accompanying_findings(rng, options)
    return HeartSpec(**options)


def _uniform(rng: Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 3)


def _log_normal(rng: Generator, middle: float, spread: float, low: float, high: float) -> float:
    """Return a log-normal number with this median, kept within limits."""
    return round(float(np.clip(middle * np.exp(spread * rng.standard_normal()), low, high)), 4)


def _common_options(rng: Generator) -> HeartOptions:
    """Return what every patient and every recording has."""
    # Mains hum is filtered out by most recorders; one record in eight shows it.
    hum = rng.random()
    return {
        "rate_bpm": _log_normal(rng, 73, 0.16, 47, 125),
        "axis_deg": round(float(np.clip(rng.normal(42, 30), -28, 88)), 1),
        "p_ms": _log_normal(rng, 99, 0.08, 80, 116),
        "pr_ms": _log_normal(rng, 158, 0.11, 128, 198),
        "qrs_ms": _log_normal(rng, 91, 0.07, 76, 108),
        "gain": _log_normal(rng, 1.0, 0.20, 0.6, 1.7),
        "t_gain": _log_normal(rng, 1.0, 0.30, 0.4, 2.0),
        "beat_variation": _log_normal(rng, 0.025, 0.4, 0.008, 0.07),
        "breath_per_min": _uniform(rng, 10, 22),
        "breath_axis_deg": _log_normal(rng, 2.0, 0.6, 0.2, 8),
        "breath_gain": _log_normal(rng, 0.03, 0.6, 0.005, 0.12),
        "breath_rr": _log_normal(rng, 0.02, 0.6, 0.003, 0.06),
        "baseline_wander_mv": _log_normal(rng, 0.035, 0.7, 0.005, 0.3),
        "muscle_mv": _log_normal(rng, 0.008, 0.55, 0.002, 0.05),
        "mains_mv": _uniform(rng, 0.005, 0.03) if hum < 0.12 else _uniform(rng, 0, 0.004),
        "mains_hz": float(rng.choice([50.0, 60.0])),
        "motion_steps_per_min": _uniform(rng, 3, 12) if rng.random() < 0.08 else 0.0,
    }


def _normal(rng: Generator) -> HeartOptions:
    kind = rng.random()
    if kind < 0.10:
        return {"rhythm": "sinus_arrhythmia", "rate_bpm": _uniform(rng, 55, 80), "breath_rr": _uniform(rng, 0.15, 0.22)}
    if kind < 0.16:
        return {"rate_bpm": _uniform(rng, 44, 59)}
    if kind < 0.22:
        return {"rate_bpm": _uniform(rng, 101, 135), "pr_ms": _uniform(rng, 128, 150)}
    return {"rate_bpm": _log_normal(rng, 70, 0.14, 60, 100)}


def _conduction(rng: Generator) -> HeartOptions:
    kind = str(rng.choice(list(_CONDUCTION_KINDS), p=[share for share, *_ in _CONDUCTION_KINDS.values()]))
    _, shortest, longest, left, right = _CONDUCTION_KINDS[kind]
    options: HeartOptions = {
        "conduction": kind,
        "qrs_ms": _uniform(rng, shortest, longest),
        "axis_deg": _uniform(rng, left, right),
    }
    if kind == "wpw":
        # A short P wave leaves room for the delta wave in the short PR interval.
        options |= {"pr_ms": _uniform(rng, 88, 116), "p_ms": 76.0}
    return options


def _injury(rng: Generator) -> HeartOptions:
    if rng.random() < 0.35:
        territory = str(rng.choice(["subendocardial", "lateral", "anterior", "inferior"], p=[0.5, 0.2, 0.15, 0.15]))
        return {"st_mv": {territory: -_uniform(rng, 0.06, 0.3)}, "rate_bpm": _uniform(rng, 60, 110)}
    options: HeartOptions = {"st_mv": {name: _uniform(rng, 0.12, 0.45) for name in _territories(rng)}}
    if rng.random() < 0.3:
        options |= _with_q_waves(rng, tuple(options["st_mv"]))
    return options


def _ischaemia(rng: Generator) -> HeartOptions:
    if rng.random() < 0.12:
        return {"qt_ms": _uniform(rng, 500, 580), "rate_bpm": _uniform(rng, 52, 75)}
    return {"t_inversion": _territories(rng), "t_gain": _uniform(rng, 0.5, 1.1)}


def _infarct(rng: Generator) -> HeartOptions:
    names = _territories(rng)
    options = _with_q_waves(rng, names)
    if rng.random() < 0.5:
        options["t_inversion"] = names
    return options


def _with_q_waves(rng: Generator, names: tuple[str, ...]) -> HeartOptions:
    options: HeartOptions = {"q_wave": names, "qrs_ms": _uniform(rng, 98, 114)}
    if "inferior" in names or "lateral" in names:
        # Lost inferior forces turn the axis to the left, lost lateral ones to the right.
        options["axis_deg"] = _uniform(rng, -30, 0) if "inferior" in names else _uniform(rng, 70, 90)
    return options


def _hypertrophy(rng: Generator) -> HeartOptions:
    kind = rng.random()
    if kind < 0.62:
        atria = "lae" if rng.random() < 0.4 else "none"
        return _with_atria(rng, atria) | {
            "hypertrophy": "lvh",
            "axis_deg": _uniform(rng, -28, 60),
            "qrs_ms": _uniform(rng, 88, 112),
        }
    if kind < 0.82:
        atria = "rae" if rng.random() < 0.5 else "none"
        return _with_atria(rng, atria) | {"hypertrophy": "rvh", "axis_deg": _uniform(rng, 95, 145)}
    return _with_atria(rng, str(rng.choice(["lae", "rae"])))


def _with_atria(rng: Generator, atria: str) -> HeartOptions:
    if atria == "lae":
        return {"atria": "lae", "p_ms": _uniform(rng, 121, 140), "pr_ms": _uniform(rng, 165, 198)}
    return {"atria": atria}


def _fibrillation(rng: Generator) -> HeartOptions:
    return {"rhythm": "af", "rate_bpm": _log_normal(rng, 88, 0.25, 48, 160)}


def _other_rhythm(rng: Generator) -> HeartOptions:
    kind = str(rng.choice(["flutter", "svt", "junctional"], p=[0.55, 0.25, 0.20]))
    if kind == "flutter":
        atrial = _uniform(rng, 245, 330)
        # Conduction of 2:1 and 4:1 is commoner than 3:1.
        rate = atrial / float(rng.choice([2, 2, 3, 4, 4]))
        varies = bool(rng.random() < 0.4)
        return {"rhythm": kind, "rate_bpm": rate, "atrial_rate_bpm": atrial, "flutter_variable": varies}
    return {"rhythm": kind, "rate_bpm": _uniform(rng, 145, 215) if kind == "svt" else _uniform(rng, 38, 62)}


def _av_block(rng: Generator) -> HeartOptions:
    kind = str(rng.choice(["first", "mobitz1", "mobitz2", "two_to_one", "third"], p=[0.55, 0.13, 0.10, 0.08, 0.14]))
    options: HeartOptions = {"av_block": kind, "rate_bpm": _uniform(rng, 60, 95), "pr_ms": _uniform(rng, 150, 195)}
    if kind == "first":
        options |= {"pr_ms": _uniform(rng, 208, 320), "rate_bpm": _uniform(rng, 52, 82)}
    if kind == "third":
        options["escape"] = str(rng.choice(["junctional", "ventricular"]))
    return options


def _paced(rng: Generator) -> HeartOptions:
    kind = str(rng.choice(["atrial", "ventricular", "dual"], p=[0.15, 0.5, 0.35]))
    options: HeartOptions = {"pacing": kind, "rate_bpm": _uniform(rng, 59, 82)}
    if kind == "ventricular" and rng.random() < 0.6:
        options["rhythm"] = "af"
    if kind != "atrial":
        options |= {"qrs_ms": _uniform(rng, 135, 180), "axis_deg": _uniform(rng, -88, -50)}
    return options


def _low_voltage(rng: Generator) -> HeartOptions:
    return {"low_voltage": True, "gain": _uniform(rng, 0.6, 1.0)}


def _accompanying_findings(rng: Generator, options: HeartOptions) -> HeartOptions:
    """Return what an abnormal record may show beside its main finding: premature beats, a long PR, fibrillation."""
    more: HeartOptions = {}
    chance, wpw = rng.random(), options.get("conduction") == "wpw"
    if chance < 0.09:
        pattern = str(rng.choice(["isolated", "bigeminy", "trigeminy", "couplets"], p=[0.7, 0.12, 0.1, 0.08]))
        more = {"pvc_pattern": pattern, "pvc_per_min": _uniform(rng, 5, 16)}
    elif chance < 0.17 and "rhythm" not in options and "av_block" not in options:
        more = {"pac_per_min": _uniform(rng, 5, 16)}
    # A long PR needs sinus rhythm, and a normal pathway through the AV node.
    may_delay = not {"rhythm", "av_block", "atria"} & set(options) and not wpw
    if rng.random() < 0.06 and may_delay:
        more |= {"av_block": "first", "pr_ms": _uniform(rng, 208, 280), "pac_per_min": 0.0}
    return more


def _territories(rng: Generator) -> tuple[str, ...]:
    return _TERRITORY_SETS[int(rng.integers(len(_TERRITORY_SETS)))]


_GROUPS: dict[str, Callable[[Generator], HeartOptions]] = {
    "normal": _normal,
    "conduction": _conduction,
    "injury": _injury,
    "ischaemia": _ischaemia,
    "infarct": _infarct,
    "hypertrophy": _hypertrophy,
    "fibrillation": _fibrillation,
    "other_rhythm": _other_rhythm,
    "av_block": _av_block,
    "paced": _paced,
    "small": _low_voltage,
}
