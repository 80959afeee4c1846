"""The ledger of a run is held by one run, and checked when it is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgimg.batch import run_batch
from ecgimg.batch.ledger import Ledger
from ecgimg.errors import BadOutput, BadRequest
from tests.batch.pages import LIGHT

pytest.importorskip("fsspec", reason="the batch extra is not installed")


def test_ledger_held_by_another_run(archive: Path, tmp_path: Path):
    """A second run over the same outputs is refused."""
    (tmp_path / "out/.ecgimg").mkdir(parents=True)
    held = Ledger(tmp_path / "out/.ecgimg/ledger.sqlite")
    try:
        with pytest.raises(BadRequest, match="another run"):
            run_batch(str(archive), str(tmp_path / "out"), LIGHT)
    finally:
        held.close()


def test_damaged_ledger(archive: Path, tmp_path: Path):
    """A damaged ledger is refused as one."""
    (tmp_path / "out/.ecgimg").mkdir(parents=True)
    (tmp_path / "out/.ecgimg/ledger.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(BadOutput, match="damaged"):
        run_batch(str(archive), str(tmp_path / "out"), LIGHT)
