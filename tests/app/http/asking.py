"""What programs send to the app, right and wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.app.samples import PHOTO

httpx = pytest.importorskip("httpx")

KEYED = "/gradio_api/"


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
