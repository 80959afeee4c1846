"""Cut the rows into leads, reconcile what the page shows more than once, and put the leads into a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.signals.consistency import consistency_db
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_error_mv, slot_signal_mv
from ecgimg.digitization.signals.reconcile import SlotReading, reconcile
from ecgimg.leads import KNOWN_LEADS, STANDARD_LEADS
from ecgimg.record import EcgRecord
from layouts import Slot


@dataclass(frozen=True, eq=False)
class LeadRecord:
    """The leads of a page.

    Parameters
    ----------
    record : EcgRecord
        500 Hz, NaN where the page shows nothing.
    as_read : tuple of SlotReading
        Every cell and strip before anything was reconciled.
    consistency_db : mapping
        How well the page agrees with itself as it was read, see `consistency_db`.
    record_consistency_db : mapping
        How well the record agrees with itself.
    reconciled : tuple of str
        Leads whose samples were moved.
    """

    record: EcgRecord
    as_read: tuple[SlotReading, ...]
    consistency_db: dict[str, float]
    record_consistency_db: dict[str, float]
    reconciled: tuple[str, ...]


def make_record(rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale) -> LeadRecord:
    """Return the leads of rows that a layout lies on; `scale` has the zero level of each row."""
    layout = interpretation.layout
    leads = tuple(lead for lead in KNOWN_LEADS if lead in STANDARD_LEADS or lead in layout.record_leads)
    as_read = tuple(_slot_reading(slot, rows[slot.row], interpretation, scale) for slot in layout.slots())
    # Measured before reconciling, which makes the leads agree whether they were read rightly or not.
    agreement = consistency_db([(cell.slot, cell.signal_mv) for cell in as_read], FS_HZ)
    signals = reconcile(as_read)
    record = _record(as_read, signals, leads, round(layout.duration_s * FS_HZ))
    moved = _moved(as_read, signals)
    cells = [(cell.slot, _of_record(record, cell)) for cell in as_read if cell.slot.column is not None]
    return LeadRecord(
        record, as_read, agreement, consistency_db(cells, FS_HZ), tuple(lead for lead in leads if lead in moved)
    )


def _of_record(record: EcgRecord, cell: SlotReading) -> Floats:
    """Return what the record holds (n,) mV where a cell was read."""
    part = slice(cell.first_sample, cell.first_sample + len(cell.signal_mv))
    return np.asarray(record.lead(cell.slot.lead)[part], np.float64)


def _slot_reading(slot: Slot, row: RowTrace, interpretation: Interpretation, scale: Scale) -> SlotReading:
    where = slot, interpretation.layout, row, interpretation.start_px, scale
    return SlotReading(slot, slot_signal_mv(*where, scale.zero_px[slot.row]), slot_error_mv(*where))


def _moved(as_read: Sequence[SlotReading], signals: Sequence[Floats]) -> set[str]:
    """Return the leads whose signals are no longer those that were read."""
    return {
        cell.slot.lead
        for cell, signal in zip(as_read, signals, strict=True)
        if not np.array_equal(cell.signal_mv, signal, equal_nan=True)
    }


def _record(as_read: Sequence[SlotReading], signals: Sequence[Floats], leads: tuple[str, ...], n: int) -> EcgRecord:
    """Put signals where they belong in a record of n samples; of a cell and a strip, the better read one counts."""
    values, errors_mv = np.full((len(leads), n), np.nan), np.full((len(leads), n), np.inf)
    strips_first = sorted(zip(as_read, signals, strict=True), key=lambda pair: pair[0].slot.column is not None)
    for cell, signal in strips_first:
        window = leads.index(cell.slot.lead), slice(cell.first_sample, cell.first_sample + len(signal))
        part_mv, part_error_mv = values[window], errors_mv[window]
        own_mv, own_error_mv = signal[: len(part_mv)], cell.error_mv[: len(part_mv)]
        # what the laws of the limb leads moved is backed by them
        is_backed = not np.array_equal(cell.signal_mv, signal, equal_nan=True)
        is_better = is_backed or np.median(own_error_mv) < np.median(part_error_mv)
        is_taken = np.isfinite(own_mv) & (np.isnan(part_mv) | is_better)
        part_mv[is_taken], part_error_mv[is_taken] = own_mv[is_taken], own_error_mv[is_taken]
    return EcgRecord(values.astype(np.float32), FS_HZ, leads)
