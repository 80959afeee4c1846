"""Read pages one at a time in a worker process: a page that crashes it, hangs it or eats its memory is a result too."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ecgimg.batch.work import PageResult, Task, Unit, digitize_one, failed
from ecgimg.digitization.segmentation.threads import use_one_thread
from ecgimg.isolation import CallFailed, Limits, Worker

Reader = Callable[[Unit, Task], PageResult]


class PageReader:
    """A worker and what it does with each page; for use by one thread at a time, and to be closed.

    Started within `one_thread_per_process`, it keeps to one thread.

    Parameters
    ----------
    read : callable
        What is done with a page; found by its module and name in the process.
    """

    def __init__(self, task: Task, limits: Limits, read: Reader = digitize_one) -> None:
        self.task, self.limits, self._read = task, limits, read
        self._worker = Worker(limits, prepare=use_one_thread)

    def __enter__(self) -> PageReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self, unit: Unit) -> PageResult:
        """Read one page within the limits; `EcgImgError` where no worker can be started."""
        try:
            result: PageResult = self._worker.call(self._read, unit, self.task)
        except CallFailed as failure:
            return failed(unit, failure.reason(self.limits))
        return result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._worker.close()
