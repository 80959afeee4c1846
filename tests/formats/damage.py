"""Damage to the content of files, for tests of what readers refuse."""

from __future__ import annotations


def damaged(good: bytes, start: int, changes: list[tuple[int, int]], length: int | None) -> bytes:
    """Return `good` with bytes changed, counted from `start` per mille of its length, and cut to `length` per mille."""
    data = bytearray(good)
    for offset, value in changes:
        data[(start * len(data) // 1000 + offset) % len(data)] = value
    return bytes(data if length is None else data[: length * len(data) // 1000])
