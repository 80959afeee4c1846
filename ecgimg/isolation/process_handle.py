"""One process that serves calls, seen from the process that asks."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ecgimg.errors import EcgImgError
from ecgimg.isolation.call_limits import CallFailed, Limits
from ecgimg.isolation.messages import read_message, write_message

_START_S = 180.0  # to start Python and load networks, on a machine under load
_STARTS = 3  # a machine short of memory may kill a process as it starts
_STOP_S = 5.0  # to leave a generator, after which the process is ended
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}  # else each thread maps 64 MB that count against the limit, used or not
_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from ecgimg.isolation.child_main import serve; serve()"


ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Variables that have a process use one thread for linear algebra, which it settles as it starts."""


def run_to_end(steps: Generator[Any, None, Any]) -> Any:
    """Run a generator, pass over what it yields, and return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stopped:
            return stopped.value


@dataclass(eq=False)
class Worker:
    """One process; for use by one thread at a time, and to be closed.

    Parameters
    ----------
    limits : Limits
    quiet : bool
        Whether what its libraries print (libtiff, libjpeg) is dropped.
    prepare : callable, optional
        Called once in the process before its first call, outside the limits.
    environment : mapping
        Variables of the process besides those of this one.
    """

    limits: Limits
    quiet: bool = False
    prepare: Callable[[], Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _answers: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, unless it runs; returns when it is ready (`EcgImgError` where it cannot be)."""
        if self._process is not None and self._process.poll() is None:
            return
        for _ in range(_STARTS):
            self.close()
            self._launch()
            try:
                self._send((self.limits.memory_gb, self.quiet, self.prepare))
                detail, _ = self._receive(_START_S)
            except CallFailed as failure:
                detail = failure.detail
                if failure.limit == "time":
                    break
            if detail == "ready":
                return
        self.close()
        raise EcgImgError(f"a worker could not be started ({detail}); is there memory left, and is ecgimg whole?")

    def _launch(self) -> None:
        """Launch the process, and the thread that puts its answers into the queue."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT, **self.environment},
        )
        # a thread reads, for a pipe cannot be waited on with a time limit everywhere
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(self._process.stdout, self._answers), daemon=True).start()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return what a function of a module returns; see `stream`."""
        return run_to_end(self.stream(function, *args))

    def stream(self, function: Callable[..., Any], *args: Any, more_cpu_s: float = 0.0) -> Generator[Any, None, Any]:
        """Yield what a generator function of a module yields, made only as it is asked for; return what it returns.

        Parameters
        ----------
        more_cpu_s : float
            Processor time added to the limit with every item that is asked for.

        Raises
        ------
        CallFailed
            When the call used too much or ended the process; the next call starts another.
        EcgImgError
            As the function raises it.
        """
        self.start()
        allowed_s = self.limits.cpu_s
        self._send(("call", function, args, allowed_s, _here()))
        waits = False  # whether the process waits to be asked for the next item
        try:
            while True:
                kind, value = self._receive(self.limits.wall_per_cpu * allowed_s)
                if kind != "item":
                    return _result(kind, value)
                waits = True
                yield value
                waits, allowed_s = False, allowed_s + more_cpu_s
                self._send(("next", allowed_s))
        except EcgImgError:
            raise  # as the function raised it: the call is over
        except BaseException:
            if waits:
                self._abandon()
            else:
                self.close()
            raise

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def forget(self) -> None:
        """Let go of the process without ending it: it belongs to the process that this one was forked from."""
        self._process = None

    def _send(self, message: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the answer tells how it ended
            write_message(self._process.stdin, message)

    def _receive(self, seconds: float) -> tuple[str, Any]:
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise CallFailed("time") from None
        if answer is None:
            raise self._ending()
        kind, value = answer
        return kind, value

    def _abandon(self) -> None:
        """Have the process give up a generator, and be ready for the next call."""
        self._send(("stop",))
        try:
            self._receive(_STOP_S)
        except CallFailed:
            self.close()

    def _ending(self) -> CallFailed:
        assert self._process is not None
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            return CallFailed("crash", "no answer")
        if code >= 0:
            return CallFailed("crash", f"exit code {code}")
        # SIGXCPU is what the limit on processor time sends; anything else is a crash
        name = _signal_name(-code)
        return CallFailed("time" if name == "SIGXCPU" else "crash", name)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return os.sep


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _pass_on(stream: IO[bytes], answers: queue.SimpleQueue[Any]) -> None:
    """Put every answer of a process into a queue, and None when it has ended."""
    try:
        while True:
            answers.put(read_message(stream))
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        answers.put(None)


def _result(kind: str, value: Any) -> Any:
    """Return what a call returned, or raise what it raised."""
    if kind == "memory":
        raise CallFailed("memory")
    if kind == "error":
        error_type, text = value
        error = error_type.__new__(error_type)
        Exception.__init__(error, text)  # its own ``__init__`` may take other words than its text
        raise error
    return value
