"""Engines that read many pages at the same time: processes of this machine, or Ray on a cluster."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import SimpleQueue
from typing import Any

from ecgimg._optional_packages import import_optional
from ecgimg.batch.page_task import ArchivePage, PageResult, Task
from ecgimg.batch.worker import PageReader
from ecgimg.inference.threads import one_thread_per_process
from ecgimg.isolation import Limits

Engine = Callable[[Iterable[ArchivePage], Task, Limits, int], Iterator[PageResult]]

_QUEUED_PER_JOB = 2  # pages handed out at a time: no process waits for the next page, and a stopped run drops few
_WAVE_PAGES = 4096  # pages that Ray gets at a time, so that a large archive is never pickled at once
_BLOCK_PAGES = 4  # pages that an actor gets at a time; those of a lost node are read again


def read_locally(pages: Iterable[ArchivePage], task: Task, limits: Limits, jobs: int) -> Iterator[PageResult]:
    """Yield results as they come, from `jobs` processes of this machine with one thread each."""
    readers = [PageReader(task, limits) for _ in range(jobs)]
    idle: SimpleQueue[PageReader] = SimpleQueue()
    for reader in readers:
        idle.put(reader)

    def read(page: ArchivePage) -> PageResult:
        reader = idle.get()
        try:
            return reader.read(page)
        finally:
            idle.put(reader)

    remaining = iter(pages)
    with one_thread_per_process(), ThreadPoolExecutor(jobs) as threads:
        try:
            first_pages = islice(remaining, _QUEUED_PER_JOB * jobs)
            running: set[Future[PageResult]] = {threads.submit(read, page) for page in first_pages}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {threads.submit(read, page) for page in islice(remaining, len(done))}
                for future in done:
                    yield future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for reader in readers:
                reader.close()


def read_with_ray(pages: Iterable[ArchivePage], task: Task, limits: Limits, jobs: int) -> Iterator[PageResult]:
    """Yield results as they come, from `jobs` actors of Ray Data with a worker process each.

    Joins the cluster of ``RAY_ADDRESS``, or one that is connected already, or starts one on this machine. The pages
    of a lost node are read again elsewhere.
    """
    data = _connect_ray()
    remaining = iter(pages)
    while wave := list(islice(remaining, _WAVE_PAGES)):
        n_blocks = -(-len(wave) // _BLOCK_PAGES)
        pickled = data.from_items([{"page": pickle.dumps(page)} for page in wave], override_num_blocks=n_blocks)
        results = pickled.map_batches(
            RayReader,
            fn_constructor_args=(task, limits),
            batch_size=None,
            batch_format="numpy",
            concurrency=(1, min(jobs, n_blocks)),
            num_cpus=1,
        )
        for row in results.iter_rows():
            yield pickle.loads(row["result"])


def _connect_ray() -> Any:
    """Connect to Ray, and return the module ``ray.data``."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    ray: Any = import_optional("ray", "ray", "the engine ray", extra="batch")
    data: Any = import_optional("ray.data", "ray[data]", "the engine ray", extra="batch")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    data.DataContext.get_current().enable_progress_bars = False
    return data


class RayReader:
    """The reader of an actor of Ray Data. A page that crashes it is a result; Ray would try it again and again."""

    def __init__(self, task: Task, limits: Limits) -> None:
        self.reader = PageReader(task, limits)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Read a few pages: pickled pages in, pickled results out."""
        pages = [pickle.loads(page) for page in batch["page"]]
        with one_thread_per_process():
            return {"result": [pickle.dumps(self.reader.read(page)) for page in pages]}


ENGINES: dict[str, Engine] = {"local": read_locally, "ray": read_with_ray}
