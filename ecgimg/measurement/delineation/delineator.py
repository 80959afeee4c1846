"""Run the delineator: a small network that says, of every lead and moment, which wave it is and where it ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from ecgimg.inference.onnx_sessions import load_network
from ecgimg.measurement.delineation.model import WaveEvidence
from ecgimg.measurement.delineation.network_input import RATE_HZ, SAMPLES_PER_STEP, normalize, pad
from ecgimg.record import EcgRecord
from ecgimg.resample import resample

N_CLASSES, N_WAVES = 4, 3
INPUTS = ("signals", "known")
"""Names of the network's inputs."""

UNIT_S = 0.1
"""Unit of the distances that the network gives."""

FLOOR = 0.02
"""Least error that the network can expect, in `UNIT_S`: 2 ms."""

_LARGEST_LOG_ERROR = 3.0  # 2 s in `UNIT_S`; what a lead of nothing gives is beyond all numbers
_STEP_S = SAMPLES_PER_STEP / RATE_HZ
_WINDOW = int(30 * RATE_HZ)  # samples at a time: a recording of hours must not be in memory as features
_OVERLAP = int(4 * RATE_HZ)  # half of it, at each end, sees too little of the neighbouring beats


def delineate(record: EcgRecord, session: InferenceSession | None = None) -> WaveEvidence:
    """Return what the network says of every lead of a record.

    Parameters
    ----------
    record : EcgRecord
        Any leads in any order, any rate, gaps as NaN.
    session : onnxruntime.InferenceSession, optional
        Another delineator than the shipped one.

    Raises
    ------
    MissingWeights
        Where the network is not installed.
    """
    signals = resample(record, RATE_HZ).signals
    session = session or load_network("delineator.onnx", arena=True)  # its windows are short
    parts = []
    for first, last, kept in _windows(signals.shape[1]):
        values, known = normalize(signals[:, first:last])
        answers = session.run(None, {"signals": pad(values)[None], "known": pad(known)[None]})[0][0]
        parts.append(answers[:, :, kept])
    return decode(np.concatenate(parts, axis=2), np.isfinite(signals))


def _windows(n: int) -> list[tuple[int, int, slice]]:
    """Return (first, last) input samples of each window, and the steps of it that count."""
    if n <= _WINDOW:
        return [(0, n, slice(0, n // SAMPLES_PER_STEP))]
    starts = list(range(0, n - _OVERLAP, _WINDOW - _OVERLAP))
    windows = []
    for start in starts:
        last = min(start + _WINDOW, n)
        begin = 0 if start == 0 else _OVERLAP // 2
        stop = last - start if last == n else _WINDOW - _OVERLAP // 2
        windows.append((start, last, slice(begin // SAMPLES_PER_STEP, stop // SAMPLES_PER_STEP)))
    return windows


def decode(answers: NDArray[np.float32], known: NDArray[np.bool_]) -> WaveEvidence:
    """Turn the network's answers into probabilities and times.

    Parameters
    ----------
    answers : (leads, 16, steps) float32
        Logits of the four classes; distances to onset and end of P, QRS and T in `UNIT_S`; logarithms of their errors.
    known : (leads, samples) bool
        At `RATE_HZ`.
    """
    leads, _, steps = answers.shape
    logits = answers[:, :N_CLASSES]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    distances = UNIT_S * answers[:, N_CLASSES : N_CLASSES + 2 * N_WAVES].reshape(leads, N_WAVES, 2, steps)
    log_errors = np.minimum(answers[:, N_CLASSES + 2 * N_WAVES :].reshape(leads, N_WAVES, 2, steps), _LARGEST_LOG_ERROR)
    errors = np.float32(UNIT_S) * (np.exp(log_errors) + np.float32(FLOOR))
    times_s = (_STEP_S * np.arange(steps)).astype(np.float32)
    usable = known[:, : steps * SAMPLES_PER_STEP].reshape(leads, steps, SAMPLES_PER_STEP)
    return WaveEvidence(
        probability=odds / odds.sum(axis=1, keepdims=True),
        onset_s=times_s - distances[:, :, 0],
        end_s=times_s + distances[:, :, 1],
        onset_error_s=errors[:, :, 0],
        end_error_s=errors[:, :, 1],
        known=np.asarray(usable.any(axis=2)),
        step_s=_STEP_S,
    )
