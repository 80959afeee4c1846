"""Keys of sessions."""

from __future__ import annotations

from ecgimg.app.http.session_keys import Keys


def test_keys_refuse_guesses_and_old_keys(clock):
    """A key is valid for its time, and a changed or guessed one never."""
    keys = Keys(valid_s=100, clock=clock)
    key = keys.issue()
    assert keys.is_valid(key)
    changed = ("A" if key[0] != "A" else "B") + key[1:]
    for wrong in (changed, key[:-1], key + "A", "", "é" * 48, "=" * 48, Keys(clock=clock).issue()):
        assert not keys.is_valid(wrong), wrong
    clock.now = 100
    assert not keys.is_valid(key)
