"""Records as Parquet: a float32 column a lead in mV, ``time_s``, and the rate and unit as metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadRecord
from ecgimg.formats.channels import mv_per_unit
from ecgimg.formats.checks import build_record, check_announced, reading
from ecgimg.formats.csv import rate_from_times
from ecgimg.leads import match_leads
from ecgimg.record import EcgRecord

_FORMAT = "ecgimg-record"
_VERSION = "1"
_MAX_SAMPLES = 1 << 28  # three days at 1000 Hz; a damaged footer announces more


def read(path: Path) -> EcgRecord:
    """Read a record from Parquet; NaN and null are both unknown.

    Files of others are read too: the rate comes from the metadata ``fs_hz`` or else from ``time_s``, the unit from the
    metadata ``unit`` or else is mV. Every other column must be a lead.

    Raises
    ------
    BadRecord
        For a file that is no such table, a column that is no lead, an unknown rate or unit.
    """
    parquet = import_optional("pyarrow.parquet", "pyarrow", "reading Parquet records")
    with reading(path, "Parquet"), path.open("rb") as file:
        source = parquet.ParquetFile(file, page_checksum_verification=True)
        # before anything is decoded: a few bytes of run lengths can announce gigabytes
        _check_size(path, source.metadata.num_rows, source.metadata.num_columns)
        table = source.read(use_threads=False)
        about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        names = [name for name in table.column_names if name != "time_s"]
        leads, recorded_as = _leads(path, names)
        signals = np.stack([_column(table, name) for name in names]) * _mv_per_unit(path, about)
        return build_record(path, signals, _rate(path, table, about), leads, recorded_as)


def _check_size(path: Path, rows: int, columns: int) -> None:
    """Refuse a table that announces more rows or values than an ECG has (`BadRecord`)."""
    if not 0 < rows <= _MAX_SAMPLES:
        raise BadRecord(f"{path} announces {rows} samples, too many for an ECG; write it again")
    check_announced(path, rows * columns)


def write(record: EcgRecord, path: Path) -> Path:
    """Write a record as Parquet, exactly as it is."""
    arrow = import_optional("pyarrow", "pyarrow", "writing Parquet records")
    parquet = import_optional("pyarrow.parquet", "pyarrow", "writing Parquet records")
    columns = {"time_s": np.arange(record.n_samples) / record.fs_hz}
    columns |= dict(zip(record.leads, record.signals, strict=True))
    # repr keeps every bit of the rate, which time_s rounds
    about = {"format": _FORMAT, "version": _VERSION, "fs_hz": repr(record.fs_hz), "unit": "mV"}
    table = arrow.table({name: arrow.array(column) for name, column in columns.items()})
    with atomic_path(path) as draft:
        parquet.write_table(table.replace_schema_metadata(about), draft, write_page_checksum=True)
    return path


def _leads(path: Path, names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the leads of the columns, and which of them are taken for another."""
    matched, recorded_as = match_leads(names)
    leads = [lead for lead in matched if lead]
    if not leads or len(leads) != len(names):
        others = ", ".join(name for name, lead in zip(names, matched, strict=True) if not lead)[:200] or "none"
        raise BadRecord(f"{path} needs one column for each ECG lead besides time_s; rename or remove: {others}")
    return leads, recorded_as


def _column(table: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(table.column(name).cast("float64").to_numpy(), np.float64)


def _mv_per_unit(path: Path, about: dict[str, str]) -> float:
    factor = mv_per_unit(about.get("unit", "mV"))
    if factor is None:
        raise BadRecord(f"{path} is in {about['unit']}; state it in uV, mV or V")
    return factor


def _rate(path: Path, table: Any, about: dict[str, str]) -> float:
    if "fs_hz" in about:
        return float(about["fs_hz"])
    if "time_s" not in table.column_names:
        raise BadRecord(f"{path} does not say its rate; add the metadata fs_hz or a column time_s in seconds")
    return rate_from_times(path, _column(table, "time_s"))
