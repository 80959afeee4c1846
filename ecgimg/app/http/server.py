"""Serve the app: one process, one temporary folder that dies with it, nothing asked of any other machine."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgimg.app.http.login import Login
from ecgimg.app.http.middleware import AccessMiddleware
from ecgimg.app.http.sessions import Sessions, sweep_until
from ecgimg.app.http.temporary_folder import process_folder
from ecgimg.app.http.uploads import PAGES_GONE
from ecgimg.app.server_settings import ServerSettings
from ecgimg.app.session_page_reader import FILES_PATH, PageService
from ecgimg.errors import BadRequest, MissingExtra
from ecgimg.reporting.verdict_text import as_sentence

if TYPE_CHECKING:
    from fastapi import FastAPI

_SWEEP_S = 2.0  # between two deletions of what is over
_MAX_CONNECTIONS = 512
_MAX_HEAD_BYTES = 16_384  # of a request's line and headers: what a browser sends with a long cookie fits
_PRIVATE = {"Cache-Control": "no-store"}


def serve(settings: ServerSettings, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve the app until it is stopped; its temporary folder is deleted then.

    Parameters
    ----------
    on_ready : callable
        Called when the app is about to answer.

    Raises
    ------
    BadRequest
        For an address that other machines reach, without a password, or one that cannot be listened on.
    MissingExtra
        Without gradio.
    """
    if not settings.is_local and not settings.password:
        raise BadRequest(
            f"{settings.host} can be reached from other machines, so a password is needed: set ECGIMG_PASSWORD or "
            "--auth-file"
        )
    _check_port(settings)
    with process_folder(Path(tempfile.gettempdir())) as root, _quiet_logs():
        with _held_interrupts():
            app = build(settings, root, on_ready=on_ready)
            import uvicorn

        uvicorn.run(
            app, host=settings.host, port=settings.port, access_log=False, log_config=None, server_header=False,
            timeout_graceful_shutdown=3, limit_concurrency=_MAX_CONNECTIONS,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        )  # fmt: skip


def build(
    settings: ServerSettings,
    root: Path,
    clock: Callable[[], float] = time.monotonic,
    on_ready: Callable[[], None] = lambda: None,
) -> AccessMiddleware:
    """Return the app as an ASGI application, all of whose files lie below `root`; `clock` times sessions."""
    _set_gradio_folder(root)  # before its first import
    try:
        import gradio as gr
        from fastapi import FastAPI
    except ImportError as error:
        raise MissingExtra("gradio", "app", "the app") from error
    from ecgimg.app.web_page import gradio_page, theme

    sessions = Sessions(root, settings.keep_min * 60, settings.idle_min * 60, settings.upload_limits, clock)
    service, login = PageService(settings, sessions), Login(settings)
    page = gradio_page.BrowserPage(service)
    page.blocks.queue(max_size=settings.queue_size, default_concurrency_limit=8, api_open=True)
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan(service, on_ready))
    _serve_files(api, service)
    gr.mount_gradio_app(
        api,
        page.blocks,
        path="/",
        root_path=settings.root_path or None,
        server_name=settings.host,
        server_port=settings.port,
        auth=login if settings.password else None,
        allowed_paths=[],
        show_error=True,
        max_file_size=f"{settings.max_mb:g}mb",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=theme.theme(),
        css=theme.static_text("style.css"),
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    # messages of the page call functions by number: the middleware knows from it which ones take files
    functions = {number: str(function.api_name or "") for number, function in page.blocks.fns.items()}
    return AccessMiddleware(api, settings, service, functions, login, theme.login_page())


def _check_port(settings: ServerSettings) -> None:
    """Refuse an address that cannot be listened on, before anything is started (`BadRequest`)."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # as uvicorn does: a port whose last connections are still closing is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise BadRequest(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); choose another --port"
        ) from None


@contextmanager
def _held_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended: in the midst of an import it would become an error of that import."""
    if threading.current_thread() is not threading.main_thread():  # only there signals can be handled
        yield
        return
    pressed: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Log a line for what goes wrong, without tracebacks; what libraries print themselves is dropped.

    Both may hold what a request held: names of files, and what was typed.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(levelname)s: %(message)s"))
    handler.addFilter(_is_news)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what it does not understand
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        yield


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line is worth logging: that open browsers are cut off when the app is stopped is not."""
    is_cut_off = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not is_cut_off and not str(record.msg).startswith("Cancel %s running task")


class _OneLine(logging.Formatter):
    """Formats the first line of a message, and never the error that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record).partition("\n")[0]


def _set_gradio_folder(root: Path) -> None:
    """Tell gradio where files go."""
    os.environ["GRADIO_TEMP_DIR"] = str(root)
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")  # seconds until a browser that has gone is missed


def _lifespan(service: PageService, on_ready: Callable[[], None]) -> Any:
    @asynccontextmanager
    async def alive(_app: FastAPI) -> AsyncIterator[None]:
        stopped = threading.Event()
        sweeper = threading.Thread(target=sweep_until, args=(service.sessions, stopped, _SWEEP_S), daemon=True)
        sweeper.start()
        # the first page need not wait for processes to start and networks to load
        service.workers.prepare(service.settings.workers)
        on_ready()
        try:
            yield
        finally:
            stopped.set()
            sweeper.join()
            service.workers.close()
            service.sessions.delete_all()

    return alive


def _serve_files(api: FastAPI, service: PageService) -> None:
    """Serve what was made of a session's pages, to those who have its link."""
    from fastapi.responses import FileResponse, PlainTextResponse, Response

    def result_file(token: str, page: str, name: str) -> Response:
        path = service.all_pages_file(token, name) if page == "all" else service.linked_file(token, page, name)
        if path is None:
            return PlainTextResponse(as_sentence(PAGES_GONE), 404, headers=_PRIVATE)
        shown = path.suffix in (".jpg", ".svg")
        return FileResponse(
            path, headers=_PRIVATE, filename=path.name, content_disposition_type="inline" if shown else "attachment"
        )

    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok", headers=_PRIVATE)

    # a head tells the page whether a download is there still
    file_path = f"{FILES_PATH}/{{token}}/{{page}}/{{name}}"
    api.api_route(file_path, methods=["GET", "HEAD"], response_model=None)(result_file)
    api.get("/health", response_model=None)(alive)
