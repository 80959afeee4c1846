"""Records as EDF+: 16-bit signals in µV, and a mask file beside them where something is unknown.

EDF holds neither NaN nor a last block that is not full. So the header's recording field says how many samples count and
whether ``STEM.mask.csv`` belongs to the file: rows ``lead,first_sample,last_sample`` (from 0, both included) of what is
unknown. Such samples lie at the digital minimum, far off any trace, so that other programs do not show them as 0 mV.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_paths
from ecgimg._optional_packages import import_optional, without_warnings
from ecgimg.errors import BadRecord
from ecgimg.formats.channels import MISSING, Channels, ecg_channels, one_rate, quantised
from ecgimg.formats.checks import build_record, check_announced, reading
from ecgimg.formats.csv import MASK_HEADER
from ecgimg.leads import unbroken_runs
from ecgimg.record import EcgRecord

_NOTE = re.compile(r"ecgimg_n=(\d+)_mask=(yes|no)(?:_hz=(\S+))?")
_NOTE_LENGTH = 40  # what edflib writes of it
_NO_DATE = datetime(1985, 1, 1)  # EDF+'s first date, for none


def read(path: Path) -> EcgRecord:
    """Read a record from EDF or EDF+, with its mask if one belongs to it.

    Channels that are no ECG leads are named in `EcgRecord.left_out`.

    Raises
    ------
    BadRecord
        For a file that is cut off or no EDF, a lost or foreign mask, no ECG lead, a lead without a voltage unit, or
        leads at different rates.
    """
    pyedflib = import_optional("pyedflib", "pyedflib", "reading EDF records")
    with reading(path, "EDF"):
        _check_size(path)
        with pyedflib.EdfReader(str(path), pyedflib.DO_NOT_READ_ANNOTATIONS) as file:
            heads = file.getSignalHeaders()
            rates_hz = [float(head["sample_frequency"]) for head in heads]
            channels = ecg_channels(path, [h["label"] for h in heads], [h["dimension"] for h in heads], rates_hz)
            fs_hz = one_rate(path, [rates_hz[index] for index in channels.indices])
            check_announced(path, sum(int(file.getNSamples()[index]) for index in channels.indices))
            steps = np.stack([file.readSignal(index, digital=True) for index in channels.indices])
            note = file.getRecordingAdditional().strip()
        return _record(path, steps, channels, heads, fs_hz, note)


def _record(
    path: Path,
    steps: NDArray[np.int32],
    channels: Channels,
    heads: list[dict[str, Any]],
    fs_hz: float,
    note: str,
) -> EcgRecord:
    """Return the record of the digital values `steps` (leads, samples), without padding and with its gaps."""
    leads, about = channels.leads, (channels.recorded_as, channels.left_out)
    factors = zip(steps, channels.indices, channels.mv_per_unit, strict=True)
    signals = np.stack([_to_unit(row, heads[index]) * factor for row, index, factor in factors])
    # files of other programs: every sample counts
    if not note.startswith("ecgimg_"):
        return build_record(path, signals, fs_hz, leads, *about)
    match = _NOTE.fullmatch(note)
    if match is None or not 0 < int(match[1]) <= signals.shape[1]:
        raise BadRecord(f"{path} holds {signals.shape[1]} samples, but its header says {note!r}; copy it again")
    n_samples = int(match[1])
    if match[2] == "yes":
        signals[:, :n_samples][_masked(path, leads, steps[:, :n_samples] == MISSING)] = np.nan
    return build_record(path, signals[:, :n_samples], _noted_rate(match[3], fs_hz), leads, *about)


def write(record: EcgRecord, path: Path) -> Path:
    """Write a record as EDF+ with 1 µV steps (10 µV beyond 32.767 mV), and ``STEM.mask.csv`` if it has gaps.

    No patient field is filled, and the start date is EDF's first. A mask left from an earlier file of that name is
    removed when the new one has no gaps.

    Raises
    ------
    BadRecord
        For a rate that EDF's blocks cannot hold.
    """
    pyedflib = import_optional("pyedflib", "pyedflib", "writing EDF records")
    steps, steps_per_mv = quantised(record.signals)
    gaps = not record.known.all()
    mask_path = _mask_path(path)
    # the mask first: a record whose mask is missing is refused, a mask without record is only left over
    with atomic_paths(mask_path, path) as (mask_draft, draft):
        if gaps:
            mask_draft.write_text(_mask_text(record), encoding="utf-8", newline="\n")
        _write_signals(pyedflib, record, steps, steps_per_mv, draft)
    # only a mask of ours is removed, never a CSV of that name that a person keeps
    if not gaps and mask_path.is_file() and mask_path.read_bytes().startswith(MASK_HEADER.encode()):
        mask_path.unlink()
    return path


def _write_signals(pyedflib: Any, record: EcgRecord, steps: NDArray[np.int16], steps_per_mv: int, draft: Path) -> None:
    uv_per_step = 1000 // steps_per_mv
    with without_warnings(), pyedflib.EdfWriter(str(draft), len(record.leads), pyedflib.FILETYPE_EDFPLUS) as file:
        per_block = _set_signals(file, record, uv_per_step)
        file.setStartdatetime(_NO_DATE)
        file.setRecordingAdditional(_note(record))
        # blocks must be full; the note says where the padding begins
        padding = ((0, 0), (0, -record.n_samples % per_block))
        file.writeSamples(list(np.pad(steps.astype(np.int32), padding, constant_values=MISSING)), digital=True)


def _set_signals(file: Any, record: EcgRecord, uv_per_step: int) -> int:
    """Describe the leads; returns the samples a block. The header may round the rate a little, the note does not."""
    refusal = BadRecord(f"EDF cannot hold a rate of {record.fs_hz} Hz; resample the record or write .parquet")
    try:
        file.setSignalHeaders([_signal_header(lead, record.fs_hz, uv_per_step) for lead in record.leads])
        per_block = int(file.get_smp_per_record(0))
        held_hz = per_block / file.record_duration
    except (ValueError, ZeroDivisionError) as error:
        raise refusal from error
    # edflib rounds what does not fit its header without a word
    if per_block < 1 or not math.isclose(held_hz, record.fs_hz, rel_tol=1e-4):
        raise refusal
    return per_block


def _signal_header(lead: str, fs_hz: float, uv_per_step: int) -> dict[str, object]:
    return {
        "label": lead,
        "dimension": "uV",
        "sample_frequency": int(fs_hz) if fs_hz.is_integer() else fs_hz,
        "physical_min": MISSING * uv_per_step,
        "physical_max": 32767 * uv_per_step,
        "digital_min": MISSING,
        "digital_max": 32767,
        "transducer": "",
        "prefilter": "",
    }


def _to_unit(steps: NDArray[np.int32], head: dict[str, Any]) -> NDArray[np.float64]:
    scale = (head["physical_max"] - head["physical_min"]) / (head["digital_max"] - head["digital_min"])
    values: NDArray[np.float64] = (steps.astype(np.float64) - head["digital_min"]) * scale + head["physical_min"]
    return values


def _note(record: EcgRecord) -> str:
    """Return what the header says of the record; the rate only where it fits, as the blocks tell it too."""
    note = f"ecgimg_n={record.n_samples}_mask={'no' if record.known.all() else 'yes'}"
    with_rate = f"{note}_hz={record.fs_hz:.9g}"
    return with_rate if len(with_rate) <= _NOTE_LENGTH else note


def _noted_rate(noted: str | None, held_hz: float) -> float:
    """Return the rate of the note where it is the header's, but for the rounding of the header."""
    return float(noted) if noted and math.isclose(float(noted), held_hz, rel_tol=1e-4) else held_hz


def _check_size(path: Path) -> None:
    """Refuse a file that is shorter than its header says, or that has no EDF header at all."""
    with path.open("rb") as file:
        head = file.read(256)
        if len(head) < 256 or head[:8] != b"0       ":
            raise BadRecord(f"{path} is not an EDF file; give it the suffix of its format")
        n_blocks, n_signals = int(head[236:244]), int(head[252:256])
        file.seek(256 + 216 * n_signals)
        per_block = [int(file.read(8)) for _ in range(n_signals)]
    # header of 256 bytes and as much for each signal, then blocks of two bytes a sample
    due = 256 * (1 + n_signals) + 2 * n_blocks * sum(per_block)
    if n_blocks < 1 or min(per_block, default=0) < 1 or path.stat().st_size < due:
        raise BadRecord(f"{path} is cut off: {path.stat().st_size} bytes of {due}; copy it again")


def _mask_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.mask.csv")


def _mask_text(record: EcgRecord) -> str:
    rows = [MASK_HEADER]
    for lead, known in zip(record.leads, record.known, strict=True):
        rows += [f"{lead},{first},{end - 1}" for first, end in unbroken_runs(~known)]
    return "\n".join(rows) + "\n"


def _masked(path: Path, leads: Sequence[str], missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (leads, samples), True where the mask file says unknown; `missing` is what the signals themselves show."""
    mask_path = _mask_path(path)
    if not mask_path.is_file():
        raise BadRecord(
            f"{path} has gaps that its mask {mask_path.name} describes, and that file is not beside it; copy both files"
        )
    mask = np.zeros_like(missing)
    with reading(mask_path, "mask"):
        header, *rows = mask_path.read_text(encoding="utf-8").split()
        if header != MASK_HEADER:
            raise BadRecord(f"{mask_path} is not the mask of an EDF file; its first line must be {MASK_HEADER}")
        for row in rows:
            lead, first, last = row.split(",")
            mask[leads.index(lead), int(first) : int(last) + 1] = True
    # the mask of another recording would hide signal and show the digital minimum as a trace
    if not np.array_equal(mask, missing):
        raise BadRecord(f"{mask_path} does not belong to {path.name}; copy the two files that were written together")
    return mask
