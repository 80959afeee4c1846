"""A record that is written and read again is the same in every format, gaps included."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    EcgRecord,
    read_record,
    write_record,
)
from tests.conftest import DATA
from tests.formats.records import FIFTEEN, STEP_MV, WRITABLE, assert_same, needs_data, waves

MONITOR = ("V5", "MCL1", "V", "ECG1", "E-S", "MV5")


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("leads", [STANDARD_LEADS, FIFTEEN, ("II",), ("X", "Y", "Z"), ("aVR", "I", "V3R"), MONITOR])
def test_round_trip_of_lead_sets_with_gaps(tmp_path: Path, suffix: str, leads: tuple[str, ...]) -> None:
    """Every format keeps the leads, their order and the gaps."""
    ecg = waves(leads)
    path = write_record(ecg, tmp_path / f"ecg.{suffix}")
    assert path == tmp_path / f"ecg.{suffix}"
    assert_same(read_record(path), ecg, STEP_MV[suffix])


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("fs_hz", [100, 128, 250, 257, 360, 500, 512, 1000, 257.5, 333.33, 976.5625, 1000 / 3])
def test_round_trip_of_sampling_rates_and_lengths(tmp_path: Path, suffix: str, fs_hz: float) -> None:
    """Every format keeps the sampling rate, fractional ones too, and the number of samples."""
    for n_samples in (997, 2 * int(fs_hz), int(fs_hz) + 1):
        ecg = waves(("I", "II", "V1"), fs_hz, n_samples)
        assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, STEP_MV[suffix])


@pytest.mark.parametrize("suffix", WRITABLE)
def test_round_trip_of_record_without_values(tmp_path: Path, suffix: str) -> None:
    """A record of nothing but gaps stays one."""
    ecg = EcgRecord(np.full((2, 700), np.nan), 250, ("I", "V6"))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_round_trip_of_two_samples(tmp_path: Path, suffix: str) -> None:
    """The shortest record survives, with its gap."""
    ecg = EcgRecord([[0.001, np.nan]], 250, ("I",))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg)


@pytest.mark.parametrize("suffix", ["hea", "edf", "dcm"])
@pytest.mark.parametrize("peak_mv", [32.767, 32.768, 49.99])
def test_round_trip_of_large_amplitudes(tmp_path: Path, suffix: str, peak_mv: float) -> None:
    """Amplitudes beyond 16 bits of 1 µV are stored in coarser steps."""
    ecg = EcgRecord([[0.0, peak_mv, -peak_mv, np.nan]], 500, ("I",))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, 0.0005 if peak_mv < 32.7675 else 0.005)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_write_record_beyond_any_ecg(tmp_path: Path, suffix: str) -> None:
    """Values beyond any ECG are refused, and no file is left."""
    with pytest.raises(BadRecord, match="µV"):
        write_record(EcgRecord([[0.0, 51.0]], 500, ("I",)), tmp_path / f"ecg.{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", WRITABLE)
def test_write_record_twice_gives_same_bytes(tmp_path: Path, suffix: str) -> None:
    """The same record gives the same bytes in every format."""
    digests = set()
    for folder in ("a", "b"):
        path = write_record(waves(), tmp_path / folder / f"ecg.{suffix}")
        digests.add(hashlib.sha256(b"".join(p.read_bytes() for p in sorted(path.parent.iterdir()))).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("suffix", WRITABLE)
def test_write_record_over_longer_one(tmp_path: Path, suffix: str) -> None:
    """A shorter record replaces a longer one whole, and only the files of the format remain."""
    write_record(waves(n_samples=3000), tmp_path / f"ecg.{suffix}")
    ecg = waves(n_samples=800)
    path = write_record(ecg, tmp_path / f"ecg.{suffix}")
    assert_same(read_record(path), ecg)
    beside = {"hea": ["ecg.dat"], "edf": ["ecg.mask.csv"]}.get(suffix, [])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, *beside])


@needs_data
@pytest.mark.parametrize("suffix", WRITABLE)
def test_round_trip_of_real_wfdb_record(tmp_path: Path, suffix: str) -> None:
    """A real WFDB record is read as the wfdb package reads it, and survives every format."""
    wfdb = pytest.importorskip("wfdb")
    source = DATA / "ludb" / "data" / "7"
    ecg = read_record(source)
    assert (ecg.fs_hz, ecg.n_samples, ecg.leads) == (500, 5000, STANDARD_LEADS)
    np.testing.assert_allclose(ecg.signals.T, wfdb.rdrecord(str(source)).p_signal, atol=1e-6)
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, STEP_MV[suffix])
