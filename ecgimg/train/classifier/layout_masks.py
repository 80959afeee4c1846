"""What a training record shows: masks shaped as pages print it, and what a digitizer adds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ecgimg.classification.tokens import FS_HZ, PATCH
from ecgimg.leads import STANDARD_LEADS
from layouts import Layout

Signals = NDArray[np.float32]

# half are pages; whole records, windows and single leads keep the network from learning layouts by heart
_KINDS, _SHARES = ("whole", "layout", "windows", "leads"), (0.2, 0.5, 0.15, 0.15)


def random_mask(layouts: Sequence[Layout], samples: int, rng: Generator) -> NDArray[np.bool_]:
    """Return (12, samples) True where a record at `FS_HZ` is shown.

    One in two is a page of one of `layouts`, its columns' borders moved a little and its rhythm strips drawn anew; the
    others are whole, show one window a lead, or some leads only.
    """
    kind = str(rng.choice(_KINDS, p=_SHARES))
    if kind == "layout":
        return _page(layouts[int(rng.integers(len(layouts)))], samples, rng)
    shown = np.ones((len(STANDARD_LEADS), samples), bool)
    if kind == "windows":
        for lead in shown:
            hidden = round(samples * float(rng.uniform(0, 0.8)))
            start = int(rng.integers(0, samples - hidden + 1))
            lead[start : start + hidden] = False
    elif kind == "leads":
        shown[rng.permutation(len(shown))[: int(rng.integers(1, len(shown)))]] = False
        first = int(rng.integers(0, samples // 2)) if rng.random() < 0.5 else 0
        shown[:, :first] = False
    return shown


def _page(layout: Layout, samples: int, rng: Generator) -> NDArray[np.bool_]:
    shown = np.zeros((len(STANDARD_LEADS), samples), bool)
    # a layout shows its ten seconds anywhere in a longer recording
    spare_s = max(samples / FS_HZ - layout.duration_s, 0)
    first_s = float(rng.uniform(0, spare_s))
    moved_s = rng.normal(0, 0.04, layout.columns + 1)
    for slot in layout.slots():
        if slot.column is None:
            # devices print any lead as rhythm strip, whatever the layout's usual one
            lead = slot.lead if rng.random() < 0.6 else str(rng.choice(STANDARD_LEADS))
            shift_s = np.zeros(2)
        else:
            lead, shift_s = slot.lead, moved_s[slot.column : slot.column + 2]
        if lead in STANDARD_LEADS:
            ends = np.rint((first_s + np.array([slot.start_s, slot.end_s]) + shift_s) * FS_HZ).astype(int)
            shown[STANDARD_LEADS.index(lead), max(ends[0], 0) : max(ends[1], 0)] = True
    # a mask of nothing is turned into one of everything
    return shown if shown.any() else ~shown


def disturbed(signals_mv: Signals, rng: Generator, *, lead_gain_spread: float = 0.04) -> Signals:
    """Return a record (leads, samples) as a digitizer may give it back.

    Another gain for the page and a little for each lead, stretched time, leads slightly apart in time, offsets, wander
    and steps of the baseline, tremor, fine detail lost, noise, missing columns, and a canvas that begins anywhere in a
    patch.
    """
    leads, samples = signals_mv.shape
    gain = np.exp(rng.normal(0, 0.06) + rng.normal(0, lead_gain_spread, (leads, 1)))
    made: NDArray[np.float64] = signals_mv.astype(np.float64) * gain
    if rng.random() < 0.5:
        made = _stretched(made, float(np.exp(rng.normal(0, 0.02))))
    # a filter would spread the gaps
    if rng.random() < 0.3 and np.isfinite(made).all():
        made = gaussian_filter1d(made, float(rng.uniform(0.3, 1.2)), axis=1, mode="nearest")
    t = np.arange(samples) / FS_HZ
    if rng.random() < 0.5:
        made = made + _wander(leads, t, rng)
    if rng.random() < 0.1 and leads == len(STANDARD_LEADS):
        made = made + _tremor(t, rng)
    if rng.random() < 0.4:
        made = made + rng.normal(0, 0.05, (leads, 1))
    if rng.random() < 0.5:
        made = made + rng.normal(0, float(rng.uniform(0, 0.025)), made.shape)
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 4))):
            start = int(rng.integers(samples))
            made[int(rng.integers(leads)), start : start + int(rng.integers(2, 30))] = np.nan
    if rng.random() < 0.3:
        made = np.stack([np.roll(lead, int(rng.integers(-2, 3))) for lead in made])
    # patches must not learn that records begin at their edge
    start = int(rng.integers(PATCH))
    return np.pad(made.astype(np.float32), ((0, 0), (start, 0)), constant_values=np.nan)


def _stretched(signals: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    samples = signals.shape[1]
    at = (np.arange(samples) - samples / 2) * factor + samples / 2
    before = np.clip(at.astype(int), 0, samples - 2)
    share = np.clip(at - before, 0, 1)
    return np.asarray(signals[:, before] * (1 - share) + signals[:, before + 1] * share, np.float64)


def _wander(leads: int, t: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    height_mv = np.abs(rng.normal(0, 0.06, (leads, 1)))
    phase = 2 * np.pi * (float(rng.uniform(0.05, 0.6)) * t[None] + rng.random((leads, 1)))
    wander = height_mv * np.sin(phase)
    if rng.random() < 0.3:
        step = (t > float(rng.uniform(0, t[-1])))[None] * rng.normal(0, 0.15, (leads, 1))
        wander = wander + step
    return np.asarray(wander, np.float64)


def _tremor(t: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Return the tremor of one patient in the twelve leads, (12, samples) mV: 4 to 7 Hz, as flutter waves have.

    It is of the limbs, so that the limb leads obey Einthoven's law and the chest leads show little of it.
    """
    frequency_hz = float(rng.uniform(4, 7)) * (1 + 0.05 * rng.normal(size=len(t)))
    phase = 2 * np.pi * np.cumsum(frequency_hz) / FS_HZ
    shape = np.sin(phase) + float(rng.uniform(0, 0.5)) * np.sin(2 * phase + float(rng.uniform(0, 6)))
    swell = 1 + 0.3 * np.sin(2 * np.pi * float(rng.uniform(0.1, 0.5)) * t + float(rng.uniform(0, 6)))
    right, left, foot = rng.normal(0, 1, 3)
    limb = {"I": left - right, "II": foot - right, "III": foot - left}
    limb |= {"aVR": -(limb["I"] + limb["II"]) / 2, "aVL": (limb["I"] - limb["III"]) / 2}
    limb["aVF"] = (limb["II"] + limb["III"]) / 2
    weights = np.array([limb.get(lead, 0.1) for lead in STANDARD_LEADS])
    height_mv = float(np.exp(rng.uniform(np.log(0.02), np.log(0.15))))
    return np.asarray(height_mv * weights[:, None] * (shape * swell)[None], np.float64)
