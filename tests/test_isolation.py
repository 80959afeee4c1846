"""Work in processes whose time and memory are limited: what ends a call, and what goes on after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_server import wait_until

from ecgimg.errors import BadRequest, EcgImgError, MissingExtra
from ecgimg.isolation import CallFailed, Limits, Worker, WorkerPool, is_out_of_memory

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")


def double(values: np.ndarray) -> np.ndarray:
    return values * 2


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    threading.Event().wait()


def eat(gigabytes: float) -> int:
    return int(np.ones(int(gigabytes * 125e6)).sum())


def end(signal_number: int) -> None:
    os.kill(os.getpid(), signal_number)


def refuse() -> None:
    raise MissingExtra("pillow-heif", "heic", "reading HEIC")


def stumble() -> None:
    raise ValueError("the name of a person's file")


def count(to: int, cpu_s: float = 0.0) -> Iterator[int]:
    for number in range(to):
        until = time.process_time() + cpu_s
        while time.process_time() < until:
            pass
        yield number
    return "counted"


def folder() -> str:
    return str(Path.cwd())


def process() -> int:
    return os.getpid()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker(Limits(cpu_s=1, memory_gb=1)) as made:
        yield made


def test_arrays_go_and_come_back_writable(worker):
    values = np.arange(1e6)
    answer = worker.call(double, values)
    assert np.array_equal(answer, 2 * values)
    answer[0] = 7


def test_errors_of_ours_come_back_as_they_were_raised(worker):
    with pytest.raises(MissingExtra, match=r"ecgimg\[heic\]"):
        worker.call(refuse)
    assert worker.call(double, np.ones(1))[0] == 2


def test_other_errors_come_back_without_their_text(worker):
    with pytest.raises(RuntimeError, match=r"^ValueError$"):
        worker.call(stumble)


@posix
def test_too_much_processor_time_ends_the_call_and_the_next_goes_on(worker):
    with pytest.raises(CallFailed) as caught:
        worker.call(spin)
    assert caught.value.limit == "time"
    assert worker.call(double, np.ones(1))[0] == 2


def test_a_call_that_only_waits_is_ended_by_the_clock(worker):
    with pytest.raises(CallFailed) as caught:
        worker.call(sleep)
    assert caught.value.limit == "time"


@linux
def test_too_much_memory_ends_the_call_and_the_next_goes_on(worker):
    with pytest.raises(CallFailed) as caught:
        worker.call(eat, 2.0)
    assert caught.value.limit == "memory"
    assert worker.call(eat, 0.2) > 0


@posix
def test_a_crash_ends_the_call_and_names_the_signal(worker):
    with pytest.raises(CallFailed) as caught:
        worker.call(end, signal.SIGSEGV)
    assert (caught.value.limit, caught.value.detail) == ("crash", "SIGSEGV")
    assert worker.call(double, np.ones(1))[0] == 2


def test_items_are_made_as_they_are_asked_for_and_may_be_given_up(worker):
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
def test_every_further_item_may_use_more_time(worker):
    with pytest.raises(CallFailed):
        list(worker.stream(count, 20, 0.3))
    assert len(list(worker.stream(count, 8, 0.3, more_cpu_s=0.5))) == 8


def test_a_call_runs_in_the_folder_of_the_caller(worker, tmp_path, monkeypatch):
    worker.start()
    monkeypatch.chdir(tmp_path)
    assert Path(worker.call(folder)).samefile(tmp_path)


def test_a_pool_uses_idle_workers_again_and_starts_others_where_none_is():
    pool = WorkerPool(lambda: Worker(Limits(cpu_s=5)), keep=1)
    first = pool.call(process)
    assert pool.call(process) == first
    busy = pool.stream(count, 3)
    assert next(busy) == 0
    assert pool.call(process) != first
    busy.close()
    pool.close()


def test_limits_within_which_nothing_can_be_done_are_refused():
    for wrong in ({"cpu_s": 0}, {"cpu_s": float("nan")}, {"memory_gb": 0.1}, {"memory_gb": float("inf")}):
        with pytest.raises(BadRequest):
            Limits(**wrong)


def test_a_function_that_the_process_can_not_find_ends_the_call(worker, monkeypatch):
    worker.start()
    monkeypatch.setattr(process, "__module__", "nowhere")
    monkeypatch.setitem(sys.modules, "nowhere", sys.modules[__name__])
    with pytest.raises(CallFailed):
        worker.call(process)


def test_a_worker_that_can_not_start_says_so(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EcgImgError, match="could not be started"):
        Worker(Limits()).start()


def test_libraries_say_in_their_own_words_that_there_is_no_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("OpenCV(5.0) Insufficient memory (Failed to allocate 1 bytes)"))
    assert not is_out_of_memory(ValueError("a wrong value"))


ORPHAN = """
import sys, threading
from ecgimg.isolation import Limits, Worker
sys.path.insert(0, sys.argv[1])
import test_isolation
worker = Worker(Limits(cpu_s=60))
print(worker.call(test_isolation.process), flush=True)
worker.call(test_isolation.spin)
"""


@posix
def test_a_busy_worker_ends_within_two_seconds_of_a_killed_process():
    starter = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    orphan = int(starter.stdout.readline())
    os.kill(orphan, 0)
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert wait_until(lambda: not _is_alive(orphan), 2.0)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_looking_at_files_in_threads_changes_no_warning_filter(tmp_path, monkeypatch):
    from ecgimg.batch import look

    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(b"\x89PNG damaged")
    changed = set()
    monkeypatch.setattr(warnings, "simplefilter", lambda *_args, **_kwargs: changed.add(threading.current_thread()))
    assert look(str(tmp_path))["files"] == 8
    assert changed <= {threading.main_thread()}
