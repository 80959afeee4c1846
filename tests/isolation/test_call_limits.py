"""Limits that make sense, and how a lack of memory is recognised."""

from __future__ import annotations

import pytest

from ecgimg.errors import BadRequest
from ecgimg.isolation import Limits, is_out_of_memory


def test_limits_too_small():
    """Limits within which nothing can be done are refused."""
    for wrong in ({"cpu_s": 0}, {"cpu_s": float("nan")}, {"memory_gb": 0.1}, {"memory_gb": float("inf")}):
        with pytest.raises(BadRequest):
            Limits(**wrong)


def test_is_out_of_memory():
    """A lack of memory is recognised in the words of each library."""
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("OpenCV(5.0) Insufficient memory (Failed to allocate 1 bytes)"))
    assert not is_out_of_memory(ValueError("a wrong value"))
