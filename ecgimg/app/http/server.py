"""Serve the app: one process, one temporary folder that dies with it, nothing asked of any other machine."""

from __future__ import annotations

import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgimg.app.desk import FILES_PATH, Desk
from ecgimg.app.http.middleware import Guard, Login
from ecgimg.app.http.sessions import Sessions, own_folder, sweep_until
from ecgimg.app.settings import AppSettings
from ecgimg.errors import BadRequest, MissingExtra
from ecgimg.paper import NOTICE

if TYPE_CHECKING:
    from fastapi import FastAPI

_SWEEP_S = 2.0
_MOST_CONNECTIONS = 512
_HEAD_BYTES = 16_384
_PRIVATE = {"Cache-Control": "no-store"}


def serve(settings: AppSettings, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve the app until it is stopped; its temporary folder is deleted then.

    Parameters
    ----------
    on_ready : callable
        Called when the app is about to answer.

    Raises
    ------
    BadRequest
        For an address that other machines reach, without a password, or one that can not be listened on.
    MissingExtra
        Without gradio.
    """
    if not settings.is_local and not settings.password:
        raise BadRequest(
            f"{settings.host} can be reached from other machines, so a password is needed: set ECGIMG_PASSWORD or "
            "--auth-file"
        )
    _check_port(settings)
    with own_folder(Path(tempfile.gettempdir())) as root, _quiet_logs():
        app = build(settings, root, on_ready=on_ready)
        import uvicorn

        uvicorn.run(
            app, host=settings.host, port=settings.port, access_log=False, log_config=None, server_header=False,
            timeout_graceful_shutdown=3, limit_concurrency=_MOST_CONNECTIONS, h11_max_incomplete_event_size=_HEAD_BYTES,
        )  # fmt: skip


def build(
    settings: AppSettings,
    root: Path,
    clock: Callable[[], float] = time.monotonic,
    on_ready: Callable[[], None] = lambda: None,
) -> Guard:
    """Return the app as an ASGI application, all of whose files lie below `root`; `clock` times sessions."""
    _prepare(root)
    try:
        import gradio as gr
        from fastapi import FastAPI
    except ImportError as error:
        raise MissingExtra("gradio", "app", "the app") from error
    from ecgimg.app.page import theme, ui

    sessions = Sessions(root, settings.keep_min * 60, settings.idle_min * 60, settings.upload_limits, clock)
    desk = Desk(settings, sessions)
    page = ui.Page(desk)
    page.blocks.queue(max_size=settings.queue_size, default_concurrency_limit=8, api_open=True)
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan(desk, on_ready))
    _serve_files(api, desk)
    gr.mount_gradio_app(
        api,
        page.blocks,
        path="/",
        root_path=settings.root_path or None,
        server_name=settings.host,
        server_port=settings.port,
        auth=Login(settings) if settings.password else None,
        auth_message=f"<p><strong>{NOTICE}.</strong></p>",
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
    functions = {number: str(function.api_name or "") for number, function in page.blocks.fns.items()}
    return Guard(api, settings, desk, functions)


def _check_port(settings: AppSettings) -> None:
    """Refuse an address that can not be listened on, before anything is started (`BadRequest`)."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        raise BadRequest(
            f"{settings.host}:{settings.port} can not be listened on ({error.strerror}); choose another --port"
        ) from None


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Log a line for what goes wrong, without tracebacks; what libraries print themselves is dropped.

    Both may hold what a request held: names of files, and what was typed.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it quotes what it does not understand
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        yield


class _OneLine(logging.Formatter):
    """Formats the first line of a message, and never the error that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        record.exc_info = record.exc_text = record.stack_info = None
        return super().format(record).partition("\n")[0]


def _prepare(root: Path) -> None:
    """Tell gradio where files go."""
    os.environ["GRADIO_TEMP_DIR"] = str(root)
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")  # seconds until a browser that has gone is missed


def _lifespan(desk: Desk, on_ready: Callable[[], None]) -> Any:
    @asynccontextmanager
    async def alive(_app: FastAPI) -> AsyncIterator[None]:
        stopped = threading.Event()
        sweeper = threading.Thread(target=sweep_until, args=(desk.sessions, stopped, _SWEEP_S), daemon=True)
        sweeper.start()
        desk.workers.prepare(desk.settings.workers)
        on_ready()
        try:
            yield
        finally:
            stopped.set()
            sweeper.join()
            desk.workers.close()
            desk.sessions.end()

    return alive


def _serve_files(api: FastAPI, desk: Desk) -> None:
    """Serve what was made of a session's pages, to those who have its link."""
    from fastapi import HTTPException
    from fastapi.responses import FileResponse, PlainTextResponse

    def result_file(token: str, page: str, name: str) -> FileResponse:
        path = desk.file(token, page, name)
        if path is None:
            raise HTTPException(404, "this file is no longer here")
        shown = path.suffix in (".jpg", ".svg")
        return FileResponse(
            path, headers=_PRIVATE, filename=path.name, content_disposition_type="inline" if shown else "attachment"
        )

    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok", headers=_PRIVATE)

    api.get(f"{FILES_PATH}/{{token}}/{{page}}/{{name}}", response_model=None)(result_file)
    api.get("/health", response_model=None)(alive)
