"""Simulated hearts with their labels: extra records to learn from, as many as wanted."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_paths
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import CODES_BY_LABEL, LABELS, targets
from ecgimg.classification.tokens import CANVAS, FS_HZ
from synth.heart import make_random_heart_spec, simulate
from synth.heart.scp_statements import CODES

_PART = 100  # hearts a process simulates at a time


def simulated_records(folder: Path, count: int, seed: int, jobs: int = 2) -> LabelledRecords:
    """Simulate `count` hearts, or open those in `folder` that were asked for alike.

    A label is known of them where the simulation can give one of its statements.
    """
    asked = {"count": count, "seed": seed}
    claim, signals_file, targets_file = (folder / name for name in ("hearts.json", "hearts.npy", "labels.npy"))
    if not (claim.is_file() and json.loads(claim.read_text(encoding="utf-8")) == asked):
        folder.mkdir(parents=True, exist_ok=True)
        signals, labels = _simulate_all(count, seed, jobs)
        # the claim last: what it tells of is then there
        with atomic_paths(signals_file, targets_file, claim) as drafts:
            np.save(drafts[0], signals)
            np.save(drafts[1], labels)
            drafts[2].write_text(json.dumps(asked), encoding="utf-8")
    signals, labels = np.load(signals_file).astype(np.float32), np.load(targets_file)
    simulated = {code.rstrip("_") for code in CODES}
    known = np.array([bool(CODES_BY_LABEL[label] & simulated) for label in LABELS])
    names = np.array([f"heart-{k}" for k in range(count)])
    nothing = np.full(count, np.nan, np.float32)
    return LabelledRecords(
        names, signals, labels, np.tile(known, (count, 1)), np.zeros(count, np.int64), names, nothing, nothing,
        np.ones(count, bool),
    )  # fmt: skip


def _simulate_all(count: int, seed: int, jobs: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Simulate hearts in several processes: signals (count, 12, samples) mV and labels (count, labels)."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(partial(_simulated, count=count, seed=seed), range(0, count, _PART)))
    return np.concatenate([signals for signals, _ in parts]), np.concatenate([labels for _, labels in parts])


def _simulated(first: int, count: int, seed: int) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    signals, labels = [], []
    for number in range(first, min(first + _PART, count)):
        # by number, so that the hearts do not depend on how they are shared out
        rng = np.random.default_rng([seed, number])
        beats = simulate(make_random_heart_spec(rng), rng, CANVAS / FS_HZ, FS_HZ)
        signals.append(beats.record.signals.astype(np.float16))
        labels.append(targets(beats.labels))
    return np.stack(signals), np.stack(labels)
