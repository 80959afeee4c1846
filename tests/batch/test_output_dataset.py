"""The dataset of a run: a part of records after the other, and one row a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgimg.batch.page_task import NUMBER_COLUMNS
from ecgimg.measurement.page_numbers import MAIN_NAMES
from ecgimg.reasons import ReasonCode

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
pytest.importorskip("fsspec", reason="the batch extra is not installed")


def test_records_of_run(done: Path):
    """The records are a Parquet dataset with signals, sources, confidence and findings."""
    parts = sorted((done / "records").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
    table = parquet.read_table(done / "records")
    assert table.column("page_id").to_pylist() == [
        "three.tif",
        "three.tif-p2",
        "ward a/one.png",
        "ward b/older/two.jpg",
    ]
    row = table.to_pylist()[0]
    assert (row["fs_hz"], row["units"]) == (500.0, "mV")
    signal = np.array(row["II"])
    assert len(signal) == len(row["V6"]) >= 2500
    assert 0.2 < np.nanmax(signal) - np.nanmin(signal) < 10
    assert row["V9"] is None
    assert row["sources"]["px_per_mm"] in ("grid", "width")
    assert 0 <= row["confidence"]["II"] <= 1
    assert row["seconds_seen"]["II"] > 2
    assert 0 <= row["probability"]["AFIB"] <= 1


def test_measurements_of_run(done: Path):
    """Both tables hold the main numbers, null and with a code where one is not given, and the records the ST levels."""
    records = {row["page_id"]: row for row in parquet.read_table(done / "records").to_pylist()}
    pages = {row["page_id"]: row for row in parquet.read_table(done / "pages.parquet").to_pylist()}
    for page_id, record in records.items():
        assert 30 < record["rate_bpm"] < 250
        assert 40 < record["qrs_ms"] < 250
        assert {name: record[name] for name in NUMBER_COLUMNS} == {
            name: pages[page_id][name] for name in NUMBER_COLUMNS
        }
        missing = [name for name in MAIN_NAMES if record[name] is None]
        assert bool(missing) == bool(record["measurement_reason_codes"])
        assert all(ReasonCode.named(code) for code in record["measurement_reason_codes"])
        assert record["st_j60_mv"]["V9"] is None
    assert any(record["st_j60_mv"]["II"] is not None for record in records.values())
    assert pages["ward b/copy.png"]["rate_bpm"] == pages["ward a/one.png"]["rate_bpm"]
    for page_id in ("blank.png", "ward a/broken.pdf"):
        assert {pages[page_id][name] for name in MAIN_NAMES} == {None}
        assert pages[page_id]["measurement_reason_codes"] is None


def test_version_of_tables(done: Path):
    """The version of both tables stands in their metadata."""
    for file in (done / "pages.parquet", done / "records/part-00000.parquet"):
        assert parquet.read_schema(file).metadata[b"version"] == b"5"


def test_table_of_pages(done: Path):
    """Every page has a row: read, refused, failed or duplicate."""
    rows = {row["page_id"]: row for row in parquet.read_table(done / "pages.parquet").to_pylist()}
    assert len(rows) == 7
    assert rows["ward b/copy.png"]["duplicate_of"] == "ward a/one.png"
    assert rows["ward b/copy.png"]["layout"] == rows["ward a/one.png"]["layout"]
    assert rows["ward a/broken.pdf"]["status"] == "failed"
    assert "broken.pdf" in rows["ward a/broken.pdf"]["reasons"][0]
    assert rows["ward a/broken.pdf"]["reason_codes"] == ["unreadable_file"]
    assert rows["blank.png"]["status"] == "refused"
    assert rows["three.tif-p2"]["page"] == 2
    assert len(rows["three.tif"]["sha256"]) == 64


def test_records_in_other_readers(done: Path):
    """DuckDB, Polars and pandas read the same records."""
    duckdb, polars, pandas = (pytest.importorskip(name) for name in ("duckdb", "polars", "pandas"))
    query = f"SELECT count(*), max(len(II)), min(confidence.II) FROM '{done}/records/*.parquet'"
    ((count, samples, confidence),) = duckdb.sql(query).fetchall()
    frame = polars.read_parquet(done / "records/*.parquet")
    assert (frame.height, frame["II"].list.len().max()) == (count, samples)
    assert frame["confidence"].struct.field("II").min() == pytest.approx(confidence)
    assert len(pandas.read_parquet(done / "records")) == count
