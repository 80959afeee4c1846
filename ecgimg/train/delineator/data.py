"""What the delineator learns from: records with their waves, annotated by people or known of simulated hearts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.measurement.delineation.delineator import UNIT_S
from ecgimg.measurement.delineation.model import KINDS, QRS, Floats, P, T
from ecgimg.measurement.delineation.network_input import RATE_HZ, SAMPLES_PER_STEP
from synth.heart import HeartSpec, make_random_heart_spec, simulate

UNKNOWN = -100
"""Class of steps that stay out of the loss."""

_STEP_S = SAMPLES_PER_STEP / RATE_HZ
_MARGIN_S = 0.016  # beyond the first and last annotated wave of a lead: what comes there may be a wave left out
_UNMARKED_S = 0.15  # around a wave without onset or end
_RANK = {0: 0, T: 1, P: 2, QRS: 3}
_HIDDEN_P_SHARE = 0.35  # of the simulated hearts in sinus rhythm
_PART = 50  # hearts a process simulates at a time


@dataclass(frozen=True, eq=False)
class TaughtRecord:
    """A record at `RATE_HZ` and its waves.

    Parameters
    ----------
    name : str
    signals_mv : (leads, samples) float32
    waves : (waves, 4) float64
        Lead (row), kind, onset and end in seconds, ordered by lead; kind 0 where it is not known what is there.
    p_windows_s : (windows, 2) float64
        Of a record without waves: seconds that hold a P wave somewhere.
    shows_no_p : bool
        Of a record without waves: that it shows no P wave, as in atrial fibrillation.
    """

    name: str
    signals_mv: NDArray[np.float32]
    waves: Floats = field(default_factory=lambda: np.empty((0, 4)))
    p_windows_s: Floats = field(default_factory=lambda: np.empty((0, 2)))
    shows_no_p: bool = False


@dataclass(frozen=True, eq=False)
class Target:
    """What the network should say of a crop: (leads, steps) classes, (leads, 2, steps) distances in `UNIT_S`."""

    kinds: NDArray[np.int64]
    distances: NDArray[np.float32]


def make_target(waves: Floats, leads: int, start_s: float, steps: int) -> Target:
    """Return the target of a crop that begins at `start_s`.

    Steps are unknown before the first and after the last wave of a lead, and where a wave of kind 0 lies.
    """
    kinds = np.full((leads, steps), UNKNOWN, np.int64)
    distances = np.zeros((leads, 2, steps), np.float32)
    times_s = start_s + _STEP_S * np.arange(steps)
    for lead in range(leads):
        own = waves[waves[:, 0] == lead]
        if not len(own):
            continue
        marked = own[own[:, 1] > 0]
        low_s, high_s = (marked[:, 2].min(), marked[:, 3].max()) if len(marked) else (np.inf, -np.inf)
        kinds[lead, (times_s >= low_s - _MARGIN_S) & (times_s <= high_s + _MARGIN_S)] = 0
        near = own[(own[:, 3] >= start_s) & (own[:, 2] <= times_s[-1])]
        # the last one written is kept whole: a P wave on a T wave, a QRS, and any of them over what is unknown
        for _, kind, onset_s, end_s in near[np.argsort([_RANK[int(kind)] for kind in near[:, 1]], kind="stable")]:
            first = max(int(np.ceil((onset_s - start_s) / _STEP_S)), 0)
            part = slice(first, int((end_s - start_s) / _STEP_S) + 1)
            kinds[lead, part] = int(kind) if kind else UNKNOWN
            distances[lead, 0, part] = (times_s[part] - onset_s) / UNIT_S
            distances[lead, 1, part] = (end_s - times_s[part]) / UNIT_S
    return Target(kinds, distances)


def unmarked(lead: int, time_s: float) -> tuple[float, float, float, float]:
    """Return the row of `TaughtRecord.waves` for a wave of which onset or end is missing."""
    return float(lead), 0.0, time_s - _UNMARKED_S, time_s + _UNMARKED_S


def simulated_hearts(folder: Path, count: int, seed: int, jobs: int = 2) -> list[TaughtRecord]:
    """Simulate `count` hearts, ten seconds each; parts that are in `folder` already are not simulated again."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [range(first, min(first + _PART, count)) for first in range(0, count, _PART)]
    # by seed and numbers: a folder may hold hearts that were asked for otherwise
    paths = [folder / f"{seed}-{part.start:06d}-{part.stop:06d}.npz" for part in parts]
    missing = [(path, part) for path, part in zip(paths, parts, strict=True) if not path.is_file()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_simulate_part, seed=seed), missing))
    records = []
    for path, part in zip(paths, parts, strict=True):
        with np.load(path) as file:
            for number in part:
                signals = file[f"signals_{number}"].astype(np.float32)
                records.append(TaughtRecord(f"heart-{number}", signals, file[f"waves_{number}"]))
    return records


def _simulate_part(part: tuple[Path, range], seed: int) -> None:
    path, numbers = part
    arrays: dict[str, NDArray[np.generic]] = {}
    for number in numbers:
        # by number, so that the hearts do not depend on how they are shared out
        signals, waves = _simulated(np.random.default_rng([seed, number]))
        arrays[f"signals_{number}"], arrays[f"waves_{number}"] = signals.astype(np.float16), waves
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def _simulated(rng: Generator) -> tuple[NDArray[np.float32], Floats]:
    """Return a heart's signals and waves; waves too small to be marked are of kind 0."""
    heart = simulate(_draw_heart(rng), rng, 10.0, RATE_HZ)
    rows = heart.record.leads
    waves = [
        (rows.index(wave.lead), KINDS[wave.kind] if wave.is_visible else 0, wave.onset_s, wave.end_s)
        for wave in heart.lead_waves
    ]
    return heart.record.signals, np.array(waves, np.float64).reshape(-1, 4)


def _draw_heart(rng: Generator) -> HeartSpec:
    """Return a random patient; a third of those in sinus rhythm have P waves near or on the T wave before.

    Annotated records have few of them: ten in a hundred are faster than 100 beats a minute or have a long PR.
    """
    spec = make_random_heart_spec(rng)
    if spec.rhythm != "sinus" or spec.pacing != "none" or spec.conduction == "wpw" or rng.random() > _HIDDEN_P_SHARE:
        return spec
    is_slow = rng.random() < 0.6
    pr_ms, rate_bpm = (rng.uniform(215, 420), rng.uniform(60, 112)) if is_slow else (
        rng.uniform(110, 170), rng.uniform(105, 165)
    )  # fmt: skip
    block = "first" if is_slow else "none"
    p_ms = rng.uniform(80, 100)
    return replace(spec, av_block=block, pr_ms=pr_ms, rate_bpm=rate_bpm, p_ms=p_ms, atria="none", qt_ms=None)


def stretched(record: TaughtRecord, factor: float) -> TaughtRecord:
    """Return the record played slower (`factor` above 1) or faster."""
    samples = record.signals_mv.shape[1]
    at = np.arange(int(samples * factor)) / factor
    signals = np.stack([np.interp(at, np.arange(samples), row) for row in record.signals_mv]).astype(np.float32)
    waves, windows_s = record.waves * (1, 1, factor, factor), record.p_windows_s * factor
    return TaughtRecord(record.name, signals, waves, windows_s, record.shows_no_p)


def split_folds(names: Sequence[str], folds: int, seed: int) -> list[list[str]]:
    """Return the names in `folds` parts of about equal size, shuffled."""
    order = np.random.default_rng(seed).permutation(len(names))
    return [[names[k] for k in part] for part in np.array_split(order, folds)]
