"""Requests: files that are not the session's, values of other kinds, and malformed ones."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.app.http.asking import asked, join, upload

httpx = pytest.importorskip("httpx")
if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


def assert_refused(answer: Any, name: str, path: str) -> None:
    assert answer.status_code == 422, name
    said = answer.json()["error"]
    assert said.count(". ") == 0
    assert not path or path not in said, name


def test_call_with_foreign_file(app, session, outside):
    """No function takes a file that is not its session's, however the file is given."""
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({0: "page.jpg"}, "a file is"), ({0: 5}, "a file is"), ({0: None}, "a file is"), ({0: [{}]}, "a file is"),
        ({1: "1"}, "page must be a whole"), ({1: 0}, "page must be a whole"), ({1: 1.5}, "page must be a whole"),
        ({1: True}, "page must be a whole"), ({1: 1e30}, "page must be a whole"), ({1: []}, "page must be a whole"),
        ({2: 7}, "layout is auto"), ({3: "x"}, "speed_mm_s must be a number"), ({3: []}, "speed_mm_s must be a number"),
        ({4: {}}, "gain_mm_mv must be a number"), ({5: "{}"}, "corrections are an object"),
        ({5: 5}, "corrections are an"), ({6: 1}, "at most 6 values"),
    ],
)  # fmt: skip
def test_call_with_wrong_values(app, session, change, reason):
    """A value of another kind is refused in one sentence."""
    data = [*asked(upload(session).json()[0]), 0]
    data = [change.get(number, value) for number, value in enumerate(data)][: 7 if 6 in change else 6]
    for answer in (httpx.post(session + "call/digitize", json={"data": data}), join(session, data, "classify")):
        assert answer.status_code == 422
        assert answer.json()["error"].startswith(reason)
    assert app.log.read_text().count("\n") <= 1


def test_call_with_defaults(session):
    """Values that are left out have their defaults."""
    data = asked(upload(session).json()[0])[:1]
    event = httpx.post(session + "call/classify", json={"data": data}).json()["event_id"]
    assert "event: complete" in httpx.get(f"{session}call/classify/{event}", timeout=60).text


def test_call_of_unknown_function(app, session):
    """A function that does not exist is refused."""
    assert httpx.post(session + "call/nothing", json={"data": []}).status_code == 404
    body = {"data": [], "fn_index": 99, "session_hash": "abc"}
    assert httpx.post(session + "queue/join", json=body).status_code == 422
    assert app.log.read_text().count("\n") <= 1


def test_malformed_requests(app, session):
    """A malformed request is answered in a sentence and leaves nothing in the log."""
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
