"""What stands before every request: the host it names, the paths that are closed, and the headers of every answer."""

from __future__ import annotations

import hmac
import re
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ecgimg.app.settings import AppSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

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

_CLOSED = re.compile(
    r"(file=|file/)(\w+:)?//|/proxy=|/monitoring|/gradio_api/(runs|vibe|deep_link|component_server|custom_component)"
    r"|/(docs|redoc|openapi\.json)$",
    re.IGNORECASE,
)
_OUTWARD_TAGS = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*|<link rel="manifest"[^>]*>\s*')
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")


class Guard:
    """The outermost layer of the app."""

    def __init__(self, app: Asgi, settings: AppSettings) -> None:
        self._app = app
        named = settings.is_local or settings.public_host
        self._hosts = (*_LOCAL_HOSTS, settings.public_host) if named else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; set the headers of the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        path = str(scope["path"])
        if not self._is_for_us(scope):
            await _refuse(answer, 421, b"this host name is not served here; see --public-host")
        elif _CLOSED.search(path):
            await _refuse(answer, 404, b"not found")
        else:
            await self._app(scope, receive, answer)

    def _is_for_us(self, scope: Scope) -> bool:
        """Tell whether the request names a host that is served: a foreign name may be a page that attacks this one."""
        if not self._hosts:
            return True
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        return re.sub(r":\d+$", "", host).lower() in self._hosts


class _Answer:
    """An answer on its way out: headers set, and tags that point outward taken from a page of HTML."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"server"]
            headers += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": headers}
            if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            await self._send_page(self._start)
            return
        await self._send(message)

    async def _send_page(self, start: MutableMapping[str, Any]) -> None:
        body = _OUTWARD_TAGS.sub(b"", self._body)
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        kept += [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await self._send({**start, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})


async def _refuse(send: _Answer, status: int, words: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(words)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})


class Login:
    """Checks user and password; after ten wrong tries in a minute nobody is let in until the minute is over."""

    def __init__(self, settings: AppSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._user, self._password = settings.user.encode(), settings.password.encode()
        self._clock = clock
        self._failed_s: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, user: str, password: str) -> bool:
        """Tell whether both are right."""
        with self._lock:
            self._failed_s = [at for at in self._failed_s if self._clock() - at < 60]
            if len(self._failed_s) >= 10:
                return False
            right = hmac.compare_digest(user.encode(), self._user) & hmac.compare_digest(
                password.encode(), self._password
            )
            if not right:
                self._failed_s.append(self._clock())
            return bool(right)
