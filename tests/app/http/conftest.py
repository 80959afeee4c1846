"""The app as it is served to the tests of its routes, and files that must not be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.app_server import Served, served
from tests.app.http.asking import upload
from tests.app.samples import PHOTO


@pytest.fixture(scope="package")
def app(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app") / "files", "--keep-min", "0", "--max-mb", "1") as running:
        yield running


@pytest.fixture
def session(app) -> str:
    return app.session()


@pytest.fixture
def outside(app, session, tmp_path) -> dict[str, str]:
    """What must not be read: files of the server, of the process, of another session, links, folders, a device."""
    other = upload(app.session()).json()[0]
    own = Path(upload(session).json()[0])
    (tmp_path / "secret.jpg").write_bytes(PHOTO.read_bytes())
    (own.parent / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(own.parent / "pipe.jpg")
    return {
        "picture": str(tmp_path / "secret.jpg"),
        "text": "/etc/hostname",
        "missing": "/nowhere/at/all.jpg",
        "other session": other,
        "link": str(own.parent / "link.jpg"),
        "folder": str(own.parent),
        "pipe": str(own.parent / "pipe.jpg"),
        "device": "/dev/zero",
        "roundabout": f"{own.parent}/../uploads/{own.name}",
        "relative": "page.jpg",
        "sample": str(PHOTO),
        "address": "http://127.0.0.1:1/a.jpg",
        "file address": "file:///etc/hostname",
        "empty": "",
        "nul": f"{own}\0",
    }
