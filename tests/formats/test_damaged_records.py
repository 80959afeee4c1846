"""Damaged files of every format give a record or one `BadRecord`, never a library's own error or warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgimg import BadRecord, EcgRecord, iter_records, read_record, write_record
from tests.formats.damage import damaged

FILES = ("a.hea", "a.dat", "a.csv", "a.edf", "a.mask.csv", "a.dcm", "a.parquet", "many.npz", "one.npy")
OPENED = {"a.dat": "a.hea", "a.mask.csv": "a.edf"}
CUT_SHOWS = ("a.dat", "a.edf", "a.dcm", "a.parquet", "many.npz", "one.npy")
byte = st.one_of(st.integers(0, 255), st.sampled_from(b"0123456789-.+e, \x00\xff"))
change = st.tuples(st.integers(0, 400), byte)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    signals = np.random.default_rng(3).normal(0, 0.5, (3, 257))
    signals[0, 50:] = np.nan
    record = EcgRecord(signals, 250, ("I", "II", "V1"))
    for suffix in ("hea", "csv", "edf", "dcm", "parquet"):
        write_record(record, folder / f"a.{suffix}")
    np.savez_compressed(folder / "many.npz", x=np.zeros((3, 12, 500), np.int16), ecg_id=[7, 8, 9], fs_hz=50)
    np.save(folder / "one.npy", np.zeros((12, 1000), np.float32))
    return folder


def outcome(path: Path) -> str:
    try:
        if path.name == "many.npz":
            list(iter_records(path))
            read_record(path, 8)
        else:
            read_record(path)
    except BadRecord as error:
        text = str(error)
        assert path.parent.name in text  # it names the file
        assert "\n" not in text
        return "refused"
    return "read"


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_read_record_with_changed_bytes(folder: Path, name: str) -> None:
    """A file with changed or missing bytes is read, or refused in one sentence that names it."""
    good = (folder / name).read_bytes()

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        start=st.sampled_from([0, 0, 500, 900]),
        changes=st.lists(change, min_size=1, max_size=6),
        length=st.one_of(st.none(), st.none(), st.integers(0, 999)),
    )
    def attempt(start: int, changes: list[tuple[int, int]], length: int | None) -> None:
        (folder / name).write_bytes(damaged(good, start, changes, length))
        outcome(folder / OPENED.get(name, name))

    try:
        attempt()
    finally:
        (folder / name).write_bytes(good)
    assert outcome(folder / OPENED.get(name, name)) == "read"


@pytest.mark.slow
@pytest.mark.parametrize("name", CUT_SHOWS)
def test_read_record_of_cut_file(folder: Path, name: str) -> None:
    """A file that is cut anywhere is refused."""
    good = (folder / name).read_bytes()
    try:
        for length in {*range(0, len(good), max(1, len(good) // 150)), len(good) - 1, len(good) - 2}:
            (folder / name).write_bytes(good[:length])
            assert outcome(folder / OPENED.get(name, name)) == "refused", f"cut at {length} of {len(good)}"
    finally:
        (folder / name).write_bytes(good)
