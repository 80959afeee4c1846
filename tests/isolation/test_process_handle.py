"""Calls in a process whose time and memory are limited: what ends a call, and what goes on after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ecgimg.errors import EcgImgError, MissingExtra
from ecgimg.isolation import CallFailed, Limits, Worker
from tests.isolation.work import count, double, eat, end, end_once, folder, process, refuse, sleep, spin, stumble
from tests.waiting import wait_until

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker(Limits(cpu_s=1, memory_gb=1, wall_per_cpu=4)) as made:
        yield made


def test_call_with_arrays(worker):
    """Arrays go to the process and come back writable."""
    values = np.arange(1e6)
    answer = worker.call(double, values)
    assert np.array_equal(answer, 2 * values)
    answer[0] = 7


def test_call_that_raises_own_error(worker):
    """An error of the package comes back as it was raised, and the next call works."""
    with pytest.raises(MissingExtra, match=r"ecgimg\[heic\]"):
        worker.call(refuse)
    assert worker.call(double, np.ones(1))[0] == 2


def test_call_that_raises_other_error(worker):
    """Another error comes back without its text, which may hold private words."""
    with pytest.raises(RuntimeError, match=r"^ValueError$"):
        worker.call(stumble)


@posix
def test_call_over_time_limit(worker):
    """Too much processor time ends the call, and the next call works."""
    with pytest.raises(CallFailed) as caught:
        worker.call(spin)
    assert caught.value.limit == "time"
    assert worker.call(double, np.ones(1))[0] == 2


def test_call_that_only_waits(worker):
    """A call that waits and uses no processor time is ended by the clock."""
    with pytest.raises(CallFailed) as caught:
        worker.call(sleep)
    assert caught.value.limit == "time"


@linux
def test_call_over_memory_limit(worker):
    """Too much memory ends the call, and the next call works."""
    with pytest.raises(CallFailed) as caught:
        worker.call(eat, 2.0)
    assert caught.value.limit == "memory"
    assert worker.call(eat, 0.2) > 0


@posix
def test_call_that_crashes(worker):
    """A crash ends the call and names the signal, and the next call works."""
    with pytest.raises(CallFailed) as caught:
        worker.call(end, signal.SIGSEGV)
    assert (caught.value.limit, caught.value.detail) == ("crash", "SIGSEGV")
    assert worker.call(double, np.ones(1))[0] == 2


def test_stream_given_up(worker):
    """Items are made as they are asked for, and the rest may be given up."""
    steps = worker.stream(count, 3)
    assert next(steps) == 0
    before = worker._process.pid
    steps.close()
    assert worker.call(process) == before
    steps = worker.stream(count, 2)
    assert [next(steps), next(steps)] == [0, 1]
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    assert stopped.value.value == "counted"


@posix
def test_stream_with_more_time_per_item(worker):
    """Every further item adds to the limit on time."""
    with pytest.raises(CallFailed):
        list(worker.stream(count, 20, 0.3))
    assert len(list(worker.stream(count, 8, 0.3, more_cpu_s=0.5))) == 8


def test_call_runs_in_current_folder(worker, tmp_path, monkeypatch):
    """A call runs in the current folder of the caller."""
    worker.start()
    monkeypatch.chdir(tmp_path)
    assert Path(worker.call(folder)).samefile(tmp_path)


def test_call_of_unknown_function(worker, monkeypatch):
    """A function that the process cannot find ends the call."""
    worker.start()
    monkeypatch.setattr(process, "__module__", "nowhere")
    monkeypatch.setitem(sys.modules, "nowhere", sys.modules[__name__])
    with pytest.raises(CallFailed):
        worker.call(process)


def test_worker_that_cannot_start(monkeypatch):
    """A worker that cannot start is refused in one sentence."""
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EcgImgError, match="could not be started"):
        Worker(Limits()).start()


@posix
def test_worker_killed_at_start(tmp_path):
    """A process that is killed while it starts is started again."""
    with Worker(Limits(), prepare=partial(end_once, tmp_path / "ended")) as started:
        assert started.call(double, np.ones(1))[0] == 2
    assert (tmp_path / "ended").exists()


ORPHAN = """
import sys, threading
from ecgimg.isolation import Limits, Worker
sys.path.insert(0, sys.argv[1])
from tests.isolation import work
worker = Worker(Limits(cpu_s=60))
print(worker.call(work.process), flush=True)
worker.call(work.spin)
"""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


@posix
def test_busy_worker_of_killed_process():
    """A busy worker ends within two seconds of the process that started it."""
    starter = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(Path(__file__).resolve().parents[2])], stdout=subprocess.PIPE, text=True
    )
    orphan = int(starter.stdout.readline())
    os.kill(orphan, 0)
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert wait_until(lambda: not _is_alive(orphan), 2.0)
