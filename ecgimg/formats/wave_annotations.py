"""Annotations of waves beside WFDB records, one file a lead, as the Lobachevsky University Database (LUDB) has them.

``7.hea`` with ``7.ii`` for lead II: ``(`` is the onset of a wave, ``p``, ``N`` or ``t`` its peak, ``)`` its end
(Kalyakulina et al. 2020, IEEE Access 8:186181).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadRecord
from ecgimg.formats.checks import check_file, reading
from ecgimg.formats.wfdb import read
from ecgimg.leads import canonical_lead
from ecgimg.record import EcgRecord

_KINDS = {"p": "P", "N": "QRS", "t": "T"}


@dataclass(frozen=True)
class AnnotatedWave:
    """A wave that a person marked in one lead.

    Parameters
    ----------
    lead : str
    kind : {"P", "QRS", "T"}
    onset_s, end_s : float or None
        None where it was not marked.
    peak_s : float
    """

    lead: str
    kind: str
    onset_s: float | None
    peak_s: float
    end_s: float | None


def iter_annotated(folder: Path) -> Iterator[tuple[str, EcgRecord, tuple[AnnotatedWave, ...]]]:
    """Yield (name, record, waves) for every WFDB record of a folder that has annotations, in order of names.

    Annotations of leads that the record does not have are passed over.

    Raises
    ------
    BadRecord
        Where no record has annotations, or a file cannot be read.
    """
    headers = sorted(folder.rglob("*.hea"), key=lambda path: (path.parent, len(path.stem), path.stem))
    count = 0
    for header in headers:
        files = _annotation_files(header)
        if files:
            count += 1
            record = read(header)
            own = {lead: file for lead, file in files.items() if lead in record.leads}
            waves = [wave for lead, file in own.items() for wave in _read_lead(file, lead, record.fs_hz)]
            yield header.stem, record, tuple(waves)
    if not count:
        raise BadRecord(
            f"{folder} holds no WFDB record with a file of annotations for each lead (as 7.hea with 7.ii for lead II)"
        )


def _annotation_files(header: Path) -> dict[str, Path]:
    """Return the files of annotations beside a header, by lead."""
    files = {}
    for file in header.parent.glob(f"{header.stem}.*"):
        lead = canonical_lead(file.suffix.removeprefix("."))
        if lead is not None:
            files[lead] = file
    return files


def _read_lead(file: Path, lead: str, fs_hz: float) -> list[AnnotatedWave]:
    """Return the waves of one lead."""
    wfdb = import_optional("wfdb", "wfdb", "reading WFDB annotations")
    check_file(file)  # wfdb takes an empty file for one without marks
    with reading(file, "WFDB annotations"):
        annotation = wfdb.rdann(str(file.with_suffix("")), file.suffix.removeprefix("."))
        marks = [(symbol, sample / fs_hz) for symbol, sample in zip(annotation.symbol, annotation.sample, strict=True)]
    waves: list[AnnotatedWave] = []
    for place, (symbol, time_s) in enumerate(marks):
        if symbol in _KINDS:
            before = marks[place - 1] if place else ("", 0.0)
            after = marks[place + 1] if place + 1 < len(marks) else ("", 0.0)
            onset_s, end_s = before[1] if before[0] == "(" else None, after[1] if after[0] == ")" else None
            waves.append(AnnotatedWave(lead, _KINDS[symbol], onset_s, time_s, end_s))
    return waves
