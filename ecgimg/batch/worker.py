"""A process that reads pages one at a time, and is replaced where a page crashes it, hangs it or eats its memory."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from ecgimg.batch.work import PageResult, Task, Unit, digitize_one, failed
from ecgimg.digitize.network import one_thread
from ecgimg.errors import BadRequest, EcgImgError

Reader = Callable[[Unit, Task], PageResult]

_START_S = 180


@dataclass(frozen=True)
class Limits:
    """What one page may use.

    Parameters
    ----------
    seconds : float
        Of the wall clock.
    memory_gb : float
        Address space of the worker, its libraries included; enforced where the system can (Linux).
    """

    seconds: float = 120.0
    memory_gb: float = 6.0

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.memory_gb >= 1):
            raise BadRequest("a page needs a time limit above 0 s and a memory limit of 1 GB at least")


class Worker:
    """One process, started when it is first needed; for use by one thread at a time, and to be closed.

    Started within `one_thread_each`, it keeps to one thread.

    Parameters
    ----------
    read : callable
        What is done with a page; found by its module and name in the process.
    """

    def __init__(self, task: Task, limits: Limits, read: Reader = digitize_one) -> None:
        self.task, self.limits, self.reader = task, limits, read
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self, unit: Unit) -> PageResult:
        """Read one page within the limits; `EcgImgError` where no worker can be started."""
        pipe = self._pipe or self._start()
        try:
            pipe.send(unit)
            if not pipe.poll(self.limits.seconds):
                self.close()
                return failed(unit, f"it took longer than {self.limits.seconds:g} s and was given up; see --time-limit")
            result: PageResult = pipe.recv()
        except (EOFError, OSError):
            return failed(unit, f"it crashed the process that read it ({self._ending()}); please report such a page")
        return result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def _start(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        given = (theirs, self.task, self.limits.memory_gb, self.reader)
        self._process = context.Process(target=_serve, args=given, daemon=True)
        self._process.start()
        theirs.close()
        self._pipe = ours
        try:
            if ours.poll(_START_S) and ours.recv() == "ready":
                return ours
        except (EOFError, OSError):
            pass
        ending = self._ending()
        raise EcgImgError(f"a worker could not be started ({ending}); is there memory left, and is ecgimg whole?")

    def _ending(self) -> str:
        """Close, and tell in words how the process ended."""
        self._process.join(5)
        code = self._process.exitcode
        self.close()
        if code is None:
            return "no answer"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"signal {-code}"


def _serve(pipe: Connection, task: Task, memory_gb: float, read: Reader) -> None:
    """Read what comes through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    one_thread()
    _limit_memory(memory_gb)
    pipe.send("ready")
    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while True:
            pipe.send(read(pipe.recv(), task))


def _limit_memory(memory_gb: float) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = int(memory_gb * 1e9)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
