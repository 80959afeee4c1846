"""The ledger of a run, an SQLite file: the pages of the archive, the row of each, and whether it is in the dataset."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgimg.batch.page_task import ArchivePage
from ecgimg.batch.source_files import SourceFile
from ecgimg.errors import BadOutput, BadRequest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (url TEXT PRIMARY KEY, stamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS units (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, page INTEGER NOT NULL, sha256 TEXT NOT NULL,
    layout TEXT, speed_mm_s REAL, gain_mm_mv REAL,
    duplicate_of INTEGER,         -- the first page with the same content, which is read in its place
    status TEXT,                  -- NULL until it is read
    row TEXT,                     -- its row of the table of pages, JSON
    written INTEGER NOT NULL DEFAULT 0,  -- whether its part of the dataset holds it
    UNIQUE (url, page)
);
CREATE INDEX IF NOT EXISTS units_content ON units (sha256, page);
CREATE INDEX IF NOT EXISTS units_status ON units (status);
"""
_PAGE_COLUMNS = "number, name, url, page, sha256, layout, speed_mm_s, gain_mm_mv"


@dataclass(frozen=True)
class Entry:
    """One page of the ledger: the page, the number of the page it duplicates, and its row once it is read."""

    page: ArchivePage
    duplicate_of: int | None
    row: Mapping[str, Any] | None


class Ledger:
    """An SQLite file in WAL mode, held by one run at a time. Every change is committed before its method returns.

    Raises
    ------
    BadRequest
        When another run holds the file.
    BadOutput
        When the file is damaged, or the disk refuses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=2)  # an earlier run may just be ending
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            # the exclusive lock is taken by the first write, and a run must learn now that another holds it
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("COMMIT")
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise BadRequest(f"another run is at work with {path}; wait for it, or use another folder") from None
            raise BadOutput(f"the ledger {path} cannot be written ({error}); is there room on the disk?") from None
        except sqlite3.DatabaseError as error:
            raise BadOutput(f"the ledger {path} is damaged ({error}); use another folder, or remove it") from None

    def close(self) -> None:
        """Close the file. Committed changes are kept even without this."""
        self._db.close()

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Note how this run reads pages; `BadRequest` where the ledger was begun with other settings."""
        now_json = json.dumps(settings, sort_keys=True)
        # the settings of the first run stay
        self._change("INSERT OR IGNORE INTO meta VALUES ('settings', ?)", (now_json,))
        (before_json,) = self._db.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
        before, now = json.loads(before_json), json.loads(now_json)
        for key in now:
            if before.get(key) != now[key]:
                raise BadRequest(
                    f"these outputs were begun with {key} {before.get(key)!r}, not {now[key]!r}; use the same setting "
                    "again, begin anew (--restart), or use another folder"
                )

    def settings(self) -> dict[str, Any] | None:
        """Return how the first run read pages, or None where there was none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
        return json.loads(row[0]) if row else None

    def begin_restart(self) -> None:
        """Note that the outputs are being removed, so that a later run goes on with it."""
        self._change("INSERT OR REPLACE INTO meta VALUES ('restarting', 'yes')")

    def is_restarting(self) -> bool:
        """Tell whether a run was killed while it removed the outputs."""
        return self._db.execute("SELECT 1 FROM meta WHERE key = 'restarting'").fetchone() is not None

    def clear(self) -> None:
        """Forget all pages, files and settings."""
        with self._transaction():
            for table in ("units", "files", "meta"):
                self._db.execute(f"DELETE FROM {table}")

    def new_or_changed(self, files: Iterable[SourceFile]) -> list[SourceFile]:
        """Return the files that are new, or have changed since they were entered."""
        stamps = dict(self._db.execute("SELECT url, stamp FROM files"))
        return [file for file in files if stamps.get(_stored(file.url)) != _stamp(file)]

    def enter(self, file: SourceFile, sha256: str, n_pages: int) -> None:
        """Enter the pages of a file, or enter them anew where it has changed."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (_stored(file.url), _stamp(file)))
            # a changed file may have fewer pages; those that it still has keep their numbers, and so their parts
            self._db.execute("DELETE FROM units WHERE url = ? AND page > ?", (_stored(file.url), n_pages))
            for page in range(1, n_pages + 1):
                name = file.name if page == 1 else f"{file.name}-p{page}"
                self._db.execute(
                    "INSERT INTO units (number, name, url, page, sha256, layout, speed_mm_s, gain_mm_mv) "
                    "VALUES ((SELECT coalesce(max(number), -1) + 1 FROM units), ?, ?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT (url, page) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, "
                    "layout = excluded.layout, speed_mm_s = excluded.speed_mm_s, gain_mm_mv = excluded.gain_mm_mv, "
                    "status = NULL, row = NULL, duplicate_of = NULL, written = 0",
                    (name, _stored(file.url), page, sha256, *file.reading_settings),
                )

    def mark_duplicates(self) -> None:
        """Note of each page the first one that has the same content and settings."""
        # copies that a manifest has read with other settings are no duplicates
        self._change(
            "UPDATE units SET duplicate_of = (SELECT min(other.number) FROM units other WHERE "
            "other.sha256 = units.sha256 AND other.page = units.page AND other.layout IS units.layout AND "
            "other.speed_mm_s IS units.speed_mm_s AND other.gain_mm_mv IS units.gain_mm_mv) WHERE sha256 != ''"
        )
        self._change("UPDATE units SET duplicate_of = NULL WHERE duplicate_of = number")

    def reopen_refused(self) -> None:
        """Mark refused and failed pages as still to be read."""
        self._change("UPDATE units SET status = NULL, row = NULL, written = 0 WHERE status IN ('refused', 'failed')")

    def pending(self, limit: int | None = None) -> list[ArchivePage]:
        """Return the pages that are still to be read, in order."""
        rows = self._db.execute(
            f"SELECT {_PAGE_COLUMNS} FROM units WHERE status IS NULL AND duplicate_of IS NULL ORDER BY number LIMIT ?",
            (-1 if limit is None else limit,),
        )
        return [_page(*row) for row in rows]

    def is_pending(self, number: int) -> bool:
        """Tell whether a page is still to be read."""
        rows = self._db.execute("SELECT 1 FROM units WHERE number = ? AND status IS NULL", (number,))
        return rows.fetchone() is not None

    def finish(self, number: int, row: Mapping[str, Any]) -> None:
        """Note the row of a page that was read."""
        values = (row["status"], json.dumps(row, sort_keys=True), number)
        self._change("UPDATE units SET status = ?, row = ?, written = 0 WHERE number = ?", values)

    def entries(self, first: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Yield the pages from one number to before another, in order."""
        rows = self._db.execute(
            f"SELECT {_PAGE_COLUMNS}, duplicate_of, row FROM units WHERE number >= ? AND number < ? ORDER BY number",
            (first, 1 << 62 if end is None else end),
        )
        for *page, duplicate_of, row in rows:
            yield Entry(_page(*page), duplicate_of, json.loads(row) if row else None)

    def is_complete(self, first: int, end: int) -> bool:
        """Tell whether no page from one number to before another is still to be read."""
        rows = self._db.execute(
            "SELECT 1 FROM units WHERE number >= ? AND number < ? AND status IS NULL AND duplicate_of IS NULL LIMIT 1",
            (first, end),
        )
        return rows.fetchone() is None

    def unwritten(self) -> list[int]:
        """Return the numbers of the pages that are read, and in no part of the dataset yet."""
        rows = self._db.execute("SELECT number FROM units WHERE status IS NOT NULL AND NOT written ORDER BY number")
        return [number for (number,) in rows]

    def note_written(self, first: int, end: int) -> None:
        """Note that the part with the pages from `first` to before `end` is written."""
        self._change(
            "UPDATE units SET written = 1 WHERE number >= ? AND number < ? AND status IS NOT NULL", (first, end)
        )

    def counts(self) -> dict[str, int]:
        """Return the number of pages of each status, and of those that are ``pending`` or a ``duplicate``."""
        rows = self._db.execute(
            "SELECT CASE WHEN duplicate_of IS NOT NULL THEN 'duplicate' ELSE coalesce(status, 'pending') END, count(*) "
            "FROM units GROUP BY 1 ORDER BY 1"
        )
        return dict(rows)

    def snapshot(self) -> bytes:
        """Return the ledger as one file."""
        # in WAL mode the last changes lie in a file beside it
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.read_bytes()

    def _change(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise BadOutput(f"the ledger {self.path} cannot be written ({error}); is there room on the disk?") from None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit all changes of a block, or none of them."""
        self._change("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:  # also an interruption by the keyboard
            self._change("ROLLBACK")
            raise
        self._change("COMMIT")


def _stored(url: str) -> str | bytes:
    """Return what the ledger holds of a path: bytes where those on the disk are no text, as of old archives."""
    encoded = os.fsencode(url)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded


def _page(number: int, name: str, url: str | bytes, *others: Any) -> ArchivePage:
    return ArchivePage(number, name, os.fsdecode(url), *others)


def _stamp(file: SourceFile) -> str:
    """Return what tells whether a file has to be read again: its own stamp and its line of the manifest."""
    return json.dumps([file.stamp, *file.reading_settings])
