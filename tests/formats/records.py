"""Records that the tests of formats write, and how two records are compared."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import (
    STANDARD_LEADS,
    EcgRecord,
)
from tests.conftest import DATA

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the development data folder is not beside the project")
WRITABLE = ("hea", "csv", "edf", "dcm", "parquet")
FIFTEEN = (*STANDARD_LEADS, "V4R", "V8", "V9")
STEP_MV = {"hea": 0.0005, "csv": 0.00005, "edf": 0.0005, "dcm": 0.0005, "parquet": 0.0}


def waves(leads: tuple[str, ...] = STANDARD_LEADS, fs_hz: float = 500, n_samples: int = 1237) -> EcgRecord:
    """A record of sines and noise with gaps: one lead half, one wholly unknown, one scattered."""
    rng = np.random.default_rng(len(leads) * 10007 + n_samples)
    t_s = np.arange(n_samples) / fs_hz
    signals = np.sin(2 * np.pi * np.outer(np.arange(1, len(leads) + 1), t_s)) + rng.normal(
        0, 0.05, (len(leads), n_samples)
    )
    signals[0, n_samples // 2 :] = np.nan
    if len(leads) > 2:
        signals[1] = np.nan
        signals[2, rng.random(n_samples) < 0.2] = np.nan
    return EcgRecord(signals, fs_hz, leads)


def assert_same(got: EcgRecord, due: EcgRecord, within_mv: float = 0.0005) -> None:
    assert got.leads == due.leads
    assert got.fs_hz == pytest.approx(due.fs_hz, rel=2e-6 if due.fs_hz % 1 else 0)
    assert got.signals.shape == due.signals.shape
    np.testing.assert_array_equal(got.known, due.known)
    np.testing.assert_allclose(got.signals, due.signals, rtol=0, atol=within_mv + 2e-6)
