"""A pool uses idle workers again."""

from __future__ import annotations

from ecgimg.isolation import Limits, Worker, WorkerPool
from tests.isolation.work import count, process


def test_pool_with_busy_worker():
    """An idle worker is used again, and another is started where all are busy."""
    pool = WorkerPool(lambda: Worker(Limits(cpu_s=5)), keep=1)
    first = pool.call(process)
    assert pool.call(process) == first
    busy = pool.stream(count, 3)
    assert next(busy) == 0
    assert pool.call(process) != first
    busy.close()
    pool.close()
