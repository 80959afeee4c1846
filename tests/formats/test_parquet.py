"""Records in Parquet: exact values, tables of other software, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    read_record,
    write_record,
)
from tests.formats.records import waves


def test_write_parquet_exactly(tmp_path: Path) -> None:
    """Values are exact, and the metadata says the format, its version, the rate and the unit."""
    import pyarrow.parquet

    path = write_record(waves(), tmp_path / "ecg.parquet")
    schema = pyarrow.parquet.read_schema(path)
    about = {"format": "ecgimg-record", "version": "1", "fs_hz": "500.0", "unit": "mV"}
    assert {k.decode(): v.decode() for k, v in schema.metadata.items()} == about
    assert {str(schema.field(lead).type) for lead in STANDARD_LEADS} == {"float"}
    np.testing.assert_array_equal(read_record(path).signals, waves().signals)


def test_read_parquet_of_other_software(tmp_path: Path) -> None:
    """A plain table with times and leads is read as a record."""
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
        ({"time_s": [0, 0.002], "I": ["a", "b"]}, "damaged or not a valid Parquet"),
        ({"time_s": [], "I": []}, "announces 0 samples"),
    ],
)
def test_read_parquet_refusals(tmp_path: Path, columns: dict[str, list[float]], message: str) -> None:
    """Each table that is no record is refused with what is wrong."""
    pandas.DataFrame(columns).to_parquet(tmp_path / "ecg.parquet")
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.parquet")
