"""Runs over an archive: nothing is done twice, and wrong settings are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ecgimg.batch import BatchSettings, Task, run_batch
from ecgimg.errors import BadOutput, BadRequest
from tests.batch.pages import LIGHT

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
