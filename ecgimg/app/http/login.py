"""The app's login: one user and password, and a pause after too many wrong tries."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from ecgimg.app.server_settings import ServerSettings

_PAUSE_S = 60.0
_MAX_TRIES = 10
"""Wrong tries within a pause, after which nobody is let in: guessing a password takes years at ten a minute."""

CLOSED = "After ten wrong tries the login is closed for a minute. Try again then."


class Login:
    """Checks user and password; after ten wrong tries in a minute nobody is let in until the minute is over."""

    def __init__(self, settings: ServerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._user, self._password = settings.user.encode(), settings.password.encode()
        self._clock = clock
        self._failed_s: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, user: str, password: str) -> bool:
        """Tell whether both are right."""
        if self.is_closed():
            return False
        with self._lock:
            # both are always compared, each in constant time: how long it takes tells nothing
            right = hmac.compare_digest(user.encode(), self._user) & hmac.compare_digest(
                password.encode(), self._password
            )
            if not right:
                self._failed_s.append(self._clock())
            return bool(right)

    def is_closed(self) -> bool:
        """Tell whether nobody is let in at present."""
        with self._lock:
            self._failed_s = [at for at in self._failed_s if self._clock() - at < _PAUSE_S]
            return len(self._failed_s) >= _MAX_TRIES
