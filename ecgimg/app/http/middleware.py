"""What stands before every request: who may ask for what, and how much of it is read.

Only the routes listed here are served; what else the framework offers is not found. Requests that read or change
anything carry a session's key in their path (``/gradio_api/KEY/…``), which the page and programs get with
``GET /config``: without it nothing of them is passed on.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ecgimg.app.http.login import CLOSED, Login
from ecgimg.app.http.multipart_form import FORM_OVERHEAD_BYTES, receive_form
from ecgimg.app.http.request_body_checks import (
    FORM_BYTES,
    MESSAGE_BYTES,
    Receive,
    Scope,
    TooLarge,
    body_chunks,
    checked_message,
    header,
    prefixed_hash,
    read_body,
    replay_body,
)
from ecgimg.app.http.response_filter import API, Response, Send
from ecgimg.app.http.session_keys import Keys
from ecgimg.app.server_settings import ServerSettings
from ecgimg.app.session_page_reader import PageService
from ecgimg.errors import BadRequest, EcgImgError

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
SESSION_HEADER = b"x-ecgimg-session"  # carries the checked key to the handlers; what a client sends as it is dropped
_FILE = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
PUBLIC = re.compile(
    rf"(?P<page>(?P<home>GET /)|GET /config/?)"
    rf"|GET /(assets|static|svelte)(/{_FILE})+"
    r"|GET /(theme\.css|favicon\.ico|robots\.txt|health|logout)"
    rf"|GET /files/[A-Za-z0-9_-]+/([0-9.]+|all)/{_FILE}"
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

_KEYED = re.compile(rf"{API}/([^/]+)(/.*)")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]", "::1")
_MAX_EVENTS = 10_000  # calls of programs whose owners are remembered; each takes about 100 bytes
LOG = logging.getLogger("ecgimg.app")


class Refused(Exception):
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class AccessMiddleware:
    """The outermost layer of the app."""

    def __init__(
        self,
        app: Asgi,
        settings: ServerSettings,
        service: PageService,
        functions: Mapping[int, str],
        login: Login,
        login_page: str,
    ) -> None:
        self._app, self._settings, self._service, self._functions = app, settings, service, functions
        self._login, self._login_page = login, login_page
        self._keys = Keys()
        # by DNS rebinding a foreign page reaches an address on this machine under a name of its own
        named = settings.is_local or settings.public_host
        self._hosts = (*_LOCAL_HOSTS, settings.public_host) if named else ()
        self._events: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; set the headers of the response."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page uses no websocket, so that none needs checks of its own
            await send({"type": "websocket.close"})
            return
        response = Response(send)
        try:
            await self._respond(scope, receive, response)
        except Refused as refused:
            await response.give_text(refused.status, refused.text)
        except TooLarge as error:
            await response.give_text(413, str(error))
        except EcgImgError as error:
            await response.give_text(400, str(error))
        except Exception as error:  # its text, and the framework's traceback, may name a person's file
            LOG.error("a request could not be answered: %s", type(error).__name__)
            await response.give_text(500, "the request could not be answered")

    async def _respond(self, scope: Scope, receive: Receive, response: Response) -> None:
        self._check_origin(scope)
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != SESSION_HEADER]
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        path = str(scope["path"])
        if keyed := _KEYED.fullmatch(path):
            await self._respond_to_session(scope, receive, response, keyed[1], f"{method} {keyed[2]}")
            return
        # whatever else the framework serves, or will serve in a later version, is not reached
        route = PUBLIC.fullmatch(f"{method} {path}")
        if route is None:
            raise Refused(404, "not found")
        scope["query_string"] = b""  # no public route takes one, and the framework reads parameters nobody needs
        if route["home"] and self._settings.password and not await self._is_logged_in(scope):
            await response.give_page(self._login_page)
            return
        if route["page"]:
            response.key = self._keys.issue()
        if route["form"]:
            if self._login.is_closed():
                raise Refused(429, CLOSED)
            receive = replay_body(await read_body(scope, receive, FORM_BYTES), receive)
        await self._app(scope, receive, response)

    async def _respond_to_session(
        self, scope: Scope, receive: Receive, response: Response, key: str, request: str
    ) -> None:
        """Answer a request that names a key: the key is taken from its path, and handed on as a header."""
        route = PRIVATE.fullmatch(request)
        if route is None:
            raise Refused(404, "not found")
        if not self._keys.is_valid(key):
            raise Refused(403, "this session is not known here; open the page of the app again")
        if self._settings.password and not await self._is_logged_in(scope):
            raise Refused(401, "log in first: open the page of the app")
        if route["file"]:
            await self._send_download(key, route["file"], scope, receive, response)
        elif route["upload"]:
            await response.give_json(200, await self._receive_files(scope, receive, key))
        else:
            await self._forward(route, scope, receive, response, key)

    async def _forward(
        self, route: re.Match[str], scope: Scope, receive: Receive, response: Response, key: str
    ) -> None:
        """Have the framework answer a session's request, in which nothing of another session can be named."""
        # The framework tells sessions apart by a hash that the client chooses; with a prefix none is another's.
        prefix = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-"
        query = parse_qs(scope["query_string"].decode("latin-1"))
        path, scope["query_string"] = route[0].partition(" ")[2], b""
        if route["message"]:
            receive = await self._checked(scope, receive, key, prefix, route["called"] or "")
            if route["called"]:
                response.on_json = lambda result: self._note_event(result, route["called"], key)
        if route["events"]:
            own = prefixed_hash(query.get("session_hash", [""])[0], prefix)
            scope["query_string"] = urlencode({"session_hash": own}).encode()
        if route["hash"]:
            path = f"/heartbeat/{prefixed_hash(route['hash'], prefix)}"
        if route["event"] and self._events.get(route["event"]) != key:
            raise Refused(404, "not found")
        scope["headers"] = [*scope["headers"], (SESSION_HEADER, key.encode())]
        response.key = key
        await self._app(_at(scope, API + path), receive, response)
        if route["event"]:
            self._events.pop(route["event"], None)  # the framework keeps who asks again waiting for ever

    def _check_origin(self, scope: Scope) -> None:
        """Refuse a foreign host name, which may be a page that attacks this one, and what another page sends."""
        host = _without_port(header(scope, b"host"))
        if self._hosts and host not in self._hosts:
            raise Refused(421, "this host name is not served here; see --public-host")
        if scope["method"] in ("GET", "HEAD"):
            return
        # A password or a key is no help where a foreign page has the person's own browser send the request.
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

    async def _receive_files(self, scope: Scope, receive: Receive, key: str) -> list[str]:
        max_bytes = round(self._settings.max_mb * 1e6) + FORM_OVERHEAD_BYTES
        body = body_chunks(scope, receive, max_bytes)
        paths = await receive_form(self._service.sessions, key, header(scope, b"content-type"), body)
        return [str(path) for path in paths]

    async def _checked(self, scope: Scope, receive: Receive, key: str, prefix: str, called: str) -> Receive:
        body = await read_body(scope, receive, MESSAGE_BYTES)
        try:
            body = checked_message(body, key, prefix, self._service.sessions, self._functions, called)
        except BadRequest as error:
            raise Refused(422, str(error)) from None
        # the checked message has another length than the one that came
        kept = [pair for pair in scope["headers"] if pair[0] not in (b"content-length", b"content-type")]
        length = (b"content-length", str(len(body)).encode())
        scope["headers"] = [*kept, length, (b"content-type", b"application/json")]
        return replay_body(body, receive)

    async def _send_download(self, key: str, path: str, scope: Scope, receive: Receive, response: Response) -> None:
        from starlette.responses import FileResponse

        file = self._service.download_of_program(key, path)
        if file is None:
            raise Refused(404, "this file is no longer here")
        download = FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})
        await download(scope, receive, response)

    def _note_event(self, result: Any, called: str, key: str) -> None:
        """Note whose a call is: another session may not ask for its result."""
        if isinstance(result, dict) and "event_id" in result:
            self._events[f"{called}/{result['event_id']}"] = key
            while len(self._events) > _MAX_EVENTS:
                self._events.popitem(last=False)


def _at(scope: Scope, path: str) -> Scope:
    return {**scope, "path": path, "raw_path": path.encode("latin-1", "replace")}


def _without_port(host: str) -> str:
    return re.sub(r":\d+$", "", host).lower()
