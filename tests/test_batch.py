"""Archives: what is found, what comes out, and that nothing is lost or done twice whatever kills a run."""

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

import cv2
import numpy as np
import pytest
from PIL import Image

import synth
from ecgimg.batch import BatchSettings, Limits, Task, look, run_batch
from ecgimg.batch.ledger import Ledger
from ecgimg.batch.source import find_files
from ecgimg.batch.work import PageResult, Unit
from ecgimg.batch.worker import PageReader
from ecgimg.errors import BadOutput, BadRequest

parquet = pytest.importorskip("pyarrow.parquet", reason="the batch extra is not installed")
pytest.importorskip("fsspec", reason="the batch extra is not installed")

LIGHT = Task(overlay=False)


def small_pages(n: int) -> list[Image.Image]:
    """Return small legible pages, no two alike."""
    pages = []
    for page in synth.pages(n=n, layouts="3x4,6x2,12x1", degradation="none", seed=11):
        scale = 900 / page.image.shape[1]
        pages.append(Image.fromarray(cv2.resize(page.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)))
    return pages


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pages in three folders, two of them in a TIFF; a duplicate, a broken file, a blank page, and other files."""
    folder = tmp_path_factory.mktemp("archive")
    first, second, third, fourth = small_pages(4)
    for name in ("ward a", "ward b/older", ".hidden"):
        (folder / name).mkdir(parents=True)
    first.save(folder / "ward a/one.png")
    first.save(folder / ".hidden/one.png")
    shutil.copy(folder / "ward a/one.png", folder / "ward b/copy.png")
    second.save(folder / "ward b/older/two.jpg", quality=90)
    third.save(folder / "three.tif", save_all=True, append_images=[fourth])
    (folder / "ward a/broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    Image.new("RGB", (900, 700), "white").save(folder / "blank.png")
    (folder / "notes.txt").write_text("no page", encoding="utf-8")
    return folder


NAMES = ["blank.png", "three.tif", "ward a/broken.pdf", "ward a/one.png", "ward b/copy.png", "ward b/older/two.jpg"]


@pytest.fixture(scope="module")
def done(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of one run over it, classified, with WFDB beside."""
    out = tmp_path_factory.mktemp("out") / "read"
    summary = run_batch(str(archive), str(out), Task(classify=True, formats=("wfdb",)), BatchSettings(pages_per_part=4))
    # of one small page the still aVL is read only enlarged
    assert summary.pages == {"duplicate": 1, "failed": 1, "limited": 1, "ok": 3, "refused": 1}
    assert (summary.read_now, summary.passed_over) == (6, 1)
    return out


# ---- sources ---------------------------------------------------------------------------------------------------------


def test_a_tree_is_listed_in_the_order_of_names_without_what_is_hidden(archive: Path):
    files, passed = find_files(str(archive))
    assert [file.name for file in files] == NAMES
    assert passed == 1
    assert Path(files[0].url).is_file()


def test_a_glob_and_a_single_file(archive: Path):
    files, _ = find_files(str(archive / "ward*" / "*.png"))
    assert [file.name for file in files] == ["ward a/one.png", "ward b/copy.png"]
    (single,), _ = find_files(str(archive / "three.tif"))
    assert single.name == "three.tif"


def test_a_manifest_says_how_each_file_is_read(archive: Path, tmp_path: Path):
    (tmp_path / "list.csv").write_text(
        f"file,layout,gain_mm_mv\n{archive}/blank.png,3x4,\nmissing.png,,5\n", encoding="utf-8"
    )
    (blank, missing), _ = find_files(str(tmp_path / "list.csv"))
    assert blank.given == ("3x4", None, None)
    assert missing.given == (None, None, 5.0)
    summary = run_batch(str(tmp_path / "list.csv"), str(tmp_path / "out"), LIGHT)
    assert summary.pages == {"failed": 1, "refused": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("page\nx.png\n", "column 'file'"),
        ("file,gain\nx.png,5\n", "unknown column 'gain'"),
        ("file,gain_mm_mv\nx.png,five\n", "line 2"),
        ("file\n\nx.png\nx.png\n", "twice"),
    ],
)
def test_a_wrong_manifest_is_one_sentence(tmp_path: Path, text: str, said: str):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadRequest, match=said):
        find_files(str(tmp_path / "list.csv"))


@pytest.mark.parametrize("source", ["nowhere", "nowhere/*.png", "ftq://host/x", "empty"])
def test_a_source_without_pages_is_refused(tmp_path: Path, source: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest):
        run_batch(source if "://" in source else str(tmp_path / source), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_looking_first_writes_nothing(archive: Path):
    assert look(str(archive)) == {"files": 6, "pages": 7, "duplicates": 1, "passed_over": 1}


# ---- what comes out --------------------------------------------------------------------------------------------------


def test_the_records_are_a_dataset(done: Path):
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


def test_the_table_of_pages_has_every_page(done: Path):
    rows = {row["page_id"]: row for row in parquet.read_table(done / "pages.parquet").to_pylist()}
    assert len(rows) == 7
    assert rows["ward b/copy.png"]["duplicate_of"] == "ward a/one.png"
    assert rows["ward b/copy.png"]["layout"] == rows["ward a/one.png"]["layout"]
    assert rows["ward a/broken.pdf"]["status"] == "failed"
    assert "broken.pdf" in rows["ward a/broken.pdf"]["reason"]
    assert rows["blank.png"]["status"] == "refused"
    assert rows["three.tif-p2"]["page"] == 2
    assert len(rows["three.tif"]["sha256"]) == 64


def test_overlays_other_formats_and_report(done: Path):
    with Image.open(done / "overlays/ward b/older/two.jpg.jpg") as overlay:
        assert max(overlay.size) == 900
    assert (done / "wfdb/three_tif-p2.hea").is_file()
    report = (done / "report.html").read_text(encoding="utf-8")
    assert "Archive of 7 ECG pages" in report
    assert "http" not in report.replace("http-equiv", "")
    assert "not a medical device" in report
    assert 'src="data:image/jpeg;base64,' in report
    assert not list((done / ".ecgimg/spool").iterdir())


def test_every_reader_reads_it(done: Path):
    duckdb, polars, pandas = (pytest.importorskip(name) for name in ("duckdb", "polars", "pandas"))
    query = f"SELECT count(*), max(len(II)), min(confidence.II) FROM '{done}/records/*.parquet'"
    ((count, samples, confidence),) = duckdb.sql(query).fetchall()
    frame = polars.read_parquet(done / "records/*.parquet")
    assert (frame.height, frame["II"].list.len().max()) == (count, samples)
    assert frame["confidence"].struct.field("II").min() == pytest.approx(confidence)
    assert len(pandas.read_parquet(done / "records")) == count


def test_nothing_is_done_twice_and_new_files_are_found(archive: Path, tmp_path: Path):
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


def test_a_limit_leaves_the_rest_for_the_next_run(archive: Path, tmp_path: Path):
    out = str(tmp_path / "out")
    first = run_batch(str(archive), out, LIGHT, BatchSettings(limit=2))
    assert first.read_now == 2
    assert first.pages["pending"] == 4
    assert json.loads((tmp_path / "out/summary.json").read_text())["pages"]["pending"] == 4
    assert run_batch(str(archive), out, LIGHT).read_now == 4


def test_outputs_among_the_sources_are_no_pages(archive: Path, tmp_path: Path):
    shutil.copy(archive / "ward a/one.png", tmp_path)
    for _ in range(2):
        summary = run_batch(str(tmp_path), str(tmp_path / "out"))
        assert summary.pages == {"ok": 1}


@pytest.mark.parametrize(
    "settings", [BatchSettings(engine="abacus"), BatchSettings(jobs=0), BatchSettings(limit=0)], ids=lambda s: s.engine
)
def test_settings_that_cannot_work(archive: Path, tmp_path: Path, settings: BatchSettings):
    with pytest.raises(BadRequest):
        run_batch(str(archive), str(tmp_path / "out"), Task(), settings)
    assert not (tmp_path / "out").exists()


def test_limits_that_cannot_work():
    with pytest.raises(BadRequest, match="1 GB"):
        Limits(memory_gb=0.1)


def test_two_runs_at_once_are_refused(archive: Path, tmp_path: Path):
    (tmp_path / "out/.ecgimg").mkdir(parents=True)
    held = Ledger(tmp_path / "out/.ecgimg/ledger.sqlite")
    try:
        with pytest.raises(BadRequest, match="another run"):
            run_batch(str(archive), str(tmp_path / "out"), LIGHT)
    finally:
        held.close()


def test_a_damaged_ledger_is_told(archive: Path, tmp_path: Path):
    (tmp_path / "out/.ecgimg").mkdir(parents=True)
    (tmp_path / "out/.ecgimg/ledger.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(BadOutput, match="damaged"):
        run_batch(str(archive), str(tmp_path / "out"), LIGHT)


def test_an_output_that_cannot_be_written(archive: Path, tmp_path: Path):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(BadOutput, match="cannot write"):
        run_batch(str(archive), str(tmp_path / "out"), LIGHT)


# ---- pages that crash, hang or eat memory ----------------------------------------------------------------------------


def naughty(unit: Unit, task: Task) -> PageResult:
    """Stand in for reading a page: do what the page's name says."""
    if unit.name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if unit.name == "hang":
        signal.pause()
    if unit.name == "exit":
        os._exit(3)
    return PageResult(unit.number, {"status": "ok"})


def test_a_worker_is_replaced():
    with PageReader(LIGHT, Limits(cpu_s=1), naughty) as reader:
        results = [
            reader.read(Unit(k, name, "", 1, "")) for k, name in enumerate(("ok", "crash", "hang", "exit", "ok"))
        ]
    assert [result.row["status"] for result in results] == ["ok", "failed", "failed", "failed", "ok"]
    said = [result.row["reason"] for result in results[1:4]]
    assert "SIGSEGV" in said[0]
    assert "longer than 1 s" in said[1]
    assert "exit code 3" in said[2]


def test_a_page_that_takes_too_long_is_recorded_and_the_run_goes_on(archive: Path, tmp_path: Path):
    summary = run_batch(str(archive), str(tmp_path / "out"), LIGHT, BatchSettings(limits=Limits(cpu_s=0.01)))
    assert summary.pages["failed"] >= 5
    assert summary.read_now == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_page_that_eats_memory_is_recorded_and_the_run_goes_on(archive: Path, tmp_path: Path):
    source = tmp_path / "in"
    source.mkdir()
    shutil.copy(archive / "ward a/one.png", source / "small.png")
    Image.fromarray(np.random.default_rng(0).random((4800, 4800)) < 0.5).save(source / "noise.png", compress_level=1)
    run_batch(str(source), str(tmp_path / "out"), LIGHT, BatchSettings(limits=Limits(memory_gb=1.2), jobs=1))
    rows = {row["page_id"]: row for row in parquet.read_table(tmp_path / "out/pages.parquet").to_pylist()}
    assert rows["small.png"]["status"] == "ok"
    assert rows["noise.png"]["status"] == "failed"
    assert "memory" in rows["noise.png"]["reason"]


# ---- killed at any instant -------------------------------------------------------------------------------------------

RUN = """
import sys
from ecgimg.batch import BatchSettings, Task, run_batch

def main():
    journal = open(sys.argv[3], "a", buffering=1)
    def note(progress):
        if progress.result is not None:
            journal.write(f"{progress.result.number}\\n")
    run_batch(sys.argv[1], sys.argv[2], Task(), BatchSettings(pages_per_part=2), note)

if __name__ == "__main__":
    main()
"""


def outputs(folder: Path) -> set[Path]:
    files = {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    return {file for file in files if ".ecgimg" not in file.parts}


def untimed(folder: Path) -> list[dict[str, object]]:
    return [{**row, "seconds": 0} for row in parquet.read_table(folder / "pages.parquet").to_pylist()]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
def test_killed_at_twenty_random_instants(archive: Path, tmp_path: Path):
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


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_interrupted_by_a_person(archive: Path, tmp_path: Path):
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    words = [sys.executable, str(tmp_path / "run.py"), str(archive), str(tmp_path / "out"), "/dev/stdout"]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout.readline().strip().isdigit()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    counts, settings = json.loads((tmp_path / "out/summary.json").read_text())["pages"], BatchSettings(pages_per_part=2)
    assert counts["pending"] >= 1
    assert counts["pending"] + sum(counts.get(name, 0) for name in ("ok", "limited", "refused", "failed")) == 6
    assert run_batch(str(archive), str(tmp_path / "out"), Task(), settings).read_now == counts["pending"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are of POSIX")
def test_a_disk_that_is_full_stops_the_run_and_loses_nothing(archive: Path, tmp_path: Path):
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


# ---- the command -----------------------------------------------------------------------------------------------------


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ecgimg", "batch", *map(str, words)], capture_output=True, text=True, timeout=300
    )


def test_the_command_ends_with_1_where_a_page_was_refused(archive: Path, tmp_path: Path):
    done = command(archive, "--out", tmp_path / "out", "--limit", 1, "--no-overlay")
    assert done.returncode == 1
    assert "1 pages read" in done.stdout
    assert "not a medical device" in done.stdout
    assert (tmp_path / "out/report.html").is_file()


def test_the_command_refuses_what_cannot_work_in_one_sentence(tmp_path: Path):
    done = command(tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_tells_what_it_would_do(archive: Path, tmp_path: Path):
    done = command(archive, "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0
    assert "6 files with 7 pages, 1 of them duplicates" in done.stdout
    assert not (tmp_path / "out").exists()
