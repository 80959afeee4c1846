"""Runs that are killed, interrupted or out of disk space lose nothing and do nothing twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecgimg.batch import BatchSettings, Task, run_batch
from tests.batch.pages import small_pages

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
pytest.importorskip("fsspec", reason="the batch extra is not installed")


RUN = """
import sys
import time
from ecgimg.batch import BatchSettings, Task, run_batch

def main():
    journal = open(sys.argv[3], "a", buffering=1)
    def note(progress):
        if progress.result is not None:
            journal.write(f"{progress.result.number}\\n")
            if len(sys.argv) > 4:
                time.sleep(3)  # bounded, as the signal may come before
    run_batch(sys.argv[1], sys.argv[2], Task(), BatchSettings(pages_per_part=2), note)

if __name__ == "__main__":
    main()
"""


def outputs(folder: Path) -> set[Path]:
    files = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    return {file for file in files if ".ecgimg" not in file.parts}


def untimed(folder: Path) -> list[dict[str, object]]:
    return [{**row, "seconds": 0} for row in parquet.read_table(folder / "pages.parquet").to_pylist()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
def test_run_killed_at_random_instants(archive: Path, tmp_path: Path):
    """A run killed at twenty random instants reads no page twice, and ends with the same bytes."""
    source = tmp_path / "in"
    source.mkdir()
    for number, page in enumerate(small_pages(4)):
        page.save(source / f"{number:02d}.png")
    for name in ("blank.png", "three.tif", "ward a/broken.pdf"):
        shutil.copy(archive / name, source)
    shutil.copy(source / "03.png", source / "copy.png")
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    words = [sys.executable, tmp_path / "run.py", source]
    whole, out, journal = tmp_path / "whole", tmp_path / "killed", tmp_path / "killed.log"
    began = time.time()
    subprocess.run([*words, whole, tmp_path / "whole.log"], check=True, timeout=300)
    seconds = time.time() - began

    rng, kills = random.Random(5), 0
    while kills < 20:  # the later ones hit runs that have little or nothing left to do
        run = subprocess.Popen([*words, out, journal], start_new_session=True)
        try:
            run.wait(rng.uniform(0.05, 0.5) * seconds)
        except subprocess.TimeoutExpired:
            (os.kill if kills % 2 else os.killpg)(run.pid, signal.SIGKILL)  # the run alone, or its workers too
            kills += 1
            run.wait()
    subprocess.run([*words, out, journal], check=True, timeout=300)

    told = journal.read_text().split()
    assert len(told) == len(set(told)), "a page was read twice"
    names = outputs(out)
    assert names == outputs(whole)
    for name in names - {Path("pages.parquet"), Path("report.html"), Path("summary.json")}:  # they tell seconds
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert untimed(out) == untimed(whole)
    assert not list((out / ".ecgimg/spool").glob("*.parquet"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_run_interrupted_by_user(archive: Path, tmp_path: Path):
    """Ctrl-C leaves a summary, and the next run reads the rest."""
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    # after the first page it waits for the signal: on a busy machine it might be done before
    words = [sys.executable, str(tmp_path / "run.py"), str(archive), str(tmp_path / "out"), "/dev/stdout", "wait"]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout.readline().strip().isdigit()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    counts, settings = json.loads((tmp_path / "out/summary.json").read_text())["pages"], BatchSettings(pages_per_part=2)
    assert counts["pending"] >= 1
    assert counts["pending"] + sum(counts.get(name, 0) for name in ("ok", "limited", "refused", "failed")) == 6
    assert run_batch(str(archive), str(tmp_path / "out"), Task(), settings).read_now == counts["pending"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are of POSIX")
def test_run_on_full_disk(archive: Path, tmp_path: Path):
    """A full disk stops the run with one sentence, and the next run reads the rest."""
    import resource

    words = [sys.executable, "-m", "ecgimg", "batch", str(archive), "--out", str(tmp_path / "out"), "--jobs", "1"]

    def no_file_above_100_kb() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    full = subprocess.run(words, capture_output=True, text=True, timeout=300, preexec_fn=no_file_above_100_kb)
    assert full.returncode == 2
    assert "cannot" in full.stderr
    assert "Traceback" not in full.stderr
    assert not [file for file in (tmp_path / "out").rglob("*") if ".writing" in str(file)]
    summary = run_batch(str(archive), str(tmp_path / "out"))
    assert "pending" not in summary.pages
