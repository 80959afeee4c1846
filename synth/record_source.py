"""Where the records of pages come from: files, a Python iterable, or the simulated heart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgimg.errors import BadRecord
from ecgimg.formats import iter_records, record_files
from ecgimg.leads import KNOWN_LEADS, STANDARD_LEADS
from ecgimg.record import EcgRecord
from ecgimg.resample import resample
from layouts import Layout
from synth.heart import make_random_heart_spec, simulate

DRAWN_FS_HZ = 500.0
# Below this rate the samples of a QRS are so far apart that straight strokes between them show.
_MIN_DRAWN_FS_HZ = 250.0
# Frank leads are vectors of their own, which the simulated heart does not print.
_HEART_LEADS = tuple(name for name in KNOWN_LEADS if name not in {"X", "Y", "Z"})


@dataclass(frozen=True, eq=False)
class SourcedRecord:
    """A record to draw, its diagnostic statements where they are known, and where it comes from."""

    record: EcgRecord
    labels: tuple[str, ...]
    origin: dict[str, Any]


Records = str | Path | Iterable[tuple[str, EcgRecord]] | None


def cycle_records(records: Records, layouts: Sequence[Layout]) -> Iterator[tuple[str, EcgRecord] | None]:
    """Yield (id, record) for ever, from the start again at the end; None for the simulated heart, for ever.

    A record that cannot be read, holds no value, or has the leads of none of `layouts` is passed over, as long as
    there is one that can be drawn.

    Raises
    ------
    BadRecord
        When there is none, with the reason of the last one.
    """
    while records is None:
        yield None
    pool = records if isinstance(records, str | Path) else list(records)
    while True:
        yield from _drawable_records(pool, layouts)


def _drawable_records(
    pool: str | Path | list[tuple[str, EcgRecord]], layouts: Sequence[Layout]
) -> Iterator[tuple[str, EcgRecord]]:
    """Yield the records of one round that can be drawn (`BadRecord` where there is none)."""
    # Counted in every round: records that were all passed over must not loop for ever.
    count, reason = 0, BadRecord("the list of records is empty; there is nothing to draw")
    for outcome in _records_and_errors(pool):
        problem = outcome if isinstance(outcome, BadRecord) else _undrawable(*outcome, layouts)
        if problem is not None:
            reason = problem
        elif not isinstance(outcome, BadRecord):
            count += 1
            yield outcome
    if not count:
        raise reason


def _records_and_errors(pool: str | Path | list[tuple[str, EcgRecord]]) -> Iterator[tuple[str, EcgRecord] | BadRecord]:
    """Yield records, and in the place of a file that cannot be read, the reason."""
    if isinstance(pool, list):
        yield from pool
        return
    path = Path(pool)
    for file in record_files(path) if path.is_dir() else [path]:
        try:
            yield from iter_records(file)
        except BadRecord as error:
            yield error


def _undrawable(name: str, record: EcgRecord, layouts: Sequence[Layout]) -> BadRecord | None:
    if not record.known.any():
        return BadRecord(f"the record {name} has no value at all (all NaN): there is nothing to draw")
    if not drawable_layouts(record, layouts):
        if set(layouts[0].record_leads) <= set(record.leads):
            seconds = f"{record.duration_s:g} s, and the rows of {layouts[0].name} show {layouts[0].duration_s:g} s"
            return BadRecord(f"the record {name} lasts {seconds}; choose another layout")
        lacking = [lead for lead in layouts[0].record_leads if lead not in record.leads]
        return BadRecord(f"the record {name} has no lead {', '.join(lacking)}, which {layouts[0].name} prints")
    return None


def drawable_layouts(record: EcgRecord, layouts: Sequence[Layout]) -> list[Layout]:
    """Return those layouts all of whose leads the record has; of rows that follow each other, all of whose seconds."""
    return [
        layout
        for layout in layouts
        if set(layout.record_leads) <= set(record.leads)
        and (not layout.has_consecutive_rows or record.duration_s >= layout.duration_s)
    ]


def prepare_record(item: tuple[str, EcgRecord] | None, layout: Layout, rng: np.random.Generator) -> SourcedRecord:
    """Make a record ready to be drawn in `layout`: simulate it, or cut a window out of a longer one.

    Records of fewer than 250 samples a second are brought to 500 Hz first, since a pen draws curves, not corners.

    Raises
    ------
    BadRecord
        When the record lacks a lead of the layout.
    """
    if item is None:
        return _simulated_record(layout, rng)
    name, record = item
    if record.fs_hz < _MIN_DRAWN_FS_HZ:
        record = resample(record, DRAWN_FS_HZ)
    # A long record shows another window each time it is drawn.
    spare = record.n_samples - round(max(layout.duration_s, 10.0) * record.fs_hz)
    start = int(rng.integers(0, spare + 1)) if spare > 0 else 0
    if start:
        record = EcgRecord(record.signals[:, start:], record.fs_hz, record.leads)
    return SourcedRecord(record, (), {"source": "record", "record_id": str(name), "start_s": start / record.fs_hz})


def _simulated_record(layout: Layout, rng: np.random.Generator) -> SourcedRecord:
    spec = make_random_heart_spec(rng)
    leads = STANDARD_LEADS if set(layout.record_leads) <= set(STANDARD_LEADS) else _HEART_LEADS
    beats = simulate(spec, rng, duration_s=max(layout.duration_s, 10.0), fs_hz=DRAWN_FS_HZ, leads=leads)
    return SourcedRecord(beats.record, beats.labels, {"source": "simulated heart", "heart": asdict(spec)})
