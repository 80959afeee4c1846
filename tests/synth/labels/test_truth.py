"""A page's truth on disk."""

from __future__ import annotations

import numpy as np
import pytest

import synth
from ecgimg import BadRecord, EcgRecord
from synth.labels.truth import load_truth


def test_truth_round_trip(tmp_path):
    """Truth survives the disk."""
    for index, page in enumerate(synth.pages(n=6, seed=5)):
        page.save(tmp_path / f"p{index}")
        back = load_truth(tmp_path / f"p{index}")
        truth = page.truth
        assert back.layout == truth.layout
        assert back.page_map == truth.page_map
        assert (back.speed_mm_s, back.gain_mm_mv, back.size_px, back.labels) == (
            truth.speed_mm_s, truth.gain_mm_mv, truth.size_px, truth.labels,
        )  # fmt: skip
        assert np.allclose(back.record.signals, truth.record.signals, atol=0.000501, equal_nan=True)
        assert np.allclose(back.grid_px, truth.grid_px, atol=0.01)
        for ours, theirs in zip(truth.traces, back.traces, strict=True):
            assert ours.slot == theirs.slot
            assert np.array_equal(ours.hidden, theirs.hidden)
            assert np.allclose(ours.points_px, theirs.points_px, atol=0.01, equal_nan=True)
        assert [text.text for text in back.texts] == [text.text for text in truth.texts]


def test_truth_round_trip_with_gaps(tmp_path):
    """Truth with gaps survives the disk."""
    signals = np.random.default_rng(0).normal(0, 0.3, (12, 5000)).astype(np.float32)
    signals[0, 100:200] = np.nan
    signals[3] = np.nan
    signals[5, :7] = np.nan
    page = next(synth.pages([("gappy", EcgRecord(signals, 500.0))], layouts="12x1", degradation="photo", seed=1))
    page.truth.save(tmp_path / "p")
    back = load_truth(tmp_path / "p")
    signals = signals[:, : back.record.n_samples]
    assert back.record.n_samples > 1000
    assert np.array_equal(np.isnan(back.record.signals), np.isnan(signals))
    assert np.allclose(back.record.signals, signals, atol=0.000501, equal_nan=True)
    assert np.allclose(back.traces[0].points_px, page.truth.traces[0].points_px, atol=0.01, equal_nan=True)


def test_truth_size(data_folder):
    """Truth is small, even of real records on the longest layouts."""
    source = data_folder / "ptbxl" / "records_500hz.npz"
    sizes = []
    for page in synth.pages(source, n=8, layouts="12x1,3x4+V1+II+V5", seed=2):
        numbers, text = page.truth.packed()
        sizes.append(len(numbers) + len(text.encode()))
    assert max(sizes) < 300_000


@pytest.mark.parametrize("stem", ["missing", "broken", "other"])
def test_load_truth_refusals(tmp_path, stem):
    """Missing, broken and other files are refused as truth."""
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"format": "else"}', encoding="utf-8")
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(BadRecord, match=stem):
        load_truth(tmp_path / stem)
