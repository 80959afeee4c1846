"""Wait for what another process does, no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

_TURN = Event()


def wait_until(holds: Callable[[], object], seconds: float = 30.0) -> bool:
    """Wait for a condition; returns whether it holds in the end."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        _TURN.wait(0.05)
    return bool(holds())
