"""Threads of a process, and work that they share."""

from __future__ import annotations

import os
import threading

import cv2
import pytest

from ecgimg.inference import threads
from ecgimg.inference.threads import in_background, in_threads, one_thread_per_process, onnx_threads, use_one_thread
from ecgimg.isolation import ONE_THREAD


@pytest.fixture
def several_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def one_thread():
    before = cv2.getNumThreads(), onnx_threads()
    use_one_thread()
    yield
    cv2.setNumThreads(before[0])
    threads._onnx_threads[0] = before[1]


def test_in_threads_keeps_order(several_threads):
    """Results come in the order of the items."""
    assert in_threads(lambda item: item * item, range(20)) == [item * item for item in range(20)]


def test_in_threads_shares_work(several_threads):
    """Items are worked on at the same time."""
    together = threading.Barrier(3, timeout=30)
    in_threads(lambda _: together.wait(), range(3))


def test_in_threads_raises(several_threads):
    """What a function raises is raised to the caller."""
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda item: 1 / item, [1, 0, 2])


def test_in_threads_with_one_thread(one_thread):
    """A process of one thread works in that thread."""
    assert onnx_threads() == 1
    assert set(in_threads(lambda _: threading.get_ident(), range(3))) == {threading.get_ident()}


def test_in_background(several_threads):
    """The function runs beside the block, and its result is waited for."""
    block_is_entered = threading.Event()

    def wait_for_block() -> int:
        assert block_is_entered.wait(30)
        return threading.get_ident()

    with in_background(wait_for_block) as result:
        block_is_entered.set()
        assert result() != threading.get_ident()


def test_in_background_with_one_thread(one_thread):
    """A process of one thread runs the function when its result is asked for."""
    called = []
    with in_background(lambda: called.append(1)) as result:
        assert not called
        result()
    assert called == [1]


def test_one_thread_per_process(monkeypatch):
    """The environment tells new processes to use one thread, and is as before afterwards."""
    first, *others = ONE_THREAD
    monkeypatch.setenv(first, "7")
    for name in others:
        monkeypatch.delenv(name, raising=False)
    with one_thread_per_process():
        assert {name: os.environ[name] for name in ONE_THREAD} == dict(ONE_THREAD)
    assert os.environ[first] == "7"
    assert not any(name in os.environ for name in others)
