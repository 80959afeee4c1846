"""Labelled records, and a plug-in beside them."""

from __future__ import annotations

import csv

import numpy as np
import pytest

PLUGIN = """
import numpy as np

def predict(signals_mv, mask, fs_hz):
    'The taller V5, the likelier; where it is hidden, nothing is known.'
    height = np.where(mask[:, 10], signals_mv[:, 10], 0).max(axis=1)
    return np.stack([1 / (1 + np.exp(-height)), np.full(len(height), 0.5)], axis=1)

predict.labels = ("LVH", "AFIB")
"""


@pytest.fixture
def sources(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    signals = rng.normal(0, 50, (40, 12, 1000))
    signals[::4, 10] *= 20
    np.savez(tmp_path / "r.npz", x=signals.astype(np.int16), ecg_id=np.arange(40))
    with (tmp_path / "l.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ecg_id", "statements", "strat_fold", "patient_id"])
        table.writerows([k, "LVH;AFIB" if k % 4 == 0 else "SR", k % 2 + 1, k // 2] for k in range(40))
    (tmp_path / "my_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path
