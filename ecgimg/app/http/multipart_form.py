"""Receive uploads: the files of a multipart form, written into the session's folder as they come, within its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ecgimg.app.http.sessions import Sessions
from ecgimg.app.http.uploads import UploadWriter
from ecgimg.errors import BadRequest

FORM_OVERHEAD_BYTES = 16_000  # what a form may hold besides its files
_MAX_FILES = 8
_MAX_HEADER_BYTES = 4_000  # of a part: a header without end would grow in memory
_MAX_BOUNDARY = 100  # characters; RFC 2046 allows 70


async def receive_form(sessions: Sessions, key: str, content_type: str, body: AsyncIterator[bytes]) -> list[Path]:
    """Write the files of a multipart form into a session's folder; returns where they lie.

    Raises
    ------
    BadRequest
        For a body that is no such form, holds no file, or more than there is room for; nothing is left then.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(boundary) <= _MAX_BOUNDARY:
        raise BadRequest("an upload is a form (multipart/form-data) with a file in it")
    form = _Form(sessions, key)
    parser = MultipartParser(boundary, form.callbacks())
    try:
        async for chunk in body:
            parser.write(chunk)
        parser.finalize()
        if form.is_open or not form.paths:
            raise BadRequest("the upload holds no whole file; send it again")
    except FormParserError:
        form.discard()
        raise BadRequest("the upload is damaged; send it again") from None
    except BaseException:
        form.discard()
        raise
    return form.paths


class _Form:
    """Follows a form as it is parsed: fields are passed over, files are written."""

    def __init__(self, sessions: Sessions, key: str) -> None:
        self._sessions, self._key = sessions, key
        self._header = bytearray()
        self._value = bytearray()
        self._name = b""
        self._file_name: bytes | None = None
        self._open = ExitStack()
        self._writer: UploadWriter | None = None
        self.paths: list[Path] = []

    @property
    def is_open(self) -> bool:
        """Whether a file has begun and not ended."""
        return self._writer is not None

    def callbacks(self) -> Any:
        """Return what the parser is to call."""
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ends,
        }

    def discard(self) -> None:
        """Delete all that was written."""
        error = BadRequest("discarded")
        # the file being written is left as on an error, upon which its session deletes it
        self._open.__exit__(type(error), error, None)
        for path in self.paths:
            self._sessions.discard_upload(self._key, path)

    def _part_begins(self) -> None:
        self._header.clear()
        self._value.clear()
        self._file_name = None

    # Header and value may come in pieces, and so may data: the parser calls with whatever has arrived.

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._header, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self._value, data[start:end])

    def _grow(self, kept: bytearray, more: bytes) -> None:
        kept += more
        if len(kept) > _MAX_HEADER_BYTES:
            raise BadRequest("the upload is damaged; send it again")

    def _header_ends(self) -> None:
        from python_multipart.multipart import parse_options_header

        if bytes(self._header).lower() == b"content-disposition":
            self._file_name = parse_options_header(bytes(self._value))[1].get(b"filename")
        self._header.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        if self._file_name is None:
            return
        if len(self.paths) >= _MAX_FILES:
            raise BadRequest(f"an upload holds {_MAX_FILES} files at most; send the others by themselves")
        name = self._file_name.decode("utf-8", "replace")
        self._writer = self._open.enter_context(self._sessions.receive_upload(self._key, name))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(data[start:end])

    def _part_ends(self) -> None:
        if self._writer is not None:
            self.paths.append(self._writer.path)
            self._open.close()
            self._writer = None
