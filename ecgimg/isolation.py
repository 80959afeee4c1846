"""Run functions in another process whose processor time and memory the operating system limits.

Files that mean harm, or are only unlucky, can make a decoder or the digitizer crash, hang or eat memory. Such work is
done by a `Worker`: a Python process that is started when it is first needed, serves one call after the other, is
replaced where a call ends it, and ends itself within a second of the process that started it, however that one ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType, TracebackType
from typing import IO, Any

from ecgimg.errors import BadRequest, EcgImgError

_START_S = 180.0
_STOP_S = 5.0
_WALL_PER_CPU = 4.0  # two busy pages on one core take twice their processor time; twice that again for slow disks
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}  # else each thread maps 64 MB that count against the limit, used or not
_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from ecgimg.isolation import serve; serve()"


@dataclass(frozen=True)
class Limits:
    """What one call may use.

    Parameters
    ----------
    cpu_s : float
        Processor time of all threads, in whole seconds rounded up; four times as long by the clock. Processor time is
        limited on Linux and macOS, the clock everywhere.
    memory_gb : float
        Resident memory of the process, libraries included (Linux).

    Raises
    ------
    BadRequest
        For limits within which nothing can be done.
    """

    cpu_s: float = 30.0
    memory_gb: float = 2.0

    def __post_init__(self) -> None:
        if not (0 < self.cpu_s < 1e9 and 1 <= self.memory_gb < 1e6):
            raise BadRequest("a page needs a time limit above 0 s and a memory limit of 1 GB at least")

    @property
    def wall_s(self) -> float:
        """Seconds by the clock after which a call is given up."""
        return _WALL_PER_CPU * self.cpu_s


class CallFailed(Exception):
    """A call did not come back: it used too much, or ended its process.

    Parameters
    ----------
    limit : {"time", "memory", "crash"}
        What ended it.
    detail : str
        How the process ended, as ``SIGSEGV`` or ``exit code 3``.
    """

    def __init__(self, limit: str, detail: str = "") -> None:
        super().__init__(limit, detail)
        self.limit, self.detail = limit, detail


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
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT, **self.environment},
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_pass_on, args=(self._process.stdout, self._answers), daemon=True).start()
        try:
            self._send((self.limits.memory_gb, self.quiet, self.prepare))
            kind, _ = self._receive(_START_S)
        except CallFailed as failure:
            detail = failure.detail
        else:
            if kind == "ready":
                return
            detail = kind
        self.close()
        raise EcgImgError(f"a worker could not be started ({detail}); is there memory left, and is ecgimg whole?")

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return what a function of a module returns; see `stream`."""
        steps = self.stream(function, *args)
        while True:
            try:
                next(steps)
            except StopIteration as stopped:
                return stopped.value

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
                kind, value = self._receive(_WALL_PER_CPU * allowed_s)
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
            write_frame(self._process.stdin, message)

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
            answers.put(read_frame(stream))
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
        atexit.register(self.close)
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


# ---- in the process --------------------------------------------------------------------------------------------------


def serve() -> None:
    """Serve calls until the process that asks for them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks decides when to stop
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    try:
        memory_gb, quiet, prepare = read_frame(asked)
    except EOFError:  # who asked has gone already
        return
    if quiet:
        os.dup2(nothing, 2)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, requests), daemon=True).start()
    if prepare is not None:
        prepare()
    write_frame(answers, ("ready", None))
    while True:
        _, function, args, cpu_s, folder = requests.get()
        with contextlib.suppress(OSError):
            os.chdir(folder)  # names of files may be relative to it
        _limit_memory(memory_gb)
        _answer(function, args, cpu_s, requests, answers)


def _listen(asked: IO[bytes], requests: queue.SimpleQueue[Any]) -> None:
    """Put every request into a queue, and end the process, busy or not, when nobody is left to ask."""
    try:
        while True:
            requests.put(read_frame(asked))
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
        write_frame(answers, ("done", result))
    except MemoryError:
        write_frame(answers, ("memory", None))
    except EcgImgError as error:
        write_frame(answers, ("error", (type(error), str(error))))
    except Exception as error:  # a fault of our own: its kind is told, its text may name a person's file
        out = is_out_of_memory(error)
        write_frame(answers, ("memory", None) if out else ("error", (RuntimeError, type(error).__name__)))


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error means that there was no memory left: OpenCV and ONNX Runtime have no `MemoryError`."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("insufficient memory", "bad_alloc", "failed to allocate", "cannot allocate memory")
    )


def _iterate(steps: Any, used_s: float, requests: queue.SimpleQueue[Any], answers: IO[bytes]) -> Any:
    while True:
        try:
            write_frame(answers, ("item", next(steps)))
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


# ---- messages --------------------------------------------------------------------------------------------------------


def write_frame(stream: IO[bytes], message: Any) -> None:
    """Write a message; arrays go as they lie in memory."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
    stream.write(struct.pack(f"<I{len(parts)}Q", len(parts), *(part.nbytes for part in parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """Read a message (`EOFError` at the end)."""
    (count,) = struct.unpack("<I", _exactly(stream, 4))
    sizes = struct.unpack(f"<{count}Q", _exactly(stream, 8 * count))
    body, *buffers = [_exactly(stream, size) for size in sizes]
    return pickle.loads(body, buffers=buffers)


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = stream.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return data
