"""Read pages one at a time in a worker process, so that a page that crashes or hangs it is a result too."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ecgimg.batch.page_task import ArchivePage, PageResult, Task
from ecgimg.batch.read_page import failed_page, read_page
from ecgimg.inference.threads import use_one_thread
from ecgimg.isolation import CallFailed, Limits, Worker

ReadPage = Callable[[ArchivePage, Task], PageResult]


class PageReader:
    """A worker process that reads pages within limits. One thread uses it at a time, and closes it.

    Started within `one_thread_per_process`, it keeps to one thread.

    Parameters
    ----------
    read_page : callable
        Reads a page in the worker process, which finds it by its module and name.
    """

    def __init__(self, task: Task, limits: Limits, read_page: ReadPage = read_page) -> None:
        self.task, self.limits, self._read_page = task, limits, read_page
        self._worker = Worker(limits, prepare=use_one_thread)

    def __enter__(self) -> PageReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self, page: ArchivePage) -> PageResult:
        """Read one page within the limits; `EcgImgError` where no worker can be started."""
        try:
            result: PageResult = self._worker.call(self._read_page, page, self.task)
        except CallFailed as failure:
            # the worker starts a new process with the next page
            return failed_page(page, failure.reason(self.limits))
        return result

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._worker.close()
