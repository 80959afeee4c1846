"""What a worker runs: it serves calls, within limits that the operating system keeps."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import GeneratorType
from typing import IO, Any

from ecgimg.errors import EcgImgError
from ecgimg.isolation.call_limits import is_out_of_memory
from ecgimg.isolation.messages import read_message, write_message


def serve() -> None:
    """Serve calls until the process that asks for them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks decides when to stop
    asked, answers, nothing = _take_streams()
    try:
        memory_gb, quiet, prepare = read_message(asked)
    except EOFError:  # who asked has gone already
        return
    if quiet:
        os.dup2(nothing, 2)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, requests), daemon=True).start()
    if prepare is not None:
        prepare()
    write_message(answers, ("ready", None))
    while True:
        _, function, args, cpu_s, folder = requests.get()
        with contextlib.suppress(OSError):
            os.chdir(folder)  # names of files may be relative to it
        # anew for each call: what earlier calls left mapped is not this one's doing
        _limit_memory(memory_gb)
        _answer(function, args, cpu_s, requests, answers)


def _take_streams() -> tuple[IO[bytes], IO[bytes], int]:
    """Return standard input and output for messages alone, and the descriptor of the null device in their place."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # what a library prints must not get between the answers, nor its reads eat the requests
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return asked, answers, nothing


def _listen(asked: IO[bytes], requests: queue.SimpleQueue[Any]) -> None:
    """Put every request into a queue, and end the process, busy or not, when nobody is left to ask."""
    try:
        while True:
            requests.put(read_message(asked))
    finally:  # nobody asks any more, or for what cannot be found here
        os._exit(1)


def _answer(
    function: Callable[..., Any],
    args: Sequence[Any],
    cpu_s: float,
    requests: queue.SimpleQueue[Any],
    answers: IO[bytes],
) -> None:
    used_s = _cpu_s()
    _limit_cpu(used_s + cpu_s)
    try:
        result = function(*args)
        if isinstance(result, GeneratorType):
            result = _iterate(result, used_s, requests, answers)
        write_message(answers, ("done", result))
    except MemoryError:
        write_message(answers, ("memory", None))
    except EcgImgError as error:
        write_message(answers, ("error", (type(error), str(error))))
    except Exception as error:  # a fault of our own: its kind is told, its text may name a person's file
        out = is_out_of_memory(error)
        write_message(answers, ("memory", None) if out else ("error", (RuntimeError, type(error).__name__)))


def _iterate(steps: Any, used_s: float, requests: queue.SimpleQueue[Any], answers: IO[bytes]) -> Any:
    while True:
        try:
            write_message(answers, ("item", next(steps)))
        except StopIteration as stopped:
            return stopped.value
        word, *more = requests.get()
        if word == "stop":
            steps.close()
            return None
        _limit_cpu(used_s + more[0])


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _limit_cpu(cpu_s: float) -> None:
    """Have the system end this process with SIGXCPU when it has used so many seconds since it started."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # whole seconds, and the limit counts from the start of the process, not of the call
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = max(int(-(-cpu_s // 1)), 1)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _limit_memory(memory_gb: float) -> None:
    """Limit the address space to what is mapped already and what may still become resident."""
    try:
        import resource

        with Path("/proc/self/statm").open(encoding="ascii") as file:
            mapped, resident = (int(pages) * resource.getpagesize() for pages in file.read().split()[:2])
    except (ImportError, OSError):  # neither Windows nor macOS tell, or hold to it
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = mapped + max(int(memory_gb * 1e9) - resident, 0)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (soft if hard < 0 else min(soft, hard), hard))
