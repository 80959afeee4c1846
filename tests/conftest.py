"""What the tests share: the data folder where it exists, and small records and pages to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgimg import EcgRecord
from synth import HeartSpec, simulate

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    if not DATA.is_dir():
        pytest.skip("the folder of real records and pages is not beside this checkout")
    return DATA


@pytest.fixture(scope="session")
def heart_record() -> EcgRecord:
    """Ten seconds of a quiet simulated heart, every lead that a layout prints."""
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "V8", "V9", "V4R")
    return simulate(HeartSpec(rate_bpm=72), np.random.default_rng(3), leads=leads).record
