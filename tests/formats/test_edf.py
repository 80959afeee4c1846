"""Records in EDF+: the mask of gaps beside the file, files of other software, and refusals."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyedflib
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    EcgRecord,
    read_record,
    write_record,
)
from tests.formats.records import assert_same, waves


def test_pyedflib_reads_written_record(tmp_path: Path) -> None:
    """The pyedflib package reads the same values, no patient, and never 0 mV in place of a gap."""
    ecg = waves()
    path = write_record(ecg, tmp_path / "ecg.edf")
    with pyedflib.EdfReader(str(path)) as file:
        assert file.getSignalLabels() == list(STANDARD_LEADS)
        assert set(file.getSampleFrequencies()) == {500}
        assert file.getPhysicalDimension(0) == "uV"
        patient = {file.getPatientName(), file.getPatientCode(), file.getSex(), file.getPatientAdditional()}
        assert patient <= {"", "X"}  # X is EDF+'s unknown
        uv = np.stack([file.readSignal(i)[: ecg.n_samples] for i in range(12)])
    np.testing.assert_allclose(uv[ecg.known] / 1000, ecg.signals[ecg.known], rtol=0, atol=0.000502)
    assert set(uv[~ecg.known]) == {-32768.0}  # never 0 mV in place of a gap


def edf_file(path: Path, labels: list[str], dimension: str = "uV", rates: list[int] | None = None) -> Path:
    with warnings.catch_warnings(), pyedflib.EdfWriter(str(path), len(labels)) as file:
        warnings.simplefilter("ignore")
        head = {"dimension": dimension, "physical_min": -3200, "physical_max": 3200, "digital_min": -32000}
        head |= {"digital_max": 32000, "transducer": "", "prefilter": ""}
        rates = rates or [100] * len(labels)
        file.setSignalHeaders([head | {"label": a, "sample_frequency": b} for a, b in zip(labels, rates, strict=True)])
        file.writeSamples([np.full(rate, 500.0) for rate in rates])
    return path


@pytest.mark.parametrize(("dimension", "value_mv"), [("uV", 0.5), ("nV", 0.0005)])
def test_read_edf_of_other_software(tmp_path: Path, dimension: str, value_mv: float) -> None:
    """Labels and units of other software are understood, and an EEG channel is left out."""
    ecg = read_record(edf_file(tmp_path / "ecg.edf", ["ECG II", "EKG V1", "EEG Fp1"], dimension))
    assert (ecg.leads, ecg.fs_hz, ecg.n_samples) == (("II", "V1"), 100, 100)
    np.testing.assert_allclose(ecg.signals, value_mv, rtol=1e-4)


def test_read_edf_channels_beside_the_ecg(tmp_path: Path) -> None:
    """A monitor lead at another rate than the standard leads, or that comes twice, is left out and named."""
    ecg = read_record(edf_file(tmp_path / "a.edf", ["EKG II", "ECG", "RESP"], rates=[100, 50, 10]))
    assert (ecg.leads, ecg.fs_hz, ecg.left_out) == (("II",), 100, ("ECG", "RESP"))
    ecg = read_record(edf_file(tmp_path / "b.edf", ["ECG", "ECG", "EEG C3"]))
    assert (ecg.leads, ecg.left_out) == (("ECG",), ("ECG", "EEG C3"))
    with pytest.raises(BadRecord, match="different rates"):
        read_record(edf_file(tmp_path / "c.edf", ["I", "II"], rates=[100, 50]))


def test_read_edf_refusals(tmp_path: Path) -> None:
    """Files without ECG leads, with odd units or several rates, and other files are refused."""
    with pytest.raises(BadRecord, match=r"no ECG lead \(its channels: EEG Fp1, EEG C3\)"):
        read_record(edf_file(tmp_path / "eeg.edf", ["EEG Fp1", "EEG C3"]))
    with pytest.raises(BadRecord, match="lead I in degC"):
        read_record(edf_file(tmp_path / "heat.edf", ["I"], "degC"))
    with pytest.raises(BadRecord, match="looks like µV"):
        read_record(edf_file(tmp_path / "unit.edf", ["I"], "mV"))
    with pytest.raises(BadRecord, match=r"different rates \(100, 200 Hz\)"):
        read_record(edf_file(tmp_path / "rates.edf", ["I", "II"], rates=[100, 200]))
    (tmp_path / "text.edf").write_text("time_s,I\n0,1\n" * 40)
    with pytest.raises(BadRecord, match="not an EDF file"):
        read_record(tmp_path / "text.edf")


def test_read_edf_without_its_mask(tmp_path: Path) -> None:
    """A file whose mask is missing, changed or of another kind is refused."""
    path = write_record(waves(), tmp_path / "ecg.edf")
    mask = tmp_path / "ecg.mask.csv"
    text = mask.read_text()
    mask.unlink()
    with pytest.raises(BadRecord, match=r"ecg\.mask\.csv describes, and that file is not beside it"):
        read_record(path)
    mask.write_text(text.replace("aVF", "aVL").replace("I,618,1236", "I,617,1236"))
    with pytest.raises(BadRecord, match="does not belong"):
        read_record(path)
    mask.write_text("lead,first_sample,last_sample\nQ,1,2\n")
    with pytest.raises(BadRecord, match="damaged or not a valid mask"):
        read_record(path)
    mask.write_text("time_s,I\n0,1\n")
    with pytest.raises(BadRecord, match="not the mask of an EDF"):
        read_record(path)


def test_read_edf_renamed_with_its_mask(tmp_path: Path) -> None:
    """A file and its mask may be renamed together."""
    write_record(waves(), tmp_path / "ecg.edf")
    (tmp_path / "ecg.edf").rename(tmp_path / "b.edf")
    (tmp_path / "ecg.mask.csv").rename(tmp_path / "b.mask.csv")
    assert_same(read_record(tmp_path / "b.edf"), waves())


def test_edf_of_irrational_rate(tmp_path: Path) -> None:
    """A rate that is no ratio of small numbers survives."""
    ecg = waves(("I", "II"), 100 * np.pi, 1000)
    assert_same(read_record(write_record(ecg, tmp_path / "ecg.edf")), ecg)


def test_write_edf_without_gaps(tmp_path: Path) -> None:
    """A record without gaps leaves no mask, and removes an old one."""
    write_record(waves(), tmp_path / "ecg.edf")
    whole = EcgRecord(np.ones((2, 777)), 250, ("I", "II"))
    assert_same(read_record(write_record(whole, tmp_path / "ecg.edf")), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["ecg.edf"]


def test_write_edf_mask_text(tmp_path: Path) -> None:
    """The mask lists the first and last sample of every gap."""
    write_record(EcgRecord([[1, np.nan, np.nan, 1, np.nan], [1] * 5], 250, ("I", "II")), tmp_path / "ecg.edf")
    assert (tmp_path / "ecg.mask.csv").read_text() == "lead,first_sample,last_sample\nI,1,2\nI,4,4\n"
