"""Read the records and the tables of labels that a command names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecgimg.commands.shared.consoles import LOG
from ecgimg.errors import BadRequest

if TYPE_CHECKING:
    from ecgimg.classification.labelled_records import LabelledRecord, LabelledRecords
    from ecgimg.train.delineator.data import TaughtRecord


def read_all_labelled(
    records: list[Path],
    labels: list[Path] | None,
    uncertain: list[Path] | None = None,
    uncertain_labels: list[Path] | None = None,
    folds: str = "",
) -> LabelledRecords:
    """Read and join all sources of records and their tables of labels.

    Parameters
    ----------
    records, labels
        Records, and one table of labels for all of them or one for each.
    uncertain, uncertain_labels
        The same for records whose gain is uncertain.
    folds : str
        Folds to use, as ``1-8`` or ``1,2,9``; all by default.
    """
    from ecgimg.classification.labelled_records import joined, parse_folds, read_labelled

    parts = []
    for paths, tables, gain_known in ((records, labels, True), (uncertain or [], uncertain_labels, False)):
        pairs = zip(paths, _tables_of(paths, tables or []), strict=True)
        parts += [read_labelled(path, table, gain_known=gain_known) for path, table in pairs]
    data = joined(parts)
    data = parse_folds(data, folds) if folds else data
    LOG.info("%d records with labels", len(data))
    return data


def iter_all_labelled(records: list[Path], labels: list[Path] | None, folds: str = "") -> Iterator[LabelledRecord]:
    """Yield the records of all sources at their own rates; a record that two sources hold comes from the first."""
    from ecgimg.classification.labelled_records import fold_numbers, iter_labelled

    wanted = fold_numbers(folds) if folds else None
    seen: set[str] = set()
    for path, table in zip(records, _tables_of(records, labels or []), strict=True):
        for item in iter_labelled(path, table):
            if item.name not in seen and (wanted is None or item.fold in wanted):
                seen.add(item.name)
                yield item


def _tables_of(paths: list[Path], tables: list[Path]) -> Sequence[Path | None]:
    """Return the table of labels of each source; None where records carry their labels themselves."""
    if len(tables) not in (0, 1, len(paths)):
        raise BadRequest(f"there are {len(paths)} sources of records and {len(tables)} tables of labels for them")
    if len(tables) == 1:
        return tables * len(paths)
    return tables or [None] * len(paths)


def read_rhythms(records: list[Path], labels: list[Path] | None, folds: str = "") -> list[TaughtRecord]:
    """Read records whose rhythm tells of their P waves: none in fibrillation, one before each beat in sinus rhythm."""
    from ecgimg.classification.labels import LABELS
    from ecgimg.classification.tokens import FS_HZ
    from ecgimg.record import EcgRecord
    from ecgimg.train.delineator.weak_labels import fibrillating, in_sinus_rhythm

    data = read_all_labelled(records, labels, folds=folds)
    has = {label: data.targets[:, LABELS.index(label)] for label in ("AFIB", "AFLT", "SR", "STACH", "SBRAD", "PACE")}
    sinus = (has["SR"] | has["STACH"] | has["SBRAD"]) & ~has["AFIB"] & ~has["AFLT"] & ~has["PACE"]
    taught = []
    for row in range(len(data)):
        make = in_sinus_rhythm if sinus[row] else fibrillating if has["AFIB"][row] and not has["SR"][row] else None
        if make is not None:
            taught.append(make(str(data.ids[row]), EcgRecord(data.signals_mv[row], FS_HZ)))
    return taught
