"""What a call may use, and what is raised where it used more."""

from __future__ import annotations

from dataclasses import dataclass

from ecgimg.errors import BadRequest
from ecgimg.reasons import Reason, ReasonCode

WALL_PER_CPU = 4.0  # two busy pages on one core take twice their processor time; twice that again for slow disks


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
            raise BadRequest("a page needs a time limit above 0 s and a memory limit of at least 1 GB")

    @property
    def wall_s(self) -> float:
        """Seconds by the clock after which a call is given up."""
        return WALL_PER_CPU * self.cpu_s


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

    def reason(self, limits: Limits) -> Reason:
        """Return what is said of the page whose call it was, which had these limits."""
        if self.limit == "time":
            return ReasonCode.TIME_LIMIT_EXCEEDED.reason(seconds=limits.cpu_s)
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
