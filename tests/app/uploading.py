"""Uploads to sessions, and the files that are left."""

from __future__ import annotations

from pathlib import Path

from ecgimg.app.http.sessions import Sessions


def uploaded(sessions: Sessions, key: str = "anna", content: bytes = b"x" * 100, name: str = "Smith.JPG") -> Path:
    with sessions.receive_upload(key, name) as writer:
        writer.write(content)
    return writer.path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
