"""What a call may use, and what is raised where it used more."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ecgimg.errors import BadRequest
from ecgimg.reasons import Reason, ReasonCode

WALL_PER_CPU = 20.0 if sys.platform != "win32" else 4.0  # on Windows nothing else ends a call
"""Seconds by the clock for each of processor time: a guard against calls that wait for ever, which no load reaches."""


@dataclass(frozen=True)
class Limits:
    """What one call may use.

    Parameters
    ----------
    cpu_s : float
        Processor time of all threads, in whole seconds rounded up. It is limited on Linux and macOS.
    memory_gb : float
        Resident memory of the process, libraries included (Linux).
    wall_per_cpu : float
        Seconds by the clock for each of processor time, after which a call that still waits is given up.

    Raises
    ------
    BadRequest
        For limits within which nothing can be done.
    """

    cpu_s: float = 30.0
    memory_gb: float = 2.0
    wall_per_cpu: float = WALL_PER_CPU

    def __post_init__(self) -> None:
        if not (0 < self.cpu_s < 1e9 and 1 <= self.memory_gb < 1e6 and 1 <= self.wall_per_cpu < 1e6):
            raise BadRequest("a page needs a time limit above 0 s and a memory limit of at least 1 GB")


class CallFailed(Exception):
    """A call did not come back: it used too much, or ended its process.

    Parameters
    ----------
    limit : {"time", "memory", "crash"}
        What ended it.
    detail : str
        How the process ended, as ``SIGSEGV`` or ``exit code 3``; empty where it only waited.
    """

    def __init__(self, limit: str, detail: str = "") -> None:
        super().__init__(limit, detail)
        self.limit, self.detail = limit, detail

    def reason(self, limits: Limits) -> Reason:
        """Return what is said of the page whose call it was, which had these limits."""
        if self.limit == "time":
            waited = f"{limits.wall_per_cpu * limits.cpu_s:g} s by the clock"
            return ReasonCode.TIME_LIMIT_EXCEEDED.reason(
                limit=f"{limits.cpu_s:g} s of processor time" if self.detail else waited
            )
        if self.limit == "memory":
            return ReasonCode.MEMORY_LIMIT_EXCEEDED.reason()
        return ReasonCode.WORKER_CRASHED.reason(detail=self.detail)


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error means that there was no memory left: OpenCV and ONNX Runtime have no `MemoryError`."""
    # OpenCV and ONNX Runtime raise errors of their own, and only the text tells
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in text for sign in ("insufficient memory", "bad_alloc", "failed to allocate", "cannot allocate memory")
    )
