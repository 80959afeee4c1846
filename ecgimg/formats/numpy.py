"""Records in NumPy files, read only: ``.npz`` of one or many records, ``.npy`` of one."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRecord
from ecgimg.formats.channels import MISSING
from ecgimg.formats.checks import build_record, check_announced, reading
from ecgimg.leads import STANDARD_LEADS, match_leads
from ecgimg.record import EcgRecord

_USUAL_RATES_HZ = (
    50,
    100,
    120,
    125,
    128,
    200,
    240,
    250,
    256,
    257,
    300,
    360,
    400,
    500,
    512,
    600,
    720,
    800,
    1000,
    1024,
    2000,
)
_USUAL_S = 10  # length of the recording where a file does not give its rate
_MAX_KEY_BYTES = 1 << 26  # of ids, leads or rate: 64 MB are ids of millions of records


@dataclass(frozen=True)
class _Contents:
    """What a file says about its records: member of the archive, ids, leads, rate, dtype."""

    member: str | None
    ids: tuple[str, ...]
    leads: tuple[str, ...]
    recorded_as: dict[str, str]
    fs_hz: float
    dtype: np.dtype[Any]


def read(path: Path, record_id: int | str | None = None) -> EcgRecord:
    """Read one record.

    ``.npz``: the array ``x`` or ``signals``, (leads, samples) or (records, leads, samples), and the optional keys
    ``ecg_id`` (records,), ``leads`` and ``fs_hz``. ``.npy``: (leads, samples). Integers are µV (and -32768 in 16 bit is
    unknown), floats are mV. Without ``leads`` the array must have twelve; without ``fs_hz`` the recording is taken to
    be ten seconds long, if that gives a usual rate.

    Raises
    ------
    BadRecord
        For many records and no `record_id`, an id that is not there, or a file that is no such array.
    """
    with reading(path, "NumPy"):
        contents = _contents(path)
        wanted = _wanted(path, contents.ids, record_id)
        for position, values in enumerate(_arrays(path, contents)):
            if position == wanted:
                found = values  # goes on to the end, where the archive's checksum stands
    return _record(path, contents, found)


def iterate(path: Path) -> Iterator[tuple[str, EcgRecord]]:
    """Yield (id, record) of each record; one pass over the file, one record in memory."""
    with reading(path, "NumPy"):
        contents = _contents(path)
        arrays = _arrays(path, contents)
    for name in contents.ids:
        with reading(path, "NumPy"):
            values = next(arrays)
        yield name, _record(path, contents, values)
    # runs the generator to its end, where the checksum is compared
    with reading(path, "NumPy"):
        next(arrays, None)


def _record(path: Path, contents: _Contents, values: NDArray[Any]) -> EcgRecord:
    signals = values.astype(np.float64)
    if contents.dtype.kind == "i":
        signals *= 1e-3
        # only 16-bit files have a value for "unknown"; wider integers are µV throughout
        if contents.dtype.itemsize == 2:
            signals[values == MISSING] = np.nan
    return build_record(path, signals, contents.fs_hz, contents.leads, contents.recorded_as)


def _wanted(path: Path, ids: tuple[str, ...], record_id: int | str | None) -> int:
    if record_id is not None and str(record_id) in ids:
        return ids.index(str(record_id))
    some = ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
    if record_id is not None:
        raise BadRecord(f"{path} has no record {record_id!r}; it has {len(ids)}: {some}")
    if len(ids) > 1:
        raise BadRecord(
            f"{path} holds {len(ids)} records; choose one by record_id ({some}) or take all with iter_records"
        )
    return 0


def _contents(path: Path) -> _Contents:
    names = _members(path)
    member = next((key for key in ("x", "signals") if names and key in names), None)
    if names is not None and member is None:
        raise BadRecord(f"{path} has no array 'x' or 'signals' (it has {', '.join(names)[:200]}); rename the array")
    with _opened(path, member) as (stream, size):
        shape, fortran, dtype = _layout(path, stream, size)
    if len(shape) not in (2, 3) or 0 in shape or dtype.kind not in "if":
        raise BadRecord(
            f"{path} holds {dtype} of shape {shape}; records are signed integers (µV) or floats (mV), (leads, samples)"
        )
    check_announced(path, shape[-2] * shape[-1] * (1 if len(shape) == 2 else shape[0] if fortran else 1))
    n_records = shape[0] if len(shape) == 3 else 1
    return _Contents(
        member,
        _ids(path, names, n_records, many=len(shape) == 3),
        *_leads(path, names, shape[-2]),
        _rate(path, names, shape[-1]),
        dtype,
    )


def _ids(path: Path, names: list[str] | None, n_records: int, *, many: bool) -> tuple[str, ...]:
    if not many:
        return (path.stem,)
    if not names or "ecg_id" not in names:
        return tuple(map(str, range(n_records)))
    ids = tuple(str(value) for value in _key(path, "ecg_id").ravel().tolist())
    if len(ids) != n_records or len(set(ids)) != n_records:
        raise BadRecord(f"{path} needs one ecg_id for each of its {n_records} records, each once; it has {len(ids)}")
    return ids


def _leads(path: Path, names: list[str] | None, n_leads: int) -> tuple[tuple[str, ...], dict[str, str]]:
    if names and "leads" in names:
        given = [str(name) for name in _key(path, "leads").ravel().tolist()]
        matched, recorded_as = match_leads(given)
        leads = tuple(lead for lead in matched if lead)
        if len(leads) != n_leads or len(given) != n_leads:
            raise BadRecord(f"{path} names the leads {', '.join(given)[:200]} for {n_leads} rows; name each row's lead")
        return leads, recorded_as
    if n_leads != len(STANDARD_LEADS):
        raise BadRecord(f"{path} has {n_leads} rows, not 12; name them in an array 'leads' of an .npz file")
    return STANDARD_LEADS, {}


def _rate(path: Path, names: list[str] | None, n_samples: int) -> float:
    if names and "fs_hz" in names:
        return float(_key(path, "fs_hz").reshape(()))
    if n_samples % _USUAL_S or n_samples // _USUAL_S not in _USUAL_RATES_HZ:
        raise BadRecord(f"{path} has no 'fs_hz', and {n_samples} samples are not {_USUAL_S} s at a usual rate; add it")
    return n_samples / _USUAL_S


def _members(path: Path) -> list[str] | None:
    """Return the arrays of an archive, None for a single array."""
    if path.suffix.lower() == ".npy":
        return None
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[tuple[IO[bytes], int]]:
    """Open an array's bytes; yields the stream and its size."""
    if member is None:
        with path.open("rb") as stream:
            yield stream, path.stat().st_size
        return
    with zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as stream:
        yield stream, archive.getinfo(f"{member}.npy").file_size


def _layout(path: Path, stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read an array's header: shape, Fortran order, dtype; leaves the stream at the values."""
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject:
        raise BadRecord(f"{path} holds pickled objects, which are never loaded; save plain numbers")
    n_values = 1
    # in Python's own integers: a damaged header may announce more than 64 bits can count
    for length in shape:
        n_values *= length
    if stream.tell() + n_values * dtype.itemsize != size:
        raise BadRecord(f"{path} is cut off or damaged: its array does not have the size it announces; copy it again")
    return shape, fortran, dtype


def _key(path: Path, key: str) -> NDArray[Any]:
    """Return a small array of an archive."""
    with _opened(path, key) as (stream, size):
        if size > _MAX_KEY_BYTES:
            raise BadRecord(f"{path} has an array {key!r} of {size} bytes, far too long for what it says; check it")
        shape, _, dtype = _layout(path, stream, size)
        return np.frombuffer(stream.read(), dtype).reshape(shape)


def _arrays(path: Path, contents: _Contents) -> Iterator[NDArray[Any]]:
    """Yield each record's values, (leads, samples), as stored."""
    with _opened(path, contents.member) as (stream, size):
        shape, fortran, dtype = _layout(path, stream, size)
        # in Fortran order a record's values lie all over the file, so that it is read whole
        if fortran or len(shape) == 2:
            whole = np.frombuffer(stream.read(), dtype).reshape(shape, order="F" if fortran else "C")
            yield from whole.reshape(len(contents.ids), *shape[-2:])
            return
        for _ in contents.ids:
            yield np.frombuffer(stream.read(shape[1] * shape[2] * dtype.itemsize), dtype).reshape(shape[1:])
        stream.read(1)  # the end, where the archive's checksum is compared
