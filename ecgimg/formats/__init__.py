"""Reading and writing records: one file a format, chosen by the suffix.

==================== ========== =============================================
``.hea`` (``.dat``)  read write WFDB
``.csv``             read write ``time_s,I,II,…`` in mV
``.edf``             read write EDF+, with a mask file where there are gaps
``.dcm``             read write DICOM waveform
``.parquet``         read write a column a lead
``.npz`` ``.npy``    read       arrays of one or many records
==================== ========== =============================================

All give millivolt with NaN where nothing is known, and refuse what they cannot read with one `BadRecord`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ecgimg.errors import BadRecord
from ecgimg.formats import csv, dicom, edf, numpy, parquet, wfdb
from ecgimg.formats.checks import check_file, check_range
from ecgimg.record import EcgRecord

__all__ = ["is_record_file", "iter_records", "read_record", "record_files", "write_record"]

_READ: dict[str, Callable[[Path], EcgRecord]] = {
    ".hea": wfdb.read,
    ".dat": wfdb.read,
    ".csv": csv.read,
    ".edf": edf.read,
    ".dcm": dicom.read,
    ".parquet": parquet.read,
    ".npz": numpy.read,
    ".npy": numpy.read,
}
_WRITE: dict[str, Callable[[EcgRecord, Path], Path]] = {
    ".hea": wfdb.write,
    ".dat": wfdb.write,
    ".csv": csv.write,
    ".edf": edf.write,
    ".dcm": dicom.write,
    ".parquet": parquet.write,
}


def read_record(path: str | Path, record_id: int | str | None = None) -> EcgRecord:
    """Read one record; the suffix decides the format.

    Parameters
    ----------
    path : str or Path
        A file, or the name of a WFDB record without suffix.
    record_id : int or str, optional
        Which record of a file that holds many, as `iter_records` names them.

    Returns
    -------
    EcgRecord
        Signals (leads, samples) in mV, NaN where nothing is known.

    Raises
    ------
    BadRecord
        For a file that is missing, damaged, of an unknown kind, or no ECG.
    MissingExtra
        When the package that reads this format is not installed.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix in (".npz", ".npy"):
        check_file(path)
        return numpy.read(path, record_id)
    # a WFDB record named without suffix has no file of that very name
    if path.suffix.lower() == suffix:
        check_file(path)
    if record_id is not None and str(record_id) not in (path.stem, path.name):
        raise BadRecord(f"{path} holds one record, not {record_id!r}; leave record_id out")
    return _READ[suffix](path)


def is_record_file(path: str | Path) -> bool:
    """Tell a record from a page by its name: by its suffix, or a WFDB header of that name.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    bool
    """
    path = Path(path)
    # "." has no name, and so no header of that name
    return path.suffix.lower() in _READ or bool(path.name and path.with_name(f"{path.name}.hea").is_file())


def iter_records(path: str | Path) -> Iterator[tuple[str, EcgRecord]]:
    """Yield (id, record) of every record of a file or folder, one at a time.

    The id is the ``ecg_id`` in an NPZ of many, else the file's stem, or its path inside the folder where two files
    share the stem. A folder is read as `record_files` lists it, and the first bad file raises.

    Parameters
    ----------
    path : str or Path
        A file, a folder, or the name of a WFDB record without suffix.

    Yields
    ------
    (str, EcgRecord)

    Raises
    ------
    BadRecord
        As `read_record`, when the iteration comes to the file.
    """
    path = Path(path)
    if not path.is_dir():
        yield from _records_of(path, path.stem if path.suffix.lower() in _READ else path.name)
        return
    files = record_files(path)
    # a name that is in two folders would give two records one id
    shared = Counter(file.stem for file in files)
    for file in files:
        name = file.stem if shared[file.stem] == 1 else file.relative_to(path).as_posix()
        yield from _records_of(file, name)


def record_files(folder: str | Path) -> list[Path]:
    """Return the record files in a folder and those below it, sorted.

    A WFDB record is listed by its header. Hidden files, the masks of EDF files, and CSV tables whose first column is
    not ``time_s`` are no records.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    list of Path

    Raises
    ------
    BadRecord
        When there are none.
    """
    folder = Path(folder)
    files = [file for file in sorted(folder.rglob("*")) if _is_record_file(file, folder)]
    if not files:
        raise BadRecord(f"{folder} holds no record file; known are {_known(_READ)}")
    return files


def write_record(record: EcgRecord, path: str | Path) -> Path:
    """Write a record; the suffix decides the format. The file appears whole or not at all.

    Parameters
    ----------
    record : EcgRecord
    path : str or Path
        Ending in ``.hea``, ``.csv``, ``.edf``, ``.dcm`` or ``.parquet``.

    Returns
    -------
    Path
        The file written; for WFDB the header.

    Raises
    ------
    BadRecord
        For a suffix that cannot be written, or a record that the format cannot hold.
    BadOutput
        For a place that cannot be written.
    MissingExtra
        When the package that writes this format is not installed.
    """
    path = Path(path)
    writer = _WRITE.get(path.suffix.lower())
    if writer is None:
        raise BadRecord(f"records cannot be written as {path.name}; known are {_known(_WRITE)}")
    # a record in µV would be written as an ECG of thousands of mV, and refused only when it is read
    check_range("the record", record.signals)
    return writer(record, path)


def _records_of(path: Path, name: str) -> Iterator[tuple[str, EcgRecord]]:
    if path.suffix.lower() not in (".npz", ".npy"):
        yield name, read_record(path)
        return
    check_file(path)
    for own, record in numpy.iterate(path):
        yield (name if own == path.stem else own), record


def _is_record_file(file: Path, folder: Path) -> bool:
    # macOS and synchronisers leave hidden copies of files, and killed writers hidden drafts
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    suffix = file.suffix.lower()
    # a .dat is listed by its header, or its record would come twice
    if hidden or not file.is_file() or suffix == ".dat" or suffix not in _READ:
        return False
    return suffix != ".csv" or csv.is_record(file)


def _suffix(path: Path) -> str:
    if path.suffix.lower() in _READ:
        return path.suffix.lower()
    if path.with_name(f"{path.name}.hea").is_file():
        return ".hea"
    if path.exists() or path.suffix:
        raise BadRecord(f"{path} is not a known kind of record; known are {_known(_READ)}")
    raise BadRecord(f"{path} does not exist; check the name and the folder")


def _known(suffixes: Iterable[str]) -> str:
    return ", ".join(suffixes)
