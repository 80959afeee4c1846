"""Rhythms: intervals between beats, atrial activity, blocks, and premature beats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import welch

from tests.synth.heart.measurements import FS, QUIET, SEEDS, heart, qrs, quiet, rr, t_wave


def test_rr_intervals():
    """RR intervals have the rate and the spread of each rhythm."""
    spread = {name: [] for name in ("sinus", "sinus_arrhythmia", "af")}
    for name, values in spread.items():
        for seed in range(6):
            intervals = rr(quiet(seed, rhythm=name, rate_bpm=75))
            assert 60 / intervals.mean() == pytest.approx(75, rel=0.2)
            values.append(intervals.std() / intervals.mean())
    assert max(spread["sinus"]) < 0.06
    assert 0.07 < np.median(spread["sinus_arrhythmia"]) < 0.2
    assert 0.15 < np.median(spread["af"]) < 0.35
    long = rr(heart(1, 120.0, rhythm="af", rate_bpm=90, **QUIET))
    assert abs(np.corrcoef(long[:-1], long[1:])[0, 1]) < 0.2  # irregularly irregular
    assert long.min() > 0.28


def test_fibrillation():
    """Fibrillation has no P wave, but f waves."""
    beats = heart(2, 30.0, rhythm="af", rate_bpm=40, **QUIET)
    assert np.all(np.isnan(beats.fiducials.p_onset_s))
    assert beats.fiducials.atrial_s.size == 0
    v1, rest = beats.record.lead("V1").astype(float), np.zeros(15000, bool)
    for a, b in zip(beats.fiducials.t_offset_s, beats.fiducials.qrs_onset_s[1:], strict=False):
        if np.isfinite(a + b):
            rest[round((a + 0.05) * FS) : round((b - 0.02) * FS)] = True
    f, power = welch(np.where(rest, v1, 0), FS, nperseg=1024)
    assert 4.5 <= f[3:][np.argmax(power[3:])] <= 8.5
    assert 0.05 < np.ptp(v1[rest]) < 0.5


@pytest.mark.parametrize(("atrial", "ratio"), [(300.0, 4), (270.0, 3), (310.0, 2)])
def test_flutter(atrial, ratio):
    """Flutter shows its atrial rate and a whole ratio."""
    beats = heart(1, 20.0, rhythm="flutter", rate_bpm=atrial / ratio, atrial_rate_bpm=atrial, **QUIET)
    assert rr(beats) == pytest.approx(ratio * 60 / atrial, abs=1e-6)
    x = {name: beats.record.lead(name).astype(float) for name in ("I", "III")}
    f, power = welch(x["III"] - x["III"].mean(), FS, nperseg=8192)
    band = (f > 0.9 * atrial / 60) & (f < 1.1 * atrial / 60)
    assert f[band][np.argmax(power[band])] == pytest.approx(atrial / 60, abs=0.1)
    one = welch(x["I"], FS, nperseg=8192)[1]
    if ratio > 2:  # with 2:1 the second harmonic of the QRS falls on the same frequency
        assert power[band].sum() > 5 * one[band].sum()
    assert np.diff(beats.fiducials.atrial_s) == pytest.approx(60 / atrial)


def test_mobitz_one():
    """Mobitz I lengthens PR until a beat is dropped."""
    beats = heart(1, 20.0, av_block="mobitz1", rate_bpm=75, **QUIET)
    f = beats.fiducials
    assert 0.1 < np.mean(~f.atrial_conducted) < 0.45
    pr = dict(zip(np.round(f.p_onset_s, 6), f.qrs_onset_s - f.p_onset_s, strict=True))
    delays = [
        pr.get(t, np.nan) if ok else np.nan for t, ok in zip(np.round(f.atrial_s, 6), f.atrial_conducted, strict=True)
    ]
    pairs = [(a, b) for a, b in pairwise(delays) if np.isfinite(a + b)]
    assert len(pairs) > 5
    assert all(b > a + 0.01 for a, b in pairs)
    assert rr(beats).max() > 1.3 * np.median(rr(beats))


def test_mobitz_two_and_two_to_one():
    """Mobitz II and 2:1 block drop beats without warning."""
    for block, share in (("mobitz2", (0.15, 0.4)), ("two_to_one", (0.45, 0.55))):
        f = heart(1, 20.0, av_block=block, rate_bpm=78, **QUIET).fiducials
        assert share[0] < np.mean(~f.atrial_conducted) < share[1]
        assert np.nanstd(f.qrs_onset_s - f.p_onset_s) < 1e-6


@pytest.mark.parametrize("escape", ["junctional", "ventricular"])
def test_third_degree_block(escape):
    """Third-degree block dissociates P from a slow escape rhythm."""
    beats = heart(2, 30.0, av_block="third", rate_bpm=84, escape=escape, **QUIET)
    f = beats.fiducials
    assert 60 / np.diff(f.atrial_s).mean() == pytest.approx(84, rel=0.03)
    assert 60 / rr(beats).mean() < 52
    assert set(f.kind) == {"escape"}
    last_p = np.array([t - f.atrial_s[f.atrial_s < t].max() for t in f.qrs_onset_s if t > f.atrial_s[0]])
    assert last_p.std() > 0.12
    width = np.nanmean(f.qrs_offset_s - f.qrs_onset_s)
    assert width > 0.12 if escape == "ventricular" else width < 0.11


def test_first_degree_block():
    """First-degree block has a long PR."""
    f = quiet(0, av_block="first").fiducials
    assert np.nanmin(f.qrs_onset_s - f.p_onset_s) > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_premature_ventricular_beats(seed):
    """Premature ventricular beats are wide, early, discordant, and followed by a full pause."""
    beats = heart(seed, 60.0, pvc_per_min=8.0, **(QUIET | {"breath_rr": 0.0}))
    f, kinds = beats.fiducials, np.array(beats.fiducials.kind)
    at = [n for n in np.flatnonzero(kinds == "pvc") if 0 < n < len(kinds) - 1]
    assert len(at) >= 3
    normal = np.median(rr(beats))
    for n in at:
        assert f.qrs_offset_s[n] - f.qrs_onset_s[n] > 0.12
        before, after = f.qrs_onset_s[n] - f.qrs_onset_s[n - 1], f.qrs_onset_s[n + 1] - f.qrs_onset_s[n]
        assert before < 0.85 * normal
        assert before + after == pytest.approx(2 * normal, rel=0.08)
    lead = max(("II", "V1", "V2", "V5"), key=lambda name: np.abs(qrs(beats, name, "pvc").sum()))
    assert np.sign(qrs(beats, lead, "pvc").sum()) != np.sign(t_wave(beats, lead, "pvc"))


def test_bigeminy_trigeminy_and_couplets():
    """Premature beats come every second, every third, or in pairs."""
    kinds = {name: quiet(1, pvc_pattern=name, pvc_per_min=6.0).fiducials.kind for name in ("bigeminy", "trigeminy")}
    assert "pvc" in kinds["bigeminy"][:2]
    assert all((a == "pvc") != (b == "pvc") for a, b in pairwise(kinds["bigeminy"]))
    at = [n for n, kind in enumerate(kinds["trigeminy"]) if kind == "pvc"]
    assert np.all(np.diff(at) == 3)
    pairs = "".join(
        "v" if kind == "pvc" else "n" for kind in heart(3, 60, pvc_pattern="couplets", pvc_per_min=6).fiducials.kind
    )
    assert "nvvn" in pairs
    assert "vvv" not in pairs


def test_premature_atrial_beats():
    """Premature atrial beats come early, with a P wave of their own."""
    f = heart(2, 60.0, pac_per_min=10.0, **QUIET).fiducials
    at = [n for n, kind in enumerate(f.kind) if kind == "pac" and 0 < n < len(f.kind) - 1]
    assert len(at) > 3
    normal = np.median(np.diff(f.qrs_onset_s))
    for n in at:
        before, after = f.qrs_onset_s[n] - f.qrs_onset_s[n - 1], f.qrs_onset_s[n + 1] - f.qrs_onset_s[n]
        assert before < 0.85 * normal
        assert before + after < 1.97 * normal
        assert np.isfinite(f.p_onset_s[n])
