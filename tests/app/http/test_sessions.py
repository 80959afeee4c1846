"""Sessions: uploads and their limits, what dies when, and whose files are read."""

from __future__ import annotations

import os

import pytest

from ecgimg import BadRequest
from ecgimg.app.http.temporary_folder import process_folder
from tests.app.uploading import files_below, uploaded


def test_receive_keeps_suffix_only(sessions):
    """An upload keeps nothing of its name but a known suffix."""
    path = uploaded(sessions)
    assert path.suffix == ".jpg"
    assert "Smith" not in str(path)
    assert uploaded(sessions, name="a.b/../c d.p d f").suffix == ""
    assert sessions.upload_path("anna", path).read_bytes() == b"x" * 100


def test_close_session_deletes_files(sessions, clock):
    """A closed session takes its files along after a while, and the others stay."""
    anna, bert = uploaded(sessions), uploaded(sessions, "bert")
    sessions.note_closed("anna")
    clock.now = 59
    sessions.sweep()
    assert anna.is_file()
    clock.now = 60
    sessions.sweep()
    assert not anna.exists()
    assert bert.is_file()
    sessions.delete_all()
    assert not sessions.root.exists()


def test_hand_over_after_reload(sessions):
    """A page that is loaded again has its session, and one that has pages of its own keeps them."""
    token = sessions.get_or_create("before").token
    assert sessions.hand_over("before", "after")
    assert sessions.find("before") is None
    assert sessions.find("after").token == token
    assert not sessions.hand_over("before", "after")
    sessions.get_or_create("other")
    assert not sessions.hand_over("after", "other")
    assert sessions.find("after").token == token
    assert not sessions.hand_over("guess", "new")
    assert sessions.find("new") is None


def test_sweep_of_old_uploads(sessions, clock):
    """Uploads that are never read die by age."""
    path = uploaded(sessions)
    clock.now = 599
    sessions.get_or_create("anna")
    sessions.sweep()
    assert path.is_file()
    clock.now = 600
    sessions.sweep()
    assert files_below(sessions.root) == []
    with pytest.raises(BadRequest, match="no longer here"):
        sessions.upload_path("anna", path)


def test_receive_over_session_limits(sessions, clock):
    """Over the limits of a session the oldest uploads die first."""
    paths = []
    for clock.now in range(4):
        paths.append(uploaded(sessions))
    assert [path.is_file() for path in paths] == [False, True, True, True]
    large = uploaded(sessions, content=b"x" * 890)
    assert [path.is_file() for path in (*paths, large)] == [False, False, False, True, True]


def test_receive_over_total_limits(sessions):
    """An upload that is too large for a file or for all sessions is refused and leaves nothing."""
    with pytest.raises(BadRequest, match="larger than"):
        uploaded(sessions, content=b"x" * 901)
    for key in ("anna", "bert"):
        uploaded(sessions, key, b"x" * 800)
    with pytest.raises(BadRequest, match="as many files as it may"):
        uploaded(sessions, "carl", b"x" * 900)
    assert sorted(path.stat().st_size for path in files_below(sessions.root)) == [800, 800]
    sessions.delete("anna")
    sessions.sweep()
    uploaded(sessions, "carl", b"x" * 900)


def test_sweep_over_total_limit(sessions, clock):
    """Over the total limit closed sessions go first, and then those used longest ago."""
    for clock.now, key in enumerate(("anna", "bert", "carl")):
        (sessions.get_or_create(key).folder / "made").write_bytes(b"x" * 1000)
    sessions.note_closed("bert")
    sessions.sweep()
    assert [sessions.find(key) is not None for key in ("anna", "bert", "carl")] == [True, False, True]


def test_open_too_many_sessions(sessions):
    """A session more than the limit is refused."""
    object.__setattr__(sessions.limits, "sessions", 2)
    uploaded(sessions, "anna")
    uploaded(sessions, "bert")
    with pytest.raises(BadRequest, match="come again"):
        sessions.get_or_create("carl")


def test_sweep_of_other_files(sessions):
    """Files that libraries leave in the folder are deleted when they are old."""
    left, fresh = sessions.root / "hash" / "left.png", sessions.root / "fresh"
    left.parent.mkdir()
    for path in (left, fresh):
        path.write_bytes(b"x")
    os.utime(left.parent, (0, 0))
    sessions.sweep()
    assert not left.parent.exists()
    assert fresh.exists()


def test_closed_session_used_again(sessions, clock):
    """A closed session that is used again goes on until it is idle."""
    folder = sessions.get_or_create("anna").folder
    sessions.note_closed("anna")
    clock.now = 50
    assert sessions.get_or_create("anna").folder == folder
    clock.now = 3000
    sessions.sweep()
    assert folder.is_dir()
    clock.now = 3650
    sessions.sweep()
    assert not folder.exists()


def test_own_folder_beside_others(tmp_path):
    """Folders of killed processes are deleted, and those of living ones are not."""
    killed = tmp_path / "ecgimg-app-killed"
    killed.mkdir()
    with process_folder(tmp_path) as first:
        assert not killed.exists()
        with process_folder(tmp_path) as second:
            assert first.is_dir()
            assert second.is_dir()
        assert not second.exists()
    assert list(tmp_path.iterdir()) == []


def test_uploaded_refuses_foreign_files(sessions, tmp_path):
    """Only a session's own uploads are read: no other session's, no link, no folder, no pipe."""
    own, foreign = uploaded(sessions), uploaded(sessions, "bert")
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"x")
    link = own.with_name("link.jpg")
    link.symlink_to(outside)
    swapped = uploaded(sessions)
    swapped.unlink()
    swapped.symlink_to(outside)
    replaced = uploaded(sessions)
    replaced.unlink()
    os.mkfifo(replaced)
    for path in (outside, foreign, link, swapped, replaced, own.parent, own.parent / ".." / "uploads" / own.name):
        with pytest.raises(BadRequest, match="no longer here"):
            sessions.upload_path("anna", path)
    assert sessions.upload_path("anna", own) == own


def test_new_call_deletes_old_calls(sessions):
    """A program keeps the files of its last eight calls."""
    session = sessions.get_or_create("program")
    folders = [session.new_request_folder() for _ in range(10)]
    assert [folder.is_dir() for folder in folders] == [False] * 2 + [True] * 8
