"""Soak test of `ecgimg batch`: one archive is read to its end while processes are killed, and the outputs are checked.

python tests/tools/soak.py --pages 60 --run-kills 5 --worker-kills 10 (Linux)

One file in ten is damaged, and one page in thirty eats memory. Whole runs and single worker processes are killed at
random instants, and the same command goes on each time. Then every page must have one row, no page may have been read
twice, and every file must be whole. At last the pages whose workers were killed are read again, and all that can be
read must be there.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as parquet
from PIL import Image

import synth
from ecgimg.formats import read_record

_DAMAGED_OF, _GREEDY_OF = 10, 30  # one file in so many
_MEMORY_GB = 1.2
_MOST_WAIT_S = 15.0  # between two faults


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak test; returns 1 where a check failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--run-kills", type=int, default=5)
    parser.add_argument("--worker-kills", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where archive and outputs stay; a temporary one by default")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ecgimg-soak-") as temporary:
        folder = options.folder or Path(temporary)
        expected = make_archive(folder / "archive", options.pages, options.seed)
        faults = Counter({"run": options.run_kills, "worker": options.worker_kills})
        began_s = time.monotonic()
        done = read_with_faults(folder, options.jobs, faults, random.Random(options.seed))
        print(f"read in {time.monotonic() - began_s:.0f} s; killed: {done['run']} runs, {done['worker']} workers")
        problems = check(folder, expected, is_final=False)
        subprocess.run(command(folder, options.jobs, "--retry-refused"), capture_output=True)
        problems += check(folder, expected, is_final=True)
    print(*(problems or ["nothing lost, nothing twice, no file half-written"]), sep="\n")
    return 1 if problems else 0


def make_archive(folder: Path, n_pages: int, seed: int) -> dict[str, bool]:
    """Draw small pages, and damage some files; returns for each name whether it can be read."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed)
    readable = {}
    for number, page in enumerate(synth.pages(n=n_pages, layouts="3x4,6x2", degradation="none", seed=seed)):
        name = f"page ({number}).png"  # a name that has to be cleaned
        readable[name] = number % _DAMAGED_OF != 4 and number % _GREEDY_OF != 7
        scale = 900 / page.image.shape[1]
        small = cv2.resize(page.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        Image.fromarray(small).save(folder / name)
        if number % _GREEDY_OF == 7:
            Image.fromarray(noise.random((4800, 4800)) < 0.5).save(folder / name, compress_level=1)
        elif not readable[name]:
            (folder / name).write_bytes((folder / name).read_bytes()[:2000])
    return readable


def command(folder: Path, jobs: int, *more: str) -> list[str]:
    """Return the words of the command that reads the archive, which notes every page in a log."""
    words = ["batch", folder / "archive", "--out", folder / "read", "--jobs", jobs, "--memory-gb", _MEMORY_GB]
    log = ["-q", "--log", folder / ("again.log" if more else "soak.log")]
    return [sys.executable, "-m", "ecgimg", *map(str, [*words, "--no-measure", *log, *more])]


def read_with_faults(folder: Path, jobs: int, faults: Counter[str], rng: random.Random) -> Counter[str]:
    """Call the command until it ends by itself, and kill runs and workers meanwhile; returns how many were killed."""
    done: Counter[str] = Counter()
    has_begun = False
    while True:
        # a run that goes on goes on with its formats
        run = subprocess.Popen(
            command(folder, jobs) + ([] if has_begun else ["--format", "wfdb"]), stdout=subprocess.DEVNULL
        )
        while run.poll() is None:
            try:
                run.wait(rng.uniform(1, _MOST_WAIT_S))
            except subprocess.TimeoutExpired:
                has_begun = has_begun or (folder / "read/records").is_dir() or _is_begun(folder)
                _do_harm(run, has_begun, faults - done, done, rng)
        if run.returncode in (0, 1):
            return done
        if run.returncode != -signal.SIGKILL:
            raise SystemExit(f"the run ended with {run.returncode}")


def _is_begun(folder: Path) -> bool:
    return any((folder / "read/.ecgimg/spool").glob("*.parquet"))


def _do_harm(
    run: subprocess.Popen[bytes], has_begun: bool, left: Counter[str], done: Counter[str], rng: random.Random
) -> None:
    """Kill the run or one of its workers, whichever is still to be done."""
    kinds = [kind for kind in left.elements() if kind == "worker" or has_begun]
    if not kinds:
        return
    kind = rng.choice(kinds)
    victims = [run.pid] if kind == "run" else _descendants(run.pid)
    if victims:
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(rng.choice(victims), signal.SIGKILL)
            done[kind] += 1


def check(folder: Path, readable: dict[str, bool], *, is_final: bool) -> list[str]:
    """Return what is wrong with the outputs."""
    out, problems = folder / "read", []
    pages = parquet.read_table(out / "pages.parquet").to_pylist()
    status = {page["page_id"]: page["status"] for page in pages}
    reasons = Counter(code for page in pages for code in page["reason_codes"] if page["status"] == "failed")
    print("final" if is_final else "after the faults", dict(Counter(status.values())), dict(reasons))
    if sorted(page["page_id"] for page in pages) != sorted(readable) or "pending" in status.values():
        problems.append("a page has no row, or two")
    told = re.findall(r"DEBUG (page \(\d+\)\.png): ", (folder / "soak.log").read_text(encoding="utf-8"))
    problems += [f"{name} was read {count} times" for name, count in Counter(told).items() if count > 1]
    records = [name for part in sorted((out / "records").iterdir()) for name in _page_ids(part)]
    if sorted(records) != sorted(name for name in status if status[name] in ("ok", "limited")):
        problems.append("the records are not those of the pages that were read")
    if is_final:
        problems += [f"{name} was not read" for name, can in readable.items() if can and status[name] == "failed"]
        problems += [f"{name} was read" for name, can in readable.items() if not can and status[name] != "failed"]
    problems += [f"{path} is half-written" for page in pages for path in _damaged(out, page)]
    return problems + [f"{path} was left" for path in out.rglob(".writing-*")]


def _page_ids(part: Path) -> list[str]:
    return parquet.read_table(part).column("page_id").to_pylist()


def _damaged(out: Path, page: dict[str, object]) -> list[str]:
    """Return the files of a page that are missing or not whole."""
    damaged = []
    for name in [*(page["record_files"] or []), *([page["overlay"]] if page["overlay"] else [])]:
        try:
            if name.endswith(".hea"):
                read_record(out / name)
            elif name.endswith(".jpg"):
                Image.open(out / name).load()
        except Exception:  # whatever a library says of half a file
            damaged.append(name)
    return damaged


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return children + [below for child in children for below in _descendants(child)]


if __name__ == "__main__":
    sys.exit(main())
