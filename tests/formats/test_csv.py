"""Records in CSV: their text, the rate from rounded times, and tables that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    EcgRecord,
    read_record,
    write_record,
)
from tests.conftest import DATA
from tests.formats.records import needs_data, waves


def test_write_csv_text(tmp_path: Path) -> None:
    """The text has a fixed number of decimals, and an empty cell for a gap."""
    path = write_record(EcgRecord([[0.12344, -0.00001], [np.nan, -1.5]], 360, ("aVR", "V1")), tmp_path / "ecg.csv")
    assert path.read_bytes() == b"time_s,aVR,V1\n0.000000,0.1234,\n0.002778,0.0000,-1.5000\n"


def test_pandas_reads_csv_and_parquet(tmp_path: Path) -> None:
    """Pandas reads the same leads, times and values from CSV and Parquet."""
    ecg = waves()
    for table in (
        pandas.read_csv(write_record(ecg, tmp_path / "ecg.csv")),
        pandas.read_parquet(write_record(ecg, tmp_path / "ecg.parquet")),
    ):
        assert list(table.columns) == ["time_s", *STANDARD_LEADS]
        np.testing.assert_allclose(table["time_s"], np.arange(ecg.n_samples) / 500, atol=5e-7)
        np.testing.assert_allclose(table[list(STANDARD_LEADS)].to_numpy().T, ecg.signals, rtol=0, atol=0.000052)


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "ecg.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_read_csv_with_other_case_and_line_ends(tmp_path: Path) -> None:
    """The header may be in any case, with a byte order mark, spaces and Windows line ends."""
    ecg = read_record(csv_file(tmp_path, b"\xef\xbb\xbfTime_S, avr ,LEAD v1\r\n0,1, \r\n0.002,2,nan\r\n"))
    assert (ecg.leads, ecg.fs_hz) == (("aVR", "V1"), 500)
    assert ecg.signals[0].tolist() == [1, 2]
    assert not ecg.known[1].any()


@pytest.mark.parametrize("fs_hz", [100, 128, 250, 257, 360, 500, 512, 1000])
@pytest.mark.parametrize("decimals", [3, 4, 6, 12])
@pytest.mark.parametrize("start_s", [0, 2.5])
def test_read_csv_rate_from_rounded_times(tmp_path: Path, fs_hz: int, decimals: int, start_s: float) -> None:
    """The sampling rate is exact although the times are rounded."""
    rows = [f"{start_s + i / fs_hz:.{decimals}f},0.1" for i in range(5000)]
    assert read_record(csv_file(tmp_path, "\n".join(["time_s,I", *rows]))).fs_hz == fs_hz


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s;I;II\n0;1;2\n", "semicolons"),
        ("time_s\tI\n0\t1\n", "tabs"),
        ("I,II\n1,2\n3,4\n", "header must be time_s"),
        ("time,I\n0,2\n1,4\n", "header must be time_s"),
        ("time_s\n0\n1\n", "header must be time_s"),
        ("time_s,I,comment\n0,1,2\n0.002,1,2\n", "column 'comment' that is not an ECG lead"),
        ("time_s,I,-aVR\n0,1,2\n0.002,1,2\n", "'-aVR'"),
        ("time_s,I,lead i\n0,1,2\n0.002,1,2\n", "once"),
        ("time_s,I\n", "not a table of samples"),
        ("time_s,I\n0,1\n", "fewer than two samples"),
        ("time_s,I\n0,1\n0.002,1,3\n", "3 cells in line 3, not 2"),
        ("time_s,I,II\n0,1,2\n0.002,1\n", "cut off"),
        ("time_s,I\n0,1\n0.002,x\n", "'x' in line 3, which is not a number"),
        ("time_s,I\n0,1\n,1\n0.004,1\n", "no time_s in sample 2"),
        ("time_s,I\n0,1\n0.002,1\n0.004,1\n0.008,1\n0.010,1\n", "uneven time_s at sample 4"),
        ("time_s,I\n0,1\n0.002,1\n0.002,1\n0.004,1\n0.006,1\n", "uneven time_s at sample 3"),
        ("time_s,I\n0,1\n0,1\n", "uneven"),
        ("time_s,I\n0.4,1\n0.2,1\n", "uneven"),
        ("time_s,I\n0,inf\n0.002,1\n", "infinite"),
        ("time_s,I\n0,850\n0.002,-300\n", "looks like µV"),
        ("lead,first_sample,last_sample\nI,0,4\n", "mask of an EDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\xff", "not text"),
        (b"time_s,I\n0,1\n0.002,\x001\n", "not a table"),
    ],
)
def test_read_csv_refusals(tmp_path: Path, text: str | bytes, message: str) -> None:
    """Each table that is no record is refused with the line, column or sample that is wrong."""
    with pytest.raises(BadRecord, match=message) as caught:
        read_record(csv_file(tmp_path, text))
    assert "ecg.csv" in str(caught.value)


def test_write_csv_of_one_sample(tmp_path: Path) -> None:
    """A record of one sample has no rate in CSV and is not written."""
    with pytest.raises(BadRecord, match="two samples"):
        write_record(EcgRecord([[1.0]], 500, ("I",)), tmp_path / "ecg.csv")


@needs_data
def test_read_csv_of_real_labels() -> None:
    """A real table of labels is refused as a record."""
    with pytest.raises(BadRecord, match="header must be time_s"):
        read_record(DATA / "ptbxl" / "labels.csv")
