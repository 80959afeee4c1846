"""What stands before every request: who may ask for what, how much of it is read, and the headers of every answer.

Only the routes listed here are served; what else the framework offers is not found. Requests that read or change
anything carry a session's key in their path (``/gradio_api/KEY/…``), which the page and programs get with
``GET /config``: without it nothing of them is passed on.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ecgimg.app.desk import Desk
from ecgimg.app.http.requests import (
    FORM_BYTES,
    MESSAGE_BYTES,
    Receive,
    Scope,
    TooLarge,
    as_received,
    body_of,
    checked_message,
    chunks,
    header,
    own_hash,
)
from ecgimg.app.http.session_keys import Keys
from ecgimg.app.http.uploads import FORM_OVERHEAD_BYTES, take_in
from ecgimg.app.settings import AppSettings
from ecgimg.errors import BadRequest, EcgImgError

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
SESSION_HEADER = b"x-ecgimg-session"
API = "/gradio_api"

_FILE = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
PUBLIC = re.compile(
    rf"(?P<page>GET /|GET /config/?)"
    rf"|GET /(assets|static|svelte)(/{_FILE})+"
    r"|GET /(theme\.css|favicon\.ico|robots\.txt|health|logout)"
    rf"|GET /files/[A-Za-z0-9_-]+/[0-9.]+/{_FILE}"
    r"|(?P<form>POST /login/?)"
)
"""Method and path of what is served without a session's key."""

PRIVATE = re.compile(
    r"(?P<upload>POST /upload)"
    r"|(?P<message>POST /(queue/join|cancel|call/(?P<called>digitize|classify|layouts)))"
    r"|(?P<events>GET /queue/data)"
    r"|GET /heartbeat/(?P<hash>[^/]+)"
    r"|GET /call/(?P<event>(digitize|classify|layouts)/[0-9a-f]+)"
    r"|GET /file=(?P<file>/.+)"
    r"|GET /(info|startup-events|theme\.css)"
)
"""Method and path, after the key, of what is served to a session."""

_OUTWARD_TAGS = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*|<link rel="manifest"[^>]*>\s*')
_API_PREFIX = re.compile(rb'("api_prefix"\s*:\s*")/gradio_api(")')
_KEYED = re.compile(rf"{API}/([^/]+)(/.*)")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")
_MOST_EVENTS = 10_000
LOG = logging.getLogger("ecgimg.app")


class Refused(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Guard:
    """The outermost layer of the app."""

    def __init__(self, app: Asgi, settings: AppSettings, desk: Desk, functions: Mapping[int, str]) -> None:
        self._app, self._settings, self._desk, self._functions = app, settings, desk, functions
        self._keys = Keys()
        named = settings.is_local or settings.public_host
        self._hosts = (*_LOCAL_HOSTS, settings.public_host) if named else ()
        self._events: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; set the headers of the answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        answer = _Answer(send)
        try:
            await self._answer(scope, receive, answer)
        except Refused as refused:
            await answer.say(refused.status, refused.words)
        except TooLarge as error:
            await answer.say(413, str(error))
        except EcgImgError as error:
            await answer.say(400, str(error))
        except Exception as error:  # its text, and the framework's traceback, may name a person's file
            LOG.error("a request could not be answered: %s", type(error).__name__)
            await answer.say(500, "the request could not be answered")

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        self._check_origin(scope)
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != SESSION_HEADER]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = str(scope["path"])
        if keyed := _KEYED.fullmatch(path):
            await self._answer_session(scope, receive, answer, keyed[1], f"{method} {keyed[2]}")
            return
        route = PUBLIC.fullmatch(f"{method} {path}")
        if route is None:
            raise Refused(404, "not found")
        scope["query_string"] = b""
        if route["page"]:
            answer.key = self._keys.issue()
        if route["form"]:
            receive = as_received(await body_of(scope, receive, FORM_BYTES), receive)
        await self._app(scope, receive, answer)

    async def _answer_session(self, scope: Scope, receive: Receive, answer: _Answer, key: str, asked: str) -> None:
        """Answer a request that names a key: the key is taken from its path, and told to the handlers by a header."""
        route = PRIVATE.fullmatch(asked)
        if route is None:
            raise Refused(404, "not found")
        if not self._keys.is_valid(key):
            raise Refused(403, "this is no session of this app; open its page again")
        if self._settings.password and not await self._is_logged_in(scope):
            raise Refused(401, "log in first")
        if route["file"]:
            await self._send_file(key, route["file"], scope, receive, answer)
        elif route["upload"]:
            await answer.give_json(200, await self._take_in(scope, receive, key))
        else:
            await self._pass_on(route, scope, receive, answer, key)

    async def _pass_on(self, route: re.Match[str], scope: Scope, receive: Receive, answer: _Answer, key: str) -> None:
        """Have the framework answer a session's request, in which nothing of another session can be named."""
        prefix = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-"
        query = parse_qs(scope["query_string"].decode("latin-1"))
        path, scope["query_string"] = route[0].partition(" ")[2], b""
        if route["message"]:
            receive = await self._checked(scope, receive, key, prefix, route["called"] or "")
            if route["called"]:
                answer.on_json = lambda told: self._note_event(told, route["called"], key)
        if route["events"]:
            own = own_hash(query.get("session_hash", [""])[0], prefix)
            scope["query_string"] = urlencode({"session_hash": own}).encode()
        if route["hash"]:
            path = f"/heartbeat/{own_hash(route['hash'], prefix)}"
        if route["event"] and self._events.get(route["event"]) != key:
            raise Refused(404, "not found")
        scope["headers"] = [*scope["headers"], (SESSION_HEADER, key.encode())]
        answer.key = key
        await self._app(_at(scope, API + path), receive, answer)
        if route["event"]:
            self._events.pop(route["event"], None)  # the framework keeps who asks again waiting for ever

    def _check_origin(self, scope: Scope) -> None:
        """Refuse a foreign host name, which may be a page that attacks this one, and what another page sends."""
        host = _without_port(header(scope, b"host"))
        if self._hosts and host not in self._hosts:
            raise Refused(421, "this host name is not served here; see --public-host")
        if scope["method"] in ("GET", "HEAD"):
            return
        site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
        sender = urlsplit(origin).netloc.lower()
        own = {header(scope, b"host").lower(), host, self._settings.public_host} - {""}
        if header(scope, b"host").lower() == host or self._settings.public_host:
            sender = _without_port(sender)  # a proxy may not tell its port
        foreign = bool(origin) and sender not in own
        if foreign or site not in ("", "same-origin", "none"):
            raise Refused(403, "requests from pages of another origin are refused")

    async def _is_logged_in(self, scope: Scope) -> bool:
        """Ask the framework, which checks passwords, whether a request is of somebody who has logged in."""
        status = 0

        async def nothing() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def note(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        await self._app(_at({**scope, "method": "GET", "query_string": b""}, f"{API}/login_check"), nothing, note)
        return status == 200

    async def _take_in(self, scope: Scope, receive: Receive, key: str) -> list[str]:
        most_bytes = round(self._settings.max_mb * 1e6) + FORM_OVERHEAD_BYTES
        body = chunks(scope, receive, most_bytes)
        return [str(path) for path in await take_in(self._desk.sessions, key, header(scope, b"content-type"), body)]

    async def _checked(self, scope: Scope, receive: Receive, key: str, prefix: str, called: str) -> Receive:
        body = await body_of(scope, receive, MESSAGE_BYTES)
        try:
            body = checked_message(body, key, prefix, self._desk.sessions, self._functions, called)
        except BadRequest as error:
            raise Refused(422, str(error)) from None
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"content-type")]
        length = (b"content-length", str(len(body)).encode())
        scope["headers"] = [*kept, length, (b"content-type", b"application/json")]
        return as_received(body, receive)

    async def _send_file(self, key: str, path: str, scope: Scope, receive: Receive, answer: _Answer) -> None:
        from starlette.responses import FileResponse

        file = self._desk.own_file(key, path)
        if file is None:
            raise Refused(404, "this file is no longer here")
        response = FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})
        await response(scope, receive, answer)

    def _note_event(self, told: Any, called: str, key: str) -> None:
        """Note whose a call is: another session may not ask for its result."""
        if isinstance(told, dict) and "event_id" in told:
            self._events[f"{called}/{told['event_id']}"] = key
            while len(self._events) > _MOST_EVENTS:
                self._events.popitem(last=False)


def _at(scope: Scope, path: str) -> Scope:
    return {**scope, "path": path, "raw_path": path.encode("latin-1", "replace")}


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", host).lower()


class _Answer:
    """An answer on its way out: headers set, tags that point outward taken from pages, and a key given with them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._begun = self._is_stream = False
        self._body = b""
        self.key = ""
        self.on_json: Callable[[Any], None] | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"server"]
            headers += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": headers}
            kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
            is_json = kind.startswith(b"application/json") and (self.key or self.on_json)
            self._is_stream = kind.startswith(b"text/event-stream")
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
            keyed = f"{API}/{self.key}/file=".encode()  # links to results work as they are told
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

    async def say(self, status: int, words: str) -> None:
        """Answer with one sentence; to a program's message, in the form in which its client shows it."""
        if self._begun:
            return
        self._start = None
        if status == 422:
            told = {"__type__": "validate", "is_valid": False, "parameter_name": "request", "message": words}
            await self.give_json(status, {"detail": [told], "error": words})
            return
        await self._give(status, b"text/plain; charset=utf-8", words.encode())

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
