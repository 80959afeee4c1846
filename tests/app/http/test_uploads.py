"""Uploads are limited before they are read."""

from __future__ import annotations

import gc
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from ecgimg.app.http.server import build
from ecgimg.app.server_settings import ServerSettings
from tests.app.clock import Clock
from tests.app.http.asking import asked, upload
from tests.app.samples import PHOTO

httpx = pytest.importorskip("httpx", reason="the app's packages are not installed")
if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


def test_upload_over_size_limit(app):
    """A file above the limit is not taken."""
    big = httpx.post(app.session() + "upload", files={"files": ("big.jpg", b"\xff" * 1_100_000)})
    assert big.status_code == 413


def test_bodies_over_size_limit(app, session):
    """Bodies of every route are limited before they are read."""
    big = b"x" * 2_000_000
    assert httpx.post(app.url + "login", content=big).status_code == 413
    assert httpx.post(app.url + "login", content=(b"x" * 1000 for _ in range(9))).status_code == 413
    assert httpx.post(session + "queue/join", content=big).status_code == 413
    assert upload(session, big).status_code == 413
    endless = httpx.post(session + "upload", content=(b"x" * 100_000 for _ in range(99)), headers={
        "content-type": "multipart/form-data; boundary=x"})  # fmt: skip
    assert endless.status_code in (400, 413)


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.usefixtures("garbage_collected")
@pytest.mark.filterwarnings("default")  # those of the framework's own statistics
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is read from /proc")
def test_two_hundred_uploads_of_fifty_sessions(tmp_path):
    """Two hundred uploads of fifty sessions leave neither files nor memory after an hour."""
    from starlette.testclient import TestClient

    clock, photo = Clock(), PHOTO.read_bytes()
    guard = build(ServerSettings(upload_min=5), tmp_path / "files", clock)
    sessions = guard._service.sessions
    with TestClient(guard, base_url="http://127.0.0.1") as client:
        before, most = 0.0, 0
        for number in range(50):
            prefix = client.get("/config").json()["api_prefix"]
            paths = [client.post(f"{prefix}/upload", files={"files": ("a.jpg", photo)}).json()[0] for _ in range(4)]
            assert all(Path(path).is_file() for path in paths)
            if number % 10 == 0:  # some of them are read, the others never
                body = {"data": asked(paths[0])}
                event = client.post(f"{prefix}/call/digitize", json=body).json()["event_id"]
                assert "event: complete" in client.get(f"{prefix}/call/digitize/{event}").text
            if number == 10:
                before = resident_mb()
            clock.now += 3600 / 50
            sessions.sweep()
            most = max(most, sum(path.is_file() for path in sessions.root.rglob("page-*.jpg")))
        assert resident_mb() - before < 100
        assert most <= 4 * 5  # those of five minutes
        clock.now += 3600
        sessions.sweep()
        assert [path for path in sessions.root.rglob("*") if path.is_file()] == []
    assert not sessions.root.exists()
    gc.collect()  # what the framework leaves open is told of here
