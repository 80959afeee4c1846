"""``ecgimg app``: serve the app."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def app(
    host: Annotated[
        str, typer.Option(help="Address to listen on; one that other machines reach needs a password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    user: Annotated[str, typer.Option(help="User name for the login.")] = "ecg",
    auth_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the password; or set ECGIMG_PASSWORD.")
    ] = None,
    root_path: Annotated[str, typer.Option(help="Path under which a reverse proxy serves the app, such as /ecg.")] = "",
    public_host: Annotated[str, typer.Option(help="Host name that a reverse proxy passes on.")] = "",
    max_mb: Annotated[float, typer.Option(help="Largest file, MB.")] = 50.0,
    max_megapixels: Annotated[float, typer.Option(help="Largest page, megapixels.")] = 60.0,
    max_pages: Annotated[int, typer.Option(help="Largest number of pages of one person.")] = 40,
    workers: Annotated[int, typer.Option(help="Pages that are read at the same time, for all people together.")] = 2,
    queue_size: Annotated[int, typer.Option(help="Requests that may wait.")] = 32,
    keep_min: Annotated[float, typer.Option(help="Minutes after closing the page until its files are deleted.")] = 5.0,
    upload_min: Annotated[float, typer.Option(help="Minutes until an upload is deleted, read or not.")] = 10.0,
    max_uploads: Annotated[int, typer.Option(help="Largest number of one person's uploads that wait to be read.")] = 80,
    max_session_mb: Annotated[float, typer.Option(help="Largest size of one person's uploads together, MB.")] = 400.0,
    max_total_mb: Annotated[float, typer.Option(help="Largest size of the files of all people together, MB.")] = 8000.0,
) -> None:
    """Read, check, correct and classify pages in a browser. Research use only."""
    from ecgimg.app.http.server import serve
    from ecgimg.app.server_settings import PASSWORD_VARIABLE, ServerSettings, read_password

    settings = ServerSettings(
        host=host,
        port=port,
        user=user,
        password=read_password(auth_file, os.environ.get(PASSWORD_VARIABLE)),
        root_path=root_path.rstrip("/"),
        public_host=public_host.lower(),
        max_mb=max_mb,
        max_megapixels=max_megapixels,
        max_pages=max_pages,
        workers=workers,
        queue_size=queue_size,
        keep_min=keep_min,
        upload_min=upload_min,
        max_uploads=max_uploads,
        max_session_mb=max_session_mb,
        max_total_mb=max_total_mb,
    )
    # made before the app runs, as `serve` silences what libraries print to standard error
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    notice = f"ecgimg app: http://{host}:{port}/ (stop with Ctrl-C); research use only"
    serve(settings, lambda: console.print(notice, markup=False))
