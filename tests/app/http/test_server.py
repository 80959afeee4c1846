"""Which routes are open, which need a session's key, and which are closed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ecgimg.app.http.server import _held_interrupts
from tests.app.app_server import served
from tests.app.http.asking import KEYED, asked, join, upload
from tests.app.samples import PHOTO

httpx = pytest.importorskip("httpx", reason="the app's packages are not installed")
if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


def test_closed_paths(app):
    """Paths of the framework that lead elsewhere, files and foreign hosts are closed."""
    for path in (
        "gradio_api/file=https://example.org/x.jpg", "gradio_api/proxy=https://example.org/", "docs", "openapi.json",
        "monitoring", "gradio_api/runs",
    ):  # fmt: skip
        assert httpx.get(app.url + path).status_code == 404, path
    for path in ("gradio_api/file=/etc/passwd", f"gradio_api/file={PHOTO}"):
        assert httpx.get(app.url + path).status_code in (403, 404), path
    assert httpx.get(app.url, headers={"host": "attacker.example:80"}).status_code == 421


# Every route of the framework and of ours, decided on: a new one fails the test until it stands here.
OPEN = {
    "GET /", "HEAD /", "GET /config", "GET /config/", "GET /static/{path:path}", "GET /assets/{path:path}",
    "GET /svelte/{path:path}", "GET /favicon.ico", "GET /theme.css", "GET /robots.txt", "POST /login", "POST /login/",
    "GET /logout", "GET /health", "GET /files/{token}/{page}/{name}",
    "HEAD /files/{token}/{page}/{name}",
}  # fmt: skip


WITH_KEY = {
    "POST /gradio_api/upload", "POST /gradio_api/queue/join", "GET /gradio_api/queue/data", "POST /gradio_api/cancel",
    "GET /gradio_api/heartbeat/{session_hash}", "POST /gradio_api/call/{api_name}", "GET /gradio_api/info",
    "GET /gradio_api/call/{api_name}/{event_id}", "GET /gradio_api/file={path_or_url:path}",
    "HEAD /gradio_api/file={path_or_url:path}", "GET /gradio_api/startup-events", "GET /gradio_api/theme.css",
}  # fmt: skip


CLOSED = re.compile(
    r"\w+ (/pwa_icon.*|/manifest\.json|/monitoring.*|/gradio_api/("
    r"deep_link|user/?|login_check/?|token/?|app_id/?|dev/reload|runs/?|run-history.*|info/|openapi\.json|"
    r"custom_component/.*|proxy=.*|stream/.*|file/.*|reset/?|run/.*|api/.*|call/v2/.*|call/\{api_name\}/|"
    r"component_server/?|queue/status|upload_progress|process_recording|.*vibe.*|profiling/.*))"
)


# In a process of its own: the framework leaves event loops behind, which the tests would be told of.
LIST_ROUTES = """
import json, sys
from pathlib import Path
from ecgimg.app.http.server import build
from ecgimg.app.server_settings import ServerSettings

def routes(app, prefix=""):
    for route in app.routes:
        path = prefix + getattr(route, "path", "")
        if getattr(route, "methods", None):
            yield from (f"{method} {path}" for method in sorted(route.methods))
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router, prefix)
        else:
            yield from routes(route.app, path)

json.dump(list(routes(build(ServerSettings(), Path(sys.argv[1]))._app)), sys.stdout)
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory) -> set[str]:
    """Method and path of every route of the app, whatever it is mounted in."""
    words = [sys.executable, "-c", LIST_ROUTES, str(tmp_path_factory.mktemp("routes"))]
    return set(json.loads(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout))


def test_every_route_is_decided_on(routes):
    """A route that is neither open, nor with a key, nor closed fails."""
    assert {route for route in routes - OPEN - WITH_KEY if not CLOSED.fullmatch(route)} == set()
    assert routes > OPEN | WITH_KEY


def test_routes_without_key(app, session, routes):
    """A route that is not open is not found without a key."""
    for route in sorted(routes - OPEN):
        method, _, path = route.partition(" ")
        path = re.sub(r"\{[^}]*\}", "x", path)
        bare = httpx.request(method, app.url.rstrip("/") + path)
        assert bare.status_code == 404, route
        if route not in WITH_KEY:
            keyed = httpx.request(method, app.url.rstrip("/") + path.replace("/gradio_api/", httpx.URL(session).path))
            assert keyed.status_code == 404, route


def test_routes_with_wrong_key(app, session):
    """A key that was not given to a session is refused."""
    key = session.rstrip("/").rpartition("/")[2]
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    for wrong in (changed, "x", "../x"):
        assert upload(f"{app.url}gradio_api/{wrong}/").status_code in (403, 404)
    assert upload(session).status_code == 200


def test_results_of_other_session(app, session, outside):
    """Results and their files are given to their own session alone, and once."""
    made = httpx.post(session + "call/digitize", json={"data": asked(upload(session).json()[0])}).json()["event_id"]
    assert httpx.get(f"{app.session()}call/digitize/{made}").status_code == 404
    told = httpx.get(f"{session}call/digitize/{made}", timeout=60).text
    assert "event: complete" in told
    files = re.findall(r'"path": "([^"]+)"', told)
    assert len(files) == 5
    assert httpx.get(f"{session}call/digitize/{made}").status_code == 404  # told once
    links = re.findall(r'"url": "([^"]+)"', told)
    assert all(httpx.get(link).status_code == 200 for link in links)
    assert len(links) == 5
    for file in files:
        assert httpx.get(f"{session}file={file}").status_code == 200
        assert httpx.get(f"{app.session()}file={file}").status_code == 404
    pixels = str(Path(files[0]).parent / "pixels.npy")
    for path in (*outside.values(), pixels, str(Path(files[0]).parent)):
        answer = httpx.get(f"{session}file={path}".replace("\0", "%00"))
        assert answer.status_code in (400, 404), path
        assert answer.headers["content-type"].startswith("text/plain")


def test_messages_of_other_session(app, session):
    """A session cannot listen to the messages of another."""
    join(session, asked(upload(session).json()[0]))
    with httpx.stream("GET", f"{app.session()}queue/data?session_hash=abc", timeout=10) as other:
        assert "process_completed" not in next(other.iter_text())
    with httpx.stream("GET", f"{session}queue/data?session_hash=abc", timeout=60) as own:
        assert any("process_completed" in part for part in own.iter_text())


def test_requests_of_other_origin(session):
    """A page of another origin cannot send anything."""
    for headers in (
        {"origin": "http://attacker.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"}, {"origin": "http://127.0.0.1:1"},
    ):  # fmt: skip
        assert upload(session, headers=headers).status_code == 403, headers
    own = session.partition(KEYED)[0]
    assert upload(session, headers={"origin": own, "sec-fetch-site": "same-origin"}).status_code == 200


def test_interrupt_during_start():
    """Ctrl-C while the app is built ends it when it is built, not in the midst of an import."""
    held = _held_interrupts()
    held.__enter__()
    signal.raise_signal(signal.SIGINT)  # raises nothing yet
    with pytest.raises(KeyboardInterrupt):
        held.__exit__(None, None, None)


@pytest.mark.slow
def test_interrupt_while_serving(tmp_path):
    """Ctrl-C ends the app without a word, though a browser is connected."""
    with served(tmp_path / "files") as app, httpx.stream("GET", f"{app.session()}heartbeat/abc", timeout=30) as answer:
        next(answer.iter_raw())
        app.process.send_signal(signal.SIGINT)
        assert app.process.wait(30) == 0
        assert "research use only" in app.log.read_text()
        assert app.log.read_text().count("\n") == 1


def test_serve_at_taken_address(app):
    """An address that is taken is told in one sentence before anything is started."""
    words = [sys.executable, "-m", "ecgimg", "app", "--port", app.url.rstrip("/").rpartition(":")[2]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("ecgimg: 127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1
