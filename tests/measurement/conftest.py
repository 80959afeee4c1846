"""Simulated hearts, measured once for all tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ecgimg.errors import MissingWeights
from ecgimg.inference.onnx_sessions import load_network
from ecgimg.measurement import Measurements, measure_record
from synth import HeartSpec, simulate
from synth.heart import SimulatedEcg

QUIET = {"baseline_wander_mv": 0.005, "muscle_mv": 0.002, "variety": 0.3}
Measured = tuple[SimulatedEcg, Measurements]


@pytest.fixture(scope="session", autouse=True)
def delineator() -> None:
    """Skip where the network is not installed."""
    try:
        load_network("delineator.onnx")
    except MissingWeights:
        pytest.skip("the weights of the delineator are not installed")


@pytest.fixture(scope="session")
def measured() -> Callable[..., Measured]:
    """Simulate a heart of some options and measure it."""
    known: dict[tuple[object, ...], Measured] = {}

    def measure(seed: int = 0, duration_s: float = 10.0, **options: object) -> Measured:
        key = (seed, duration_s, repr(sorted(options.items())))
        if key not in known:
            heart = simulate(HeartSpec(**(QUIET | options)), np.random.default_rng(seed), duration_s)
            known[key] = heart, measure_record(heart.record)
        return known[key]

    return measure
