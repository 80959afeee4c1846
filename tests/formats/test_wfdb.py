"""Records in WFDB: names, units, signal formats, and headers that are refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadOutput,
    BadRecord,
    read_record,
    write_record,
)
from ecgimg.resample import resample
from tests.formats.records import assert_same, waves


def test_wfdb_package_reads_written_record(tmp_path: Path) -> None:
    """The wfdb package reads the rate, units, leads and values that were written."""
    wfdb = pytest.importorskip("wfdb")
    ecg = waves()
    write_record(ecg, tmp_path / "ecg.hea")
    other = wfdb.rdrecord(str(tmp_path / "ecg"))
    assert (other.fs, other.units, other.sig_name) == (500, ["mV"] * 12, list(STANDARD_LEADS))
    np.testing.assert_allclose(other.p_signal.T, ecg.signals, rtol=0, atol=0.000502)


def test_read_wfdb_by_any_of_its_names(tmp_path: Path) -> None:
    """A record is found by its header, its signal file, or their common stem."""
    ecg = waves()
    assert write_record(ecg, tmp_path / "ecg.dat") == tmp_path / "ecg.hea"
    for name in ("ecg.hea", "ecg.dat", "ecg"):
        assert_same(read_record(tmp_path / name), ecg)


def test_read_wfdb_units_and_other_channels(tmp_path: Path) -> None:
    """Units are converted to millivolt, and channels that are no ECG lead are left out."""
    values = np.array([[1000, 1000, 1000, 120, 7], [-500, -500, -500, 80, 7]], "<i2")
    (tmp_path / "ecg.dat").write_bytes(values.tobytes())
    lines = ["ecg 5 500 2", "ecg.dat 16 1/uV 16 0 0 0 0 i", "ecg.dat 16 1/µV 16 0 0 0 0 ii"]
    lines += ["ecg.dat 16 1000 16 0 0 0 0 avr", "ecg.dat 16 1/mmHg 16 0 0 0 0 ABP", "ecg.dat 16 1/g 16 0 0 0 0 X"]
    (tmp_path / "ecg.hea").write_text("\n".join(lines), encoding="utf-8")
    ecg = read_record(tmp_path / "ecg.hea")
    assert ecg.leads == ("I", "II", "aVR")
    assert (ecg.recorded_as, ecg.left_out) == ({}, ("ABP", "X"))
    assert repr(ecg).endswith("100 % known, left out: ABP, X)")
    np.testing.assert_allclose(ecg.signals, [[1, -0.5]] * 3)


@pytest.mark.parametrize(
    ("names", "leads", "recorded_as"),
    [
        (("MLII", "V1"), ("II", "V1"), {"II": "MLII"}),
        (("ML2", "MV2"), ("II", "MV2"), {"II": "MLII"}),
        (("MLIII", "MLI"), ("III", "I"), {"III": "MLIII", "I": "MLI"}),
        (("ECG1", "ECG2"), ("ECG1", "ECG2"), {}),
        (("V", "MCL1"), ("V", "MCL1"), {}),
        (("D3", "MDC_ECG_LEAD_AVF"), ("III", "aVF"), {}),
        (("MLII", "II"), ("MLII", "II"), {}),
    ],
)
def test_read_wfdb_names_of_monitors(
    tmp_path: Path, names: tuple[str, str], leads: tuple[str, ...], recorded_as: dict[str, str]
) -> None:
    """Every lead is kept: under the name of the standard lead that it stands for, which is said, or under its own."""
    (tmp_path / "ecg.dat").write_bytes(np.array([[1000, -500], [200, 300]], "<i2").tobytes())
    lines = ["ecg 2 360 2", *(f"ecg.dat 16 1000/mV 16 0 0 0 0 {name}" for name in names)]
    (tmp_path / "ecg.hea").write_text("\n".join(lines), encoding="utf-8")
    ecg = read_record(tmp_path / "ecg.hea")
    assert (ecg.leads, ecg.recorded_as, ecg.left_out) == (leads, recorded_as, ())
    np.testing.assert_allclose(ecg.signals, [[1, 0.2], [-0.5, 0.3]])
    assert all(f"{name} as {lead}" in repr(ecg) for lead, name in recorded_as.items())
    assert ecg.select(["V6"]).recorded_as == {}
    assert resample(ecg, 500).recorded_as == ecg.masked(ecg.known).recorded_as == recorded_as


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("ecg 1 500 4\necg.dat 16 1000/mmHg 16 0 0 0 0 II\n", "lead II in mmHg"),
        ("ecg 1 500 4\necg.dat 16 1000/mV 16 0 0 0 0 Fp1\n", r"no ECG lead \(its channels: Fp1"),
        ("ecg 1 500 4\necg.dat 16 1/mV 16 0 0 0 0 I\n", "looks like µV"),
        ("ecg 1 500 9\necg.dat 16 1000/mV 16 0 0 0 0 I\n", "cut off"),
        ("ecg 1 500 4\necg.dat 16+2 1000/mV 16 0 0 0 0 I\n", "cut off"),
        ("ecg 1 500 4\necg.dat 16:9 1000/mV 16 0 0 0 0 I\n", "shifts"),
        ("ecg 1 500 4\necg.dat 77 1000/mV 16 0 0 0 0 I\n", "unknown format 77"),
        ("ecg 1 500 99999999999999\necg.dat 16 1000/mV 16 0 0 0 0 I\n", "cut off"),
        ("ecg 2 500 4\necg.dat 16 1000/mV 16 0 0 0 0 I\n", "announces"),
        ("ecg 0 500 4\n", "announces"),
        ("ecg/2 1 500 4\na 2\nb 2\n", "segments"),
        ("ecg 1 500 4\nother.dat 16 1000/mV 16 0 0 0 0 I\n", "needs its signal file other.dat"),
        ("ecg 1 500 4\n../ecg.dat 16 1000/mV 16 0 0 0 0 I\n", "damaged or not a valid WFDB"),
        ("hello\n", "damaged or not a valid WFDB"),
        ("# only this\n", "damaged or not a valid WFDB"),
    ],
)
def test_read_wfdb_refusals(tmp_path: Path, header: str, message: str) -> None:
    """Each header that does not describe an ECG record is refused with what is wrong."""
    (tmp_path / "ecg.hea").write_text(header)
    (tmp_path / "ecg.dat").write_bytes(np.array([1000, -1000, 60, 900], "<i2").tobytes())
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.hea")


def test_read_wfdb_without_its_second_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing header or signal file is named, and the network is never asked."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    path = write_record(waves(), tmp_path / "100.hea")
    data = path.with_suffix(".dat").read_bytes()
    path.with_suffix(".dat").unlink()
    with pytest.raises(BadRecord, match=r"100\.dat beside it"):
        read_record(path)
    path.unlink()
    path.with_suffix(".dat").write_bytes(data)
    with pytest.raises(BadRecord, match=r"100\.hea beside it"):
        read_record(path.with_suffix(".dat"))


def test_read_wfdb_with_samples_per_frame(tmp_path: Path) -> None:
    """Leads with several samples a frame are read at their own rate."""
    values = np.arange(12, dtype="<i2")  # each frame: two samples of I, two of II
    (tmp_path / "ecg.dat").write_bytes(values.tobytes())
    line = "ecg.dat 16x2 1000/mV 16 0 0 0 0"
    (tmp_path / "ecg.hea").write_text(f"ecg 2 250 3\n{line} I\n{line} II\n")
    ecg = read_record(tmp_path / "ecg.hea")
    assert ecg.fs_hz == 500
    np.testing.assert_allclose(ecg.lead("II"), [0.002, 0.003, 0.006, 0.007, 0.010, 0.011])


@pytest.mark.parametrize("fmt", ["80", "212", "16", "24", "32", "508", "516", "524"])
def test_read_wfdb_signal_formats(tmp_path: Path, fmt: str) -> None:
    """Every signal format is read, and refused where its file is cut."""
    wfdb = pytest.importorskip("wfdb")
    steps = np.random.default_rng(4).integers(-100, 100, (103, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        head = {"fs": 500, "units": ["mV"] * 3, "sig_name": ["I", "II", "V1"], "adc_gain": [50.0] * 3}
        wfdb.wrsamp("ecg", **head, fmt=[fmt] * 3, d_signal=steps, baseline=[0] * 3, write_dir=str(tmp_path))
    np.testing.assert_allclose(read_record(tmp_path / "ecg").signals.T, steps / 50, atol=1e-6)
    data = next(path for path in tmp_path.iterdir() if path.suffix != ".hea")
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(BadRecord):
        read_record(tmp_path / "ecg")


@pytest.mark.parametrize("name", ["my ecg.hea", "ecg.1.hea", "ékg.hea"])
def test_write_wfdb_under_forbidden_name(tmp_path: Path, name: str) -> None:
    """A name that the format forbids is refused before anything is written."""
    with pytest.raises(BadOutput, match="letters, digits"):
        write_record(waves(), tmp_path / name)
