"""What the tests share: the data folder where it exists, and small records and pages to draw."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # one process a core: one thread each, which numpy settles as it is imported
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import pytest
from onnxruntime import InferenceSession

from ecgimg import EcgRecord
from ecgimg.classification import shipped_classifier
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.trained_classifier import Classifier
from ecgimg.errors import MissingWeights
from ecgimg.inference.onnx_sessions import load_network
from ecgimg.inference.threads import use_one_thread
from synth import HeartSpec, simulate

if "PYTEST_XDIST_WORKER" in os.environ:
    use_one_thread()

pytest.register_assert_rewrite(  # modules whose asserts tell what they compared, as those of test modules do
    "tests.app.app_server", "tests.formats.pages.pictures", "tests.formats.pages.pdf_pages", "tests.formats.records"
)

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


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


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """The classifier with the shipped weights."""
    try:
        return shipped_classifier()
    except MissingWeights:
        pytest.skip("the weights of the classifier are not installed")


@pytest.fixture(scope="session")
def delineator() -> InferenceSession:
    """The shipped delineator."""
    try:
        return load_network("delineator.onnx")
    except MissingWeights:
        pytest.skip("the weights of the delineator are not installed")


@pytest.fixture(scope="session")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> LabelledRecords:
    """Labelled records of simulated hearts in three folds, to train and evaluate with."""
    from ecgimg.train.classifier.simulated_hearts import simulated_records  # needs the train extra

    data = simulated_records(tmp_path_factory.mktemp("hearts"), 96, seed=5, jobs=1)
    folds = np.arange(96) % 3 + 1
    return LabelledRecords(**{**vars(data), "folds": folds})


@pytest.fixture(scope="module")
def garbage_collected() -> Iterator[None]:
    """Collect what packages leave open before the next module: their warnings would fail a test that is not theirs."""
    yield
    gc.collect()
