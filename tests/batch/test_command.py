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
    assert "nowhere" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_batch_dry_run(archive: Path, tmp_path: Path):
    """A dry run counts what it would read, and writes nothing."""
    done = command(archive, "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0
    assert "6 files with 7 pages, 1 of them duplicates" in done.stdout
    assert not (tmp_path / "out").exists()


def test_batch_dry_run_of_manifest(archive: Path, tmp_path: Path):
    """A dry run names missing files and unknown layouts of a manifest, and ends with 1."""
    (tmp_path / "list.csv").write_text(
        f"file,layout\n{archive}/blank.png,3x4\nmissing.png,\n{archive}/three.tif,9x9\n", encoding="utf-8"
    )
    done = command(tmp_path / "list.csv", "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 1
    assert "missing.png does not exist\n" in done.stdout
    assert "three.tif: There is no layout '9x9'" in done.stdout
    assert "problems: 2. Nothing was written." in done.stdout
    assert not (tmp_path / "out").exists()


def test_batch_dry_restart(archive: Path, tmp_path: Path):
    """Removing files and writing nothing exclude each other."""
    done = command(archive, "--out", tmp_path / "out", "--dry-run", "--restart")
    assert done.returncode == 2
    assert "give one of them" in done.stderr


def test_batch_with_log(archive: Path, tmp_path: Path):
    """A log has a line for each page, and the first line of progress; a quiet run prints errors alone."""
    done = command(archive, "--out", tmp_path / "out", "--limit", 2, "--no-overlay", "--log", tmp_path / "log", "-q")
    assert done.stderr == ""
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "DEBUG blank.png: refused " in text
    assert "DEBUG three.tif: " in text
    assert "DEBUG ended with exit code 1" in text
