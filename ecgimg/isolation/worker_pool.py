"""Workers for several threads."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

from ecgimg.errors import EcgImgError
from ecgimg.isolation.process_handle import Worker


class WorkerPool:
    """Workers for several threads: each call takes one that is idle, or starts one where none is.

    Parameters
    ----------
    make : callable
        Makes a worker.
    keep : int
        How many that are idle are kept for later calls.
    """

    def __init__(self, make: Callable[[], Worker], keep: int) -> None:
        self._make, self._keep = make, keep
        self._idle: list[Worker] = []
        self._all: list[Worker] = []
        self._lock = threading.Lock()
        # workers end with this process anyway, but only within a second
        atexit.register(self.close)
        # a forked child shares the pipes: two processes that talk to one worker would read each other's answers
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def stream(self, function: Callable[..., Any], *args: Any, more_cpu_s: float = 0.0) -> Generator[Any, None, Any]:
        """Do what `Worker.stream` does, with whichever worker is idle."""
        with self._worker() as worker:
            return (yield from worker.stream(function, *args, more_cpu_s=more_cpu_s))

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Do what `Worker.call` does, with whichever worker is idle."""
        with self._worker() as worker:
            return worker.call(function, *args)

    def prepare(self, count: int = 1) -> None:
        """Start workers ahead of the first call, in the background."""

        def start() -> None:
            with contextlib.suppress(EcgImgError), contextlib.ExitStack() as stack:  # the first call will say why not
                for worker in [stack.enter_context(self._worker()) for _ in range(count)]:
                    worker.start()

        threading.Thread(target=start, daemon=True).start()

    def close(self) -> None:
        """End all processes; calls that go on fail."""
        with self._lock:
            workers, self._all, self._idle = self._all, [], []
        for worker in workers:
            worker.close()

    @contextlib.contextmanager
    def _worker(self) -> Iterator[Worker]:
        with self._lock:
            worker = self._idle.pop() if self._idle else self._make()
            if worker not in self._all:
                self._all.append(worker)
        try:
            yield worker
        finally:
            with self._lock:
                # a pool that was closed meanwhile has no worker any more, so that this one must end
                is_kept = worker in self._all and len(self._idle) < self._keep
                if is_kept:
                    self._idle.append(worker)
                elif worker in self._all:
                    self._all.remove(worker)
            if not is_kept:
                worker.close()

    def _forget(self) -> None:
        for worker in self._all:
            worker.forget()
        self._idle, self._all = [], []
        self._lock = threading.Lock()
