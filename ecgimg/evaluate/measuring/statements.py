"""Measured numbers against what readers stated: PR against first degree AV block, ST levels against ST changes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from ecgimg.errors import BadRecord
from ecgimg.evaluate.classifier_metrics import auroc
from ecgimg.evaluate.digitizer_report import pyplot, save_figure
from ecgimg.evaluate.parallel_pages import mapped
from ecgimg.formats import iter_records
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import measure_record
from ecgimg.record import EcgRecord

Floats = NDArray[np.float64]

COMPARED = (
    ("1AVB", "pr_ms"), ("LNGQT", "qtc_bazett_ms"), ("LNGQT", "qtc_fridericia_ms"), ("LVH", "sokolow_lyon_mv"),
    ("LVH", "cornell_mv"), ("CRBBB", "qrs_ms"), ("CLBBB", "qrs_ms"), ("AFIB", "rr_irregularity"),
)  # fmt: skip
"""Statements (SCP codes), and the numbers that should tell them."""

ST_STATEMENTS = {"STE_": "ST elevation", "STD_": "ST depression", "ISC_": "ischaemic ST-T", "INJ": "injury"}
"""Statements about the ST segment; ``INJ`` stands for all codes that begin so."""


@dataclass(frozen=True, eq=False)
class StatedRecord:
    """What readers stated of a record, and what was measured on it.

    Parameters
    ----------
    statements : frozenset of str
        SCP codes.
    values : mapping of a name of `GLOBAL_NAMES` to a number, NaN where not given
    st_mv : mapping of lead to the ST level 60 ms after J, NaN where not given
    """

    name: str
    statements: frozenset[str]
    values: Mapping[str, float]
    st_mv: Mapping[str, float]


def iter_stated(records: Sequence[Path], labels: Sequence[Path]) -> Iterator[tuple[str, EcgRecord, frozenset[str]]]:
    """Yield (name, record, statements); a record that two sources hold comes from the first of them.

    Parameters
    ----------
    labels : sequence of Path
        One CSV for each of `records`, with columns ``ecg_id`` and ``statements`` (codes parted by ``;``).

    Raises
    ------
    BadRecord
        For a table that cannot be read or lacks a column.
    """
    seen: set[str] = set()
    for path, table_path in zip(records, labels, strict=True):
        table = _read_table(table_path)
        for name, record in iter_records(path):
            if name in table and name not in seen:
                seen.add(name)
                yield name, record, table[name]


def _read_table(path: Path) -> dict[str, frozenset[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["ecg_id"]: frozenset((row["statements"] or "").split(";")) for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise BadRecord(f"the table of labels {path} needs the columns ecg_id and statements ({error})") from None


def measure_stated(items: Iterable[tuple[str, EcgRecord, frozenset[str]]], jobs: int = 1) -> Iterator[StatedRecord]:
    """Measure each record."""
    yield from mapped(_measure, items, jobs)


def _measure(item: tuple[str, EcgRecord, frozenset[str]]) -> StatedRecord:
    name, record, stated = item
    measured = measure_record(record)
    st_mv = {lead: _value(measured.leads[lead]["st_j60_mv"].value) for lead in measured.leads}
    return StatedRecord(name, stated, {key: _value(number.value) for key, number in measured.values.items()}, st_mv)


def _value(value: float | None) -> float:
    return float("nan") if value is None else value


def statement_table(records: Sequence[StatedRecord]) -> Table:
    """Return for each statement the AUROC of its number, over the records that it is given for.

    How many of the stated records the number is given for stands beside it: a number that is missing tells nothing.
    """
    table = Table("statement", "from", "AUROC", "records", "stated", "of them given", box=None)
    for code, name in COMPARED:
        stated = np.array([code in record.statements for record in records], bool)
        value = np.array([record.values.get(name, np.nan) for record in records], np.float64)
        given = np.isfinite(value)
        count = int((stated & given).sum())
        score = f"{auroc(value[given], stated[given]):.3f}" if 0 < count < given.sum() else "-"
        table.add_row(code, name, score, str(int(given.sum())), str(int(stated.sum())), str(count))
    return table


def draw_st(records: Sequence[StatedRecord], path: Path) -> None:
    """Draw the ST levels of each lead, of normal records and of those with each statement about the ST segment.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    """
    plt = pyplot()
    groups = {"normal": [record for record in records if "NORM" in record.statements]}
    for code, title in ST_STATEMENTS.items():
        chosen = [record for record in records if any(_is_of(stated, code) for stated in record.statements)]
        if chosen:
            groups[f"{title} ({len(chosen)})"] = chosen
    figure, axis = plt.subplots(figsize=(10, 3.8))
    width = 0.8 / len(groups)
    for number, (title, group) in enumerate(groups.items()):
        levels = np.array([_quantiles(group, lead) for lead in STANDARD_LEADS])
        places = np.arange(len(STANDARD_LEADS)) + width * (number - (len(groups) - 1) / 2)
        low, middle, high = levels.T
        axis.errorbar(places, middle, yerr=(middle - low, high - middle), fmt="o", ms=3, capsize=2, lw=1, label=title)
    axis.axhline(0, color="0.6", lw=0.6)
    axis.set_xticks(range(len(STANDARD_LEADS)), STANDARD_LEADS)
    axis.set_ylabel("ST 60 ms after J, mV (median, 10 to 90 %)")
    axis.legend(fontsize=8, ncols=len(groups))
    axis.spines[["top", "right"]].set_visible(False)
    save_figure(plt, figure, path)


def _is_of(stated: str, code: str) -> bool:
    return stated.startswith("INJ") if code == "INJ" else stated == code


def _quantiles(records: Sequence[StatedRecord], lead: str) -> Floats:
    """Return the 10 %, 50 % and 90 % quantiles of the ST level of a lead, NaN where no record has one."""
    levels = np.array([record.st_mv.get(lead, np.nan) for record in records], np.float64)
    levels = levels[np.isfinite(levels)]
    return np.quantile(levels, (0.1, 0.5, 0.9)) if len(levels) else np.full(3, np.nan)
