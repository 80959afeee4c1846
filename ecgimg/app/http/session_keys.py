"""Keys of sessions: each browser page or program that is let in gets one, and every later request carries it."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
import time
from collections.abc import Callable

_ID_BYTES, _SIGNATURE_BYTES = 16, 16
_LENGTH = 48


class Keys:
    """Issues keys and tells them from guesses; nothing is kept of a key until it is used.

    Parameters
    ----------
    valid_s : float
        Seconds from issue for which a key is accepted.
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, valid_s: float = 86_400.0, clock: Callable[[], float] = time.time) -> None:
        self._secret, self._valid_s, self._clock = secrets.token_bytes(32), valid_s, clock

    def issue(self) -> str:
        """Return a new key: letters, digits, ``-`` and ``_``."""
        body = secrets.token_bytes(_ID_BYTES) + struct.pack(">I", int(self._clock()))
        return base64.urlsafe_b64encode(body + self._signature(body)).decode()

    def is_valid(self, key: str) -> bool:
        """Tell whether a key was issued here, and not too long ago."""
        try:
            data = base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return False
        body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if (
            len(key) != _LENGTH
            or len(body) != _ID_BYTES + 4
            or not hmac.compare_digest(signature, self._signature(body))
        ):
            return False
        (issued_s,) = struct.unpack(">I", body[_ID_BYTES:])
        return bool(self._clock() - issued_s < self._valid_s)

    def _signature(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_SIGNATURE_BYTES]
