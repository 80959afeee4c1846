"""Messages between a process and its worker: pickled, with arrays as they lie in memory."""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any


def write_message(stream: IO[bytes], message: Any) -> None:
    """Write a message; arrays go as they lie in memory."""
    # protocol 5 keeps arrays out of the pickle: a page of 72 MB is not copied into it first
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
    stream.write(struct.pack(f"<I{len(parts)}Q", len(parts), *(part.nbytes for part in parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


def read_message(stream: IO[bytes]) -> Any:
    """Read a message (`EOFError` at the end)."""
    (count,) = struct.unpack("<I", _exactly(stream, 4))
    sizes = struct.unpack(f"<{count}Q", _exactly(stream, 8 * count))
    body, *buffers = [_exactly(stream, size) for size in sizes]
    return pickle.loads(body, buffers=buffers)


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = stream.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return data
