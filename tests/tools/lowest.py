"""Print the lowest version of every core dependency as constraints for pip; `make test-lowest` installs them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def lowest() -> list[str]:
    """Return ``name==version`` of the floors in ``[project] dependencies``."""
    wanted = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    return [f"{name}=={floor}" for name, floor in (re.match(r"([\w-]+)>=([\d.]+)", each).groups() for each in wanted)]


if __name__ == "__main__":
    print("\n".join(lowest()))
