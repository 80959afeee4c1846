"""Serve the app for a test: the command in a process of its own, on a free port, all its files below one folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

_COMMAND = "import typer; from ecgimg.commands.app import app; typer.run(app)"


@dataclass(frozen=True)
class Served:
    """Where the app is, the folder that holds all of its files, and what it has logged so far."""

    url: str
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

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
            yield Served(f"http://127.0.0.1:{port}/", folder, log, process)
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


class Proxy(BaseHTTPRequestHandler):
    """Passes requests below a path on, as the server in the README does."""

    target = below = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        import httpx

        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        headers["X-Forwarded-Host"] = headers.get("Host", "")
        headers["X-Forwarded-Proto"] = "http"
        url = self.target + self.path.removeprefix(self.below)
        with httpx.stream(self.command, url, headers=headers, content=body, timeout=120) as answer:
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name not in ("content-length", "transfer-encoding", "content-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("connection", "close")
            self.end_headers()
            try:
                for part in answer.iter_bytes():
                    self.wfile.write(part)
                    self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                pass
        self.close_connection = True

    do_POST = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def proxied(url: str, below: str) -> Iterator[str]:
    """Serve an app below a path of another address, which is yielded, while the block runs."""
    handler = type("Handler", (Proxy,), {"target": url.rstrip("/"), "below": below})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{below}/"
    finally:
        server.shutdown()
        server.server_close()
