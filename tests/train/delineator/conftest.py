"""Simulated hearts to learn from."""

from __future__ import annotations

import pytest

from ecgimg.train.delineator import data
from ecgimg.train.delineator.data import TaughtRecord


@pytest.fixture(scope="session")
def taught_hearts(tmp_path_factory: pytest.TempPathFactory) -> list[TaughtRecord]:
    folder = tmp_path_factory.mktemp("pool")
    # here, as to start a process takes seconds
    data._simulate_part((folder / "4-000000-000006.npz", range(6)), seed=4)
    return data.simulated_hearts(folder, 6, seed=4)


@pytest.fixture(scope="session")
def small_hearts(taught_hearts: list[TaughtRecord]) -> list[TaughtRecord]:
    """The same, three leads and six seconds of each, which are trained on faster."""
    return [
        TaughtRecord(heart.name, heart.signals_mv[:3, :1500], heart.waves[heart.waves[:, 0] < 3])
        for heart in taught_hearts
    ]
