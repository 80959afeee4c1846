"""Noise of leads: sizes and words."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord, digitize
from ecgimg.errors import BadRecord
from ecgimg.measurement.noise import LeadNoise, measure_noise
from tests.measurement.noise.noises import FS_HZ, NOISES, quiet_heart, varied_hearts, with_leads, with_noise

KINDS = ("wander", "muscle", "mains")


def size_uv(noise, kind):
    return getattr(noise, f"{kind}_uv")


def sizes_uv(records, kind):
    return np.array([size_uv(noise, kind) for record in records for noise in measure_noise(record).values()])


def auroc(clean, noisy):
    return np.mean(noisy[:, None] > clean) + np.mean(noisy[:, None] == clean) / 2


def first_seconds(record, duration_s):
    return EcgRecord(record.signals[:, : round(duration_s * record.fs_hz)], record.fs_hz, record.leads)


@pytest.fixture(scope="module")
def hearts():
    return [heart.record for heart in varied_hearts(15)]


@pytest.fixture(scope="module")
def real_records(data_folder):
    with np.load(data_folder / "ptbxl" / "records_500hz.npz") as stored:
        return [EcgRecord(microvolt / np.float32(1000), FS_HZ) for microvolt in stored["x"][:20]]


@pytest.mark.parametrize("duration_s", [10.0, 2.5])
@pytest.mark.parametrize(("kind", "added_uv"), [("wander", 200.0), ("muscle", 20.0), ("mains", 10.0)])
def test_noise_told_from_clean(hearts, kind, added_uv, duration_s):
    """Each kind of noise is told from the clean lead by its number, and is taken for no other kind."""
    clean = [first_seconds(record, duration_s) for record in hearts]
    noisy = [with_noise(record, NOISES[kind], added_uv, np.random.default_rng(1)) for record in clean]
    after_uv = sizes_uv(noisy, kind)
    assert auroc(sizes_uv(clean, kind), after_uv) > 0.97
    assert np.median(after_uv) == pytest.approx(added_uv, rel=0.3)
    words = [noise.words for record in noisy for noise in measure_noise(record).values()]
    assert np.mean([lead[other] in ("clean", "slight") for lead in words for other in KINDS if other != kind]) > 0.98


@pytest.mark.parametrize(("kind", "added_uv"), [("wander", 300.0), ("muscle", 40.0), ("mains", 10.0)])
def test_noise_told_from_clean_in_real_records(real_records, kind, added_uv):
    """Noise added to PTB-XL records is told from what they carry, though some of them are noisy."""
    noisy = [with_noise(record, NOISES[kind], added_uv, np.random.default_rng(2)) for record in real_records]
    assert auroc(sizes_uv(real_records, kind), sizes_uv(noisy, kind)) > 0.95
    assert {noise.state for record in real_records for noise in measure_noise(record).values()} == {"ok"}


@pytest.mark.slow
@pytest.mark.parametrize("page", ["kit_renders/12846_hr-0.png", "ecgminer_ludb/034.png", "ptbxl_scans/90036.png"])
def test_digitized_pages_are_not_noisy(data_folder, page):
    """What is left of pens, pixels and grids is no muscle noise and no mains."""
    noises = measure_noise(digitize(data_folder / "pages" / page).record).values()
    assert all(noise.words["muscle"] == noise.words["mains"] == "clean" and noise.state == "ok" for noise in noises)


def test_waves_of_the_heart_are_clean(hearts):
    """P, T, flutter and fibrillation waves, wide QRS complexes and pacing spikes are no noise."""
    paced = [quiet_heart(seed, pacing="dual").record for seed in range(3)]
    noises = [noise for record in [*hearts, *paced] for noise in measure_noise(record).values()]
    assert max(noise.muscle_uv for noise in noises) < 5
    assert max(noise.mains_uv for noise in noises) < 4
    assert np.mean([noise.word == "clean" for noise in noises]) > 0.95
    assert all(noise.state == "ok" for noise in noises)


@pytest.mark.parametrize(
    ("kind", "limits_uv"), [("wander", (100, 200, 400)), ("muscle", (10, 20, 60)), ("mains", (8, 40, 100))]
)
def test_words_change_at_thresholds(kind, limits_uv):
    """Below a threshold stands the better word, from it on the worse; a lead takes the worst of its words."""
    for limit_uv, better, worse in zip(
        limits_uv, ("clean", "slight", "noisy"), ("slight", "noisy", "unusable"), strict=True
    ):
        for measured_uv, word in ((0.999 * limit_uv, better), (limit_uv, worse)):
            quiet = dict.fromkeys((f"{other}_uv" for other in KINDS), 0.0)
            noise = LeadNoise(**(quiet | {f"{kind}_uv": measured_uv}), mains_hz=50.0, state="ok")
            assert noise.words[kind] == noise.word == word


@pytest.mark.parametrize(
    ("kind", "added_uv", "word"),
    [
        *[("wander", 50.0, "clean"), ("wander", 150.0, "slight"), ("wander", 300.0, "noisy")],
        *[
            ("muscle", 7.0, "clean"),
            ("muscle", 18.0, "slight"),
            ("muscle", 50.0, "noisy"),
            ("muscle", 130.0, "unusable"),
        ],
        *[("mains", 5.0, "clean"), ("mains", 20.0, "slight"), ("mains", 60.0, "noisy"), ("mains", 150.0, "unusable")],
    ],
)
def test_words_of_known_noise(kind, added_uv, word):
    """Noise of known size has its word in every lead."""
    record = with_noise(quiet_heart(3).record, NOISES[kind], added_uv, np.random.default_rng(3))
    assert [noise.words[kind] for noise in measure_noise(record).values()] == [word] * 12


@pytest.mark.parametrize("factor", [0.25, 3.7])
def test_sizes_scale_with_the_signal(factor):
    """A signal times k has k times the noise."""
    record = quiet_heart(4).record
    for noise in NOISES.values():
        record = with_noise(record, noise, 30.0, np.random.default_rng(4))
    scaled = measure_noise(EcgRecord(factor * record.signals, FS_HZ))
    for lead, noise in measure_noise(record).items():
        for kind in KINDS:
            assert size_uv(scaled[lead], kind) == pytest.approx(factor * size_uv(noise, kind), rel=1e-4, abs=1e-3)


def test_gaps_invent_nothing():
    """A page of 3x4 cells, whose leads have offsets of their own, shows no more noise than the whole record."""
    record = with_noise(quiet_heart(5).record, NOISES["muscle"], 15.0, np.random.default_rng(5))
    visible = np.zeros(record.signals.shape, bool)
    for row in range(12):
        visible[row, (row // 3) * 1250 : (row // 3 + 1) * 1250] = True
    visible[1] = True
    visible[1, 2500:2540] = False
    offsets_mv = np.where(np.arange(record.n_samples) < 2500, 0.0, 2.0)
    cells = measure_noise(EcgRecord(record.signals + offsets_mv, FS_HZ).masked(visible))
    for lead, noise in measure_noise(record).items():
        assert cells[lead].muscle_uv == pytest.approx(noise.muscle_uv, rel=0.35)
        assert cells[lead].mains_uv < 6
        assert cells[lead].wander_uv < 100


def test_pieces_too_short_are_not_measured():
    """Half a second shows muscle noise, two seconds wander; less shows nothing."""
    record = quiet_heart(6).record
    visible = np.zeros(record.signals.shape, bool)
    for row, seconds in enumerate((0.0, 0.4, 1.5, 2.5)):
        visible[row, 1000 : 1000 + round(seconds * FS_HZ)] = True
    visible[4] = np.arange(record.n_samples) % 200 < 190
    noises = measure_noise(record.masked(visible))
    for lead in ("I", "II", "aVL"):
        assert noises[lead] == LeadNoise(None, None, None, None, "not_seen")
        assert noises[lead].word is None
    assert noises["III"].wander_uv is None
    assert noises["III"].muscle_uv < 3
    assert noises["III"].word == "clean"
    assert noises["aVR"].wander_uv is not None


@pytest.mark.parametrize("fs_hz", [100.0, 128.0, 250.0, 257.0, 1000.0])
def test_any_rate(fs_hz):
    """Noise is measured at any rate; at 100 Hz mains cannot be seen, and are not said to be absent."""
    heart = quiet_heart(7, fs_hz=fs_hz).record
    rng = np.random.default_rng(7)
    noisy = {kind: measure_noise(with_noise(heart, noise, 50.0, rng)).values() for kind, noise in NOISES.items()}
    assert np.median([noise.muscle_uv for noise in noisy["muscle"]]) > 10
    assert np.median([noise.wander_uv for noise in noisy["wander"]]) == pytest.approx(50, rel=0.3)
    for noise in noisy["mains"]:
        expected = (None, None) if fs_hz == 100 else (pytest.approx(50, rel=0.05), 50.0)
        assert (noise.mains_uv, noise.mains_hz) == expected
        assert noise.muscle_uv < 5 or fs_hz == 100


def test_mains_of_60_hz():
    """The stronger of the two lines is named."""
    record = with_noise(quiet_heart(8).record, NOISES["mains"], 25.0, np.random.default_rng(8), hz=60.0)
    for noise in measure_noise(record).values():
        assert (noise.mains_uv, noise.mains_hz) == (pytest.approx(25, rel=0.05), 60.0)


def test_rate_too_low():
    """Below 100 Hz muscle noise cannot be told from the heart."""
    with pytest.raises(BadRecord, match="100 Hz or more, this one has 99 Hz"):
        measure_noise(EcgRecord(np.zeros((1, 990)), 99.0, ("II",)))


@pytest.mark.parametrize("too_short_s", [0.0, 0.02])
def test_known_qrs(too_short_s):
    """QRS complexes may be given, also by somebody who finds them shorter; sizes stay what they are."""
    heart = quiet_heart(9)
    record = with_noise(heart.record, NOISES["muscle"], 15.0, np.random.default_rng(9))
    known = np.isfinite(heart.fiducials.qrs_onset_s + heart.fiducials.qrs_offset_s)
    onsets_s, ends_s = heart.fiducials.qrs_onset_s[known], heart.fiducials.qrs_offset_s[known]
    qrs = list(zip((onsets_s + too_short_s).tolist(), (ends_s - too_short_s).tolist(), strict=True))
    given = measure_noise(record, qrs)
    for lead, noise in measure_noise(record).items():
        assert given[lead].state == "ok"
        assert given[lead].muscle_uv == pytest.approx(noise.muscle_uv, rel=0.1)


def test_everything_within_qrs():
    """Where QRS complexes leave nothing between them, muscle noise and mains are not known."""
    noise = measure_noise(quiet_heart(10).record, [(0.0, 10.0)])["II"]
    assert (noise.muscle_uv, noise.mains_uv, noise.mains_hz) == (None, None, None)
    assert noise.wander_uv is not None


@pytest.mark.parametrize("samples", [1, 7, 200])
def test_shorter_than_a_beat(samples):
    """A record of less than half a second is not seen."""
    assert measure_noise(EcgRecord(np.zeros((1, samples)), FS_HZ, ("II",)))["II"].state == "not_seen"


def test_single_lead():
    """A single lead is measured alike, and no other lead can tell that it is disconnected."""
    record = quiet_heart(11).record
    assert measure_noise(record.select(("II",)))["II"].word == "clean"
    drift = with_leads(record, {"II": NOISES["wander"](record.n_samples, FS_HZ, 50.0, np.random.default_rng(11))})
    assert measure_noise(drift.select(("II",)))["II"].state == "ok"
