"""Records as DICOM waveforms: 12-Lead ECG or General ECG, 16 bit, µV, lead codes of ISO/IEEE 11073-10101 (MDC)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadRecord
from ecgimg.formats.channels import MISSING, Channels, ecg_channels, quantised
from ecgimg.formats.checks import build_record, reading
from ecgimg.leads import STANDARD_LEADS, match_leads
from ecgimg.record import EcgRecord

_MDC_NUMBER = {
    **{"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64},
    **{f"V{i}": 2 + i for i in range(1, 8)},
    **{"V8": 66, "V9": 67, "V3R": 11, "V4R": 12, "V5R": 13, "V6R": 14, "X": 16, "Y": 17, "Z": 18},
}  # code 2:n of the scheme MDC, DICOM context group 3001; SCP-ECG numbers its leads the same
_OTHER_LEAD = 0  # a lead that the scheme does not specify; its name is in the texts
_LEAD_OF_NUMBER = {number: lead for lead, number in _MDC_NUMBER.items()}
_TWELVE_LEAD_ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"
_GENERAL_ECG = "1.2.840.10008.5.1.4.1.1.9.1.2"
_NO_DATE, _NO_TIME = "19000101", "000000"  # attributes that must be filled, and that the record does not know


def read(path: Path) -> EcgRecord:
    """Read a record from a DICOM waveform.

    Of several multiplex groups the one with the most values of ECG leads is read (the rhythm, not the median beat).
    Sensitivity, its correction and the baseline are applied; the padding value becomes NaN.

    Raises
    ------
    BadRecord
        For a file that is no DICOM or holds no waveform, no ECG lead, or a lead without a voltage unit.
    """
    pydicom = import_optional("pydicom", "pydicom", "reading DICOM records")
    handler = import_optional("pydicom.waveforms.numpy_handler", "pydicom", "reading DICOM records")
    with reading(path, "DICOM"):
        dataset = _waveform_dataset(pydicom, path)
        index = _best_group(dataset)
        group = dataset.WaveformSequence[index]
        if group.WaveformSampleInterpretation in ("AB", "MB"):
            raise BadRecord(f"{path} holds companded 8-bit audio samples; export it with 16-bit linear samples")
        signals, channels = _signals(path, group, handler.multiplex_array(dataset, index, as_raw=True))
        return build_record(
            path, signals, float(group.SamplingFrequency), channels.leads, channels.recorded_as, channels.left_out
        )


def _waveform_dataset(pydicom: Any, path: Path) -> Any:
    """Return the dataset of a file, which holds a waveform in little-endian bytes (`BadRecord` where not)."""
    _check_packing(pydicom, path)
    dataset = pydicom.dcmread(path)
    if not dataset.get("WaveformSequence"):
        kind = "an image" if "Rows" in dataset else "no waveform"
        raise BadRecord(f"{path} is a DICOM file of {kind}, not an ECG waveform; export the ECG as a waveform")
    if not dataset.file_meta.TransferSyntaxUID.is_little_endian:
        raise BadRecord(f"{path} is a big-endian DICOM file; convert it to Explicit VR Little Endian")
    return dataset


def _check_packing(pydicom: Any, path: Path) -> None:
    """Refuse files that are compressed as a whole: how much is in them shows only when it is unpacked."""
    about = pydicom.filereader.read_file_meta_info(path)
    if about.get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian:
        raise BadRecord(f"{path} is a compressed (deflated) DICOM file; convert it to Explicit VR Little Endian")


def write(record: EcgRecord, path: Path) -> Path:
    """Write a record as a DICOM waveform with 1 µV steps (10 µV beyond 32.767 mV).

    It is a 12-Lead ECG where the standard allows that (leads of the twelve, 200-1000 Hz, at most 16384 samples), else
    a General ECG. Nothing in it is about a patient, dates are 1900-01-01, and UIDs follow from the content.
    """
    pydicom = import_optional("pydicom", "pydicom", "writing DICOM records")
    steps, steps_per_mv = quantised(record.signals)
    # UIDs from the content: the same record gives the same file, byte by byte
    content = repr((record.fs_hz, record.leads, record.n_samples, steps_per_mv)).encode() + steps.tobytes()
    dataset = pydicom.Dataset()
    dataset.update(_head(record, pydicom, hashlib.sha256(content).hexdigest()))
    dataset.WaveformSequence = [_group(record, pydicom, steps, 1000 // steps_per_mv)]
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    with atomic_path(path) as draft:
        pydicom.dcmwrite(draft, dataset, enforce_file_format=True)
    return path


def _filled(pydicom: Any, **values: object) -> Any:
    dataset = pydicom.Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _code(pydicom: Any, value: str, scheme: str, meaning: str) -> Any:
    return _filled(pydicom, CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _head(record: EcgRecord, pydicom: Any, content: str) -> Any:
    """Return the attributes outside the waveform: all of type 1 and 2, those about people empty."""
    # limits of the 12-Lead ECG IOD; anything else must be a General ECG
    twelve = set(record.leads) <= set(STANDARD_LEADS) and 200 <= record.fs_hz <= 1000 and record.n_samples <= 16384
    study, series, instance = (
        pydicom.uid.generate_uid(entropy_srcs=[content, part]) for part in ("study", "series", "instance")
    )
    empty = dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber"), ""
    )
    return _filled(
        pydicom,
        **empty,
        ReferringPhysicianName="",
        StudyID="",
        SeriesNumber=None,
        Manufacturer="",
        SOPClassUID=_TWELVE_LEAD_ECG if twelve else _GENERAL_ECG,
        SOPInstanceUID=instance,
        StudyInstanceUID=study,
        SeriesInstanceUID=series,
        Modality="ECG",
        InstanceNumber=1,
        ContentDate=_NO_DATE,
        ContentTime=_NO_TIME,
        AcquisitionDateTime=_NO_DATE + _NO_TIME,
        AcquisitionContextSequence=[],
    )


def _group(record: EcgRecord, pydicom: Any, steps: NDArray[np.int16], uv_per_step: int) -> Any:
    group = _filled(
        pydicom,
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(record.leads),
        NumberOfWaveformSamples=record.n_samples,
        SamplingFrequency=pydicom.valuerep.format_number_as_ds(record.fs_hz),
        MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=[_channel(pydicom, lead, uv_per_step) for lead in record.leads],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.add_new("WaveformPaddingValue", "OW", np.array(MISSING, "<i2").tobytes())
    group.add_new("WaveformData", "OW", steps.T.astype("<i2").tobytes())  # (samples, leads)
    return group


def _channel(pydicom: Any, lead: str, uv_per_step: int) -> Any:
    return _filled(
        pydicom,
        ChannelLabel=lead,
        ChannelSourceSequence=[_code(pydicom, f"2:{_MDC_NUMBER.get(lead, _OTHER_LEAD)}", "MDC", f"Lead {lead}")],
        ChannelSensitivity=str(uv_per_step),
        ChannelSensitivityUnitsSequence=[_code(pydicom, "uV", "UCUM", "microvolt")],
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline="0",
        ChannelSampleSkew="0",
        WaveformBitsStored=16,
    )


def _best_group(dataset: Any) -> int:
    sizes = []
    for group in dataset.WaveformSequence:
        leads = match_leads([_lead(channel) for channel in group.ChannelDefinitionSequence])[0]
        # carts store the median beat as a group of its own, with fewer samples
        sizes.append(len([lead for lead in leads if lead]) * int(group.NumberOfWaveformSamples))
    return sizes.index(max(sizes))


def _signals(path: Path, group: Any, raw: NDArray[Any]) -> tuple[NDArray[np.float64], Channels]:
    """Return (leads, samples) mV and the channels of a multiplex group with samples `raw` (samples, channels)."""
    definitions = list(group.ChannelDefinitionSequence)
    units = [_unit(channel) for channel in definitions]
    channels = ecg_channels(path, [_lead(channel) for channel in definitions], units)
    padding = group.get("WaveformPaddingValue")
    rows = []
    for index, factor in zip(channels.indices, channels.mv_per_unit, strict=True):
        channel = definitions[index]
        scale = float(channel.ChannelSensitivity) * float(channel.get("ChannelSensitivityCorrectionFactor", 1))
        row = raw[:, index].astype(np.float64) * scale + float(channel.get("ChannelBaseline", 0))
        # the padding value is compared with the raw samples, before sensitivity and baseline move them
        if isinstance(padding, bytes) and len(padding) >= raw.itemsize:
            row[raw[:, index] == np.frombuffer(padding, raw.dtype, 1)[0]] = np.nan
        rows.append(row * factor)
    return np.stack(rows), channels


def _unit(channel: Any) -> str:
    units = channel.get("ChannelSensitivityUnitsSequence")
    return str(units[0].CodeValue) if units else ""


def _lead(channel: Any) -> str:
    """Return a channel's lead by its code, or else what its text calls it."""
    source = (channel.get("ChannelSourceSequence") or [{}])[0]
    number = re.fullmatch(r"(?:2:|5\.6\.3-9-)(\d+)", str(source.get("CodeValue", "")).strip())
    if number and int(number[1]) in _LEAD_OF_NUMBER:
        return _LEAD_OF_NUMBER[int(number[1])]
    # some files have no code, and name the lead in the code's meaning or the channel's label only
    texts = [str(source.get("CodeMeaning", "")), str(channel.get("ChannelLabel", "")), str(source.get("CodeValue", ""))]
    names = [re.split(r"[(,]", text)[0].removeprefix("Lead ").strip() for text in texts]
    return next((name for name in names if match_leads([name])[0][0]), texts[0] or texts[1])
