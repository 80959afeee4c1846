"""What the tests share: the data folder where it exists, and small records and pages to draw."""

from __future__ import annotations

import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # one process a core: one thread each, which numpy settles as it is imported
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization.segmentation.runtime import one_thread
from synth import HeartSpec, simulate

if "PYTEST_XDIST_WORKER" in os.environ:
    one_thread()

pytest.register_assert_rewrite(  # modules whose asserts tell what they compared, as those of test modules do
    "tests.formats.records", "tests.formats.pages.pictures", "tests.formats.pages.pdf_pages"
)

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
