"""Runs over an archive: nothing is done twice, and wrong settings are refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

import ecgimg
from ecgimg.batch import BatchSettings, Task, run_batch
from ecgimg.batch.ledger import Ledger
from ecgimg.errors import BadOutput, BadRequest
from tests.batch.pages import LIGHT, small_pages

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
pytest.importorskip("fsspec", reason="the batch extra is not installed")


def test_run_again_with_new_and_changed_files(archive: Path, tmp_path: Path):
    """No page is read twice, new and changed files are read, and another task is refused."""
    source, out = tmp_path / "in", str(tmp_path / "out")
    source.mkdir()
    shutil.copy(archive / "blank.png", source)
    assert run_batch(str(source), out, LIGHT).read_now == 1
    assert run_batch(str(source), out, LIGHT).read_now == 0
    shutil.copy(archive / "ward a/one.png", source)
    assert run_batch(str(source), out, LIGHT).pages == {"ok": 1, "refused": 1}
    assert run_batch(str(source), out, LIGHT, BatchSettings(retry_refused=True)).read_now == 1
    shutil.copy(archive / "ward b/older/two.jpg", source / "blank.png")  # the file has changed
    assert "refused" not in run_batch(str(source), out, LIGHT).pages
    assert parquet.read_table(tmp_path / "out/records").column("page_id").to_pylist() == ["blank.png", "one.png"]
    with pytest.raises(BadRequest, match="begun with layout 'auto'"):
        run_batch(str(source), out, Task(layout="3x4", overlay=False))


@pytest.mark.slow
def test_run_with_limit(archive: Path, tmp_path: Path):
    """A limit leaves the rest of the pages for the next run."""
    out = str(tmp_path / "out")
    first = run_batch(str(archive), out, LIGHT, BatchSettings(limit=2))
    assert first.read_now == 2
    assert first.pages["pending"] == 4
    assert json.loads((tmp_path / "out/summary.json").read_text())["pages"]["pending"] == 4
    assert run_batch(str(archive), out, LIGHT).read_now == 4


def test_run_without_measuring(archive: Path, tmp_path: Path):
    """A run that does not measure has the same columns, without numbers, and no distribution in its report."""
    source = tmp_path / "in"
    source.mkdir()
    shutil.copy(archive / "ward a/one.png", source)
    run_batch(str(source), str(tmp_path / "out"), Task(overlay=False, measure=False))
    (row,) = parquet.read_table(tmp_path / "out/records").to_pylist()
    assert (row["rate_bpm"], row["st_j60_mv"], row["measurement_reason_codes"]) == (None, None, None)
    assert "Measurements" not in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    with pytest.raises(BadRequest, match="begun with measure False"):
        run_batch(str(source), str(tmp_path / "out"), LIGHT)


def test_run_with_outputs_among_sources(archive: Path, tmp_path: Path):
    """Overlays in the output folder are no pages of the archive."""
    shutil.copy(archive / "ward a/one.png", tmp_path)
    for _ in range(2):
        summary = run_batch(str(tmp_path), str(tmp_path / "out"))
        assert summary.pages == {"ok": 1}


@pytest.mark.parametrize(
    "settings", [BatchSettings(engine="abacus"), BatchSettings(jobs=0), BatchSettings(limit=0)], ids=lambda s: s.engine
)
def test_run_with_wrong_settings(archive: Path, tmp_path: Path, settings: BatchSettings):
    """Settings that cannot work are refused before anything is written."""
    with pytest.raises(BadRequest):
        run_batch(str(archive), str(tmp_path / "out"), Task(), settings)
    assert not (tmp_path / "out").exists()


def test_run_into_unwritable_output(archive: Path, tmp_path: Path):
    """An output that cannot be written is refused."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(BadOutput, match="cannot write"):
        run_batch(str(archive), str(tmp_path / "out"), LIGHT)


def one_page(archive: Path, tmp_path: Path, name: str | bytes = "one.png") -> str:
    """Make a source of one page."""
    source = tmp_path / "in"
    source.mkdir(exist_ok=True)
    shutil.copy(archive / "ward a/one.png", source / os.fsdecode(name))
    return str(source)


def test_run_over_pages_of_any_name(archive: Path, tmp_path: Path):
    """Any name works with WFDB: names are cleaned and kept apart, and the table of pages tells the files."""
    source = one_page(archive, tmp_path, "HB(1).png")
    pages = small_pages(2)
    pages[1].save(tmp_path / "in/HB[1].png")
    (tmp_path / "in" / f"{'Ü' * 120}.png").write_bytes(b"no picture")
    run_batch(source, str(tmp_path / "out"), Task(formats=("wfdb",), measure=False))
    rows = parquet.read_table(tmp_path / "out/pages.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["ok", "limited", "failed"]
    headers = [name for row in rows[:2] for name in row["record_files"] if name.endswith(".hea")]
    assert len(set(headers)) == 2
    for header in headers:
        assert re.fullmatch(r"wfdb/HB_1__png_[0-9a-f]{8}\.hea", header)
        assert ecgimg.read_record(tmp_path / "out" / header).fs_hz == 500
    assert all((tmp_path / "out" / row["overlay"]).is_file() for row in rows[:2])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold names as text")
def test_run_over_name_that_is_no_text(archive: Path, tmp_path: Path):
    """A name in the bytes of an older system is read, and written so that every table takes it."""
    source = one_page(archive, tmp_path, b"M\xfcller.png")
    for read in (1, 0):
        assert run_batch(source, str(tmp_path / "out"), LIGHT).read_now == read
    (row,) = parquet.read_table(tmp_path / "out/pages.parquet").to_pylist()
    assert (row["page_id"], row["status"]) == ("M\\udcfcller.png", "ok")


def test_restart_removes_its_own_alone(archive: Path, tmp_path: Path):
    """A restart with other settings removes what the earlier run wrote, says so, and touches nothing else."""
    source, out = one_page(archive, tmp_path), tmp_path / "out"
    run_batch(source, str(out), Task(formats=("wfdb", "csv"), measure=False))
    for name in ("mine.txt", "wfdb/mine.hea", "records/mine.parquet"):
        (out / name).write_bytes(b"mine")
    notes: list[str] = []
    again = run_batch(source, str(out), LIGHT, BatchSettings(restart=True), lambda step: notes.append(step.note))
    assert again.read_now == 1
    names = {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and ".ecgimg" not in str(path)
    }
    assert names == {
        "mine.txt", "wfdb/mine.hea", "records/mine.parquet", "records/part-00000.parquet", "pages.parquet",
        "report.html", "summary.json",
    }  # fmt: skip
    (note,) = filter(None, notes)
    assert all(told in note for told in ("1 of overlays/", "2 of wfdb/", "1 of csv/", "1 of records/", "summary.json"))


def test_restart_that_was_killed(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A restart that was killed while it removed files is finished by the next run."""
    source, out = one_page(archive, tmp_path), str(tmp_path / "out")
    run_batch(source, out, LIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "clear", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_batch(source, out, LIGHT, BatchSettings(restart=True))
    assert not (tmp_path / "out/pages.parquet").exists()
    assert run_batch(source, out, LIGHT).read_now == 1
    assert parquet.read_table(tmp_path / "out/records").num_rows == 1


def interrupt(_ledger: Ledger) -> None:
    raise KeyboardInterrupt


def test_run_that_goes_on_with_its_formats(archive: Path, tmp_path: Path):
    """A run that goes on without formats writes those that it was begun with, in whichever order they were named."""
    source, out = one_page(archive, tmp_path), str(tmp_path / "out")
    run_batch(source, out, Task(overlay=False, measure=False, formats=("wfdb", "csv")))
    small_pages(2)[1].save(tmp_path / "in/two.png")
    run_batch(source, out, Task(overlay=False, measure=False))
    run_batch(source, out, Task(overlay=False, measure=False, formats=("csv", "wfdb")))
    assert (tmp_path / "out/wfdb/two_png.hea").is_file()
    assert (tmp_path / "out/csv/two_png.csv").is_file()
