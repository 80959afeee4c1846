"""What the commands share: where they print, and how they read records with labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ecgimg.errors import BadRequest

if TYPE_CHECKING:
    from ecgimg.classification.labelled_records import LabelledRecords

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def labelled(
    records: list[Path],
    labels: list[Path] | None,
    uncertain: list[Path] | None = None,
    uncertain_labels: list[Path] | None = None,
    folds: str = "",
) -> LabelledRecords:
    """Read and join all sources; a single table of labels serves all records of its kind."""
    from ecgimg.classification.labelled_records import joined, parse_folds, read_labelled

    parts = []
    for paths, tables, gain_known in ((records, labels, True), (uncertain or [], uncertain_labels, False)):
        given: list[Path | None] = [*(tables or [])]
        if len(given) not in (0, 1, len(paths)):
            raise BadRequest(f"there are {len(paths)} sources of records and {len(given)} tables of labels for them")
        # One table may hold the labels of all sources.
        wanted = given * len(paths) if len(given) == 1 else given or [None] * len(paths)
        parts += [read_labelled(path, table, gain_known=gain_known) for path, table in zip(paths, wanted, strict=True)]
    data = joined(parts)
    data = parse_folds(data, folds) if folds else data
    ERR.print(f"{len(data)} records with labels", markup=False)
    return data
