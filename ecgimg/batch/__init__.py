"""Read whole archives of pages into a dataset: resumable, on one machine or many."""

from ecgimg.batch.page_task import Task
from ecgimg.batch.run import BatchSettings, Progress, Summary, preview, run_batch
from ecgimg.isolation import Limits

__all__ = ["BatchSettings", "Limits", "Progress", "Summary", "Task", "preview", "run_batch"]
