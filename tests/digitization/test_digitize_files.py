"""Settings are checked before any work, and the command writes records and overlays."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ecgimg import BadRequest, read_record
from ecgimg.digitization.digitize_files import Settings, check_settings


def test_check_settings_refusals(tmp_path):
    """Settings that cannot work are refused."""
    page = tmp_path / "a.png"
    with pytest.raises(BadRequest, match="no format 'mp3'"):
        check_settings([page], Settings(formats=("mp3",)))
    with pytest.raises(BadRequest, match=r"both write a\.csv"):
        check_settings([page, tmp_path / "b" / "a.jpg"], Settings())
    with pytest.raises(BadRequest, match="gain"):
        check_settings([page], Settings(gain_mm_mv=0))


def test_digitize_command_with_unreadable_file(tmp_path, standard_page):
    """The command writes records and overlays, and ends with 1 where a file is no picture."""
    page, _ = standard_page
    stem = page.save(tmp_path / "sample")
    (tmp_path / "text.png").write_text("not a picture", encoding="utf-8")
    arguments = ["digitize", stem.name, "text.png", "--out", "out", "--format", "wfdb"]
    completed = subprocess.run(
        [sys.executable, "-m", "ecgimg", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    assert completed.returncode == 1, completed.stderr
    assert "Traceback" not in completed.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"sample.csv", "sample.hea", "sample.dat", "sample.json", "sample.overlay.png"}
    assert read_record(tmp_path / "out" / "sample.csv").fs_hz == 500
    assert json.loads((tmp_path / "out" / "sample.json").read_text(encoding="utf-8"))["status"] == "ok"
