"""Read whole archives of pages into a dataset: resumable, on one machine or many."""

from ecgimg.batch.page_task import Task
from ecgimg.batch.run import BatchSettings, Progress, Summary, run_batch
from ecgimg.batch.source_files import Preview, preview
from ecgimg.isolation import Limits

__all__ = ["BatchSettings", "Limits", "Preview", "Progress", "Summary", "Task", "preview", "run_batch"]
