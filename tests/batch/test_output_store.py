"""Archives and outputs in stores other than the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgimg.batch import BatchSettings, Task, run_batch
from ecgimg.batch.source_files import find_files
from tests.batch.pages import page_ids

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
fsspec = pytest.importorskip("fsspec", reason="the batch extra is not installed")
pytestmark = [
    pytest.mark.usefixtures("garbage_collected"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),
]


def test_run_from_memory_to_memory(pages: Path, tmp_path: Path):
    """Pages, ledger and outputs may be in memory, and a second run finds the ledger there."""
    memory = fsspec.filesystem("memory")
    for file in sorted(pages.iterdir())[:2]:
        memory.pipe_file(f"/in/deep/{file.name}", file.read_bytes())
    files, _ = find_files("memory://in")
    assert [file.name for file in files] == ["deep/0.png", "deep/1.png"]
    for expected in (2, 0):  # the second run finds the ledger that the first one left in the store
        settings = BatchSettings(work_folder=tmp_path / f"work{expected}")
        assert run_batch("memory://in", "memory://out", Task(), settings).read_now == expected
    with memory.open("/out/records/part-00000.parquet") as part:
        assert page_ids(parquet.read_table(part)) == ["deep/0.png", "deep/1.png"]
    assert memory.exists("/out/overlays/deep/0.png.jpg")
    assert b"</html>" in memory.cat_file("/out/report.html")
