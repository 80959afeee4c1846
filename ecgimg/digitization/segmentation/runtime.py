"""Load the shipped networks: once a process each, on ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from multiprocessing import get_context

import cv2
import onnxruntime

from ecgimg.errors import MissingWeights
from ecgimg.isolation import ONE_THREAD

_threads: list[int] = []


def one_thread() -> None:
    """Make this process use one thread, for those that run one process a core; call it before the first page.

    Such processes are started within `one_thread_each`.
    """
    cv2.setNumThreads(1)
    _threads.append(1)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have processes that are started meanwhile use one thread for linear algebra, which they settle as they start."""
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
    """Open a pool of `jobs` new processes, one thread each."""
    with one_thread_each(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        yield pool


@cache
def load_network(name: str) -> onnxruntime.InferenceSession:
    """Load a network of ``ecgimg/weights`` by its file name.

    Raises
    ------
    MissingWeights
    """
    try:
        content = (files("ecgimg") / "weights" / name).read_bytes()
    except FileNotFoundError:
        raise MissingWeights(name) from None
    return open_network(content)


def open_network(content: bytes, *, arena: bool = False) -> onnxruntime.InferenceSession:
    """Open a network's ONNX; with as many threads as this process may use.

    Parameters
    ----------
    arena : bool
        Whether memory is kept from one call to the next: faster, but pages differ in size, and an arena keeps the
        largest it ever saw.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = arena
    if _threads:
        options.intra_op_num_threads = _threads[-1]
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
