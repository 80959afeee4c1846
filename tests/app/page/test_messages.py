"""Advice beside a refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgimg.app import process_page
from ecgimg.app.page import messages


def test_advice_for_every_reason():
    """Every reason to refuse a page has advice, and a dark or small picture has more."""
    source = "".join(
        path.read_text() for path in (Path(process_page.__file__).parent.parent / "digitization").rglob("*.py")
    )
    starts = ("neither ECG ruling", "no ECG trace", "no known layout", "a single strip", "s long", "no lead name could")
    for start in (*starts, "neither lead names"):
        assert start in source
        assert messages.advice(f"because {start}"), start
    dark = np.full((600, 800, 3), 20, np.uint8)
    assert any("dark" in line for line in messages.advice("no ECG trace was found", dark))
    assert any("800 × 600" in line for line in messages.advice("no ECG trace was found", dark))
