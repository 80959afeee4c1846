from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas
import pydicom
import pyedflib
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadOutput,
    BadRecord,
    EcgRecord,
    MissingExtra,
    iter_records,
    read_record,
    write_record,
)
from ecgimg._files import atomic_path, atomic_paths
from ecgimg.formats import record_files

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the development data folder is not beside the project")

WRITABLE = ("hea", "csv", "edf", "dcm", "parquet")
FIFTEEN = (*STANDARD_LEADS, "V4R", "V8", "V9")
STEP_MV = {"hea": 0.0005, "csv": 0.00005, "edf": 0.0005, "dcm": 0.0005, "parquet": 0.0}


def waves(leads: tuple[str, ...] = STANDARD_LEADS, fs_hz: float = 500, n_samples: int = 1237) -> EcgRecord:
    """A record of sines and noise with gaps: one lead half, one wholly unknown, one scattered."""
    rng = np.random.default_rng(len(leads) * 10007 + n_samples)
    t_s = np.arange(n_samples) / fs_hz
    signals = np.sin(2 * np.pi * np.outer(np.arange(1, len(leads) + 1), t_s)) + rng.normal(
        0, 0.05, (len(leads), n_samples)
    )
    signals[0, n_samples // 2 :] = np.nan
    if len(leads) > 2:
        signals[1] = np.nan
        signals[2, rng.random(n_samples) < 0.2] = np.nan
    return EcgRecord(signals, fs_hz, leads)


def assert_same(got: EcgRecord, due: EcgRecord, within_mv: float = 0.0005) -> None:
    assert got.leads == due.leads
    assert got.fs_hz == pytest.approx(due.fs_hz, rel=2e-6 if due.fs_hz % 1 else 0)
    assert got.signals.shape == due.signals.shape
    np.testing.assert_array_equal(got.known, due.known)
    np.testing.assert_allclose(got.signals, due.signals, rtol=0, atol=within_mv + 2e-6)


# round trips


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("leads", [STANDARD_LEADS, FIFTEEN, ("II",), ("X", "Y", "Z"), ("aVR", "I", "V3R")])
def test_round_trip_keeps_leads_and_gaps(tmp_path: Path, suffix: str, leads: tuple[str, ...]) -> None:
    ecg = waves(leads)
    path = write_record(ecg, tmp_path / f"ecg.{suffix}")
    assert path == tmp_path / f"ecg.{suffix}"
    assert_same(read_record(path), ecg, STEP_MV[suffix])


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("fs_hz", [100, 128, 250, 257, 360, 500, 512, 1000, 257.5, 333.33, 976.5625, 1000 / 3])
def test_round_trip_keeps_rate_and_length(tmp_path: Path, suffix: str, fs_hz: float) -> None:
    for n_samples in (997, 2 * int(fs_hz), int(fs_hz) + 1):
        ecg = waves(("I", "II", "V1"), fs_hz, n_samples)
        assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, STEP_MV[suffix])


@pytest.mark.parametrize("suffix", WRITABLE)
def test_round_trip_of_nothing_but_gaps(tmp_path: Path, suffix: str) -> None:
    ecg = EcgRecord(np.full((2, 700), np.nan), 250, ("I", "V6"))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_round_trip_of_two_samples(tmp_path: Path, suffix: str) -> None:
    ecg = EcgRecord([[0.001, np.nan]], 250, ("I",))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg)


@pytest.mark.parametrize("suffix", ["hea", "edf", "dcm"])
@pytest.mark.parametrize("peak_mv", [32.767, 32.768, 49.99])
def test_large_amplitudes_take_coarser_steps(tmp_path: Path, suffix: str, peak_mv: float) -> None:
    ecg = EcgRecord([[0.0, peak_mv, -peak_mv, np.nan]], 500, ("I",))
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, 0.0005 if peak_mv < 32.7675 else 0.005)


@pytest.mark.parametrize("suffix", WRITABLE)
def test_beyond_any_ecg_is_not_written(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(BadRecord, match="µV"):
        write_record(EcgRecord([[0.0, 51.0]], 500, ("I",)), tmp_path / f"ecg.{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", WRITABLE)
def test_same_record_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    digests = set()
    for folder in ("a", "b"):
        path = write_record(waves(), tmp_path / folder / f"ecg.{suffix}")
        digests.add(hashlib.sha256(b"".join(p.read_bytes() for p in sorted(path.parent.iterdir()))).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("suffix", WRITABLE)
def test_overwrites_whole_and_leaves_nothing_else(tmp_path: Path, suffix: str) -> None:
    write_record(waves(n_samples=3000), tmp_path / f"ecg.{suffix}")
    ecg = waves(n_samples=800)
    path = write_record(ecg, tmp_path / f"ecg.{suffix}")
    assert_same(read_record(path), ecg)
    beside = {"hea": ["ecg.dat"], "edf": ["ecg.mask.csv"]}.get(suffix, [])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, *beside])


# what others read in our files


def test_wfdb_package_reads_the_same(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    ecg = waves()
    write_record(ecg, tmp_path / "ecg.hea")
    other = wfdb.rdrecord(str(tmp_path / "ecg"))
    assert (other.fs, other.units, other.sig_name) == (500, ["mV"] * 12, list(STANDARD_LEADS))
    np.testing.assert_allclose(other.p_signal.T, ecg.signals, rtol=0, atol=0.000502)


def test_pyedflib_reads_the_same(tmp_path: Path) -> None:
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


def test_pydicom_reads_the_same(tmp_path: Path) -> None:
    ecg = waves()
    dataset = pydicom.dcmread(write_record(ecg, tmp_path / "ecg.dcm"))
    uv = dataset.waveform_array(0).T
    np.testing.assert_allclose(uv[ecg.known] / 1000, ecg.signals[ecg.known], rtol=0, atol=0.000502)
    group = dataset.WaveformSequence[0]
    assert group.WaveformPaddingValue == b"\x00\x80"
    codes = [str(c.ChannelSourceSequence[0].CodeValue) for c in group.ChannelDefinitionSequence]
    assert codes == ["2:1", "2:2", "2:61", "2:62", "2:63", "2:64", "2:3", "2:4", "2:5", "2:6", "2:7", "2:8"]
    assert not dataset.PatientName
    assert not dataset.PatientID


def test_pydicom_knows_our_lead_codes(tmp_path: Path) -> None:
    from pydicom.sr._concepts_dict import concepts

    known = {code: text for entry in concepts["MDC"].values() for code, (text, _) in entry.items()}
    leads = (*FIFTEEN, "V7", "V3R", "V5R", "V6R", "X", "Y", "Z")
    dataset = pydicom.dcmread(write_record(EcgRecord(np.zeros((len(leads), 9)), 500, leads), tmp_path / "ecg.dcm"))
    for channel, lead in zip(dataset.WaveformSequence[0].ChannelDefinitionSequence, leads, strict=True):
        text = known[channel.ChannelSourceSequence[0].CodeValue]
        assert text.removeprefix("Lead ").split(",")[0] == lead


@pytest.mark.parametrize(
    ("leads", "fs_hz", "n_samples", "name"),
    [
        (STANDARD_LEADS, 500, 5000, "12-lead ECG Waveform Storage"),
        (("I",), 200, 5000, "12-lead ECG Waveform Storage"),
        (FIFTEEN, 500, 5000, "General ECG Waveform Storage"),
        (STANDARD_LEADS, 100, 1000, "General ECG Waveform Storage"),
        (STANDARD_LEADS, 1000, 20000, "General ECG Waveform Storage"),
    ],
)
def test_dicom_class(tmp_path: Path, leads: tuple[str, ...], fs_hz: float, n_samples: int, name: str) -> None:
    dataset = pydicom.dcmread(
        write_record(EcgRecord(np.zeros((len(leads), n_samples)), fs_hz, leads), tmp_path / "ecg.dcm")
    )
    assert dataset.SOPClassUID.name == name


def test_pandas_reads_the_same(tmp_path: Path) -> None:
    ecg = waves()
    for table in (
        pandas.read_csv(write_record(ecg, tmp_path / "ecg.csv")),
        pandas.read_parquet(write_record(ecg, tmp_path / "ecg.parquet")),
    ):
        assert list(table.columns) == ["time_s", *STANDARD_LEADS]
        np.testing.assert_allclose(table["time_s"], np.arange(ecg.n_samples) / 500, atol=5e-7)
        np.testing.assert_allclose(table[list(STANDARD_LEADS)].to_numpy().T, ecg.signals, rtol=0, atol=0.000052)


def test_csv_text(tmp_path: Path) -> None:
    path = write_record(EcgRecord([[0.12344, -0.00001], [np.nan, -1.5]], 360, ("aVR", "V1")), tmp_path / "ecg.csv")
    assert path.read_bytes() == b"time_s,aVR,V1\n0.000000,0.1234,\n0.002778,0.0000,-1.5000\n"


# CSV


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "ecg.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_header_in_any_case_and_line_end(tmp_path: Path) -> None:
    ecg = read_record(csv(tmp_path, b"\xef\xbb\xbfTime_S, avr ,LEAD v1\r\n0,1, \r\n0.002,2,nan\r\n"))
    assert (ecg.leads, ecg.fs_hz) == (("aVR", "V1"), 500)
    assert ecg.signals[0].tolist() == [1, 2]
    assert not ecg.known[1].any()


@pytest.mark.parametrize("fs_hz", [100, 128, 250, 257, 360, 500, 512, 1000])
@pytest.mark.parametrize("decimals", [3, 4, 6, 12])
@pytest.mark.parametrize("start_s", [0, 2.5])
def test_csv_rate_from_rounded_times(tmp_path: Path, fs_hz: int, decimals: int, start_s: float) -> None:
    rows = [f"{start_s + i / fs_hz:.{decimals}f},0.1" for i in range(5000)]
    assert read_record(csv(tmp_path, "\n".join(["time_s,I", *rows]))).fs_hz == fs_hz


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s;I;II\n0;1;2\n", "semicolons"),
        ("time_s\tI\n0\t1\n", "tabs"),
        ("I,II\n1,2\n3,4\n", "header must be time_s"),
        ("time,I\n0,2\n1,4\n", "header must be time_s"),
        ("time_s\n0\n1\n", "header must be time_s"),
        ("time_s,I,comment\n0,1,2\n0.002,1,2\n", "column 'comment' that is no ECG lead"),
        ("time_s,I,-aVR\n0,1,2\n0.002,1,2\n", "'-aVR'"),
        ("time_s,I,lead i\n0,1,2\n0.002,1,2\n", "once"),
        ("time_s,I\n", "no table of samples"),
        ("time_s,I\n0,1\n", "fewer than two samples"),
        ("time_s,I\n0,1\n0.002,1,3\n", "3 cells in line 3, not 2"),
        ("time_s,I,II\n0,1,2\n0.002,1\n", "cut off"),
        ("time_s,I\n0,1\n0.002,x\n", "'x' in line 3, which is no number"),
        ("time_s,I\n0,1\n,1\n0.004,1\n", "no time_s in sample 2"),
        ("time_s,I\n0,1\n0.002,1\n0.004,1\n0.008,1\n0.010,1\n", "uneven time_s at sample 4"),
        ("time_s,I\n0,1\n0.002,1\n0.002,1\n0.004,1\n0.006,1\n", "uneven time_s at sample 3"),
        ("time_s,I\n0,1\n0,1\n", "uneven"),
        ("time_s,I\n0.4,1\n0.2,1\n", "uneven"),
        ("time_s,I\n0,inf\n0.002,1\n", "infinite"),
        ("time_s,I\n0,850\n0.002,-300\n", "looks like µV"),
        ("lead,first_sample,last_sample\nI,0,4\n", "mask of an EDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\xff", "no text"),
        (b"time_s,I\n0,1\n0.002,\x001\n", "no table"),
    ],
)
def test_csv_refusals(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadRecord, match=message) as caught:
        read_record(csv(tmp_path, text))
    assert "ecg.csv" in str(caught.value)


def test_csv_of_one_sample_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="two samples"):
        write_record(EcgRecord([[1.0]], 500, ("I",)), tmp_path / "ecg.csv")


# WFDB


def test_wfdb_by_any_of_its_names(tmp_path: Path) -> None:
    ecg = waves()
    assert write_record(ecg, tmp_path / "ecg.dat") == tmp_path / "ecg.hea"
    for name in ("ecg.hea", "ecg.dat", "ecg"):
        assert_same(read_record(tmp_path / name), ecg)


def test_wfdb_units_and_other_channels(tmp_path: Path) -> None:
    values = np.array([[1000, 1000, 1000, 120, 7], [-500, -500, -500, 80, 7]], "<i2")
    (tmp_path / "ecg.dat").write_bytes(values.tobytes())
    lines = ["ecg 5 500 2", "ecg.dat 16 1/uV 16 0 0 0 0 i", "ecg.dat 16 1/µV 16 0 0 0 0 ii"]
    lines += ["ecg.dat 16 1000 16 0 0 0 0 avr", "ecg.dat 16 1/mmHg 16 0 0 0 0 ABP", "ecg.dat 16 1/g 16 0 0 0 0 X"]
    (tmp_path / "ecg.hea").write_text("\n".join(lines), encoding="utf-8")
    ecg = read_record(tmp_path / "ecg.hea")
    assert ecg.leads == ("I", "II", "aVR")
    np.testing.assert_allclose(ecg.signals, [[1, -0.5]] * 3)


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
        ("ecg 1 500 4\n../ecg.dat 16 1000/mV 16 0 0 0 0 I\n", "damaged or no WFDB"),
        ("hello\n", "damaged or no WFDB"),
        ("# only this\n", "damaged or no WFDB"),
    ],
)
def test_wfdb_refusals(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "ecg.hea").write_text(header)
    (tmp_path / "ecg.dat").write_bytes(np.array([1000, -1000, 60, 900], "<i2").tobytes())
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.hea")


def test_wfdb_needs_both_files_and_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_wfdb_leads_at_a_higher_rate_than_the_frames(tmp_path: Path) -> None:
    values = np.arange(12, dtype="<i2")  # each frame: two samples of I, two of II
    (tmp_path / "ecg.dat").write_bytes(values.tobytes())
    line = "ecg.dat 16x2 1000/mV 16 0 0 0 0"
    (tmp_path / "ecg.hea").write_text(f"ecg 2 250 3\n{line} I\n{line} II\n")
    ecg = read_record(tmp_path / "ecg.hea")
    assert ecg.fs_hz == 500
    np.testing.assert_allclose(ecg.lead("II"), [0.002, 0.003, 0.006, 0.007, 0.010, 0.011])


@pytest.mark.parametrize("fmt", ["80", "212", "16", "24", "32", "508", "516", "524"])
def test_wfdb_signal_formats(tmp_path: Path, fmt: str) -> None:
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
def test_wfdb_name_that_the_format_forbids(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadOutput, match="letters, digits"):
        write_record(waves(), tmp_path / name)


# EDF


def edf(path: Path, labels: list[str], dimension: str = "uV", rates: list[int] | None = None) -> Path:
    with warnings.catch_warnings(), pyedflib.EdfWriter(str(path), len(labels)) as file:
        warnings.simplefilter("ignore")
        head = {"dimension": dimension, "physical_min": -3200, "physical_max": 3200, "digital_min": -32000}
        head |= {"digital_max": 32000, "transducer": "", "prefilter": ""}
        rates = rates or [100] * len(labels)
        file.setSignalHeaders([head | {"label": a, "sample_frequency": b} for a, b in zip(labels, rates, strict=True)])
        file.writeSamples([np.full(rate, 500.0) for rate in rates])
    return path


@pytest.mark.parametrize(("dimension", "value_mv"), [("uV", 0.5), ("nV", 0.0005)])
def test_edf_of_others(tmp_path: Path, dimension: str, value_mv: float) -> None:
    ecg = read_record(edf(tmp_path / "ecg.edf", ["ECG II", "EKG V1", "EEG Fp1"], dimension))
    assert (ecg.leads, ecg.fs_hz, ecg.n_samples) == (("II", "V1"), 100, 100)
    np.testing.assert_allclose(ecg.signals, value_mv, rtol=1e-4)


def test_edf_refusals(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"no ECG lead \(its channels: EEG Fp1, EEG C3\)"):
        read_record(edf(tmp_path / "eeg.edf", ["EEG Fp1", "EEG C3"]))
    with pytest.raises(BadRecord, match="lead I in degC"):
        read_record(edf(tmp_path / "heat.edf", ["I"], "degC"))
    with pytest.raises(BadRecord, match="looks like µV"):
        read_record(edf(tmp_path / "unit.edf", ["I"], "mV"))
    with pytest.raises(BadRecord, match=r"different rates \(100, 200 Hz\)"):
        read_record(edf(tmp_path / "rates.edf", ["I", "II"], rates=[100, 200]))
    (tmp_path / "text.edf").write_text("time_s,I\n0,1\n" * 40)
    with pytest.raises(BadRecord, match="no EDF file"):
        read_record(tmp_path / "text.edf")


def test_edf_without_its_mask_is_refused(tmp_path: Path) -> None:
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
    with pytest.raises(BadRecord, match="damaged or no mask"):
        read_record(path)
    mask.write_text("time_s,I\n0,1\n")
    with pytest.raises(BadRecord, match="no mask of an EDF"):
        read_record(path)


def test_edf_pair_may_be_renamed_together(tmp_path: Path) -> None:
    write_record(waves(), tmp_path / "ecg.edf")
    (tmp_path / "ecg.edf").rename(tmp_path / "b.edf")
    (tmp_path / "ecg.mask.csv").rename(tmp_path / "b.mask.csv")
    assert_same(read_record(tmp_path / "b.edf"), waves())


def test_edf_rates(tmp_path: Path) -> None:
    ecg = waves(("I", "II"), 100 * np.pi, 1000)
    assert_same(read_record(write_record(ecg, tmp_path / "ecg.edf")), ecg)


@pytest.mark.parametrize("suffix", ["npz", "npy", "parquet", "edf", "csv", "hea", "dcm"])
def test_files_of_more_values_than_a_record_may_hold(tmp_path: Path, suffix: str, monkeypatch) -> None:
    path = tmp_path / f"ecg.{suffix}"
    if suffix in ("npz", "npy"):
        signals = np.zeros((12, 5000), np.float32)
        np.save(path, signals) if suffix == "npy" else np.savez(path, x=signals)
    else:
        write_record(waves(("I", "II"), 500, 5000), path)
    monkeypatch.setattr("ecgimg.record.MAX_VALUES", 9_000)
    with pytest.raises(BadRecord, match="at most 9,000 values") as caught:
        read_record(path)
    assert "ecg" in str(caught.value)


def test_a_compressed_dicom_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write_record(waves(), tmp_path / "ecg.dcm"))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "packed.dcm", enforce_file_format=True)
    with pytest.raises(BadRecord, match="deflated"):
        read_record(tmp_path / "packed.dcm")


def test_edf_mask_only_with_gaps(tmp_path: Path) -> None:
    write_record(waves(), tmp_path / "ecg.edf")
    whole = EcgRecord(np.ones((2, 777)), 250, ("I", "II"))
    assert_same(read_record(write_record(whole, tmp_path / "ecg.edf")), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["ecg.edf"]


def test_edf_mask_text(tmp_path: Path) -> None:
    write_record(EcgRecord([[1, np.nan, np.nan, 1, np.nan], [1] * 5], 250, ("I", "II")), tmp_path / "ecg.edf")
    assert (tmp_path / "ecg.mask.csv").read_text() == "lead,first_sample,last_sample\nI,1,2\nI,4,4\n"


# DICOM


def test_dicom_scales_and_texts_of_others(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(
        write_record(EcgRecord([[1.0, -1.0], [0.5, np.nan]], 500, ("I", "II")), tmp_path / "ecg.dcm")
    )
    first, second = dataset.WaveformSequence[0].ChannelDefinitionSequence
    first.ChannelSensitivityUnitsSequence[0].CodeValue = "mV"
    first.ChannelSensitivity, first.ChannelSensitivityCorrectionFactor, first.ChannelBaseline = "0.001", "2", "0.25"
    first.ChannelSourceSequence[0].CodeValue, first.ChannelSourceSequence[0].CodeMeaning = "x", "Lead V2 (chest)"
    second.ChannelSourceSequence[0].CodingSchemeDesignator = "SCPECG"
    second.ChannelSourceSequence[0].CodeValue = "5.6.3-9-61"
    dataset.save_as(tmp_path / "other.dcm")
    ecg = read_record(tmp_path / "other.dcm")
    assert ecg.leads == ("V2", "III")
    np.testing.assert_allclose(ecg.signals, [[2.25, -1.75], [0.5, np.nan]])


def test_dicom_takes_the_rhythm_not_the_median_beat(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write_record(EcgRecord(np.zeros((12, 600)), 500), tmp_path / "beat.dcm"))
    rhythm = pydicom.dcmread(write_record(waves(), tmp_path / "ecg.dcm")).WaveformSequence[0]
    dataset.WaveformSequence.append(rhythm)
    dataset.save_as(tmp_path / "both.dcm")
    assert_same(read_record(tmp_path / "both.dcm"), waves())


def test_dicom_refusals(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write_record(waves(), tmp_path / "ecg.dcm"))
    del dataset.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSensitivityUnitsSequence
    dataset.save_as(tmp_path / "unit.dcm")
    with pytest.raises(BadRecord, match="lead I in no unit"):
        read_record(tmp_path / "unit.dcm")
    del dataset.WaveformSequence
    dataset.Rows = dataset.Columns = 8
    dataset.save_as(tmp_path / "image.dcm")
    with pytest.raises(BadRecord, match="of an image, not an ECG waveform"):
        read_record(tmp_path / "image.dcm")
    (tmp_path / "text.dcm").write_text("time_s,I\n0,1\n" * 40)
    with pytest.raises(BadRecord, match="no DICOM file"):
        read_record(tmp_path / "text.dcm")


# Parquet


def test_parquet_is_exact_and_says_what_it_is(tmp_path: Path) -> None:
    import pyarrow.parquet

    path = write_record(waves(), tmp_path / "ecg.parquet")
    schema = pyarrow.parquet.read_schema(path)
    about = {"format": "ecgimg-record", "version": "1", "fs_hz": "500.0", "unit": "mV"}
    assert {k.decode(): v.decode() for k, v in schema.metadata.items()} == about
    assert {str(schema.field(lead).type) for lead in STANDARD_LEADS} == {"float"}
    np.testing.assert_array_equal(read_record(path).signals, waves().signals)


def test_parquet_of_others(tmp_path: Path) -> None:
    table = pandas.DataFrame({"time_s": [0, 0.004, 0.008], "ii": [1, None, 3], "V1": [0.5, 0.5, np.nan]})
    table.to_parquet(tmp_path / "ecg.parquet")
    ecg = read_record(tmp_path / "ecg.parquet")
    assert (ecg.leads, ecg.fs_hz) == (("II", "V1"), 250)
    np.testing.assert_allclose(ecg.signals, [[1, np.nan, 3], [0.5, 0.5, np.nan]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"I": [0.0, 1]}, "does not say its rate"),
        ({"time_s": [0, 0.002], "I": [0.0, 1], "age": [3, 4]}, "rename or remove: age"),
        ({"time_s": [0, 0.002]}, "one column for each ECG lead"),
        ({"time_s": [0, 0.002], "I": [0.0, 1000]}, "looks like µV"),
        ({"time_s": [0, 0.002], "I": ["a", "b"]}, "damaged or no Parquet"),
        ({"time_s": [], "I": []}, "announces 0 samples"),
    ],
)
def test_parquet_refusals(tmp_path: Path, columns: dict[str, list[float]], message: str) -> None:
    pandas.DataFrame(columns).to_parquet(tmp_path / "ecg.parquet")
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.parquet")


# NumPy


def test_npz_of_many(tmp_path: Path) -> None:
    uv = np.random.default_rng(5).integers(-2000, 2000, (4, 12, 1000)).astype(np.int16)
    uv[2, 3, 4] = -32768
    np.savez_compressed(tmp_path / "many.npz", x=uv, ecg_id=np.array([7, 30, 31, 900]))
    got = dict(iter_records(tmp_path / "many.npz"))
    assert list(got) == ["7", "30", "31", "900"]
    assert {ecg.fs_hz for ecg in got.values()} == {100}
    np.testing.assert_allclose(got["900"].signals, uv[3] / 1000, rtol=1e-6)
    assert np.argwhere(~got["31"].known).tolist() == [[3, 4]]
    for wanted in (30, "30", np.int64(30)):
        np.testing.assert_array_equal(read_record(tmp_path / "many.npz", wanted).signals, got["30"].signals)
    with pytest.raises(BadRecord, match=r"holds 4 records; choose one by record_id \(7, 30, 31 …\)"):
        read_record(tmp_path / "many.npz")
    with pytest.raises(BadRecord, match="has no record 8"):
        read_record(tmp_path / "many.npz", 8)


def test_npz_keys(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", signals=np.ones((2, 77)), leads=["v1", "avr"], fs_hz=257)
    ecg = read_record(tmp_path / "a.npz")
    assert (ecg.leads, ecg.fs_hz, ecg.n_samples) == (("V1", "aVR"), 257, 77)
    assert [name for name, _ in iter_records(tmp_path / "a.npz")] == ["a"]
    np.savez(tmp_path / "b.npz", x=np.ones((2, 12, 77)), fs_hz=257)
    assert [name for name, _ in iter_records(tmp_path / "b.npz")] == ["0", "1"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", ">i4"])
def test_npy_orders_and_types(tmp_path: Path, order: str, dtype: str) -> None:
    mv = np.arange(12 * 1000).reshape(12, 1000) / 1000
    stored = (np.round(mv * 1000) if "i" in dtype else mv).astype(dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "one.npy", stored)
    np.savez(tmp_path / "many.npz", x=np.asarray(np.stack([stored, stored]), order=order))  # type: ignore[call-overload]
    np.testing.assert_allclose(read_record(tmp_path / "one.npy").signals, mv, rtol=1e-6)
    np.testing.assert_allclose(read_record(tmp_path / "many.npz", 1).signals, mv, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros((12, 1000))}, r"no array 'x' or 'signals' \(it has y"),
        ({"x": np.zeros(1000)}, r"float64 of shape \(1000,\)"),
        ({"x": np.zeros((0, 12, 1000))}, "of shape"),
        ({"x": np.zeros((12, 1000), np.uint8)}, "uint8"),
        ({"x": np.zeros((12, 1000), np.complex64)}, "complex64"),
        ({"x": np.array([[None] * 1000] * 12)}, "pickled objects, which are never loaded"),
        ({"x": np.zeros((3, 1000))}, "3 rows, not 12"),
        ({"x": np.zeros((12, 777))}, "777 samples are not 10 s"),
        ({"x": np.zeros((3, 1000)), "leads": ["I", "II"]}, "name each row's lead"),
        ({"x": np.zeros((2, 1000)), "leads": ["I", "Q"]}, "names the leads I, Q"),
        ({"x": np.zeros((2, 12, 1000)), "ecg_id": [4]}, "one ecg_id for each"),
        ({"x": np.zeros((2, 12, 1000)), "ecg_id": [4, 4]}, "each once"),
        ({"x": np.full((12, 1000), 900.0)}, "looks like µV"),
        ({"x": np.zeros((12, 1000)), "fs_hz": [1, 2]}, "damaged or no NumPy"),
        ({"x": np.zeros((12, 1000)), "fs_hz": -5}, "rate must be between"),
    ],
)
def test_npz_refusals(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    np.savez(tmp_path / "ecg.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.npz")


# files and folders


@pytest.mark.parametrize("suffix", [*WRITABLE, "dat", "npz", "npy"])
def test_missing_empty_and_folder(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ecg.{suffix}"
    with pytest.raises(BadRecord, match="does not exist"):
        read_record(path)
    with pytest.raises(BadRecord, match="does not exist"):
        list(iter_records(path))
    path.touch()
    with pytest.raises(BadRecord, match="is empty"):
        read_record(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadRecord, match="is a folder"):
        read_record(path)


@pytest.mark.parametrize("source", WRITABLE)
@pytest.mark.parametrize("claimed", [*WRITABLE, "npz", "npy"])
def test_mislabelled(tmp_path: Path, source: str, claimed: str) -> None:
    path = write_record(waves(), tmp_path / f"ecg.{source}")
    if source != claimed:
        shutil.copy(path, tmp_path / f"wrong.{claimed}")
        with pytest.raises(BadRecord, match=rf"wrong\.{claimed}"):
            read_record(tmp_path / f"wrong.{claimed}")


def test_unknown_suffixes_name_the_known(tmp_path: Path) -> None:
    (tmp_path / "ecg.xyz").write_text("?")
    with pytest.raises(BadRecord, match=r"no known kind .* known are \.hea, \.dat, \.csv, \.edf"):
        read_record(tmp_path / "ecg.xyz")
    for name in ("ecg.npz", "ecg.xyz", "ecg"):
        with pytest.raises(BadRecord, match=r"known are \.hea"):
            write_record(waves(), tmp_path / name)
    with pytest.raises(BadRecord, match="does not exist"):
        read_record(tmp_path / "nothing")


def test_record_id_of_a_file_of_one(tmp_path: Path) -> None:
    path = write_record(waves(), tmp_path / "ecg.csv")
    assert_same(read_record(path, "ecg"), waves())
    with pytest.raises(BadRecord, match="holds one record, not 5"):
        read_record(path, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/one.hea", "a/two.edf", "a/same.csv", "b/same.parquet", "three.dcm"):
        write_record(waves(("I", "II", "V1")), tmp_path / name)
    np.savez(tmp_path / "many.npz", x=np.zeros((2, 12, 1000), np.int16), ecg_id=[8, 9])
    (tmp_path / "labels.csv").write_text("ecg_id,age\n8,70\n")
    (tmp_path / "notes.txt").write_text("nothing\n")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.csv").write_text("time_s,I\n")
    return tmp_path


def test_folder_in_order_with_ids(folder: Path) -> None:
    names = [name for name, _ in iter_records(folder)]
    assert names == ["a/same.csv", "two", "one", "b/same.parquet", "8", "9", "three"]
    assert len(record_files(folder)) == 6


def test_folder_is_read_lazily(folder: Path) -> None:
    (folder / "z.csv").write_text("time_s,I\n0,x\n1,1\n")
    records = iter_records(folder)
    for _ in range(7):
        next(records)
    with pytest.raises(BadRecord, match=r"z\.csv"):
        next(records)


def test_folder_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="holds no record file"):
        next(iter_records(tmp_path))


@pytest.mark.parametrize(
    ("suffix", "module"), [("hea", "wfdb"), ("edf", "pyedflib"), ("dcm", "pydicom"), ("parquet", "pyarrow.parquet")]
)
def test_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str) -> None:
    path = write_record(waves(), tmp_path / f"ecg.{suffix}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"ecgimg\[formats\]"):
        read_record(path)
    with pytest.raises(MissingExtra, match=module.split(".")[0]):
        write_record(waves(), path)


def test_import_brings_no_optional_package() -> None:
    heavy = ["wfdb", "pyedflib", "pydicom", "pyarrow", "pandas", "torch", "cv2", "scipy"]
    code = f"import sys, ecgimg; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True).stdout.strip() == "[]"


# atomic writing


def test_atomic_path_keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as draft:
        assert draft.suffix == ".txt"
        draft.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as draft:  # noqa: PT012
        draft.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_atomic_paths_replace_together(tmp_path: Path) -> None:
    with atomic_paths(tmp_path / "a.dat", tmp_path / "a.hea") as (data, header):
        header.write_text("h")
        assert not (tmp_path / "a.hea").exists()
        data.write_text("d")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dat", "a.hea"]


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "ecg.csv").mkdir()
    with pytest.raises(BadOutput, match="cannot write"):
        write_record(waves(), tmp_path / "file" / "ecg.csv")
    with pytest.raises(BadOutput, match="it is a folder"):
        write_record(waves(), tmp_path / "ecg.csv")
    with pytest.raises(BadOutput, match="File name too long"):
        write_record(waves(), tmp_path / f"{'x' * 300}.csv")


# real records


@needs_data
def test_real_npz() -> None:
    path = DATA / "ptbxl" / "records_100hz.npz"
    records = iter_records(path)
    name, first = next(records)
    assert (first.fs_hz, first.n_samples, first.leads) == (100, 1000, STANDARD_LEADS)
    assert first.known.all()
    np.testing.assert_allclose(first.lead("II"), first.lead("I") + first.lead("III"), atol=0.01)
    np.testing.assert_array_equal(read_record(path, name).signals, first.signals)
    with pytest.raises(BadRecord, match="holds 1307 records"):
        read_record(path)


@needs_data
@pytest.mark.parametrize("suffix", WRITABLE)
def test_real_wfdb_and_its_round_trip(tmp_path: Path, suffix: str) -> None:
    wfdb = pytest.importorskip("wfdb")
    source = DATA / "ludb" / "data" / "7"
    ecg = read_record(source)
    assert (ecg.fs_hz, ecg.n_samples, ecg.leads) == (500, 5000, STANDARD_LEADS)
    np.testing.assert_allclose(ecg.signals.T, wfdb.rdrecord(str(source)).p_signal, atol=1e-6)
    assert_same(read_record(write_record(ecg, tmp_path / f"ecg.{suffix}")), ecg, STEP_MV[suffix])


@needs_data
def test_real_csv_and_folder() -> None:
    ids = [name for name, _ in iter_records(DATA / "truth")]
    assert len(ids) == len(set(ids)) == len(list((DATA / "truth").glob("*.csv")))
    assert read_record(DATA / "truth" / "90036.csv").fs_hz == 500


@needs_data
def test_labels_are_no_record() -> None:
    with pytest.raises(BadRecord, match="header must be time_s"):
        read_record(DATA / "ptbxl" / "labels.csv")
