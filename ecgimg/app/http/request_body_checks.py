"""What a request may hold: bodies limited before they are read, and files that are the asking session's own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from ecgimg.app.http.sessions import Sessions
from ecgimg.app.http.uploads import FILE_GONE
from ecgimg.errors import BadRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

FORM_BYTES = 4_000  # of a login: user and password
MESSAGE_BYTES = 256_000  # of a message; files come as uploads
_SILENCE_S = 30.0  # without a byte, after which a request is given up: slow senders hold connections
_MAX_DEPTH = 12  # of nested values, so that checking them cannot exhaust the stack
_MAX_VALUES = 64  # that a message passes to a function
_MESSAGE_KEYS = frozenset({"data", "event_data", "fn_index", "trigger_id", "session_hash", "event_id"})
FILE_FUNCTIONS = ("digitize", "classify")
_DEFAULTS: Mapping[str, Any] = {
    "file": None,
    "page": 1,
    "layout": "auto",
    "speed_mm_s": 0,
    "gain_mm_mv": 0,
    "corrections": {},
}
_LARGEST = 1e6  # of a number: pages, mm/s and mm/mV are far below, and larger ones overflow somewhere
_SESSION_HASH = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TooLarge(BadRequest):
    """A body of more bytes than its kind of request may have."""


def header(scope: Scope, name: bytes) -> str:
    """Return a header of a request, or ``""``."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def body_chunks(scope: Scope, receive: Receive, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield a request's body as it comes.

    Raises
    ------
    TooLarge
        By the length that the request states, before anything is read, or when more comes.
    BadRequest
        When nothing comes for half a minute, or the other side has gone.
    """
    too_large = TooLarge(f"the request holds more than {max_bytes / 1000:g} kB; send less")
    # the stated length may be a lie either way, so that what comes is counted too
    stated = header(scope, b"content-length")
    if stated and (not stated.isdecimal() or int(stated[:20]) > max_bytes):
        raise too_large
    read = 0
    while True:
        message = await _next_part(receive)
        data = message.get("body", b"")
        read += len(data)
        if read > max_bytes:
            raise too_large
        yield data
        if not message.get("more_body"):
            return


async def _next_part(receive: Receive) -> MutableMapping[str, Any]:
    """Return the next part of a request's body; `BadRequest` after half a minute, or when the other side has gone."""
    try:
        message = await asyncio.wait_for(receive(), _SILENCE_S)
    except TimeoutError:
        raise BadRequest("the request is incomplete; send it again") from None
    if message["type"] != "http.request":
        raise BadRequest("the request was cancelled")
    return message


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Return a request's whole body; errors as `body_chunks`."""
    return b"".join([chunk async for chunk in body_chunks(scope, receive, max_bytes)])


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and after it what else comes."""
    waiting = [body]

    async def replay() -> MutableMapping[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def checked_message(
    body: bytes, key: str, prefix: str, sessions: Sessions, functions: Mapping[int, str], name: str = ""
) -> bytes:
    """Return a message of the page or of a program as it may be passed on.

    Files that it names must be uploads of its own session; its session hash gets the prefix of that session.

    Parameters
    ----------
    functions : mapping
        Number to name of the functions that there are.
    name : str
        The function that is called, where the path names it and not the message.

    Raises
    ------
    BadRequest
        For anything else, in one sentence.
    """
    message = _parsed(body)
    for field in ("data", "event_data"):
        if field in message:
            message[field] = _with_own_files(message[field], key, sessions, 0)
    name = name or _function(message, functions)
    if name in FILE_FUNCTIONS and "data" in message:
        message["data"] = checked_arguments(message["data"])
    if "session_hash" in message:
        message["session_hash"] = prefixed_hash(message["session_hash"], prefix)
    return json.dumps(message).encode()


def _parsed(body: bytes) -> dict[str, Any]:
    """Return a message whose keys, and the kinds of their values, are those of the framework."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the request is not JSON") from None
    if not isinstance(message, dict) or not set(message) <= _MESSAGE_KEYS:
        raise BadRequest(f"a request is an object with the keys {', '.join(sorted(_MESSAGE_KEYS))}")
    data = message.get("data", [])
    if not isinstance(data, list) or len(data) > _MAX_VALUES:
        raise BadRequest(f"data must be a list of at most {_MAX_VALUES} values")
    for name in ("fn_index", "trigger_id"):
        if message.get(name) is not None and type(message[name]) is not int:
            raise BadRequest(f"{name} must be a whole number")
    if not isinstance(message.get("event_id"), str | None):
        raise BadRequest("event_id must be a text")
    return message


def _function(message: Mapping[str, Any], functions: Mapping[int, str]) -> str:
    """Return the name of the function that a message calls, or ``""`` where it calls none."""
    number = message.get("fn_index")
    if number is not None and number not in functions:
        raise BadRequest(f"there is no function {number}")
    return functions.get(number, "") if number is not None else ""


def checked_arguments(data: Sequence[Any]) -> list[Any]:
    """Return what a program calls a function of `FILE_FUNCTIONS` with; what is left out has its default.

    Raises
    ------
    BadRequest
        For values of another kind.
    """
    given = _with_defaults(data)
    if not isinstance(given["file"], dict):
        raise BadRequest('a file is {"path": PATH}, with the path that its upload gave')
    if not _is_number(given["page"]) or given["page"] < 1 or given["page"] != int(given["page"]):
        raise BadRequest("page must be a whole number, 1 or more")
    if not isinstance(given["layout"], str):
        raise BadRequest("layout is auto, or the name of a layout")
    for name in ("speed_mm_s", "gain_mm_mv"):
        if not _is_number(given[name]):
            raise BadRequest(f"{name} must be a number; 0 has it measured on the page")
    if not isinstance(given["corrections"], dict):
        raise BadRequest("corrections are an object with rotate_deg, corners_px and leads")
    return list(given.values())


def _with_defaults(data: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments by name; `BadRequest` for more values than there are names."""
    if len(data) > len(_DEFAULTS):
        raise BadRequest(f"at most {len(_DEFAULTS)} values are taken: {', '.join(_DEFAULTS)}")
    given = dict(zip(_DEFAULTS, data, strict=False))
    return {name: default if given.get(name) is None else given[name] for name, default in _DEFAULTS.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def prefixed_hash(session_hash: Any, prefix: str) -> str:
    """Return a session hash that no other session can name (`BadRequest` where it is none)."""
    if not isinstance(session_hash, str) or not _SESSION_HASH.fullmatch(session_hash):
        raise BadRequest("session_hash must be 1 to 64 letters, digits, - or _")
    return prefix + session_hash


def _with_own_files(value: Any, key: str, sessions: Sessions, depth: int) -> Any:
    """Return a value in which all files are the session's own, by nothing but their paths."""
    if depth > _MAX_DEPTH:
        raise BadRequest("the request is nested too deeply")
    if isinstance(value, list):
        return [_with_own_files(item, key, sessions, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if "path" in value or "url" in value:
        return _own_file(value, key, sessions)
    return {name: _with_own_files(item, key, sessions, depth + 1) for name, item in value.items()}


def _own_file(value: Mapping[str, Any], key: str, sessions: Sessions) -> dict[str, Any]:
    path = value.get("path")
    if any("://" in str(value.get(name) or "") for name in ("path", "url")):
        raise BadRequest("web addresses are not fetched; upload the file itself")
    if not isinstance(path, str) or "\0" in path:
        raise BadRequest("a file is named by the path that its upload gave")
    # "a/../b" and "a//b" name a file that is compared with the uploads by its text
    if str(Path(path)) != path:
        raise BadRequest(FILE_GONE)
    own = sessions.upload_path(key, Path(path))
    name = value.get("name", value.get("orig_name"))
    named = {"name": name[:200], "orig_name": name[:200]} if isinstance(name, str) else {}
    return {"path": str(own), "meta": {"_type": "gradio.FileData"}, **named}
