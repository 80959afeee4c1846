"""The simulated heart, read as a reader of ECGs would: from the signal, with no noise where a size is measured."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from ecgimg.errors import BadRequest
from ecgimg.record import STANDARD_LEADS
from synth.heart import HeartSpec, make_random_heart_spec, simulate
from synth.heart.scp_statements import CODES

FS = 500.0
SEEDS = range(4)
QUIET = {"baseline_wander_mv": 0.0, "muscle_mv": 0.0, "breath_axis_deg": 0.0}
EXACT = QUIET | {"variety": 0.0, "beat_variation": 0.0, "breath_gain": 0.0, "breath_rr": 0.0}


def heart(seed=0, duration_s=10.0, leads=STANDARD_LEADS, **options):
    return simulate(HeartSpec(**options), np.random.default_rng(seed), duration_s, FS, leads)


def quiet(seed=0, **options):
    return heart(seed, **(QUIET | options))


def magnitude(beats):
    return np.sqrt(np.sum(beats.record.signals.astype(float) ** 2, axis=0))


def r_times(beats):
    """R peaks in seconds, found without the fiducials: the steep complexes of all leads together."""
    slope = np.sum(np.abs(np.gradient(beats.record.signals.astype(float), axis=1)), axis=0)
    steep = np.convolve(slope, np.ones(25) / 25, "same")
    return find_peaks(steep, height=0.4 * steep.max(), distance=100)[0] / FS


def walk(values, start, step, level):
    """Index of the first sample from `start` on, in steps of ±1, that is below `level`."""
    while 0 < start < len(values) - 1 and values[start] >= level:
        start += step
    return start


def whole_beat(beats, kind=None):
    """Number of the first beat that lies on the canvas from P to T."""
    f = beats.fiducials
    for number, name in enumerate(f.kind):
        if (kind in (None, name)) and f.qrs_onset_s[number] > 0.3 and np.isfinite(f.t_offset_s[number]):
            return number
    raise AssertionError(f"no whole beat of kind {kind} in {f.kind}")


def between(beats, lead, start_s, stop_s):
    return beats.record.lead(lead)[round(start_s * FS) : round(stop_s * FS)].astype(float)


def qrs(beats, lead, kind=None):
    """(samples,) mV from the onset of a QRS to its end, against the level before it."""
    f, n = beats.fiducials, whole_beat(beats, kind)
    level = between(beats, lead, f.qrs_onset_s[n] - 0.012, f.qrs_onset_s[n]).mean()
    return between(beats, lead, f.qrs_onset_s[n], f.qrs_offset_s[n]) - level


def r_and_s(beats, lead, kind=None):
    wave = qrs(beats, lead, kind)
    return max(wave.max(), 0.0), max(-wave.min(), 0.0)


def q_wave(beats, lead, kind=None):
    """Depth in mV and duration in seconds of a QRS's first deflection where that is negative; zeros otherwise."""
    wave = qrs(beats, lead, kind)
    small = 0.03 * np.ptp(wave)
    first = int(np.argmax(np.abs(wave) > small))
    if wave[first] > 0:
        return 0.0, 0.0
    after = np.flatnonzero(wave[first:] > 0)
    last = first + (int(after[0]) if after.size else wave.size - first)
    return -wave[first:last].min(), last / FS


def t_wave(beats, lead, kind=None):
    """Value furthest from zero between 60 ms after the QRS and the end of T."""
    f, n = beats.fiducials, whole_beat(beats, kind)
    wave = between(beats, lead, f.qrs_offset_s[n] + 0.06, f.t_offset_s[n])
    return wave[np.argmax(np.abs(wave))]


def j60(beats, lead):
    """ST level 60 ms after the end of the QRS."""
    f, n = beats.fiducials, whole_beat(beats)
    return between(beats, lead, f.qrs_offset_s[n] + 0.056, f.qrs_offset_s[n] + 0.064).mean()


def axis(beats):
    f, n = beats.fiducials, whole_beat(beats)
    start, stop = f.qrs_onset_s[n], f.qrs_offset_s[n]
    area = [between(beats, lead, start, stop).sum() for lead in ("I", "aVF")]
    return np.degrees(np.arctan2(area[1] * 2 / np.sqrt(3), area[0]))


def turned_away(angle, other):
    return abs((angle - other + 180) % 360 - 180)


NOISY = {"baseline_wander_mv": 0.2, "muscle_mv": 0.05, "mains_mv": 0.05, "motion_steps_per_min": 20.0}


@pytest.mark.parametrize("options", [QUIET, NOISY, NOISY | {"rhythm": "af"}, NOISY | {"pacing": "dual"}])
def test_the_limb_leads_obey_einthoven_and_goldberger(options):
    beats = heart(3, **options)
    one, two, three, avr, avl, avf = (beats.record.lead(name).astype(float) for name in STANDARD_LEADS[:6])
    rounding = 4e-7 * max(1.0, np.abs(beats.record.signals).max())
    for law in (one + three - two, avr + avl + avf, avr + (one + two) / 2, avl - (one - three) / 2):
        assert np.abs(law).max() < rounding


def test_noise_is_there_at_the_size_asked_for():
    clean = heart(5, **QUIET).record.signals
    wander = heart(5, **(QUIET | {"baseline_wander_mv": 0.1})).record.signals - clean
    muscle = heart(5, **(QUIET | {"muscle_mv": 0.02})).record.signals - clean
    hum = heart(5, **(QUIET | {"mains_mv": 0.05, "mains_hz": 60.0})).record.signals - clean
    assert 0.03 < np.median(wander.std(axis=1)) < 0.25
    assert 0.008 < np.median(muscle.std(axis=1)) < 0.04
    f, power = welch(hum[7], FS, nperseg=1024)
    assert abs(f[np.argmax(power)] - 60) < 1
    f, power = welch(wander[1], FS, nperseg=4096)
    assert power[f < 1].sum() > 0.98 * power.sum()


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
def test_the_frontal_axis_is_the_one_asked_for(options, angle, seed):
    # Without ST shifts of its own a QRS is followed by little that reaches into its area.
    assert turned_away(axis(quiet(seed, axis_deg=angle, **options)), angle) < 5


@pytest.mark.parametrize(
    ("pr", "width", "qt", "rate"), [(160, 90, 400, 60), (130, 80, 340, 85), (240, 100, 440, 52), (180, 110, 420, 66)]
)
def test_intervals_measured_from_the_signal_are_those_asked_for(pr, width, qt, rate):
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


@pytest.mark.parametrize("options", [{}, {"conduction": "clbbb"}, {"conduction": "crbbb"}, {"pvc_per_min": 12.0}])
def test_fiducials_are_ordered_and_the_r_peak_is_the_extremum(options):
    beats = quiet(2, **options)
    f = beats.fiducials
    table = np.stack([
        *(f.p_onset_s, f.p_peak_s, f.p_offset_s, f.qrs_onset_s, f.r_peak_s, f.qrs_offset_s),
        *(f.t_onset_s, f.t_peak_s, f.t_offset_s),
    ])  # fmt: skip
    for column in table.T:
        known = column[np.isfinite(column)]
        assert np.all(np.diff(known) > 0)
    independent = beats.record.select(("I", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")).signals.astype(float)
    size = np.sqrt(np.sum(independent**2, axis=0))
    for onset, r, offset in zip(f.qrs_onset_s, f.r_peak_s, f.qrs_offset_s, strict=True):
        if np.isfinite(onset + offset):
            a, b = round(onset * FS), round(offset * FS)
            assert abs((a + np.argmax(size[a:b])) / FS - r) <= 0.005
    assert np.all(np.isnan(f.p_onset_s[np.array(f.kind) == "pvc"]))
    found = r_times(beats)
    assert len(f.r_peak_s) - len(found) in (0, 1, 2)  # a complex cut by the edge may be missed
    assert all(np.abs(f.r_peak_s - t).min() < 0.06 for t in found)


def test_the_segments_before_p_and_qrs_are_flat_and_nothing_jumps():
    beats = heart(4, rate_bpm=55, **(EXACT | {"variety": 1.0}))
    f, x = beats.fiducials, beats.record.signals.astype(float)
    for n in range(1, 5):
        pr = x[:, round((f.p_offset_s[n] + 0.012) * FS) : round((f.qrs_onset_s[n] - 0.004) * FS)]
        tp = x[:, round((f.t_offset_s[n] + 0.03) * FS) : round((f.p_onset_s[n + 1] - 0.02) * FS)]
        assert np.abs(pr).max() < 0.012
        assert np.abs(tp).max() < 0.012
    fine = simulate(HeartSpec(**QUIET), np.random.default_rng(4), 4.0, 4000.0).record.signals.astype(float)
    assert np.abs(np.diff(fine, axis=1)).max() < 0.12  # 0.25 ms apart: a step would be as tall as its wave


def rr(beats):
    return np.diff(beats.fiducials.qrs_onset_s[np.isfinite(beats.fiducials.qrs_onset_s)])


def test_rr_intervals_of_each_rhythm():
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


def test_fibrillation_has_no_p_wave_but_f_waves():
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
def test_flutter_shows_its_atrial_rate_and_a_whole_ratio(atrial, ratio):
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


def test_mobitz_one_lengthens_pr_until_a_beat_is_dropped():
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


def test_mobitz_two_and_two_to_one_drop_without_warning():
    for block, share in (("mobitz2", (0.15, 0.4)), ("two_to_one", (0.45, 0.55))):
        f = heart(1, 20.0, av_block=block, rate_bpm=78, **QUIET).fiducials
        assert share[0] < np.mean(~f.atrial_conducted) < share[1]
        assert np.nanstd(f.qrs_onset_s - f.p_onset_s) < 1e-6


@pytest.mark.parametrize("escape", ["junctional", "ventricular"])
def test_third_degree_block_dissociates_p_from_a_slow_escape(escape):
    beats = heart(2, 30.0, av_block="third", rate_bpm=84, escape=escape, **QUIET)
    f = beats.fiducials
    assert 60 / np.diff(f.atrial_s).mean() == pytest.approx(84, rel=0.03)
    assert 60 / rr(beats).mean() < 52
    assert set(f.kind) == {"escape"}
    last_p = np.array([t - f.atrial_s[f.atrial_s < t].max() for t in f.qrs_onset_s if t > f.atrial_s[0]])
    assert last_p.std() > 0.12
    width = np.nanmean(f.qrs_offset_s - f.qrs_onset_s)
    assert width > 0.12 if escape == "ventricular" else width < 0.11


def test_first_degree_block_and_a_short_pr():
    f = quiet(0, av_block="first").fiducials
    assert np.nanmin(f.qrs_onset_s - f.p_onset_s) > 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_pvcs_are_wide_early_discordant_and_followed_by_a_full_pause(seed):
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


def test_pacs_come_early_with_a_p_wave_of_their_own():
    f = heart(2, 60.0, pac_per_min=10.0, **QUIET).fiducials
    at = [n for n, kind in enumerate(f.kind) if kind == "pac" and 0 < n < len(f.kind) - 1]
    assert len(at) > 3
    normal = np.median(np.diff(f.qrs_onset_s))
    for n in at:
        before, after = f.qrs_onset_s[n] - f.qrs_onset_s[n - 1], f.qrs_onset_s[n + 1] - f.qrs_onset_s[n]
        assert before < 0.85 * normal
        assert before + after < 1.97 * normal
        assert np.isfinite(f.p_onset_s[n])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_normal_heart_reads_as_normal(seed):
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
    beats = quiet(seed, low_voltage=True)
    for name in STANDARD_LEADS:
        assert np.ptp(qrs(beats, name)) < (0.5 if name[0] != "V" else 1.0)
    assert "LVOLT" in beats.labels


@pytest.mark.parametrize("seed", SEEDS)
def test_wolff_parkinson_white(seed):
    beats = quiet(seed, conduction="wpw")
    f = beats.fiducials
    assert np.nanmax(f.qrs_onset_s - f.p_onset_s) < 0.12
    assert np.nanmin(f.qrs_offset_s - f.qrs_onset_s) > 0.11
    wave = qrs(beats, "V5")
    delta = wave[round(0.022 * FS) : round(0.045 * FS)] / wave.max()
    assert 0.05 < delta.mean() < 0.6
    steep = np.diff(wave)
    assert np.abs(steep[round(0.028 * FS) : round(0.046 * FS)]).mean() < 0.4 * steep.max()


def test_paced_beats_have_spikes_and_wide_complexes_of_superior_axis():
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


@pytest.mark.parametrize(
    ("territories", "raised", "lowered"),
    [
        (("inferior",), ("II", "III", "aVF"), ("aVL", "I")),
        (("septal", "anterior"), ("V1", "V2", "V3", "V4"), ("III",)),
        (("lateral",), ("I", "aVL", "V5", "V6"), ("III", "aVF")),
        (("posterior",), ("V7", "V8", "V9"), ("V1", "V2", "V3")),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_st_elevation_and_its_reciprocal(territories, raised, lowered, seed):
    beats = heart(seed, leads=(*STANDARD_LEADS, "V7", "V8", "V9"), st_mv=dict.fromkeys(territories, 0.3), **QUIET)
    assert all(j60(beats, name) > 0.1 for name in raised)
    assert all(j60(beats, name) < -0.02 for name in lowered)
    assert ("STD_" if territories == ("posterior",) else "STE_") in beats.labels


def test_subendocardial_depression_is_diffuse_and_raises_avr():
    beats = quiet(0, st_mv={"subendocardial": -0.25})
    assert all(j60(beats, name) < -0.1 for name in ("V4", "V5", "V6", "II"))
    assert j60(beats, "aVR") > 0.05
    assert {"STD_", "ISC_"} <= set(beats.labels)


LEADS_OF = {
    "septal": ("V1", "V2"),
    "anterior": ("V3", "V4"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "inferior": ("II", "III", "aVF"),
}


@pytest.mark.parametrize("territory", LEADS_OF)
@pytest.mark.parametrize("seed", SEEDS)
def test_t_inversion_and_q_waves_in_their_territory(territory, seed):
    beats = quiet(seed, t_inversion=(territory,))
    assert all(t_wave(beats, name) < -0.03 for name in LEADS_OF[territory])
    assert t_wave(beats, "V6" if territory != "lateral" else "V3") > 0.03
    beats = quiet(seed, q_wave=(territory,))
    measured = LEADS_OF[territory] if territory != "inferior" else ("III", "aVF")
    for name in measured:
        depth, width = q_wave(beats, name)
        assert width >= 0.038, name
        assert depth > 0.25 * r_and_s(beats, name)[0], name
    assert "QWAVE" in beats.labels


LABELLED = [
    ({}, {"NORM", "SR"}), ({"rate_bpm": 50}, {"NORM", "SBRAD"}), ({"rate_bpm": 120}, {"NORM", "STACH"}),
    ({"rhythm": "sinus_arrhythmia"}, {"NORM", "SARRH"}), ({"rhythm": "af"}, {"AFIB"}),
    ({"rhythm": "flutter", "rate_bpm": 150}, {"AFLT"}), ({"rhythm": "svt", "rate_bpm": 180}, {"SVTAC"}),
    ({"conduction": "crbbb+lafb"}, {"SR", "CRBBB", "LAFB"}), ({"av_block": "first"}, {"SR", "1AVB"}),
    ({"av_block": "mobitz1"}, {"SR", "2AVB"}), ({"av_block": "third"}, {"SR", "3AVB"}),
    ({"pvc_pattern": "bigeminy"}, {"SR", "PVC", "BIGU"}), ({"pvc_pattern": "trigeminy"}, {"SR", "PVC", "TRIGU"}),
    ({"pacing": "ventricular", "rhythm": "af"}, {"PACE", "AFIB"}), ({"hypertrophy": "lvh"}, {"SR", "LVH"}),
    ({"atria": "rae"}, {"SR", "RAO/RAE"}), ({"qt_ms": 560}, {"SR", "LNGQT"}),
    ({"q_wave": ("inferior", "lateral")}, {"SR", "QWAVE", "ILMI"}),
    ({"st_mv": {"inferior": 0.2}}, {"SR", "IMI", "STE_"}), ({"st_mv": {"lateral": -0.1}}, {"SR", "STD_", "INJLA"}),
    ({"st_mv": {"posterior": 0.2}}, {"SR", "PMI", "STD_"}), ({"q_wave": ("posterior",)}, {"SR", "PMI"}),
    ({"t_inversion": ("anterior", "lateral")}, {"SR", "INVT", "ISCAL"}),
    ({"t_inversion": ("septal", "inferior", "posterior")}, {"SR", "INVT", "ISCIN"}),
]  # fmt: skip


@pytest.mark.parametrize(("options", "labels"), LABELLED)
def test_labels_are_those_a_reader_would_give(options, labels):
    assert set(heart(0, **({"variety": 0.0} | options)).labels) == labels


def test_a_premature_beat_that_did_not_happen_is_not_named():
    for seed in range(12):
        beats = heart(seed, 6.0, pvc_per_min=5.0, pac_per_min=5.0)
        assert ("PVC" in beats.labels) == ("pvc" in beats.fiducials.kind)
        assert ("PAC" in beats.labels) == ("pac" in beats.fiducials.kind)


def test_high_rates_stay_plausible():
    for options in ({"rate_bpm": 180}, {"rhythm": "svt", "rate_bpm": 220}, {"rhythm": "af", "rate_bpm": 190}):
        beats = quiet(1, **options)
        assert 60 / rr(beats).mean() == pytest.approx(options["rate_bpm"], rel=0.12)
        assert np.abs(beats.record.signals).max() < 4
        assert np.abs(np.median(beats.record.signals, axis=1)).max() < 0.6


def test_same_seed_same_bytes_and_another_seed_another_patient():
    spec = HeartSpec(rhythm="af", motion_steps_per_min=10.0, mains_mv=0.01)
    one, two, other = (simulate(spec, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one.record.signals.tobytes() == two.record.signals.tobytes()
    assert one.labels == two.labels
    assert one.record.signals.tobytes() != other.record.signals.tobytes()
    assert make_random_heart_spec(np.random.default_rng(3)) == make_random_heart_spec(np.random.default_rng(3))
    r = [simulate(HeartSpec(**QUIET), np.random.default_rng(seed)).record.lead("V5").max() for seed in range(8)]
    assert np.std(r) > 0.08
    assert hash(HeartSpec(st_mv={"inferior": 0.2})) == hash(HeartSpec(st_mv=(("inferior", 0.2),)))


def test_beats_of_one_record_differ_a_little():
    beats = quiet(1)
    peaks = np.array([beats.record.lead("V5")[round(t * FS)] for t in beats.fiducials.r_peak_s[1:-1]])
    assert 0.005 < peaks.std() / peaks.mean() < 0.12


@pytest.mark.parametrize(
    "options",
    [
        {"rate_bpm": 5}, {"rate_bpm": float("nan")}, {"rhythm": "tango"}, {"conduction": "clbbb", "qrs_ms": 90},
        {"conduction": "lafb", "axis_deg": 40}, {"conduction": "lpfb", "axis_deg": 10}, {"st_mv": {"renal": 0.1}},
        {"st_mv": {"inferior": 9.0}}, {"q_wave": ("apex",)}, {"av_block": "third", "rhythm": "af"},
        {"av_block": "first", "pr_ms": 150}, {"conduction": "wpw", "pr_ms": 180}, {"qt_ms": 200, "qrs_ms": 100},
        {"atria": "lae", "rhythm": "af"}, {"pacing": "atrial", "rhythm": "flutter"}, {"rhythm": "svt", "rate_bpm": 80},
        {"hypertrophy": "rvh", "axis_deg": 30}, {"muscle_mv": -1}, {"p_ms": 180, "pr_ms": 150},
        {"low_voltage": True, "hypertrophy": "lvh"}, {"hypertrophy": "rvh", "conduction": "clbbb", "axis_deg": 100},
        {"pacing": "dual", "av_block": "third"},
    ],
)  # fmt: skip
def test_values_that_no_heart_has_are_refused(options):
    with pytest.raises(BadRequest, match=r"^[^\n]{10,}$"):
        HeartSpec(**options)


@pytest.mark.parametrize(
    "values",
    [
        {"duration_s": 0},
        {"fs_hz": 1},
        {"duration_s": float("inf")},
        {"leads": ("X",)},
        {"leads": ()},
        {"leads": ("I", "I")},
    ],
)
def test_records_that_cannot_be_simulated_are_refused(values):
    with pytest.raises(BadRequest):
        simulate(HeartSpec(), np.random.default_rng(0), **values)


def test_any_lead_rate_and_length():
    leads = ("aVL", "I", "aVR", "II", "aVF", "III", "V4R", "V8", "V9", "V7", "V3R", "V6R", "V1")
    beats = simulate(HeartSpec(**QUIET), np.random.default_rng(0), 3.3, 257.0, leads)
    assert beats.record.leads == leads
    assert beats.record.n_samples == round(3.3 * 257)
    assert np.abs(beats.record.lead("V8")).max() < np.abs(beats.record.lead("V7")).max()
    assert np.abs(beats.record.lead("V4R")).max() < np.abs(beats.record.lead("V1")).max()
    alone = simulate(HeartSpec(**QUIET), np.random.default_rng(0), 3.3, 257.0, ("V1",))
    assert alone.record.signals.tobytes() == beats.record.lead("V1").tobytes()


def test_random_hearts_are_plausible_and_of_every_kind():
    names, normal = set(), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        beats = simulate(make_random_heart_spec(rng), rng)
        assert np.isfinite(beats.record.signals).all()
        assert np.abs(beats.record.signals).max() < 10
        assert np.ptp(beats.record.signals, axis=1).min() > 0.03
        assert beats.labels
        assert set(beats.labels) <= set(CODES)
        assert len(beats.fiducials.kind) >= 4
        names |= set(beats.labels)
        normal += "NORM" in beats.labels
    assert 0.28 < normal / 200 < 0.46
    assert {"AFIB", "LVH", "CRBBB", "CLBBB", "LAFB", "IMI", "PVC", "PAC", "PACE", "STE_", "INVT", "1AVB"} <= names


def test_every_spec_that_is_drawn_is_a_valid_one():
    specs = [make_random_heart_spec(np.random.default_rng(seed)) for seed in range(1000, 2500)]
    assert {spec.rhythm for spec in specs} == {"sinus", "sinus_arrhythmia", "af", "flutter", "svt", "junctional"}
    assert {spec.av_block for spec in specs} == {"none", "first", "mobitz1", "mobitz2", "two_to_one", "third"}
    assert len({spec.conduction for spec in specs}) == 10
