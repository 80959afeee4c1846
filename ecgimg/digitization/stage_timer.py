"""A timer that sums how long each stage took."""

from __future__ import annotations

import time


class StageTimer:
    """Seconds by stage. A stage that is gone through again adds up."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to a stage."""
        now = time.perf_counter()
        self.laps_s[stage] = self.laps_s.get(stage, 0.0) + now - self._last
        self._last = now
