"""Reading and writing records whatever their format: suffixes, folders, limits, and missing packages."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgimg import (
    BadOutput,
    BadRecord,
    MissingExtra,
    iter_records,
    read_record,
    write_record,
)
from ecgimg.formats import record_files
from tests.conftest import DATA
from tests.formats.records import WRITABLE, assert_same, needs_data, waves


@pytest.mark.parametrize("suffix", ["npz", "npy", "parquet", "edf", "csv", "hea", "dcm"])
def test_read_record_of_too_many_values(tmp_path: Path, suffix: str, monkeypatch) -> None:
    """A file that announces more values than a record may hold is refused."""
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


@pytest.mark.parametrize("suffix", [*WRITABLE, "dat", "npz", "npy"])
def test_read_record_missing_empty_or_folder(tmp_path: Path, suffix: str) -> None:
    """A missing file, an empty file and a folder are refused, each in its own words."""
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
def test_read_record_of_wrong_suffix(tmp_path: Path, source: str, claimed: str) -> None:
    """A file of one format under the suffix of another is refused by its name."""
    path = write_record(waves(), tmp_path / f"ecg.{source}")
    if source != claimed:
        shutil.copy(path, tmp_path / f"wrong.{claimed}")
        with pytest.raises(BadRecord, match=rf"wrong\.{claimed}"):
            read_record(tmp_path / f"wrong.{claimed}")


def test_read_and_write_record_of_unknown_suffix(tmp_path: Path) -> None:
    """An unknown suffix is refused, and the known ones are listed."""
    (tmp_path / "ecg.xyz").write_text("?")
    with pytest.raises(BadRecord, match=r"not a known kind .* known are \.hea, \.dat, \.csv, \.edf"):
        read_record(tmp_path / "ecg.xyz")
    for name in ("ecg.npz", "ecg.xyz", "ecg"):
        with pytest.raises(BadRecord, match=r"known are \.hea"):
            write_record(waves(), tmp_path / name)
    with pytest.raises(BadRecord, match="does not exist"):
        read_record(tmp_path / "nothing")


def test_read_record_by_id_from_file_of_one(tmp_path: Path) -> None:
    """A file of one record knows its own stem as a number, and no other."""
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


def test_iter_records_of_folder(folder: Path) -> None:
    """The records of a folder come in the order of names, with unique names."""
    names = [name for name, _ in iter_records(folder)]
    assert names == ["a/same.csv", "two", "one", "b/same.parquet", "8", "9", "three"]
    assert len(record_files(folder)) == 6


def test_iter_records_of_folder_lazily(folder: Path) -> None:
    """A damaged file of a folder is told when it is reached, not before."""
    (folder / "z.csv").write_text("time_s,I\n0,x\n1,1\n")
    records = iter_records(folder)
    for _ in range(7):
        next(records)
    with pytest.raises(BadRecord, match=r"z\.csv"):
        next(records)


def test_iter_records_of_folder_without_records(tmp_path: Path) -> None:
    """A folder without a record file is refused."""
    with pytest.raises(BadRecord, match="holds no record file"):
        next(iter_records(tmp_path))


@pytest.mark.parametrize(
    ("suffix", "module"), [("hea", "wfdb"), ("edf", "pyedflib"), ("dcm", "pydicom"), ("parquet", "pyarrow.parquet")]
)
def test_read_and_write_record_without_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str
) -> None:
    """A missing optional package is named together with the extra that installs it."""
    path = write_record(waves(), tmp_path / f"ecg.{suffix}")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"ecgimg\[formats\]"):
        read_record(path)
    with pytest.raises(MissingExtra, match=module.split(".")[0]):
        write_record(waves(), path)


def test_write_record_to_unwritable_path(tmp_path: Path) -> None:
    """A path that cannot be written is refused with the cause."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "ecg.csv").mkdir()
    with pytest.raises(BadOutput, match="cannot write"):
        write_record(waves(), tmp_path / "file" / "ecg.csv")
    with pytest.raises(BadOutput, match="it is a folder"):
        write_record(waves(), tmp_path / "ecg.csv")
    with pytest.raises(BadOutput, match="File name too long"):
        write_record(waves(), tmp_path / f"{'x' * 300}.csv")


@needs_data
def test_iter_records_of_real_folder() -> None:
    """Every real record of a folder is read once."""
    ids = [name for name, _ in iter_records(DATA / "truth")]
    assert len(ids) == len(set(ids)) == len(list((DATA / "truth").glob("*.csv")))
    assert read_record(DATA / "truth" / "90036.csv").fs_hz == 500
