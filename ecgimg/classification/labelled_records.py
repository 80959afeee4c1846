"""Records with the labels that people gave them, for training and for measuring."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.labels import CODES_BY_LABEL, LABELS, targets
from ecgimg.classification.snomed import SCP_OF_SNOMED, header_codes, statements_of
from ecgimg.classification.tokens import CANVAS, FS_HZ
from ecgimg.errors import BadRecord, BadRequest
from ecgimg.formats import iter_records, read_record, record_files
from ecgimg.leads import STANDARD_LEADS
from ecgimg.record import EcgRecord
from ecgimg.resample import resample

VOLTAGE_LABELS = ("LVH", "RVH", "SEHYP", "super_HYP", "cinc_HYP", "LVOLT", "HVOLT", "VCLVH")
"""What is judged by millivolts: not learned from records whose gain is an estimate, not said where it is assumed."""

_FACTS = ("ecg_id", "age", "sex", "strat_fold", "patient_id", "super_class", "sub_class", "form", "rhythm")
# PTB-XL writes 300 for ages of 90 and more, to protect patients.
_OLDEST_YEARS = 120


@dataclass(frozen=True, eq=False)
class LabelledRecords:
    """Records at 100 Hz on a canvas of ten seconds, with their labels.

    Parameters
    ----------
    ids : (records,) str
    signals_mv : (records, 12, 1000) float32
        NaN where nothing is known.
    targets, known : (records, labels) bool
        In the order of `LABELS`; `known` is False where nothing is said of a label, which stays out of the loss.
    folds : (records,) int64
        0 where the table gives none.
    patients : (records,) str
        Who it is of: the record itself where the table does not say.
    age_years, male : (records,) float32
        NaN where not known.
    gain_known : (records,) bool
        False where the voltages of single leads are estimates.
    """

    ids: NDArray[np.str_]
    signals_mv: NDArray[np.float32]
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]
    folds: NDArray[np.int64]
    patients: NDArray[np.str_]
    age_years: NDArray[np.float32]
    male: NDArray[np.float32]
    gain_known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> LabelledRecords:
        """Return the records at indices, or where a mask is True."""
        return LabelledRecords(**{name: value[chosen] for name, value in vars(self).items()})

    def first(self, count: int) -> LabelledRecords:
        """Return the first `count` records, or all where there are fewer."""
        return self.subset(np.arange(min(count, len(self))))


def fold_numbers(folds: str) -> set[int]:
    """Return the numbers that ``1-8`` or ``1,2,9`` stands for (`BadRequest` for anything else)."""
    numbers: set[int] = set()
    try:
        for part in folds.split(","):
            first, _, last = part.partition("-")
            numbers |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        raise BadRequest(f"folds are given as 1-8 or 1,2,9, not {folds!r}") from None
    return numbers


def parse_folds(data: LabelledRecords, folds: str) -> LabelledRecords:
    """Return the records of some folds, given as ``1-8`` or ``1,2,9`` (`BadRequest` where there are none)."""
    in_folds = np.isin(data.folds, sorted(fold_numbers(folds)))
    if not in_folds.any():
        raise BadRequest(f"no record is in the folds {folds}; the table of labels needs a column strat_fold")
    return data.subset(in_folds)


def joined(parts: Sequence[LabelledRecords]) -> LabelledRecords:
    """Return the records of all parts, one after the other."""
    return LabelledRecords(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def network_rate_leads(record: EcgRecord) -> NDArray[np.float32]:
    """Return the twelve leads of a record at `FS_HZ`, (12, samples); a lead it does not have is NaN."""
    leads = record.select(STANDARD_LEADS)
    return (leads if record.fs_hz == FS_HZ else resample(leads, FS_HZ)).signals


def read_labelled(records: Path, labels: Path | None, *, gain_known: bool = True) -> LabelledRecords:
    """Read records with labels, one source.

    Parameters
    ----------
    records : Path
        A file or folder that `iter_records` reads, with a table of `labels`; or without one a folder of PTB-XL
        (``ptbxl_database.csv`` and ``records100`` or ``records500``), or WFDB with SNOMED codes in the headers.
    labels : Path, optional
        CSV with ``ecg_id`` and either ``statements`` (SCP-ECG codes parted by ``;``) or a column of 0 and 1 for each of
        some `LABELS`; ``strat_fold``, ``patient_id``, ``age`` and ``sex`` (0 male) where known.
    gain_known : bool
        Whether the millivolts can be trusted; otherwise `VOLTAGE_LABELS` are left unknown.

    Raises
    ------
    BadRecord
        When no record has a label, or a table has columns that are neither labels nor facts.
    """
    rows = list(iter_labelled(records, labels))
    known = np.stack([row.known for row in rows])
    if not gain_known:
        known[:, [LABELS.index(label) for label in VOLTAGE_LABELS]] = False
    return LabelledRecords(
        ids=np.array([row.name for row in rows]),
        signals_mv=np.stack([_ten_seconds(network_rate_leads(row.record)) for row in rows]),
        targets=np.stack([row.targets for row in rows]),
        known=known,
        # A table without folds has 0, which no selection of folds names.
        folds=np.array([row.fold for row in rows]),
        patients=np.array([row.facts.get("patient_id") or row.name for row in rows]),
        age_years=np.array([_age(row.facts.get("age")) for row in rows], np.float32),
        # PTB-XL writes 0 for male.
        male=np.array([1 - _number(row.facts.get("sex"), np.nan) for row in rows], np.float32),
        gain_known=np.full(len(rows), gain_known),
    )


@dataclass(frozen=True, eq=False)
class LabelledRecord:
    """A record at the rate it was stored at, with its labels.

    Parameters
    ----------
    name : str
    record : EcgRecord
    facts : mapping of str to str
        The row of the table: age, sex, patient, fold.
    targets, known : (labels,) bool
        As in `LabelledRecords`.
    """

    name: str
    record: EcgRecord
    facts: Mapping[str, str]
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def fold(self) -> int:
        """The number of its fold, 0 where the table gives none."""
        return int(_number(self.facts.get("strat_fold")) or 0)


def iter_labelled(records: Path, labels: Path | None) -> Iterator[LabelledRecord]:
    """Yield the records of one source that have labels, at their own rates; arguments and errors of `read_labelled`."""
    is_empty = True
    for row in _read(records, labels):
        is_empty = False
        yield row
    if is_empty:
        raise BadRecord(
            f"no record of {records} has a row in {labels}; ecg_id must name the records as their file does"
        )


def _read(records: Path, labels: Path | None) -> Iterator[LabelledRecord]:
    if labels is not None:
        yield from _with_table(records, _table(labels), labels)
    elif (records / "ptbxl_database.csv").is_file():
        yield from _ptbxl_folder(records)
    elif records.is_dir():
        yield from _with_headers(records)
    else:
        raise BadRecord(f"{records} needs a table of labels; only PTB-XL and WFDB folders carry their own")


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRecord(f"the table of labels {path} cannot be read: {error}") from None
    if not rows or "ecg_id" not in rows[0]:
        raise BadRecord(f"the table of labels {path} needs a column ecg_id and a row a record")
    if "statements" not in rows[0]:
        unknown = [name for name in rows[0] if name not in _FACTS and name not in LABELS]
        if unknown or not set(rows[0]) & set(LABELS):
            others = ", ".join(map(str, unknown[:4])) or "only facts"
            raise BadRecord(
                f"the table of labels {path} has neither the column statements nor columns named as labels are "
                f"({others})"
            )
    return {(row["ecg_id"] or "").strip(): row for row in rows}


def _with_table(records: Path, table: Mapping[str, Mapping[str, str]], path: Path) -> Iterator[LabelledRecord]:
    for name, record in iter_records(records):
        row = table.get(name)
        if row is None:
            continue
        if "statements" in row:
            stated = targets((row["statements"] or "").split(";"))
            yield LabelledRecord(name, record, row, stated, np.ones(len(LABELS), bool))
            continue
        cells = [(row.get(label) or "").strip() for label in LABELS]
        if not set(cells) <= {"", "0", "1", "0.0", "1.0"}:
            raise BadRecord(f"the labels of {name} in {path} must be 0 or 1, or blank where not known")
        positive, known = np.array([cell[:1] == "1" for cell in cells]), np.array([cell != "" for cell in cells])
        yield LabelledRecord(name, record, row, positive, known)


def _ptbxl_folder(folder: Path) -> Iterator[LabelledRecord]:
    with (folder / "ptbxl_database.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # The 100 Hz files are preferred: the network reads that rate.
            files = (folder / f"{row[key]}.hea" for key in ("filename_lr", "filename_hr"))
            header = next((file for file in files if file.is_file()), None)
            if header is None:
                continue
            # PTB-XL writes a Python dict; literal_eval runs no code.
            codes = ast.literal_eval(row["scp_codes"])
            yield LabelledRecord(row["ecg_id"], read_record(header), row, targets(codes), np.ones(len(LABELS), bool))


def _with_headers(folder: Path) -> Iterator[LabelledRecord]:
    scp_codes = frozenset(SCP_OF_SNOMED.values())
    # A label is known only if SNOMED has every statement that gives it; otherwise its absence says nothing.
    known = np.array([CODES_BY_LABEL[label] <= scp_codes for label in LABELS])
    for header in record_files(folder):
        codes = header_codes(header) if header.suffix == ".hea" else None
        if codes is not None:
            yield LabelledRecord(header.stem, read_record(header), {}, targets(statements_of(codes)), known)


def _ten_seconds(signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut or extend (12, samples) to the canvas."""
    shown = signals[:, :CANVAS]
    return np.pad(shown, ((0, 0), (0, CANVAS - shown.shape[1])), constant_values=np.nan)


def _number(text: str | None, missing: float = 0.0) -> float:
    try:
        return float(text or "")
    except ValueError:
        return missing


def _age(text: str | None) -> float:
    years = _number(text, np.nan)
    return years if years <= _OLDEST_YEARS else 90.0 if years == 300 else float("nan")
