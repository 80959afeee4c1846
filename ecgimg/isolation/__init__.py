"""Run functions in another process whose processor time and memory the operating system limits.

Files that mean harm, or are only unlucky, can make a decoder or the digitizer crash, hang or eat memory. Such work is
done by a `Worker`: a Python process that is started when it is first needed, serves one call after the other, is
replaced where a call ends it, and ends itself within a second of the process that started it, however that one ends.
"""

from ecgimg.isolation.call_limits import CallFailed, Limits, is_out_of_memory
from ecgimg.isolation.process_handle import ONE_THREAD, Worker, run_to_end
from ecgimg.isolation.worker_pool import WorkerPool

__all__ = ["ONE_THREAD", "CallFailed", "Limits", "Worker", "WorkerPool", "is_out_of_memory", "run_to_end"]
