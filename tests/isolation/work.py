"""What the tests have workers do; each process finds these functions by name."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecgimg.errors import MissingExtra


def double(values: np.ndarray) -> np.ndarray:
    return values * 2


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    threading.Event().wait()


def eat(gigabytes: float) -> int:
    return int(np.ones(int(gigabytes * 125e6)).sum())


def end(signal_number: int) -> None:
    os.kill(os.getpid(), signal_number)


def end_once(mark: Path) -> None:
    """End the process, unless one has been ended before."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def refuse() -> None:
    raise MissingExtra("pillow-heif", "heic", "reading HEIC")


def stumble() -> None:
    raise ValueError("the name of a person's file")


def count(to: int, cpu_s: float = 0.0) -> Iterator[int]:
    for number in range(to):
        until = time.process_time() + cpu_s
        while time.process_time() < until:
            pass
        yield number
    return "counted"


def folder() -> str:
    return str(Path.cwd())


def process() -> int:
    return os.getpid()
