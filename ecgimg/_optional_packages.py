"""Packages of others: optional ones imported where they are needed, their warnings kept in."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from ecgimg.errors import MissingExtra


def import_optional(module: str, package: str, purpose: str, extra: str = "formats") -> ModuleType:
    """Import an optional package; `MissingExtra` when it is not installed."""
    # threads may ask for it, and warning filters are of the whole process
    if sys.modules.get(module) is not None:
        return sys.modules[module]
    try:
        with without_warnings():
            return import_module(module)
    except ImportError as error:
        raise MissingExtra(package, extra, purpose) from error


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep in the warnings of a library: they are about its own insides, and tests make warnings errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
