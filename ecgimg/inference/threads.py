"""How many threads a process uses, and work that they share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

import cv2

from ecgimg.isolation import ONE_THREAD

Item = TypeVar("Item")
Result = TypeVar("Result")

_ANY_NUMBER = 0  # lets ONNX Runtime choose
_onnx_threads = [_ANY_NUMBER]


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to each item, in as many threads as OpenCV may use in this process.

    This is worth it for work outside Python: numpy, scipy and OpenCV let other threads go on meanwhile.
    """
    workers = min(cv2.getNumThreads(), len(items))
    if workers <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


@contextmanager
def in_background(function: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Run a function beside the block, and yield a callable that waits for its result and returns it.

    Where OpenCV may use one thread only, the function runs when its result is asked for.
    """
    if cv2.getNumThreads() <= 1:
        yield function
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function).result


def use_one_thread() -> None:
    """Make this process use one thread. Call it before the first page, where one process runs on each core.

    Such processes are started within `one_thread_per_process`.
    """
    cv2.setNumThreads(1)
    _onnx_threads[0] = 1


def onnx_threads() -> int:
    """Return how many threads ONNX Runtime may use in this process, 0 for any number."""
    return _onnx_threads[0]


@contextmanager
def one_thread_per_process() -> Iterator[None]:
    """Have the processes that are started in the block use one thread for linear algebra.

    The libraries read their environment once, as the process starts.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def one_thread_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of `jobs` new processes with one thread each."""
    context = get_context("spawn")
    with one_thread_per_process(), ProcessPoolExecutor(jobs, mp_context=context, initializer=use_one_thread) as pool:
        yield pool
