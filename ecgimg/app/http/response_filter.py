"""Responses on their way out: security headers set, outward tags removed, and the session's key put into links."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Gradio's page is made of inline scripts and compiles its templates, hence unsafe-inline and unsafe-eval; what matters
# is that nothing can be fetched from, or sent to, anywhere else.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
        "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
API = "/gradio_api"
# Gradio's page names its maker's pictures and a manifest, for which a browser would ask other machines.
_OUTWARD_TAGS = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*|<link rel="manifest"[^>]*>\s*')
_API_PREFIX = re.compile(rb'("api_prefix"\s*:\s*")/gradio_api(")')


def _own_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of the framework and ours, without the one that names versions."""
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    return kept + [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class Response:
    """A response on its way out: headers set, tags that point outward taken from pages, and a key given with them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._begun = self._is_stream = False
        self._body = b""
        self.key = ""
        self.on_json: Callable[[Any], None] | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Send on a message of the framework, changed as the class says."""
        if message["type"] == "http.response.start":
            message = {**message, "headers": _own_headers(message["headers"])}
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            is_json = kind.startswith(b"application/json") and (self.key or self.on_json)
            self._is_stream = kind.startswith(b"text/event-stream")
            # a page or a value is held back until it is whole, for its length changes; event streams must not wait
            if kind.startswith(b"text/html") or is_json:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            await self._send_whole(self._start)
            return
        elif message["type"] == "http.response.body" and self._is_stream and self.key:
            keyed = f"{API}/{self.key}/file=".encode()  # links to results work as they are given
            message = {**message, "body": message.get("body", b"").replace(f"{API}/file=".encode(), keyed)}
        self._begun = True
        await self._send(message)

    async def _send_whole(self, start: MutableMapping[str, Any]) -> None:
        body = _OUTWARD_TAGS.sub(b"", self._body)
        if self.key:
            body = _API_PREFIX.sub(rb"\g<1>/gradio_api/" + self.key.encode() + rb"\g<2>", body)
        if self.on_json is not None and start["status"] == 200:
            self.on_json(json.loads(body))
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        kept += [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        self._begun = True
        await self._send({**start, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})

    async def give_text(self, status: int, text: str) -> None:
        """Answer with one sentence; to a program's message, in the form in which its client shows it."""
        if self._begun:  # the head is out: a second one would break the connection
            return
        self._start = None
        if status == 422:
            error = {"__type__": "validate", "is_valid": False, "parameter_name": "request", "message": text}
            await self.give_json(status, {"detail": [error], "error": text})
            return
        await self._give(status, b"text/plain; charset=utf-8", text.encode())

    async def give_page(self, page: str) -> None:
        """Answer with a page of HTML."""
        await self._give(200, b"text/html; charset=utf-8", page.encode())

    async def give_json(self, status: int, value: Any) -> None:
        """Answer with a value."""
        await self._give(status, b"application/json", json.dumps(value).encode())

    async def _give(self, status: int, kind: bytes, body: bytes) -> None:
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})
