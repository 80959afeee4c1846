"""Serve the app for a test: the command in a process of its own, on a free port, all its files below one folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

_COMMAND = "import typer; from ecgimg.commands.app import app; typer.run(app)"
_TURN = Event()


@dataclass(frozen=True)
class Served:
    """Where the app is, the folder that holds all of its files, and what it has logged so far."""

    url: str
    folder: Path
    log: Path

    def session(self) -> str:
        """Return the address of a new session, as the page and programs get it."""
        with urllib.request.urlopen(f"{self.url}config", timeout=30) as answer:
            return self.url.rstrip("/") + json.load(answer)["api_prefix"] + "/"

    def left(self) -> list[str]:
        """Return the files that hold anything, but for the bundled samples."""
        return [
            name
            for folder, _, names in os.walk(self.folder)
            for name in names
            if Path(folder).name != "samples" and _size(Path(folder, name))
        ]


def _size(path: Path) -> int:
    """Return a file's size, 0 where it has just gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def wait_until(holds, seconds: float = 30.0) -> bool:
    """Wait for a condition, no longer than it takes."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        _TURN.wait(0.05)
    return bool(holds())


@contextmanager
def served(folder: Path, *options: str, password: str = "") -> Iterator[Served]:
    """Serve the app while the block runs; the process is told to end afterwards, and does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    environment = {**os.environ, "TMPDIR": str(folder), "ECGIMG_PASSWORD": password, "OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, "--port", str(port), *options],
            env=environment, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            assert wait_until(lambda: process.poll() is not None or _answers(port), 90), "the app did not start"
            assert process.poll() is None, log.read_text()
            yield Served(f"http://127.0.0.1:{port}/", folder, log)
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False
