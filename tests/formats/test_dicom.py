"""Records in DICOM: classes, lead codes, files of other software, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    EcgRecord,
    read_record,
    write_record,
)
from tests.formats.records import FIFTEEN, assert_same, waves


def test_pydicom_reads_written_record(tmp_path: Path) -> None:
    """The pydicom package reads the same values, padding for gaps, lead codes and no patient."""
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


def test_pydicom_knows_lead_codes(tmp_path: Path) -> None:
    """Every lead code that is written means that lead in pydicom's dictionary."""
    from pydicom.sr._concepts_dict import concepts

    known = {code: text for entry in concepts["MDC"].values() for code, (text, _) in entry.items()}
    leads = (*FIFTEEN, "V7", "V3R", "V5R", "V6R", "X", "Y", "Z")
    dataset = pydicom.dcmread(write_record(EcgRecord(np.zeros((len(leads), 9)), 500, leads), tmp_path / "ecg.dcm"))
    for channel, lead in zip(dataset.WaveformSequence[0].ChannelDefinitionSequence, leads, strict=True):
        text = known[channel.ChannelSourceSequence[0].CodeValue]
        assert text.removeprefix("Lead ").split(",")[0] == lead


@pytest.mark.parametrize(
    ("value", "meaning", "label", "lead", "recorded_as"),
    [
        ("MDC_ECG_LEAD_AVL", "", "", "aVL", {}),
        ("", "Lead V1 (Wilson)", "", "V1", {}),
        ("", "", "MLII", "II", {"II": "MLII"}),
        ("2:0", "Lead MCL1", "", "MCL1", {}),
        ("", "", "ECG1 ", "ECG1", {}),
        ("5.6.3-9-61", "", "", "III", {}),
    ],
)
def test_read_dicom_lead_names_in_the_wild(
    tmp_path: Path, value: str, meaning: str, label: str, lead: str, recorded_as: dict[str, str]
) -> None:
    """A lead is named by its code in any form, by the meaning of the code, or by the channel's label."""
    path = write_record(EcgRecord([[0.1, 0.2], [0.3, 0.4]], 250, ("V6", "V5")), tmp_path / "ecg.dcm")
    dataset = pydicom.dcmread(path)
    channel = dataset.WaveformSequence[0].ChannelDefinitionSequence[0]
    source = channel.ChannelSourceSequence[0]
    source.CodeValue, source.CodeMeaning, channel.ChannelLabel = value, meaning, label
    dataset.save_as(path)
    ecg = read_record(path)
    assert (ecg.leads, ecg.recorded_as) == ((lead, "V5"), recorded_as)
    np.testing.assert_allclose(ecg.signals, [[0.1, 0.2], [0.3, 0.4]], atol=1e-6)


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
def test_write_dicom_class(tmp_path: Path, leads: tuple[str, ...], fs_hz: float, n_samples: int, name: str) -> None:
    """The storage class depends on the leads, the rate and the length."""
    dataset = pydicom.dcmread(
        write_record(EcgRecord(np.zeros((len(leads), n_samples)), fs_hz, leads), tmp_path / "ecg.dcm")
    )
    assert dataset.SOPClassUID.name == name


def test_read_dicom_of_other_software(tmp_path: Path) -> None:
    """Other units, factors, baselines and lead codes are understood."""
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


def test_read_dicom_with_median_beat(tmp_path: Path) -> None:
    """The rhythm is read, not the median beat beside it."""
    dataset = pydicom.dcmread(write_record(EcgRecord(np.zeros((12, 600)), 500), tmp_path / "beat.dcm"))
    rhythm = pydicom.dcmread(write_record(waves(), tmp_path / "ecg.dcm")).WaveformSequence[0]
    dataset.WaveformSequence.append(rhythm)
    dataset.save_as(tmp_path / "both.dcm")
    assert_same(read_record(tmp_path / "both.dcm"), waves())


def test_read_deflated_dicom(tmp_path: Path) -> None:
    """A deflated file is refused before it is unpacked."""
    dataset = pydicom.dcmread(write_record(waves(), tmp_path / "ecg.dcm"))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "packed.dcm", enforce_file_format=True)
    with pytest.raises(BadRecord, match="deflated"):
        read_record(tmp_path / "packed.dcm")


def test_read_dicom_refusals(tmp_path: Path) -> None:
    """Leads without a unit, images and other files are refused."""
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
    with pytest.raises(BadRecord, match="not a valid DICOM file"):
        read_record(tmp_path / "text.dcm")
