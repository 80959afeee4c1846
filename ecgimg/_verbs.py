"""Packages that are called by their own name: ``ecgimg.digitize(page)`` is ``ecgimg.digitize.digitize(page)``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    """A package that holds a function of its own name, and passes calls on to it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def make_callable(package: str) -> None:
    """Make an imported package callable; for the last line of its ``__init__``."""
    sys.modules[package].__class__ = _Verb
