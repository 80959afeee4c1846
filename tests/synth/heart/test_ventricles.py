"""The ventricles: axis, intervals, blocks, hypertrophies, and paced beats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from ecgimg.leads import STANDARD_LEADS
from tests.synth.heart.measurements import (
    EXACT,
    FS,
    SEEDS,
    axis,
    between,
    heart,
    j60,
    magnitude,
    q_wave,
    qrs,
    quiet,
    r_and_s,
    r_times,
    t_wave,
    turned_away,
    walk,
    whole_beat,
)


@pytest.mark.parametrize(
    ("options", "angle"),
    [
        ({}, -25), ({}, 45), ({}, 85),
        ({"conduction": "clbbb"}, -30), ({"conduction": "crbbb"}, 60), ({"conduction": "lafb"}, -60),
        ({"conduction": "lpfb"}, 115), ({"hypertrophy": "rvh"}, 120), ({"conduction": "wpw"}, 20),
        ({"pacing": "ventricular"}, -75), ({"q_wave": ("inferior",)}, -10), ({"q_wave": ("lateral",)}, 80),
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", [0, 1])
def test_frontal_axis(options, angle, seed):
    """The frontal axis is the one asked for."""
    # Without ST shifts of its own a QRS is followed by little that reaches into its area.
    assert turned_away(axis(quiet(seed, axis_deg=angle, **options)), angle) < 5


@pytest.mark.parametrize(
    ("pr", "width", "qt", "rate"), [(160, 90, 400, 60), (130, 80, 340, 85), (240, 100, 440, 52), (180, 110, 420, 66)]
)
def test_intervals(pr, width, qt, rate):
    """Intervals measured from the signal are those asked for."""
    beats = heart(1, rate_bpm=rate, pr_ms=pr, p_ms=96, qrs_ms=width, qt_ms=qt, **EXACT)
    size = magnitude(beats)
    slope = np.sqrt(np.sum(np.gradient(beats.record.signals.astype(float), axis=1) ** 2, axis=0))
    r = round(r_times(beats)[2] * FS)
    onset = walk(size, r, -1, 0.015 * size[r - 20 : r + 20].max())
    p_peak = onset - 100 + int(np.argmax(size[onset - 100 : onset - 5]))
    p_onset = walk(size, p_peak, -1, 0.06 * size[p_peak])
    offset = r + 60 - int(np.argmax(slope[r + 60 : r : -1] > 0.06 * slope.max()))
    t_peak = offset + 30 + int(np.argmax(size[offset + 30 : offset + 200]))
    t_end = walk(size, t_peak, 1, 0.05 * size[t_peak])
    measured = np.array([onset - p_onset, offset - onset, t_end - onset]) * 1000 / FS
    assert measured == pytest.approx([pr, width, qt], abs=14)
    assert np.diff(r_times(beats)) == pytest.approx(60 / rate, abs=0.006)


@pytest.mark.parametrize("seed", SEEDS)
def test_normal_heart(seed):
    """A normal heart reads as normal."""
    beats = quiet(seed)
    assert "NORM" in beats.labels
    ratios = [np.divide(*r_and_s(beats, name)) for name in ("V1", "V2", "V3", "V4", "V5", "V6")]
    assert ratios[0] < 0.7
    assert ratios[1] < 1
    assert ratios[4] > 1.5
    assert ratios[5] > ratios[3] > ratios[0]
    for name in ("I", "II", "aVF", "V2", "V3", "V4", "V5", "V6"):
        assert t_wave(beats, name) > 0.03
    assert t_wave(beats, "aVR") < -0.03
    assert q_wave(beats, "V1") == (0.0, 0.0)
    depth, width = q_wave(beats, "V6")
    assert 0.01 < depth < 0.3
    assert width < 0.03
    f, n = beats.fiducials, whole_beat(beats)
    p = {name: between(beats, name, f.p_onset_s[n], f.p_offset_s[n]) for name in ("I", "II", "aVR", "V1")}
    assert p["II"].max() > 0.05
    assert p["I"].max() > 0.015
    assert p["aVR"].min() < -0.03
    assert p["V1"].max() > 0.005
    assert p["V1"].min() < -0.01
    assert 0.3 < qrs(beats, "II").max() < 2.5


def humps(wave, least):
    return find_peaks(np.concatenate([[0], wave, [0]]), height=least, prominence=0.02)[0].size


@pytest.mark.parametrize("seed", SEEDS)
def test_left_bundle_branch_block(seed):
    """Left bundle branch block: broad notched R in I and V6, deep S in V1, discordant T."""
    beats = quiet(seed, conduction="clbbb")
    for name in ("I", "V6"):
        assert q_wave(beats, name)[0] < 0.03
        r, s = r_and_s(beats, name)
        assert r > 5 * s
        wave = qrs(beats, name)
        assert np.mean(wave > 0.4 * wave.max()) > 0.4  # broad
        assert t_wave(beats, name) < 0
        assert humps(wave, 0.5 * wave.max()) >= 2 or name == "I"  # notched
    for name in ("V1", "V2"):
        r, s = r_and_s(beats, name)
        assert s > 3 * r
        assert t_wave(beats, name) > 0
        assert j60(beats, name) > 0


@pytest.mark.parametrize("conduction", ["crbbb", "crbbb+lafb"])
@pytest.mark.parametrize("seed", SEEDS)
def test_right_bundle_branch_block(seed, conduction):
    """Right bundle branch block: R' in V1, broad S in I and V6."""
    beats = quiet(seed, conduction=conduction)
    v1 = qrs(beats, "V1")
    half = v1.size // 2
    assert v1[half:].max() > 1.5 * max(v1[:half].max(), 0.02)  # R' over r
    assert v1[half:].max() > 0.3
    assert v1[: int(0.7 * v1.size)].min() < 0.6 * v1[:half].max()  # with a dip between them
    assert t_wave(beats, "V1") < 0
    for name in ("I", "V6"):
        wave = qrs(beats, name)
        late = wave[half:]
        assert late.min() < -0.08
        assert np.mean(late < -0.02) > 0.45  # broad S
    if conduction.endswith("lafb"):
        assert -90 < axis(beats) < -40


@pytest.mark.parametrize("seed", SEEDS)
def test_fascicular_blocks(seed):
    """Fascicular blocks: the axis, and small q and r where they belong."""
    anterior = quiet(seed, conduction="lafb")
    assert -76 < axis(anterior) < -44
    for name in ("I", "aVL"):
        assert q_wave(anterior, name)[0] > 0.01
        assert r_and_s(anterior, name)[0] > 0.3
    for name in ("II", "III", "aVF"):
        r, s = r_and_s(anterior, name)
        assert q_wave(anterior, name)[0] < 0.02
        assert s > r > 0.03
    posterior = quiet(seed, conduction="lpfb")
    assert axis(posterior) > 100
    assert r_and_s(posterior, "I")[1] > r_and_s(posterior, "I")[0] > 0.02
    assert q_wave(posterior, "III")[0] > 0.02
    assert r_and_s(posterior, "III")[0] > 0.4


@pytest.mark.parametrize("seed", SEEDS)
def test_hypertrophies(seed):
    """Hypertrophies: voltages, strain, axis, and the P waves of large atria."""
    left = quiet(seed, hypertrophy="lvh", atria="lae")
    sokolow = r_and_s(left, "V1")[1] + max(r_and_s(left, "V5")[0], r_and_s(left, "V6")[0])
    assert sokolow > 3.5
    assert t_wave(left, "V6") < 0  # strain
    assert j60(left, "V6") < 0
    right = quiet(seed, hypertrophy="rvh", atria="rae")
    r, s = r_and_s(right, "V1")
    assert r > max(s, 0.5)
    assert r_and_s(right, "V6")[1] > 0.5 * r_and_s(right, "V6")[0]
    assert axis(right) > 90
    assert t_wave(right, "V1") < 0
    assert r_and_s(quiet(seed, low_voltage=True), "II")[0] < 0.5
    f, n = left.fiducials, whole_beat(left)
    assert between(left, "V1", f.p_onset_s[n], f.p_offset_s[n]).min() < -0.1
    assert f.p_offset_s[n] - f.p_onset_s[n] >= 0.12
    f, n = right.fiducials, whole_beat(right)
    assert between(right, "II", f.p_onset_s[n], f.p_offset_s[n]).max() > 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_low_voltage(seed):
    """Low voltage: small complexes in every lead."""
    beats = quiet(seed, low_voltage=True)
    for name in STANDARD_LEADS:
        assert np.ptp(qrs(beats, name)) < (0.5 if name[0] != "V" else 1.0)
    assert "LVOLT" in beats.labels


@pytest.mark.parametrize("seed", SEEDS)
def test_wolff_parkinson_white(seed):
    """Pre-excitation: a short PR, a wide QRS, and a slow start."""
    beats = quiet(seed, conduction="wpw")
    f = beats.fiducials
    assert np.nanmax(f.qrs_onset_s - f.p_onset_s) < 0.12
    assert np.nanmin(f.qrs_offset_s - f.qrs_onset_s) > 0.11
    wave = qrs(beats, "V5")
    delta = wave[round(0.022 * FS) : round(0.045 * FS)] / wave.max()
    assert 0.05 < delta.mean() < 0.6
    steep = np.diff(wave)
    assert np.abs(steep[round(0.028 * FS) : round(0.046 * FS)]).mean() < 0.4 * steep.max()


def test_paced_beats():
    """Paced beats have spikes, and wide complexes of a superior axis."""
    beats = quiet(1, pacing="ventricular")
    f, n = beats.fiducials, whole_beat(beats)
    assert np.unique(f.kind) == ["paced"]
    assert f.qrs_offset_s[n] - f.qrs_onset_s[n] > 0.12
    assert axis(beats) < -45
    assert r_and_s(beats, "V1")[1] > 2 * r_and_s(beats, "V1")[0]
    near = between(beats, "III", f.qrs_onset_s[n] - 0.02, f.qrs_onset_s[n] + 0.002)
    assert np.abs(np.diff(near)).max() > 0.08
    assert np.sum(np.abs(near) > 0.5 * np.abs(near).max()) <= 2  # 1-2 ms
    assert np.diff(f.qrs_onset_s) == pytest.approx(60 / 70)
    dual = quiet(1, pacing="dual")
    assert set(dual.fiducials.atrial_kind) == {"paced"}
    near = between(dual, "III", *(dual.fiducials.p_onset_s[2] + np.array([-0.02, 0.002])))
    assert np.abs(np.diff(near)).max() > 0.03
