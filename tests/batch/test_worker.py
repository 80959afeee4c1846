"""Pages that crash, hang or take too much memory fail alone."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecgimg.batch import BatchSettings, Limits, Task, run_batch
from ecgimg.batch.page_task import ArchivePage, PageResult
from ecgimg.batch.worker import PageReader
from ecgimg.errors import BadRequest
from tests.batch.pages import LIGHT

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
pytest.importorskip("fsspec", reason="the batch extra is not installed")


def test_limits_below_one_gigabyte():
    """A limit on memory within which nothing can be read is refused."""
    with pytest.raises(BadRequest, match="1 GB"):
        Limits(memory_gb=0.1)


def naughty(unit: ArchivePage, task: Task) -> PageResult:
    """Stand in for reading a page: do what the page's name says."""
    if unit.name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if unit.name == "hang":
        signal.pause()
    if unit.name == "exit":
        os._exit(3)
    return PageResult(unit.number, {"status": "ok"})


def test_worker_that_crashes_or_hangs():
    """A worker that crashes, hangs or exits is replaced, and its page has the reason."""
    # long enough for a process to start on a busy machine
    with PageReader(LIGHT, Limits(cpu_s=3, wall_per_cpu=2), naughty) as reader:
        results = [
            reader.read(ArchivePage(k, name, "", 1, "")) for k, name in enumerate(("ok", "crash", "hang", "exit", "ok"))
        ]
    assert [result.row["status"] for result in results] == ["ok", "failed", "failed", "failed", "ok"]
    said = [result.row["reasons"][0] for result in results[1:4]]
    assert "SIGSEGV" in said[0]
    assert "longer than 6 s by the clock" in said[1]
    assert "exit code 3" in said[2]


@pytest.mark.slow
def test_page_over_time_limit(archive: Path, tmp_path: Path):
    """A page that takes too long is recorded as failed, and the run goes on."""
    summary = run_batch(str(archive), str(tmp_path / "out"), LIGHT, BatchSettings(limits=Limits(cpu_s=0.01)))
    assert summary.pages["failed"] >= 5
    assert summary.read_now == 6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_page_over_memory_limit(archive: Path, tmp_path: Path):
    """A page that takes too much memory is recorded as failed, and the run goes on."""
    source = tmp_path / "in"
    source.mkdir()
    shutil.copy(archive / "ward a/one.png", source / "small.png")
    Image.fromarray(np.random.default_rng(0).random((4800, 4800)) < 0.5).save(source / "noise.png", compress_level=1)
    run_batch(str(source), str(tmp_path / "out"), LIGHT, BatchSettings(limits=Limits(memory_gb=1.2), jobs=1))
    rows = {row["page_id"]: row for row in parquet.read_table(tmp_path / "out/pages.parquet").to_pylist()}
    assert rows["small.png"]["status"] == "ok"
    assert rows["noise.png"]["status"] == "failed"
    assert rows["noise.png"]["reason_codes"] == ["memory_limit_exceeded"]
