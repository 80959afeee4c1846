"""What the app lets through: every route is decided on, files are the asking session's own, bodies are limited."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ecgimg.app import service
from ecgimg.app.http.server import build
from ecgimg.app.settings import AppSettings
from tests.app_server import Served, proxied, served

if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)
httpx = pytest.importorskip("httpx")

SAMPLES = Path(service.__file__).parent.parent / "samples"
PHOTO = SAMPLES / "photo.jpg"
KEYED = "/gradio_api/"

# Every route of the framework and of ours, decided on: a new one fails the test until it stands here.
OPEN = {
    "GET /", "HEAD /", "GET /config", "GET /config/", "GET /static/{path:path}", "GET /assets/{path:path}",
    "GET /svelte/{path:path}", "GET /favicon.ico", "GET /theme.css", "GET /robots.txt", "POST /login", "POST /login/",
    "GET /logout", "GET /health", "GET /files/{token}/{page}/{name}",
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
from ecgimg.app.settings import AppSettings

def routes(app, prefix=""):
    for route in app.routes:
        path = prefix + getattr(route, "path", "")
        if getattr(route, "methods", None):
            yield from (f"{method} {path}" for method in sorted(route.methods))
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router, prefix)
        else:
            yield from routes(route.app, path)

json.dump(list(routes(build(AppSettings(), Path(sys.argv[1]))._app)), sys.stdout)
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory) -> set[str]:
    """Method and path of every route of the app, whatever it is mounted in."""
    words = [sys.executable, "-c", LIST_ROUTES, str(tmp_path_factory.mktemp("routes"))]
    return set(json.loads(subprocess.run(words, capture_output=True, check=True, timeout=120).stdout))


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app") / "files", "--keep-min", "0", "--max-mb", "1") as running:
        yield running


@pytest.fixture
def session(app) -> str:
    return app.session()


def upload(session: str, content: bytes = b"", **how: Any) -> Any:
    return httpx.post(session + "upload", files={"files": ("a.jpg", content or PHOTO.read_bytes())}, **how)


@cache
def functions(url: str) -> dict[str, int]:
    """Return the numbers of the app's functions by their names."""
    return {each["api_name"]: each["id"] for each in httpx.get(url + "/config").json()["dependencies"]}


def join(session: str, data: list[Any], fn: str = "digitize", event_data: Any = None, **how: Any) -> Any:
    """Ask for one of the functions, named ones and those of the page."""
    number = functions(session.partition(KEYED)[0])[fn]
    body = {"data": data, "event_data": event_data, "fn_index": number, "trigger_id": 1, "session_hash": "abc"}
    return httpx.post(session + "queue/join", json=body, **how)


def asked(path: str | None) -> list[Any]:
    return [{"path": path, "meta": {"_type": "gradio.FileData"}}, 1, "auto", 0, 0, {}]


def test_every_route_is_decided_on(routes):
    assert {route for route in routes - OPEN - WITH_KEY if not CLOSED.fullmatch(route)} == set()
    assert routes > OPEN | WITH_KEY


def test_what_is_not_open_is_not_found(app, session, routes):
    for route in sorted(routes - OPEN):
        method, _, path = route.partition(" ")
        path = re.sub(r"\{[^}]*\}", "x", path)
        bare = httpx.request(method, app.url.rstrip("/") + path)
        assert bare.status_code == 404, route
        if route not in WITH_KEY:
            keyed = httpx.request(method, app.url.rstrip("/") + path.replace("/gradio_api/", httpx.URL(session).path))
            assert keyed.status_code == 404, route


def test_keys_that_were_not_given_are_refused(app, session):
    key = session.rstrip("/").rpartition("/")[2]
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    for wrong in (changed, "x", "../x"):
        assert upload(f"{app.url}gradio_api/{wrong}/").status_code in (403, 404)
    assert upload(session).status_code == 200


@pytest.fixture
def outside(app, session, tmp_path) -> dict[str, str]:
    """What must not be read: files of the server, of the process, of another session, links, folders, a device."""
    other = upload(app.session()).json()[0]
    own = Path(upload(session).json()[0])
    (tmp_path / "secret.jpg").write_bytes(PHOTO.read_bytes())
    (own.parent / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(own.parent / "pipe.jpg")
    return {
        "picture": str(tmp_path / "secret.jpg"),
        "text": "/etc/hostname",
        "missing": "/nowhere/at/all.jpg",
        "other session": other,
        "link": str(own.parent / "link.jpg"),
        "folder": str(own.parent),
        "pipe": str(own.parent / "pipe.jpg"),
        "device": "/dev/zero",
        "roundabout": f"{own.parent}/../uploads/{own.name}",
        "relative": "page.jpg",
        "sample": str(PHOTO),
        "address": "http://127.0.0.1:1/a.jpg",
        "file address": "file:///etc/hostname",
        "empty": "",
        "nul": f"{own}\0",
    }


def test_no_function_takes_a_file_that_is_not_its_session_s(app, session, outside):
    before = sorted(path for path in app.folder.rglob("*"))
    for name, path in outside.items():
        for payload in (
            {"path": path, "meta": {"_type": "gradio.FileData"}}, {"path": path}, {"path": path, "url": path},
            {"url": path}, {"path": [path]},
        ):  # fmt: skip
            for fn in ("digitize", "classify"):
                for data in ([payload, 1, "auto", 0, 0, {}], [[payload], 1, "auto", 0, 0, {}]):
                    assert_refused(join(session, data, fn), name, path)
                assert_refused(join(session, [None, 1, "auto", 0, 0, {"a": [payload]}], fn), name, path)
            assert_refused(join(session, [], "add_files", {"files": [payload]}), name, path)
            call = httpx.post(session + "call/digitize", json={"data": [payload, 1, "auto", 0, 0, {}]})
            assert_refused(call, name, path)
    assert sorted(path for path in app.folder.rglob("*")) == before
    assert app.log.read_text().count("\n") <= 1


def assert_refused(answer: Any, name: str, path: str) -> None:
    assert answer.status_code == 422, name
    said = answer.json()["error"]
    assert said.count(". ") == 0
    assert not path or path not in said, name


def test_results_are_given_to_their_session_alone(app, session, outside):
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({0: "page.jpg"}, "a file is"), ({0: 5}, "a file is"), ({0: None}, "a file is"), ({0: [{}]}, "a file is"),
        ({1: "1"}, "page is a whole"), ({1: 0}, "page is a whole"), ({1: 1.5}, "page is a whole"),
        ({1: True}, "page is a whole"), ({1: 1e30}, "page is a whole"), ({1: []}, "page is a whole"),
        ({2: 7}, "layout is auto"), ({3: "x"}, "speed_mm_s is a number"), ({3: []}, "speed_mm_s is a number"),
        ({4: {}}, "gain_mm_mv is a number"), ({5: "{}"}, "corrections are an object"), ({5: 5}, "corrections are an"),
        ({6: 1}, "at most 6 values"),
    ],
)  # fmt: skip
def test_values_of_another_kind_are_refused_in_one_sentence(app, session, change, reason):
    data = [*asked(upload(session).json()[0]), 0]
    data = [change.get(number, value) for number, value in enumerate(data)][: 7 if 6 in change else 6]
    for answer in (httpx.post(session + "call/digitize", json={"data": data}), join(session, data, "classify")):
        assert answer.status_code == 422
        assert answer.json()["error"].startswith(reason)
    assert app.log.read_text().count("\n") <= 1


def test_what_is_left_out_has_its_default(session):
    data = asked(upload(session).json()[0])[:1]
    event = httpx.post(session + "call/classify", json={"data": data}).json()["event_id"]
    assert "event: complete" in httpx.get(f"{session}call/classify/{event}", timeout=60).text


def test_functions_that_there_are_not_are_refused(app, session):
    assert httpx.post(session + "call/nothing", json={"data": []}).status_code == 404
    body = {"data": [], "fn_index": 99, "session_hash": "abc"}
    assert httpx.post(session + "queue/join", json=body).status_code == 422
    assert app.log.read_text().count("\n") <= 1


def test_an_address_that_is_taken_is_told_before_anything_is_started(app):
    words = [sys.executable, "-m", "ecgimg", "app", "--port", app.url.rstrip("/").rpartition(":")[2]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("ecgimg: 127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1


def test_messages_of_another_session_can_not_be_listened_to(app, session):
    join(session, asked(upload(session).json()[0]))
    with httpx.stream("GET", f"{app.session()}queue/data?session_hash=abc", timeout=10) as other:
        assert "process_completed" not in next(other.iter_text())
    with httpx.stream("GET", f"{session}queue/data?session_hash=abc", timeout=60) as own:
        assert any("process_completed" in part for part in own.iter_text())


def test_bodies_are_limited_before_they_are_read(app, session):
    big = b"x" * 2_000_000
    assert httpx.post(app.url + "login", content=big).status_code == 413
    assert httpx.post(app.url + "login", content=(b"x" * 1000 for _ in range(9))).status_code == 413
    assert httpx.post(session + "queue/join", content=big).status_code == 413
    assert upload(session, big).status_code == 413
    endless = httpx.post(session + "upload", content=(b"x" * 100_000 for _ in range(99)), headers={
        "content-type": "multipart/form-data; boundary=x"})  # fmt: skip
    assert endless.status_code in (400, 413)


def test_requests_that_are_malformed_are_answered_in_a_sentence_and_leave_nothing_in_the_log(app, session):
    secret = "Smith-John-1948"
    upload_type = {"content-type": "multipart/form-data; boundary=x"}
    for method, path, how in (
        ("POST", "queue/join", {"content": secret}), ("POST", "queue/join", {"content": "[" * 9000}),
        ("POST", "queue/join", {"json": [secret]}), ("POST", "queue/join", {"json": {secret: 1}}),
        ("POST", "queue/join", {"json": {"data": secret}}), ("POST", "queue/join", {"json": {"data": [secret] * 99}}),
        ("POST", "queue/join", {"json": {"data": [], "fn_index": secret}}),
        ("POST", "queue/join", {"json": {"data": [], "fn_index": 10**9, "session_hash": "a"}}),
        ("POST", "queue/join", {"json": {"data": [secret], "fn_index": 0, "session_hash": "a"}}),
        ("POST", "queue/join", {"json": {"data": [secret], "fn_index": 0, "session_hash": f"../{secret}"}}),
        ("POST", "queue/join", {"json": {"data": [], "fn_index": 0, "session_hash": "a", "event_data": secret}}),
        ("POST", "call/digitize", {"json": {"data": [secret]}}), ("POST", "call/nothing", {"json": {"data": []}}),
        ("POST", "cancel", {"json": {"session_hash": "a", "fn_index": 0, "event_id": 7}}),
        ("POST", "upload", {"content": secret}), ("POST", "upload", {"content": secret, "headers": upload_type}),
        ("POST", "upload", {"files": {"other": (None, secret)}}), ("GET", f"call/digitize/{secret}", {}),
        ("GET", f"heartbeat/{secret}%2F..", {}), ("GET", f"queue/data?session_hash=../{secret}", {}),
        ("GET", f"file=/{secret}", {}), ("DELETE", "upload", {}), ("PUT", secret, {"content": secret}),
    ):  # fmt: skip
        answer = httpx.request(method, session + path, **how)
        assert answer.status_code in (200, 400, 403, 404, 405, 413, 422, 500), (path, answer.status_code)
        assert "Traceback" not in answer.text
    join(session, [secret] * 8, "read_again")
    log = app.log.read_text()
    assert "Traceback" not in log
    assert secret not in log
    assert httpx.get(app.url + "health").text == "ok"


def test_pages_of_another_origin_can_not_send_anything(session):
    for headers in (
        {"origin": "http://attacker.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"}, {"origin": "http://127.0.0.1:1"},
    ):  # fmt: skip
        assert upload(session, headers=headers).status_code == 403, headers
    own = session.partition(KEYED)[0]
    assert upload(session, headers={"origin": own, "sec-fetch-site": "same-origin"}).status_code == 200


# ---- what is left ----------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.filterwarnings("default")  # those of the framework's own statistics
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="memory is read from /proc")
def test_two_hundred_uploads_of_fifty_sessions_leave_nothing_after_an_hour(tmp_path):
    from starlette.testclient import TestClient

    clock, photo = Clock(), PHOTO.read_bytes()
    guard = build(AppSettings(upload_min=5), tmp_path / "files", clock)
    sessions = guard._desk.sessions
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


# ---- behind a proxy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", "open sesame"])
def test_a_program_s_photo_goes_through_a_proxy_in_one_step(tmp_path, password):
    from gradio_client import Client, handle_file

    with served(tmp_path / "files", "--root-path", "/ecg", password=password) as app, proxied(app.url, "/ecg") as url:
        client = Client(
            url,
            auth=("ecg", password) if password else None,
            verbose=False,
            download_files=tmp_path / "downloads",
        )
        told, files = client.predict(handle_file(PHOTO), api_name="/digitize")
        client.close()
    assert told["status"] == "ok"
    assert len(files) == 5
