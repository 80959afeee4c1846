"""QRS, ST and T of one kind of beat, as waves timed from the onset of the QRS."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synth.heart.lead_vectors import AVF_TO_FRONTAL, CHEST, N_BASE, frontal_axis_deg, project, turn_frontal
from synth.heart.qrs_templates import DipoleWave, Repolarization, qrs_template, repolarization
from synth.heart.spec import HeartSpec, Intervals
from synth.heart.territories import invert_t, st_shifts, territory_share
from synth.heart.waves import Wave, net_area, sum_waves, with_amplitudes

Array = NDArray[np.float64]

# Usual T and ST in mV: dipole, and what is added in V1 to V6.
_T_DIPOLE = (0.32, 0.13, -0.15)
_T_LOCAL = (0.00, 0.18, -0.02, -0.10, -0.08, -0.02)
_ST_DIPOLE = (0.01, 0.01, -0.035)


def ventricular_waves(spec: HeartSpec, intervals: Intervals, rng: Generator, kind: str) -> tuple[Wave, ...]:
    """Return the QRS, ST and T waves of a ``conducted``, ``paced``, ``escape`` or ``pvc`` beat.

    The frontal QRS axis is the requested one for all but a PVC.
    """
    rows, rule = _template(spec, rng, kind)
    # Beats from the ventricles spread through muscle, not through the bundle branches.
    wide = kind in ("pvc", "escape")
    qrs_s = max(intervals.qrs_s, rng.uniform(0.135, 0.165)) if wide else intervals.qrs_s
    if kind == "pvc":
        qrs = _patient_qrs(spec, rng, rows, qrs_s)
    elif kind == "conducted":
        qrs = _turn_to_axis(spec, rng, rows, qrs_s, intervals.axis_deg, spec.q_wave)
        qrs = _scale_to_voltage(spec, rng, qrs)
    else:
        qrs = _turn_to_axis(spec, rng, rows, qrs_s, intervals.axis_deg, ())
    # A longer depolarization delays repolarization by most of its length.
    qt_s = intervals.qt_s + 0.7 * (qrs_s - intervals.qrs_s)
    return (*qrs, *_repolarization_waves(spec, rng, qrs, rule, qrs_s, qt_s, intervals.axis_deg, kind == "conducted"))


def _template(spec: HeartSpec, rng: Generator, kind: str) -> tuple[tuple[DipoleWave, ...], Repolarization]:
    if kind == "pvc":
        return qrs_template(str(rng.choice(["pvc_right", "pvc_left"]))), repolarization("pvc")
    if kind == "paced":
        return qrs_template("paced"), repolarization("paced")
    if kind == "escape":
        return qrs_template(str(rng.choice(["clbbb", "crbbb"]))), repolarization("clbbb")
    if spec.hypertrophy == "rvh":
        return qrs_template("rvh"), repolarization("rvh")
    if spec.conduction == "wpw":
        return qrs_template(str(rng.choice(["wpw_left", "wpw_right"]))), repolarization("wpw")
    return qrs_template(spec.conduction), repolarization("lvh" if spec.hypertrophy == "lvh" else spec.conduction)


def _patient_qrs(spec: HeartSpec, rng: Generator, rows: tuple[DipoleWave, ...], qrs_s: float) -> list[Wave]:
    """Return the waves of a table for one patient: sizes, times and the chest's transition stray with `variety`."""
    stray = spec.variety
    vectors = np.array([(row.x, row.y, row.z) for row in rows])
    local = np.array([row.local for row in rows])
    vectors = vectors * (1 + 0.10 * stray * rng.standard_normal(vectors.shape))
    local = local * (1 + 0.2 * stray * rng.standard_normal(local.shape))
    # Rotation about the long axis moves the transition zone of the chest leads.
    turn = np.radians(np.clip(7 * stray * rng.standard_normal(), -14, 14))
    x, z = vectors[:, 0].copy(), vectors[:, 2].copy()
    vectors[:, 0], vectors[:, 2] = x * np.cos(turn) - z * np.sin(turn), x * np.sin(turn) + z * np.cos(turn)
    amp = project(vectors, local) * spec.gain
    # Limb and chest voltages vary independently between patients.
    amp[:, 0:2] *= np.exp(0.22 * stray * rng.standard_normal())
    amp[:, 2:] *= np.exp(0.25 * stray * rng.standard_normal())
    shift = np.clip(0.012 * stray * rng.standard_normal(len(rows)), -0.03, 0.03)
    waves = [
        Wave("QRS", qrs_s * row.start, qrs_s * (row.peak + moved_by), qrs_s * row.hold, qrs_s * row.end, size)
        for row, moved_by, size in zip(rows, shift, amp, strict=True)
    ]
    return waves + _notches(spec, rng, qrs_s)


def _notches(spec: HeartSpec, rng: Generator, qrs_s: float) -> list[Wave]:
    """Return none to two small, sharp waves within the QRS: the slurs and notches that real complexes carry."""
    waves = []
    for _ in range(int(rng.integers(0, 3))):
        peak, half = rng.uniform(0.25, 0.82), min(0.12 * qrs_s, 0.014)
        size = 0.05 * spec.variety * spec.gain
        amp = project(size * rng.standard_normal((1, 3)), size * rng.standard_normal((1, 6)))[0]
        waves.append(Wave("QRS", qrs_s * peak - half, qrs_s * peak, 0.0, qrs_s * peak + half, amp))
    return waves


def _turn_to_axis(
    spec: HeartSpec,
    rng: Generator,
    rows: tuple[DipoleWave, ...],
    qrs_s: float,
    axis_deg: float,
    q_wave: tuple[str, ...],
) -> list[Wave]:
    """Return the drawn waves, turned in the frontal plane until the net area, Q waves included, has the axis."""
    waves = _patient_qrs(spec, rng, rows, qrs_s)
    fixed = {number for number, row in enumerate(rows) if not row.follows_axis}
    whole = float(np.hypot(*net_area([w for n, w in enumerate(waves) if n not in fixed])[:2]))
    best, least = waves, 360.0
    # Waves that do not turn, or Q waves, may trap the search: two more starts.
    for turn in (0.0, 60.0, -60.0) if q_wave or fixed else (0.0,):
        for _ in range(30):
            turned = [w if n in fixed else with_amplitudes(w, turn_frontal(w.amp, turn)) for n, w in enumerate(waves)]
            done = _add_q_waves(turned, q_wave)
            area = net_area(done)
            miss = (axis_deg - frontal_axis_deg(area[0], area[1]) + 180.0) % 360.0 - 180.0
            if abs(miss) < least:
                best, least = done, abs(miss)
            if least < 0.2:
                return best
            # Where much of the QRS cancels, a small turn moves the axis far.
            turn += miss * float(np.clip(np.hypot(area[0], area[1]) / whole, 0.08, 0.8))
    return _balance_late_r(best, axis_deg) if q_wave else best


def _balance_late_r(waves: list[Wave], axis_deg: float) -> list[Wave]:
    """Return an infarcted QRS with its late R in the limb leads made larger or smaller for the axis it should have.

    Where Q and R nearly cancel in a lead no turn of the whole loop gives every axis.
    """
    late = waves[-1]
    rest = net_area(waves[:-1])[:2] * (1.0, AVF_TO_FRONTAL)
    own = net_area([late])[:2] * (1.0, AVF_TO_FRONTAL)
    across = np.array([-np.sin(np.radians(axis_deg)), np.cos(np.radians(axis_deg))])
    if abs(own @ across) < 1e-9:
        return waves
    factor = np.ones(N_BASE)
    factor[0:2] = np.clip(-(rest @ across) / (own @ across), 0.25, 1.7)
    return [*waves[:-1], with_amplitudes(late, late.amp * factor)]


def _add_q_waves(waves: list[Wave], names: tuple[str, ...]) -> list[Wave]:
    """Return the QRS with Q waves of 40 ms and more in the territories; what is left of R is the last wave."""
    if not names:
        return waves
    share, qrs_s = territory_share(names), max(wave.end_s for wave in waves)
    if {"inferior", "lateral"} <= set(names):
        share[0] = 0.0  # inferolateral: the lateral part is V5 and V6
    tallest = np.maximum(sum_waves(waves, np.linspace(0, qrs_s, 60)).max(axis=1), 0.0)
    left = [with_amplitudes(wave, np.where(wave.amp > 0, wave.amp * (1 - share), wave.amp)) for wave in waves]
    # What is left of R: V1 and V2 lose it whole, V3 and V4 keep a little.
    keep = np.full(N_BASE, 0.75)
    keep[2:6] = 0.0, 0.0, 0.15, 0.4
    r_mv = share * keep * tallest
    q_mv = -share * np.clip(0.34 * keep * tallest + 0.11, 0.16, 0.8)
    left.append(Wave("QRS", 0.0, 0.24 * qrs_s, 0.0, 0.62 * qrs_s, q_mv))
    if "posterior" in names:
        left = _mirror_posterior_q(left, qrs_s)
    left.append(Wave("QRS", 0.42 * qrs_s, 0.64 * qrs_s, 0.0, 0.90 * qrs_s, r_mv))
    return left


def _mirror_posterior_q(waves: list[Wave], qrs_s: float) -> list[Wave]:
    """Return the QRS with the mirror of a posterior Q wave: in V1 to V3 a broad R, and smaller negative waves."""
    r_mv, share = np.zeros(N_BASE), np.ones(N_BASE)
    r_mv[2:5] = 0.55, 0.75, 0.35
    share[2:5] = 0.45
    waves = [with_amplitudes(wave, np.where(wave.amp < 0, wave.amp * share, wave.amp)) for wave in waves]
    return [*waves, Wave("QRS", 0.10 * qrs_s, 0.46 * qrs_s, 0.0, 0.84 * qrs_s, r_mv)]


def _scale_to_voltage(spec: HeartSpec, rng: Generator, qrs: list[Wave]) -> list[Wave]:
    """Return the QRS scaled to the voltage its diagnosis needs: Sokolow-Lyon for LVH, low limb and chest leads."""
    factor = np.ones(N_BASE)
    if spec.hypertrophy == "lvh":
        target = rng.uniform(3.8, 4.8) * max(spec.gain, 0.95)
        factor[2:] = target / sokolow_lyon_mv(qrs)
        factor[0:2] = 1.3
        factor[3:6] *= 0.9, 0.8, 0.75  # V2 to V4 grow less than V1, V5 and V6
    if spec.low_voltage:
        limb, chest = limb_and_chest_mv(qrs)
        factor[0:2] = min(1.0, rng.uniform(0.28, 0.44) / limb)
        factor[2:] = min(1.0, rng.uniform(0.6, 0.92) / chest)
    return [with_amplitudes(wave, wave.amp * factor) for wave in qrs]


def _repolarization_waves(
    spec: HeartSpec,
    rng: Generator,
    qrs: list[Wave],
    rule: Repolarization,
    qrs_s: float,
    qt_s: float,
    axis_deg: float,
    conducted: bool,
) -> list[Wave]:
    """Return ST and T: the heart's own, what opposes the QRS area, and what ischaemia adds."""
    stray, area = spec.variety, net_area(qrs)
    # Secondary changes follow the QRS area, primary ones are the heart's own.
    secondary = np.exp(0.2 * stray * rng.standard_normal())
    dipole = np.array([_T_DIPOLE, _ST_DIPOLE]) * (1 + 0.15 * stray * rng.standard_normal((2, 3)))
    own, own_st = project(dipole, np.array([_T_LOCAL, (0.0,) * 6]))
    # The T axis follows the QRS axis by less than half.
    t_axis = np.clip(45 + 0.4 * (axis_deg - 45), 5, 72)
    own = turn_frontal(own, t_axis - frontal_axis_deg(own[0], own[1]))
    size = spec.gain**0.6 * spec.t_gain * np.exp(0.28 * stray * rng.standard_normal())
    size *= 0.65 if spec.low_voltage else 1.0
    t_mv = rule.primary * size * own - rule.t_per_area * secondary * area
    t_mv[CHEST] += spec.gain**0.6 * np.array(rule.t_local)
    st_mv = spec.gain**0.6 * np.exp(0.3 * stray * rng.standard_normal()) * own_st
    st_mv = st_mv - rule.st_per_area * secondary * area
    up = down = np.zeros(N_BASE)
    if conducted:
        if spec.t_inversion:
            t_mv = invert_t(t_mv, spec.t_inversion, 0.26 * np.exp(0.25 * stray * rng.standard_normal()))
        up, down = st_shifts(spec.st)
        t_mv = t_mv + 0.45 * np.maximum(up, 0) + 0.25 * np.minimum(up, 0) + 0.6 * down
    return _place_st_and_t(qrs_s, qt_s, st_mv + up, down, t_mv)


def _place_st_and_t(qrs_s: float, qt_s: float, level: Array, sagging: Array, t_mv: Array) -> list[Wave]:
    """Place ST and T: `level` lasts until the T wave, `sagging` is gone by then."""
    # The T wave falls faster than it rises.
    t_peak = qt_s - min(0.25 * qt_s, 0.5 * (qt_s - qrs_s))
    room = t_peak - qrs_s
    return [
        Wave("ST", qrs_s - 0.028, qrs_s + 0.012, max(0.0, 0.7 * room - 0.012), qt_s - 0.1 * room, level),
        Wave("ST", qrs_s - 0.025, qrs_s + 0.020, max(0.0, 0.45 * room - 0.02), t_peak + 0.2 * (qt_s - t_peak), sagging),
        Wave("T", qrs_s + 0.12 * room, t_peak, 0.0, qt_s, t_mv),
    ]


def _qrs_course(qrs: list[Wave]) -> Array:
    waves = [wave for wave in qrs if wave.part == "QRS"]
    return sum_waves(waves, np.arange(0.0, max(wave.end_s for wave in waves), 0.001))


def sokolow_lyon_mv(qrs: list[Wave]) -> float:
    """Return S in V1 plus the taller R of V5 and V6, in mV."""
    course = _qrs_course(qrs)
    return float(max(0.0, -course[2].min()) + max(course[6].max(), course[7].max(), 0.05))


def limb_and_chest_mv(qrs: list[Wave]) -> tuple[float, float]:
    """Return the largest peak-to-peak QRS of the limb leads and of the chest leads, in mV."""
    course = _qrs_course(qrs)
    one, avf = course[0], course[1]
    limb = np.stack([one, avf + one / 2, avf - one / 2, 0.75 * one + 0.5 * avf, 0.75 * one - 0.5 * avf, avf])
    return float(np.ptp(limb, axis=1).max()), float(np.ptp(course[CHEST], axis=1).max())
