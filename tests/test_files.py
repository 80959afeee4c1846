"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgimg._atomic_files import atomic_path, atomic_paths


def test_atomic_path_when_writing_fails(tmp_path: Path) -> None:
    """The old file stays as it was, and no draft is left, when writing fails."""
    target = tmp_path / "new" / "a.txt"
    with atomic_path(target) as draft:
        assert draft.suffix == ".txt"
        draft.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as draft:  # noqa: PT012
        draft.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_atomic_paths_of_two_files(tmp_path: Path) -> None:
    """Two files appear together, none before the other is finished."""
    with atomic_paths(tmp_path / "a.dat", tmp_path / "a.hea") as (data, header):
        header.write_text("h")
        assert not (tmp_path / "a.hea").exists()
        data.write_text("d")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dat", "a.hea"]
