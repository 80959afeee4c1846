"""The outputs of a run as Parquet: ``records/`` has a row for each record, ``pages.parquet`` one for each page.

A finished page waits in the spool, as a file of its own, until its part of the dataset is complete. The number of a
page alone decides which part holds it, so that a run that was killed writes the same parts as one that was not.
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
from ecgimg.batch.output_store import OutputStore
from ecgimg.batch.page_task import FACT_COLUMNS, NUMBER_COLUMNS, ArchivePage, PageResult
from ecgimg.batch.source_files import as_text
from ecgimg.classification.labels import LABELS
from ecgimg.leads import KNOWN_LEADS
from ecgimg.measurement.page_numbers import ST_NAME
from ecgimg.reporting.statement import Grade

SCHEMA_VERSION = "5"
"""Version of both tables: 5 has the names of the files of other formats."""

PAGES_PER_PART = 256
"""Pages in one Parquet file of the records."""

_REASON_COLUMNS = ("reason_codes", "reasons")  # codes for programs, and their texts for people
_PENDING_ROW: Mapping[str, Any] = {"status": "pending", "reason_codes": [], "reasons": []}
_SOURCES = ("px_per_mm", "speed", "gain")  # keys of `Digitization.sources`


def part_name(part: int) -> str:
    """Return where a part of the records lies among the outputs."""
    return f"records/part-{part:05d}.parquet"


def record_schema(classified: bool) -> Any:
    """Return the Arrow schema of the records."""
    arrow = import_optional("pyarrow", "pyarrow", "the dataset of an archive", extra="batch")
    types = {"layout": arrow.string(), "rotation_deg": arrow.int16()}
    fields = [(name, arrow.string()) for name in ("page_id", "source")]
    fields += [("page", arrow.int32()), ("sha256", arrow.string()), ("status", arrow.string())]
    fields += [("fs_hz", arrow.float32()), ("units", arrow.string())]
    fields += [(lead, arrow.list_(arrow.float32())) for lead in KNOWN_LEADS]
    fields += [("confidence", arrow.struct([(lead, arrow.float32()) for lead in KNOWN_LEADS]))]
    fields += [("seconds_seen", arrow.struct([(lead, arrow.float32()) for lead in KNOWN_LEADS]))]
    fields += [(name, types.get(name, arrow.float32())) for name in FACT_COLUMNS]
    fields += [("sources", arrow.struct([(name, arrow.string()) for name in _SOURCES]))]
    fields += _number_fields(arrow)
    fields += [(ST_NAME, arrow.struct([(lead, arrow.float32()) for lead in KNOWN_LEADS]))]
    fields += [(name, arrow.list_(arrow.string())) for name in _REASON_COLUMNS] + [("version", arrow.string())]
    if classified:
        fields += [("probability", arrow.struct([(label, arrow.float32()) for label in LABELS]))]
    return arrow.schema(fields, metadata={"format": "ecgimg-records", "version": SCHEMA_VERSION, "unit": "mV"})


def page_schema() -> Any:
    """Return the Arrow schema of the table of pages."""
    arrow = import_optional("pyarrow", "pyarrow", "the table of pages", extra="batch")
    text, number = arrow.string(), arrow.float32()
    fields = [("page_id", text), ("source", text), ("page", arrow.int32()), ("sha256", text), ("duplicate_of", text)]
    fields += [("status", text), *((name, arrow.list_(text)) for name in _REASON_COLUMNS)]
    fields += [(name, {"layout": text, "rotation_deg": arrow.int16()}.get(name, number)) for name in FACT_COLUMNS]
    fields += [("lead_confidence", number), *_number_fields(arrow)]
    fields += [*((grade.value, arrow.list_(text)) for grade in Grade), ("overlay", text)]
    fields += [("record_files", arrow.list_(text)), ("seconds", number), ("version", text)]
    return arrow.schema(fields, metadata={"format": "ecgimg-pages", "version": SCHEMA_VERSION})


def _number_fields(arrow: Any) -> list[tuple[str, Any]]:
    """Return the fields of the measurements, null in pages that were not measured."""
    types = {"measurement_reason_codes": arrow.list_(arrow.string())}
    return [(name, types.get(name, arrow.float32())) for name in NUMBER_COLUMNS]


class Dataset:
    """The parts of a dataset in an output store, and the spool of finished pages that are in no part yet."""

    def __init__(self, store: OutputStore, spool: Path, *, classified: bool, per_part: int = PAGES_PER_PART) -> None:
        self.store, self.spool, self.per_part = store, spool, per_part
        self.schema = record_schema(classified)
        self._parquet = import_optional("pyarrow.parquet", "pyarrow", "the dataset of an archive", extra="batch")
        self._arrow = import_optional("pyarrow", "pyarrow", "the dataset of an archive", extra="batch")
        spool.mkdir(parents=True, exist_ok=True)

    def spool_page(self, page: ArchivePage, result: PageResult) -> None:
        """Put a finished page, read or not, into the spool."""
        rows = [_record_row(page, result)] if result.record is not None else []
        table = self._arrow.Table.from_pylist(rows, schema=self.schema)
        # the row for the ledger travels along, so that `recover` needs nothing else
        table = table.replace_schema_metadata({"row": json.dumps(result.row, sort_keys=True)})
        with atomic_path(self._spool_file(page.number)) as draft:
            self._parquet.write_table(table, draft, compression="zstd")

    def recover(self, ledger: Ledger) -> None:
        """Enter the pages that a killed run finished and spooled, but did not enter into the ledger."""
        for file in sorted(self.spool.glob("*.parquet")):
            number = int(file.stem)
            if ledger.is_pending(number):
                metadata = self._parquet.read_schema(file).metadata
                ledger.finish(number, json.loads(metadata[b"row"]))
        # half-written files of the killed run; their pages are read again
        for draft in self.spool.glob(".writing-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def discard_spooled(self, numbers: Iterable[int]) -> None:
        """Remove pages from the spool: they are in a part, or are to be read again."""
        for number in numbers:
            self._spool_file(number).unlink(missing_ok=True)

    def write_part_if_complete(self, number: int, ledger: Ledger) -> bool:
        """Write the part that holds a page once all its pages are read; returns whether it was written."""
        part = number // self.per_part
        complete = ledger.is_complete(part * self.per_part, (part + 1) * self.per_part)
        if complete:
            self._write_part(part, ledger)
        return complete

    def write_open_parts(self, ledger: Ledger) -> None:
        """Write every part that lacks a finished page, complete or not."""
        for part in sorted({number // self.per_part for number in ledger.unwritten()}):
            self._write_part(part, ledger)

    def _write_part(self, part: int, ledger: Ledger) -> None:
        """Write a part from the spool, and keep what it holds already of pages that are not in the spool."""
        first, end = part * self.per_part, (part + 1) * self.per_part
        pages = [entry.page for entry in ledger.entries(first, end) if entry.row is not None]
        file_name = part_name(part)
        written = self._read_part(file_name)
        written_rows = {page_id: row for row, page_id in enumerate(written.column("page_id").to_pylist())}
        tables = [self.schema.empty_table()]  # so that there is always something to concatenate
        for page in pages:
            spooled = self._spool_file(page.number)
            if spooled.is_file():
                tables.append(self._parquet.read_table(spooled, schema=self.schema))
            elif page.name in written_rows:
                tables.append(written.slice(written_rows[page.name], 1))
        table = self._arrow.concat_tables(tables).replace_schema_metadata(self.schema.metadata).combine_chunks()
        if len(table) or written_rows:
            self.store.write(file_name, self._encode(table))
        # only once the part is safe: a run that is killed in between writes it again
        ledger.note_written(first, end)
        self.discard_spooled(page.number for page in pages)

    def _read_part(self, file_name: str) -> Any:
        """Return the table of a part, empty where it is not written yet."""
        content = self.store.read(file_name)
        if content is None:
            return self.schema.empty_table()
        return self._parquet.read_table(self._arrow.BufferReader(content), schema=self.schema)

    def write_pages(self, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Write the table of pages; returns its rows."""
        rows = page_rows(entries)
        table = self._arrow.Table.from_pylist(rows, schema=page_schema())
        self.store.write("pages.parquet", self._encode(table))
        return rows

    def _encode(self, table: Any) -> bytes:
        """Return a table as a Parquet file."""
        sink = self._arrow.BufferOutputStream()
        # checksums tell a reader that a copy of the dataset was damaged
        self._parquet.write_table(table, sink, compression="zstd", write_page_checksum=True)
        content: bytes = sink.getvalue().to_pybytes()
        return content

    def _spool_file(self, number: int) -> Path:
        return self.spool / f"{number:09d}.parquet"


def page_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the rows of the table of pages; a duplicate has the values of its first page."""
    all_entries = list(entries)
    by_number = {entry.page.number: entry for entry in all_entries}
    rows = []
    for entry in all_entries:
        first = by_number.get(entry.duplicate_of) if entry.duplicate_of is not None else entry
        values = (first.row if first is not None else None) or _PENDING_ROW
        identity = _identity(entry.page)
        duplicate_of = first.page.name if first is not None and first is not entry else None
        others = {key: value for key, value in values.items() if key not in identity}
        rows.append({**others, **identity, "duplicate_of": duplicate_of})
    return rows


def _identity(page: ArchivePage) -> dict[str, Any]:
    """Return the columns that say which page a row is about."""
    return {"page_id": page.name, "source": as_text(page.url), "page": page.page, "sha256": page.sha256}


def _record_row(page: ArchivePage, result: PageResult) -> dict[str, Any]:
    assert result.record is not None
    record, page_row = result.record, result.row
    leads: Mapping[str, Mapping[str, float]] = page_row["leads"]
    row = {name: page_row[name] for name in (*FACT_COLUMNS, *_REASON_COLUMNS, "status", "sources", "version")}
    row |= {name: page_row.get(name) for name in (*NUMBER_COLUMNS, ST_NAME)}  # none where nothing was measured
    row |= _identity(page)
    row |= {"fs_hz": record.fs_hz, "units": "mV"}
    row |= {lead: record.lead(lead) for lead in record.leads}
    row["confidence"] = {lead: values["confidence"] for lead, values in leads.items()}
    row["seconds_seen"] = {lead: values["seconds"] for lead, values in leads.items()}
    return row | ({"probability": dict(result.probabilities)} if result.probabilities else {})
