"""The batch command: exit codes, refusals, and a dry run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="the batch extra is not installed")


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ecgimg", "batch", *map(str, words)], capture_output=True, text=True, timeout=300
    )


def test_batch_with_refused_page(archive: Path, tmp_path: Path):
    """The command ends with 1 where a page was refused."""
    done = command(archive, "--out", tmp_path / "out", "--limit", 1, "--no-overlay")
    assert done.returncode == 1
    assert "1 pages read" in done.stdout
    assert "not a medical device" in done.stdout
    assert (tmp_path / "out/report.html").is_file()


def test_batch_of_missing_source(tmp_path: Path):
    """A missing source is refused in one sentence."""
    done = command(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_batch_dry_run(archive: Path, tmp_path: Path):
    """A dry run counts what it would read, and writes nothing."""
    done = command(archive, "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0
    assert "6 files with 7 pages, 1 of them duplicates" in done.stdout
    assert not (tmp_path / "out").exists()
