"""What the delineator learns from: targets, stretched records, folds and simulated hearts."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.model import QRS, P, T
from ecgimg.train.delineator import data
from ecgimg.train.delineator.data import (
    UNKNOWN,
    TaughtRecord,
    make_target,
    simulated_hearts,
    split_folds,
    stretched,
    unmarked,
)

STEP_S = 0.008
WAVES = np.array([(0, P, 0.403, 0.483), (0, QRS, 0.563, 0.643), (0, T, 0.803, 0.963)])  # off the steps


def test_make_target_classes_and_distances():
    """A step has the class of the wave around it, and its distances to onset and end in tenths of a second."""
    target = make_target(WAVES, 1, 0.0, 150)
    times_s = STEP_S * np.arange(150)
    for _, kind, onset_s, end_s in WAVES:
        inside = (times_s > onset_s + 1e-6) & (times_s < end_s - 1e-6)
        assert (target.kinds[0, inside] == kind).all()
        np.testing.assert_allclose(target.distances[0, 0, inside], (times_s[inside] - onset_s) / 0.1, atol=1e-5)
        np.testing.assert_allclose(target.distances[0, 1, inside], (end_s - times_s[inside]) / 0.1, atol=1e-5)
    assert (target.kinds[0, (times_s > 0.49) & (times_s < 0.55)] == 0).all()


def test_make_target_beyond_annotated_part():
    """Before the first and after the last wave of a lead nothing is known, as of leads without waves."""
    target = make_target(WAVES, 2, 0.0, 150)
    times_s = STEP_S * np.arange(150)
    assert (target.kinds[0, (times_s < 0.38) | (times_s > 0.98)] == UNKNOWN).all()
    assert (target.kinds[1] == UNKNOWN).all()


def test_make_target_of_crop():
    """A crop has the targets of its part of the record, also of a wave that it cuts."""
    whole, crop = make_target(WAVES, 1, 0.0, 150), make_target(WAVES, 1, 75 * STEP_S, 40)
    np.testing.assert_array_equal(crop.kinds, whole.kinds[:, 75:115])
    np.testing.assert_allclose(crop.distances, whole.distances[:, :, 75:115], atol=1e-5)


def test_make_target_near_half_marked_wave():
    """Around a wave without onset or end nothing is known, but a marked wave that reaches into it is kept."""
    waves = np.array([*WAVES, unmarked(0, 0.74), (0, QRS, 1.4, 1.5)])
    target = make_target(waves, 1, 0.0, 200)
    times_s = STEP_S * np.arange(200)
    assert (target.kinds[0, (times_s > 0.65) & (times_s < 0.79)] == UNKNOWN).all()
    assert (target.kinds[0, (times_s > 0.57) & (times_s < 0.63)] == QRS).all()
    assert (target.kinds[0, (times_s > 0.81) & (times_s < 0.95)] == T).all()
    assert (target.kinds[0, (times_s > 1.0) & (times_s < 1.39)] == 0).all()


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_stretched(factor):
    """A record played slower or faster keeps its waves on the same values."""
    ramp = np.arange(1000, dtype=np.float32)[None]
    record = TaughtRecord("one", ramp, np.array([(0.0, QRS, 1.0, 1.1)]))
    other = stretched(record, factor)
    assert other.signals_mv.shape == (1, int(1000 * factor))
    assert other.waves[0] == pytest.approx((0, QRS, factor, 1.1 * factor))
    at = round(250 * factor)
    assert other.signals_mv[0, at] == pytest.approx(250, abs=1)


def test_split_folds():
    """Every name is in one fold, folds are about equal, and the seed decides."""
    names = [str(number) for number in range(11)]
    folds = split_folds(names, 3, seed=1)
    assert sorted(name for fold in folds for name in fold) == sorted(names)
    assert [len(fold) for fold in folds] == [4, 4, 3]
    assert folds == split_folds(names, 3, seed=1)
    assert folds != split_folds(names, 3, seed=2)


def test_simulated_hearts_waves(taught_hearts):
    """A simulated heart lasts ten seconds, with every kind of wave in leads that are ordered."""
    assert [heart.name for heart in taught_hearts] == [f"heart-{number}" for number in range(6)]
    for heart in taught_hearts:
        assert heart.signals_mv.shape == (12, 2500)
        assert heart.signals_mv.dtype == np.float32
        assert {QRS, T} <= set(heart.waves[:, 1])
        assert (heart.waves[:, 3] > heart.waves[:, 2]).all()
    assert any((heart.waves[:, 1] == P).any() for heart in taught_hearts)
    assert any((heart.waves[:, 1] == 0).any() for heart in taught_hearts)


def same(one: TaughtRecord, other: TaughtRecord) -> bool:
    return np.array_equal(one.signals_mv, other.signals_mv) and np.array_equal(one.waves, other.waves)


@pytest.mark.slow
def test_simulated_hearts_resumed(tmp_path, monkeypatch, taught_hearts):
    """Parts that are there are read; more hearts, or those of another seed, are simulated beside them."""
    few = simulated_hearts(tmp_path, 2, seed=4, jobs=1)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = simulated_hearts(tmp_path, 2, seed=4, jobs=1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written
    more = simulated_hearts(tmp_path, 3, seed=4, jobs=1)
    other = simulated_hearts(tmp_path, 2, seed=5, jobs=1)
    assert all(same(*pair) for pair in zip(few, again, strict=True))
    assert all(same(*pair) for pair in zip(more, taught_hearts[:3], strict=True))
    assert not same(other[0], few[0])


def test_simulated_hearts_that_are_there(tmp_path, taught_hearts):
    """Hearts that are there are read without being simulated again."""
    file = tmp_path / "4-000000-000002.npz"
    data._simulate_part((file, range(2)), seed=4)
    content = file.read_bytes()
    hearts = simulated_hearts(tmp_path, 2, seed=4)
    assert all(same(*pair) for pair in zip(hearts, taught_hearts[:2], strict=True))
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]
