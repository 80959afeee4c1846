"""Records as WFDB: a header ``.hea`` and signals ``.dat`` (PhysioNet's format)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_paths
from ecgimg._optional_packages import import_optional, without_warnings
from ecgimg.errors import BadOutput, BadRecord
from ecgimg.formats.channels import ecg_channels, one_rate, quantised
from ecgimg.formats.checks import build_record, check_file, reading
from ecgimg.record import EcgRecord

_BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10}
_NAME = re.compile(r"[-\w]+", re.ASCII)
_FLAC = ("508", "516", "524")
_FLAC_SAMPLES_A_BYTE = 5000  # silence packs about that well; more is a damaged header


def read(path: Path) -> EcgRecord:
    """Read a record from its ``.hea`` (or ``.dat``, or the name without suffix). Never looks beyond its folder.

    Channels that are no ECG leads are named in `EcgRecord.left_out`. Any signal format that the wfdb package
    knows is read.

    Raises
    ------
    BadRecord
        For a missing or short signal file, several segments, no ECG lead, a lead without a voltage unit, or leads at
        different rates.
    """
    wfdb = import_optional("wfdb", "wfdb", "reading WFDB records")
    header_path = _header_path(path)
    with reading(header_path, "WFDB"):
        name = str(header_path.absolute().with_suffix(""))
        header = wfdb.rdheader(name)
        _check_header(header_path, header)
        rates_hz = [header.fs * per_frame for per_frame in header.samps_per_frame]
        names = [sig or "" for sig in header.sig_name]
        channels = ecg_channels(header_path, names, _units(header_path, header), rates_hz)
        fs_hz = one_rate(header_path, [rates_hz[index] for index in channels.indices])
        rows = wfdb.rdrecord(name, smooth_frames=False, channels=list(channels.indices)).e_p_signal
        signals = np.stack([row * factor for row, factor in zip(rows, channels.mv_per_unit, strict=True)])
        return build_record(header_path, signals, fs_hz, channels.leads, channels.recorded_as, channels.left_out)


def _header_path(path: Path) -> Path:
    """Return the header of a record that is named by any of its files; `BadRecord` where it cannot be read."""
    header_path = path.with_name(_stem(path) + ".hea")
    if not header_path.exists():
        raise BadRecord(f"{path} needs its header {header_path.name} beside it; copy both files")
    check_file(header_path)
    return header_path


def write(record: EcgRecord, path: Path) -> Path:
    """Write ``.hea`` and ``.dat`` in format 16 with 1 µV steps (10 µV beyond 32.767 mV), -32768 for NaN.

    Returns the header's path.

    Raises
    ------
    BadOutput
        For a name with other characters than letters, digits, ``-`` and ``_``, which the format does not allow.
    """
    wfdb = import_optional("wfdb", "wfdb", "writing WFDB records")
    stem = path.stem
    if not _NAME.fullmatch(stem):
        raise BadOutput(f"cannot write {path}: WFDB names are letters, digits, - and _ only; rename it")
    steps, steps_per_mv = quantised(record.signals)
    with atomic_paths(path.with_name(f"{stem}.dat"), path.with_name(f"{stem}.hea")) as (_, header), without_warnings():
        _write_pair(wfdb, record, steps, steps_per_mv, header)
    return path.with_name(f"{stem}.hea")


def record_name(name: str) -> str:
    """Return the name that WFDB allows for a record of any name: the name itself, or a cleaned one with a check sum.

    Accents are dropped, other characters become ``_``. The check sum tells names apart that are cleaned to the same.
    """
    if _NAME.fullmatch(name):
        return name
    # as bytes, for names on the disk need not be valid text
    check_sum = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    without_accents = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return f"{re.sub(r'[^-A-Za-z0-9_]', '_', without_accents)}_{check_sum}"


def _write_pair(wfdb: Any, record: EcgRecord, steps: NDArray[np.int16], steps_per_mv: int, header: Path) -> None:
    n = len(record.leads)
    wfdb.wrsamp(
        header.stem,
        fs=record.fs_hz,
        units=["mV"] * n,
        sig_name=list(record.leads),
        d_signal=np.ascontiguousarray(steps.T, np.int64),
        fmt=["16"] * n,
        adc_gain=[float(steps_per_mv)] * n,
        baseline=[0] * n,
        write_dir=str(header.parent),
    )


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lower() in (".hea", ".dat") else path.name


def _units(path: Path, header: Any) -> list[str]:
    """Return the channels' units; the wfdb package drops the µ of µV, which would make it V."""
    signal_lines = b"\n".join(line for line in path.read_bytes().splitlines() if not line.lstrip().startswith(b"#"))
    # Latin-1 and UTF-8 spell µ with one byte and with two
    has_micro = any(micro in signal_lines for micro in (b"\xb5", b"\xce\xbc"))
    return ["uV" if has_micro and unit == "V" else unit or "mV" for unit in header.units]


def _check_header(path: Path, header: Any) -> None:
    """Refuse what the header alone shows to be wrong, before a byte of signal is read."""
    if hasattr(header, "seg_name"):
        raise BadRecord(f"{path} joins several segments; read the header of one segment")
    if not header.n_sig or header.sig_name is None or len(header.sig_name) != header.n_sig:
        raise BadRecord(f"{path} does not describe the {header.n_sig} signals it announces; copy it again")
    for file_name in dict.fromkeys(header.file_name):
        _check_signal_file(path, header, file_name)


def _check_signal_file(path: Path, header: Any, file_name: str) -> None:
    # a header from elsewhere must not have files read outside its own folder
    if not file_name or Path(file_name).name != file_name or file_name == "~":
        raise BadRecord(f"{path} names no signal file in its own folder ({file_name!r}); copy both files together")
    dat = path.with_name(file_name)
    if not dat.is_file():
        raise BadRecord(f"{path} needs its signal file {file_name} beside it; copy both files")
    # channels that share a file are interleaved in it, and have one format
    members = [i for i, name in enumerate(header.file_name) if name == file_name]
    formats = {header.fmt[i] for i in members}
    if len(formats) > 1 or not formats <= {*_BITS, *_FLAC}:
        raise BadRecord(f"{path} has signals in unknown format {', '.join(sorted(formats))}; convert them to format 16")
    if any((header.skew[i] or 0) > (header.sig_len or 0) for i in members):
        raise BadRecord(f"{path} shifts a signal by more than its length; correct the header")
    fmt, offset = formats.pop(), header.byte_offset[members[0]] or 0
    # a file that is cut off is told by its size, before the package makes arrays of the announced length
    n_values = (header.sig_len or 0) * sum(header.samps_per_frame[i] for i in members)
    size = dat.stat().st_size - offset
    room = size * _FLAC_SAMPLES_A_BYTE if fmt in _FLAC else size * 8 // _BITS[fmt]
    if n_values > room or size <= 0:
        raise BadRecord(f"{dat} is cut off: {path.name} announces more samples than it holds; copy it again")
