"""Leads that show no heart."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.measurement.noise import measure_noise
from tests.measurement.noise.noises import FS_HZ, mains, muscle, quiet_heart, varied_hearts, wander, with_leads

N = 5000


def states(record):
    return {lead: noise.state for lead, noise in measure_noise(record).items()}


def without_heart(kind, rng):
    """What a lead shows whose electrode is off, µV."""
    drift = wander(N, FS_HZ, 80.0, rng)
    added = {
        "drift": rng.normal(0.0, 3.0, N),
        "muscle": muscle(N, FS_HZ, 40.0, rng),
        "mains": mains(N, FS_HZ, 400.0, rng),
    }
    return mains(N, FS_HZ, 300.0, rng) if kind == "mains alone" else drift + added[kind]


@pytest.mark.parametrize("kind", ["drift", "muscle", "mains", "mains alone"])
def test_disconnected_leads(kind):
    """Leads without a heart are told from those with one, whatever else they show."""
    for heart in varied_hearts(10):
        rng = np.random.default_rng(1)
        off = {lead: without_heart(kind, rng) for lead in ("aVF", "V2", "V6")}
        expected = {lead: "disconnected" if lead in off else "ok" for lead in heart.record.leads}
        assert states(with_leads(heart.record, off)) == expected
        assert measure_noise(with_leads(heart.record, off))["V2"].word == "unusable"


@pytest.mark.parametrize("size_uv", [15.0, 150.0])
@pytest.mark.parametrize(("electrode", "silent"), [("LA", "I"), ("RA", "I"), ("LL", "II")])
def test_limb_electrode_off(electrode, silent, size_uv):
    """Without a limb electrode one limb lead shows its noise alone, and the laws carry it into the others."""
    record = quiet_heart(2).record
    rng = np.random.default_rng(2)
    noise = wander(N, FS_HZ, size_uv, rng) + muscle(N, FS_HZ, size_uv / 5, rng)
    one, two, three = 1000.0 * record.signals[:3]
    one, two = {"LA": (noise, two), "RA": (noise, noise + three), "LL": (one, noise)}[electrode]
    laws = {"I": one, "II": two, "III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    found = states(with_leads(record, laws))
    assert found[silent] == "disconnected"
    assert {found[f"V{k}"] for k in range(1, 7)} == {"ok"}


@pytest.mark.parametrize("size", [0.1, 0.05])
def test_small_leads_are_connected(size):
    """A lead across the heart's axis is small, and connected."""
    record = quiet_heart(3).record
    rng = np.random.default_rng(3)
    small = with_leads(record, {"aVL": 1000 * size * record.lead("aVL") + rng.normal(0.0, 3.0, N)})
    assert states(small)["aVL"] == "ok"
    short = EcgRecord(small.signals[:, 1000:2250], FS_HZ)
    assert states(short)["aVL"] == "ok"


def test_flat_leads():
    """A lead without variation is flat at any level, the converter's noise aside."""
    record = quiet_heart(4).record
    rng = np.random.default_rng(4)
    flat = {"I": np.zeros(N), "V1": np.full(N, 3276.7), "V4": rng.normal(0.0, 1.5, N)}
    found = states(with_leads(record, flat))
    assert found == {lead: "flat" if lead in flat else "ok" for lead in record.leads}


@pytest.mark.parametrize("lead", ["II", "aVR"])
def test_clipped_leads(lead):
    """Beats cut off at the same value are clipped, above or below; a lead that rests on a rail is clipped."""
    record = quiet_heart(5).record
    signal_uv = 1000.0 * record.lead(lead)
    middle, sign = np.median(signal_uv), 1 if lead == "II" else -1
    rail = middle + 0.6 * np.abs(signal_uv - middle).max() * sign
    cut = np.minimum(signal_uv, rail) if sign > 0 else np.maximum(signal_uv, rail)
    resting = signal_uv.copy()
    resting[2000:2200] = sign * 5000.0
    for clipped in (cut, resting):
        noise = measure_noise(with_leads(record, {lead: clipped}))[lead]
        assert noise.state == "clipped"
        assert noise.word in ("noisy", "unusable")


def test_round_peaks_are_not_clipped():
    """Coarse converters make round peaks flat, and recorders repeat the first and the last value."""
    for heart in varied_hearts(10):
        coarse = 10.0 * np.round(100.0 * heart.record.signals) / 1000
        coarse[:, :60] = coarse.max(axis=1, keepdims=True)
        assert set(states(EcgRecord(coarse, FS_HZ)).values()) == {"ok"}
