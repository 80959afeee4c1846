"""Pages worked on by several processes, one thread each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from ecgimg.errors import BadRequest
from ecgimg.inference.threads import one_thread_pool

Task = TypeVar("Task")
Result = TypeVar("Result")


def mapped(function: Callable[[Task], Result], tasks: Iterable[Task], jobs: int) -> Iterator[Result]:
    """Yield what a function makes of each task, in order; few tasks are under way at once.

    Raises
    ------
    BadRequest
        For fewer than one process.
    """
    if jobs < 1:
        raise BadRequest(f"at least one process is needed, got jobs = {jobs}")
    if jobs == 1:
        yield from map(function, tasks)
        return
    with one_thread_pool(jobs) as pool:
        waiting = iter(tasks)
        # Three tasks a process keep all busy; more would only hold pages in memory.
        running = [pool.submit(function, task) for task in islice(waiting, 3 * jobs)]
        while running:
            yield running.pop(0).result()
            running += [pool.submit(function, task) for task in islice(waiting, 1)]
