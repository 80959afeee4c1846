"""What is asked of the simulated heart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ecgimg.errors import BadRequest

CHOICES: dict[str, tuple[str, ...]] = {
    "rhythm": ("sinus", "sinus_arrhythmia", "af", "flutter", "svt", "junctional"),
    "av_block": ("none", "first", "mobitz1", "mobitz2", "two_to_one", "third"),
    "conduction": (
        *("normal", "clbbb", "ilbbb", "crbbb", "irbbb", "lafb", "lpfb"),
        *("crbbb+lafb", "wpw", "ivcd"),
    ),
    "hypertrophy": ("none", "lvh", "rvh"),
    "atria": ("none", "lae", "rae"),
    "pacing": ("none", "atrial", "ventricular", "dual"),
    "pvc_pattern": ("isolated", "bigeminy", "trigeminy", "couplets"),
    "escape": ("junctional", "ventricular"),
}
"""The words that each field of `HeartSpec` takes."""

TERRITORIES = ("septal", "anterior", "lateral", "inferior", "posterior")
ST_TERRITORIES = (*TERRITORIES, "subendocardial")
"""Territories of an ST shift; ``subendocardial`` is the diffuse one (V3-V6, I and II against aVR)."""

# Lowest and highest QRS duration (ms), the usual one, and the usual axis (degrees).
_CONDUCTION = {
    "normal": (60, 118, 92, 45),
    "clbbb": (120, 220, 148, -5),
    "ilbbb": (100, 119, 112, 20),
    "crbbb": (120, 220, 142, 40),
    "irbbb": (90, 119, 106, 50),
    "lafb": (70, 119, 102, -58),
    "lpfb": (70, 119, 102, 112),
    "crbbb+lafb": (120, 220, 146, -62),
    "wpw": (105, 200, 132, 35),
    "ivcd": (111, 220, 126, 20),
}

# Limits of what is drawn at all; wider than what is plausible in a patient.
_RANGES: dict[str, tuple[float, float]] = {
    "rate_bpm": (20, 300),
    "atrial_rate_bpm": (200, 400),
    "axis_deg": (-180, 180),
    "p_ms": (40, 200),
    "pr_ms": (60, 500),
    "qrs_ms": (50, 220),
    "qt_ms": (180, 800),
    "gain": (0.05, 4),
    "t_gain": (0, 4),
    "pac_per_min": (0, 60),
    "pvc_per_min": (0, 60),
    "variety": (0, 1.5),
    "beat_variation": (0, 0.3),
    "breath_per_min": (4, 60),
    "breath_axis_deg": (0, 20),
    "breath_gain": (0, 0.4),
    "breath_rr": (0, 0.3),
    "baseline_wander_mv": (0, 2),
    "muscle_mv": (0, 0.5),
    "mains_mv": (0, 1),
    "mains_hz": (45, 65),
    "motion_steps_per_min": (0, 60),
}


@dataclass(frozen=True)
class Intervals:
    """Intervals and axis, once every None of a spec has its value.

    Parameters
    ----------
    p_s, pr_s, qrs_s, qt_s : float
    axis_deg : float
    """

    p_s: float
    pr_s: float
    qrs_s: float
    qt_s: float
    axis_deg: float


@dataclass(frozen=True, kw_only=True)
class HeartSpec:
    """One heart and its recording conditions.

    Parameters
    ----------
    rate_bpm : float
        Beats a minute of the pacemaker that leads: of the atria in AV block, of the ventricles otherwise. Flutter takes
        the nearest whole ratio of `atrial_rate_bpm`.
    axis_deg : float or None
        Frontal QRS axis (of net areas) of every beat but a PVC; None for the usual one of the condition. Where inferior
        or lateral Q waves leave a limb lead with nearly no net area, the axis is the nearest that they allow.
    p_ms, pr_ms, qrs_ms, qt_ms : float or None
        PR runs from P onset to QRS onset, QT from QRS onset to T end. None for usual ones; QT by Fridericia
        (405 ms · RR^⅓, and more where the QRS is wide).
    rhythm, av_block, conduction, hypertrophy, atria, pacing, pvc_pattern, escape : str
        One of `CHOICES`.
    st_mv : mapping or tuple of pairs
        Territory of `ST_TERRITORIES` to mV, elevation above 0 and depression below.
    t_inversion, q_wave : tuple of str
        Territories with inverted T waves and with pathological Q waves.
    low_voltage : bool
        Amplitudes below 0.5 mV in every limb lead and below 1 mV in every chest lead.
    pac_per_min, pvc_per_min : float
        Mean number of premature beats (of couplets for that pattern). Bigeminy and trigeminy need no number.
    atrial_rate_bpm : float
        Flutter waves a minute.
    flutter_variable : bool
        Whether the ratio of conduction changes from beat to beat.
    gain, t_gain : float
        Factors on all amplitudes and on T waves alone.
    variety, beat_variation : float
        How far this patient strays from the textbook (0 = not at all), and beats from each other (fraction).
    breath_per_min, breath_axis_deg, breath_gain, breath_rr : float
        Breathing, and how it sways the axis (degrees), the amplitude and the RR interval (fractions).
    baseline_wander_mv, muscle_mv, mains_mv, mains_hz : float
        Noise in a lead: root mean square, of mains the amplitude and the frequency.
    motion_steps_per_min : float
        Sudden steps of one electrode, each fading within about a second.

    Raises
    ------
    BadRequest
        For a value out of range, or for two values that no reader would accept together.
    """

    rate_bpm: float = 70.0
    axis_deg: float | None = None
    p_ms: float | None = None
    pr_ms: float | None = None
    qrs_ms: float | None = None
    qt_ms: float | None = None
    rhythm: str = "sinus"
    av_block: str = "none"
    conduction: str = "normal"
    hypertrophy: str = "none"
    atria: str = "none"
    pacing: str = "none"
    st_mv: Mapping[str, float] | tuple[tuple[str, float], ...] = ()
    t_inversion: tuple[str, ...] = ()
    q_wave: tuple[str, ...] = ()
    low_voltage: bool = False
    pac_per_min: float = 0.0
    pvc_per_min: float = 0.0
    pvc_pattern: str = "isolated"
    escape: str = "junctional"
    atrial_rate_bpm: float = 300.0
    flutter_variable: bool = False
    gain: float = 1.0
    t_gain: float = 1.0
    variety: float = 1.0
    beat_variation: float = 0.03
    breath_per_min: float = 15.0
    breath_axis_deg: float = 2.0
    breath_gain: float = 0.04
    breath_rr: float = 0.025
    baseline_wander_mv: float = 0.03
    muscle_mv: float = 0.01
    mains_mv: float = 0.0
    mains_hz: float = 50.0
    motion_steps_per_min: float = 0.0

    def __post_init__(self) -> None:
        pairs = self.st_mv.items() if isinstance(self.st_mv, Mapping) else self.st_mv
        object.__setattr__(self, "st_mv", tuple((str(name), float(mv)) for name, mv in pairs))
        object.__setattr__(self, "t_inversion", tuple(self.t_inversion))
        object.__setattr__(self, "q_wave", tuple(self.q_wave))
        _check_words(self)
        _check_ranges(self)
        _check_territories(self)
        _check_combinations(self)

    @property
    def st(self) -> dict[str, float]:
        """ST shift of each territory in mV."""
        return dict(self.st_mv)

    @property
    def has_p(self) -> bool:
        """True where the sinus node drives the atria."""
        return self.rhythm in ("sinus", "sinus_arrhythmia")

    @property
    def paced_ventricles(self) -> bool:
        """True where a pacemaker drives the ventricles."""
        return self.pacing in ("ventricular", "dual")

    @property
    def intervals(self) -> Intervals:
        """The intervals and the axis, with usual values where None was given."""
        _, _, usual_qrs, usual_axis = _CONDUCTION[self.conduction]
        p = self.p_ms or {"lae": 128.0, "rae": 96.0}.get(self.atria, 98.0)
        # PR shortens with the rate, in ms.
        usual_pr = min(175.0, max(p + 25.0, 160.0 - 0.35 * (self.rate_bpm - 70.0)))
        pr = self.pr_ms or {"wpw": 100.0}.get(self.conduction, 245.0 if self.av_block == "first" else usual_pr)
        if self.paced_ventricles:
            usual_qrs, usual_axis = 158, -72
        elif self.q_wave and self.conduction == "normal":
            usual_qrs = 104
        qrs = self.qrs_ms or float(usual_qrs)
        # The escape rhythm sets QT in third degree block.
        ventricular_bpm = 40.0 if self.av_block == "third" else self.rate_bpm
        qt = self.qt_ms or 405.0 * (60.0 / ventricular_bpm) ** (1 / 3) + 0.7 * max(0.0, qrs - 100.0)
        # ST and T need 130 ms after the QRS.
        qt = max(qt, qrs + 130.0)
        axis = self._usual_axis_deg(float(usual_axis)) if self.axis_deg is None else self.axis_deg
        return Intervals(min(p, pr - 10.0) / 1000, pr / 1000, qrs / 1000, qt / 1000, axis)

    def _usual_axis_deg(self, default_deg: float) -> float:
        """Return the axis where none was given: that of hypertrophy or infarction, else `default_deg`."""
        if self.hypertrophy != "none":
            return {"lvh": 15.0, "rvh": 115.0}[self.hypertrophy]
        if self.conduction == "normal" and not self.paced_ventricles:
            return -8.0 if "inferior" in self.q_wave else 80.0 if "lateral" in self.q_wave else default_deg
        return default_deg


def _check_words(spec: HeartSpec) -> None:
    for field, words in CHOICES.items():
        if getattr(spec, field) not in words:
            raise BadRequest(f"{field} is one of {', '.join(words)}; got {getattr(spec, field)!r}")


def _check_ranges(spec: HeartSpec) -> None:
    for field, (low, high) in _RANGES.items():
        value = getattr(spec, field)
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            raise BadRequest(f"{field} lies from {low:g} to {high:g}; got {value}")


def _check_territories(spec: HeartSpec) -> None:
    for field, known, names in (
        ("st_mv", ST_TERRITORIES, tuple(spec.st)),
        ("t_inversion", TERRITORIES, spec.t_inversion),
        ("q_wave", TERRITORIES, spec.q_wave),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadRequest(f"{field} knows the territories {', '.join(known)}; got {', '.join(unknown)}")
    if any(not (math.isfinite(mv) and abs(mv) <= 1.5) for mv in spec.st.values()):
        raise BadRequest(f"an ST shift lies within 1.5 mV; got {spec.st}")


def _check_combinations(spec: HeartSpec) -> None:
    intervals = spec.intervals
    low, high, _, _ = _CONDUCTION[spec.conduction]
    if spec.paced_ventricles:
        low, high = 110, 220
    qrs_ms, pr_ms = 1000 * intervals.qrs_s, 1000 * intervals.pr_s
    # The same angle within -180 to 180, for the criteria below.
    axis = (intervals.axis_deg + 180.0) % 360.0 - 180.0
    wrong = [
        (not low <= round(qrs_ms) <= high, f"a QRS of {qrs_ms:.0f} ms is not {spec.conduction}: {low} to {high} ms"),
        (spec.p_ms is not None and spec.p_ms > pr_ms - 10, f"a P wave of {spec.p_ms} ms needs a longer PR"),
        (spec.qt_ms is not None and spec.qt_ms < qrs_ms + 130, f"a QT of {spec.qt_ms} ms is too short for its QRS"),
        (spec.av_block != "none" and not spec.has_p, f"AV block needs sinus rhythm, not {spec.rhythm}"),
        (spec.atria != "none" and not spec.has_p, f"atrial enlargement needs P waves; {spec.rhythm} has none"),
        (spec.pacing in ("atrial", "dual") and not spec.has_p, f"{spec.pacing} pacing needs sinus rhythm"),
        (spec.pacing != "none" and spec.av_block != "none", "pacing takes no AV block beside it"),
        (spec.av_block == "first" and pr_ms <= 200, f"first degree block has a PR above 200 ms; got {pr_ms:.0f}"),
        (spec.conduction == "wpw" and pr_ms >= 120, f"WPW has a PR below 120 ms; got {pr_ms:.0f}"),
        (spec.conduction == "wpw" and spec.av_block != "none", "WPW goes past the AV node: no AV block with it"),
        ("lafb" in spec.conduction and not -90 <= axis <= -40, f"LAFB has an axis of -40 to -90; got {axis:.0f}"),
        (spec.conduction == "lpfb" and not 95 <= axis <= 180, f"LPFB has an axis of 95 to 180; got {axis:.0f}"),
        (spec.hypertrophy == "rvh" and not 90 <= axis <= 180, f"RVH has an axis of 90 to 180; got {axis:.0f}"),
        (spec.hypertrophy == "rvh" and spec.conduction != "normal", "RVH is read where conduction is normal"),
        (
            spec.hypertrophy == "lvh" and spec.conduction not in ("normal", "ilbbb", "irbbb", "lafb", "ivcd"),
            f"LVH is not read beside {spec.conduction}",
        ),
        (spec.rhythm == "svt" and spec.rate_bpm < 120, f"SVT is 120 bpm or faster; got {spec.rate_bpm:g}"),
        (spec.rhythm == "junctional" and spec.rate_bpm > 140, "a junctional rhythm is at most 140 bpm"),
        (spec.rhythm == "flutter" and spec.rate_bpm > 0.75 * spec.atrial_rate_bpm, "flutter conducts 2:1 or less"),
        (spec.low_voltage and spec.hypertrophy != "none", "low voltage and hypertrophy exclude each other"),
    ]
    for is_wrong, sentence in wrong:
        if is_wrong:
            raise BadRequest(sentence)
