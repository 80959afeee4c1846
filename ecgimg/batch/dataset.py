"""The outputs of a run as Parquet: a row a record in ``records/``, a row a page in ``pages.parquet``.

A finished page waits in a spool, a file of its own, until its part of the dataset is complete; which part a page
stands in depends on its number alone, so that a run that was killed writes the same parts as one that was not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ecgimg._atomic_files import atomic_path
from ecgimg._optional_packages import import_optional
from ecgimg.batch.ledger import Entry, Ledger
from ecgimg.batch.store import Store
from ecgimg.batch.work import PageResult, Unit
from ecgimg.classification.labels import LABELS
from ecgimg.record import KNOWN_LEADS

PAGES_PER_PART = 256

_FACTS = ("layout", "layout_confidence", "speed_mm_s", "gain_mm_mv", "chest_gain_mm_mv", "px_per_mm", "rotation_deg")
_REASONS = ("reason_codes", "reasons")  # codes for programs, and their texts for people
_PENDING: Mapping[str, Any] = {"status": "pending", "reason_codes": [], "reasons": []}
_SOURCES = ("px_per_mm", "speed", "gain")  # where each number is from, as in `Digitization.sources`


def record_schema(classified: bool) -> Any:
    """Return the Arrow schema of the records."""
    arrow = import_optional("pyarrow", "pyarrow", "the dataset of an archive", extra="batch")
    facts = {"layout": arrow.string(), "rotation_deg": arrow.int16()}
    fields = [(name, arrow.string()) for name in ("page_id", "source")]
    fields += [("page", arrow.int32()), ("sha256", arrow.string()), ("status", arrow.string())]
    fields += [("fs_hz", arrow.float32()), ("units", arrow.string())]
    fields += [(lead, arrow.list_(arrow.float32())) for lead in KNOWN_LEADS]
    fields += [("confidence", arrow.struct([(lead, arrow.float32()) for lead in KNOWN_LEADS]))]
    fields += [("seconds_seen", arrow.struct([(lead, arrow.float32()) for lead in KNOWN_LEADS]))]
    fields += [(name, facts.get(name, arrow.float32())) for name in _FACTS]
    fields += [("sources", arrow.struct([(name, arrow.string()) for name in _SOURCES]))]
    fields += [(name, arrow.list_(arrow.string())) for name in _REASONS] + [("version", arrow.string())]
    if classified:
        fields += [("probability", arrow.struct([(label, arrow.float32()) for label in LABELS]))]
    return arrow.schema(fields, metadata={"format": "ecgimg-records", "version": "2", "unit": "mV"})


def page_schema() -> Any:
    """Return the Arrow schema of the table of pages."""
    arrow = import_optional("pyarrow", "pyarrow", "the table of pages", extra="batch")
    text, number = arrow.string(), arrow.float32()
    fields = [("page_id", text), ("source", text), ("page", arrow.int32()), ("sha256", text), ("duplicate_of", text)]
    fields += [("status", text), *((name, arrow.list_(text)) for name in _REASONS)]
    fields += [(name, {"layout": text, "rotation_deg": arrow.int16()}.get(name, number)) for name in _FACTS]
    fields += [("lead_confidence", number), ("present", arrow.list_(text)), ("overlay", text)]
    fields += [("seconds", number), ("version", text)]
    return arrow.schema(fields, metadata={"format": "ecgimg-pages", "version": "2"})


class Dataset:
    """The parts of a dataset in a store, and the spool of what is not yet in them."""

    def __init__(self, store: Store, spool: Path, *, classified: bool, per_part: int = PAGES_PER_PART) -> None:
        self.store, self.folder, self.per_part = store, spool, per_part
        self.schema = record_schema(classified)
        self._parquet = import_optional("pyarrow.parquet", "pyarrow", "the dataset of an archive", extra="batch")
        self._arrow = import_optional("pyarrow", "pyarrow", "the dataset of an archive", extra="batch")
        spool.mkdir(parents=True, exist_ok=True)

    def keep(self, unit: Unit, result: PageResult) -> None:
        """Put a finished page, read or not, into the spool."""
        rows = [_record_row(unit, result)] if result.record is not None else []
        table = self._arrow.Table.from_pylist(rows, schema=self.schema)
        table = table.replace_schema_metadata({"row": json.dumps(result.row, sort_keys=True)})
        with atomic_path(self._spooled(unit.number)) as draft:
            self._parquet.write_table(table, draft, compression="zstd")

    def recover(self, ledger: Ledger) -> None:
        """Enter pages that were finished and spooled, but not entered, when a run was killed."""
        for file in sorted(self.folder.glob("*.parquet")):
            number = int(file.stem)
            if ledger.is_pending(number):
                metadata = self._parquet.read_schema(file).metadata
                ledger.finish(number, json.loads(metadata[b"row"]))
        for draft in self.folder.glob(".writing-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take pages that are to be read again out of the spool."""
        for number in numbers:
            self._spooled(number).unlink(missing_ok=True)

    def write_part_of(self, number: int, ledger: Ledger) -> bool:
        """Write the part that a page stands in, if no other page of it is still to be read; tells whether it was."""
        part = number // self.per_part
        complete = ledger.is_complete(part * self.per_part, (part + 1) * self.per_part)
        if complete:
            self._write_part(part, ledger)
        return complete

    def write_rest(self, ledger: Ledger) -> None:
        """Write every part that lacks a finished page."""
        for part in sorted({number // self.per_part for number in ledger.unwritten()}):
            self._write_part(part, ledger)

    def _write_part(self, part: int, ledger: Ledger) -> None:
        first, end = part * self.per_part, (part + 1) * self.per_part
        entries = [entry for entry in ledger.entries(first, end) if entry.row is not None]
        name = f"records/part-{part:05d}.parquet"
        before = self._table_before(name)
        places = {page_id: place for place, page_id in enumerate(before.column("page_id").to_pylist())}
        tables = [self.schema.empty_table()]
        for entry in entries:
            spooled = self._spooled(entry.unit.number)
            if spooled.is_file():
                tables.append(self._parquet.read_table(spooled, schema=self.schema))
            elif entry.unit.name in places:
                tables.append(before.slice(places[entry.unit.name], 1))
        table = self._arrow.concat_tables(tables).replace_schema_metadata(self.schema.metadata).combine_chunks()
        if len(table) or places:
            self.store.write(name, self._encoded(table))
        ledger.note_written(first, end)
        self.forget(entry.unit.number for entry in entries)

    def _table_before(self, name: str) -> Any:
        """Return what a part holds already."""
        content = self.store.read(name)
        if content is None:
            return self.schema.empty_table()
        return self._parquet.read_table(self._arrow.BufferReader(content), schema=self.schema)

    def write_pages(self, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Write the table of pages; returns its rows."""
        rows = page_rows(entries)
        table = self._arrow.Table.from_pylist(rows, schema=page_schema())
        self.store.write("pages.parquet", self._encoded(table))
        return rows

    def _encoded(self, table: Any) -> bytes:
        sink = self._arrow.BufferOutputStream()
        self._parquet.write_table(table, sink, compression="zstd", write_page_checksum=True)
        content: bytes = sink.getvalue().to_pybytes()
        return content

    def _spooled(self, number: int) -> Path:
        return self.folder / f"{number:09d}.parquet"


def page_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the table of pages; a duplicate has what its first page has, and ``pending`` is what is not done."""
    all_entries = list(entries)
    done = {entry.unit.number: entry for entry in all_entries}
    rows = []
    for entry in all_entries:
        first = done.get(entry.duplicate_of) if entry.duplicate_of is not None else entry
        told: Mapping[str, Any] = (first.row if first is not None else None) or {
            "status": "pending",
            "reason_codes": [],
            "reasons": [],
        }
        unit = entry.unit
        own = {"page_id": unit.name, "source": unit.url, "page": unit.page, "sha256": unit.sha256}
        of = first.unit.name if first is not None and first is not entry else None
        rows.append({**{key: value for key, value in told.items() if key not in own}, **own, "duplicate_of": of})
    return rows


def _record_row(unit: Unit, result: PageResult) -> dict[str, Any]:
    assert result.record is not None
    record, told = result.record, result.row
    leads: Mapping[str, Mapping[str, float]] = told["leads"]
    row = {name: told[name] for name in (*_FACTS, *_REASONS, "status", "sources", "version")}
    row |= {"page_id": unit.name, "source": unit.url, "page": unit.page, "sha256": unit.sha256}
    row |= {"fs_hz": record.fs_hz, "units": "mV"}
    row |= {lead: record.lead(lead) for lead in record.leads}
    row["confidence"] = {lead: about["confidence"] for lead, about in leads.items()}
    row["seconds_seen"] = {lead: about["seconds"] for lead, about in leads.items()}
    return row | ({"probability": dict(result.probabilities)} if result.probabilities else {})
