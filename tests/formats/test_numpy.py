"""Records in NumPy files: many in one file, orders, types, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgimg import (
    STANDARD_LEADS,
    BadRecord,
    iter_records,
    read_record,
)
from tests.conftest import DATA
from tests.formats.records import needs_data


def test_read_npz_of_many_records(tmp_path: Path) -> None:
    """A record of many is chosen by its number, and a wrong or missing number is refused."""
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


def test_read_npz_by_its_keys(tmp_path: Path) -> None:
    """Leads and rate come from the file's own keys."""
    np.savez(tmp_path / "a.npz", signals=np.ones((2, 77)), leads=["v1", "avr"], fs_hz=257)
    ecg = read_record(tmp_path / "a.npz")
    assert (ecg.leads, ecg.fs_hz, ecg.n_samples) == (("V1", "aVR"), 257, 77)
    assert [name for name, _ in iter_records(tmp_path / "a.npz")] == ["a"]
    np.savez(tmp_path / "b.npz", x=np.ones((2, 12, 77)), fs_hz=257)
    assert [name for name, _ in iter_records(tmp_path / "b.npz")] == ["0", "1"]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", ">i4"])
def test_read_npy_orders_and_types(tmp_path: Path, order: str, dtype: str) -> None:
    """Every byte order, memory order and number type gives the same record."""
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
        ({"x": np.zeros((12, 1000)), "fs_hz": [1, 2]}, "damaged or not a valid NumPy"),
        ({"x": np.zeros((12, 1000)), "fs_hz": -5}, "rate must be between"),
    ],
)
def test_read_npz_refusals(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    """Each array that is no record is refused with what is wrong."""
    np.savez(tmp_path / "ecg.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(BadRecord, match=message):
        read_record(tmp_path / "ecg.npz")


@needs_data
def test_read_real_npz() -> None:
    """A real file of many records is read, one by one and by number."""
    path = DATA / "ptbxl" / "records_100hz.npz"
    records = iter_records(path)
    name, first = next(records)
    assert (first.fs_hz, first.n_samples, first.leads) == (100, 1000, STANDARD_LEADS)
    assert first.known.all()
    np.testing.assert_allclose(first.lead("II"), first.lead("I") + first.lead("III"), atol=0.01)
    np.testing.assert_array_equal(read_record(path, name).signals, first.signals)
    with pytest.raises(BadRecord, match="holds 1307 records"):
        read_record(path)
