"""Two ways to read many pages with the same worker: processes of this machine, or Ray on as many as there are."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import SimpleQueue
from typing import Any

from ecgimg._optional_packages import import_optional
from ecgimg.batch.work import PageResult, Task, Unit
from ecgimg.batch.worker import PageReader
from ecgimg.digitization.segmentation.threads import one_thread_per_process
from ecgimg.isolation import Limits

Engine = Callable[[Iterable[Unit], Task, Limits, int], Iterator[PageResult]]

_AHEAD = 2
_WAVE, _BLOCK = 4096, 4


def read_here(units: Iterable[Unit], task: Task, limits: Limits, jobs: int) -> Iterator[PageResult]:
    """Yield results as they come, from `jobs` processes of this machine, one thread each."""
    readers = [PageReader(task, limits) for _ in range(jobs)]
    idle: SimpleQueue[PageReader] = SimpleQueue()
    for reader in readers:
        idle.put(reader)

    def read(unit: Unit) -> PageResult:
        reader = idle.get()
        try:
            return reader.read(unit)
        finally:
            idle.put(reader)

    waiting = iter(units)
    with one_thread_per_process(), ThreadPoolExecutor(jobs) as threads:
        try:
            running: set[Future[PageResult]] = {threads.submit(read, unit) for unit in islice(waiting, _AHEAD * jobs)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {threads.submit(read, unit) for unit in islice(waiting, len(done))}
                for future in done:
                    yield future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for reader in readers:
                reader.close()


def read_by_ray(units: Iterable[Unit], task: Task, limits: Limits, jobs: int) -> Iterator[PageResult]:
    """Yield results as they come, from `jobs` actors of Ray Data, each with a worker of its own.

    Joins the cluster of ``RAY_ADDRESS``, or one that is connected already, or starts one on this machine. Pages of
    nodes that are lost are read again elsewhere.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    ray: Any = import_optional("ray", "ray", "the engine ray", extra="batch")
    data: Any = import_optional("ray.data", "ray[data]", "the engine ray", extra="batch")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    data.DataContext.get_current().enable_progress_bars = False
    waiting = iter(units)
    while wave := list(islice(waiting, _WAVE)):
        blocks = -(-len(wave) // _BLOCK)
        pages = data.from_items([{"unit": pickle.dumps(unit)} for unit in wave], override_num_blocks=blocks)
        read = pages.map_batches(
            RayReader,
            fn_constructor_args=(task, limits),
            batch_size=None,
            batch_format="numpy",
            concurrency=(1, min(jobs, blocks)),
            num_cpus=1,
        )
        for row in read.iter_rows():
            yield pickle.loads(row["result"])


class RayReader:
    """What each actor of Ray Data holds: a reader, so that a page that crashes or hangs it is told, not tried again."""

    def __init__(self, task: Task, limits: Limits) -> None:
        self.reader = PageReader(task, limits)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Read a few pages, pickled units to pickled results."""
        units = [pickle.loads(unit) for unit in batch["unit"]]
        with one_thread_per_process():
            return {"result": [pickle.dumps(self.reader.read(unit)) for unit in units]}


ENGINES: dict[str, Engine] = {"local": read_here, "ray": read_by_ray}
