"""How far a command is: a bar on a terminal, a line every half minute elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.progress import Task as BarTask
from rich.text import Text

from ecgimg.commands.shared.consoles import ERR, LOG, LOG_ONLY, is_quiet

_FIRST_LINE_S, _LINE_S = 1.5, 30.0


@dataclass
class Progress:
    """What a command is doing, and how far it is.

    Parameters
    ----------
    doing : str
        As "reading pages". With other words it begins anew.
    total : int or None
        None where it is not known.
    """

    doing: str
    total: int | None = None
    done: int = 0
    failed: int = 0
    _on_change: Callable[[Progress], None] = lambda _progress: None
    _began_s: float = field(default_factory=time.monotonic)

    def update(self, done: int, total: int | None = None, failed: int = 0) -> None:
        """Say how many are done, and how many of them failed."""
        self.done, self.failed = done, failed
        self.total = self.total if total is None else total
        self._on_change(self)

    def advance(self, failed: bool = False) -> None:
        """Say that one more is done."""
        self.update(self.done + 1, failed=self.failed + failed)

    def begin(self, doing: str, total: int | None = None) -> None:
        """Begin something else; the speed is counted anew."""
        if doing != self.doing:
            self.doing, self._began_s = doing, time.monotonic()
        self.update(0, total)

    def line(self) -> str:
        """Return how far it is: done, failed, rate and time left."""
        parts = [self.doing if self.total is None else f"{self.doing}: {self.done} of {self.total}"]
        if self.failed:
            parts.append(f"{self.failed} failed or refused")
        seconds = time.monotonic() - self._began_s
        if self.done and self.total is not None:
            parts.append(f"{self.done / seconds:.2f} a second")
            parts.append(f"{_duration((self.total - self.done) * seconds / self.done)} left")
        return ", ".join(parts)


@contextmanager
def show_progress(doing: str, total: int | None = None, *, when: bool = True) -> Iterator[Progress]:
    """Show the progress of a block on standard error, unless it is quiet.

    Parameters
    ----------
    doing, total
        As of `Progress`.
    when : bool
        Whether to show it at all.
    """
    if not when:
        yield Progress(doing, total)
        return
    has_bar = ERR.is_terminal and not is_quiet()
    shown = _bar(doing, total) if has_bar else nullcontext(Progress(doing, total))
    with shown as progress, _lines(progress, LOG_ONLY if has_bar else None):
        yield progress


@contextmanager
def _lines(progress: Progress, extra: dict[str, bool] | None) -> Iterator[None]:
    """Print a line soon after the start, and every half minute then, also while nothing is done."""
    ended = threading.Event()

    def run() -> None:
        wait_s = _FIRST_LINE_S
        while not ended.wait(wait_s):
            LOG.info(progress.line(), extra=extra)
            wait_s = _LINE_S

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _bar(doing: str, total: int | None) -> Iterator[Progress]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn()
    # what is piped must not come among the errors, where the bar is
    with Bar(*columns, console=ERR, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(doing, total=total)

        def show(progress: Progress) -> None:
            if progress.done == 0:
                bar.reset(task)  # each thing that is done has its own speed
            text = f"{progress.doing}, {progress.failed} failed" if progress.failed else progress.doing
            bar.update(task, description=text, completed=progress.done, total=progress.total)

        yield Progress(doing, total, _on_change=show)


class _Rate(ProgressColumn):
    """Pages per second."""

    def render(self, task: BarTask) -> Text:
        """Return the mean speed of the last seconds."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.2f}/s" if speed else "", style="cyan")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
