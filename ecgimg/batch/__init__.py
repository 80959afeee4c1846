"""Whole archives of pages: to a dataset, resumable, on one machine or many."""

from ecgimg.batch.run import BatchSettings, Progress, Summary, look, run_batch
from ecgimg.batch.work import Task
from ecgimg.isolation import Limits

__all__ = ["BatchSettings", "Limits", "Progress", "Summary", "Task", "look", "run_batch"]
