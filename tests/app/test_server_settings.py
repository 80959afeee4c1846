"""Settings of the app."""

from __future__ import annotations

import pytest

from ecgimg import BadRequest
from ecgimg.app.server_settings import ServerSettings, read_password


def test_settings_refusals(tmp_path):
    """Settings that cannot work, a missing password and a wrong password file are refused."""
    from ecgimg.app.http.server import serve

    nan, endless = float("nan"), float("inf")
    for wrong in (
        {"workers": 0}, {"port": 70000}, {"root_path": "ecg"}, {"keep_min": -1}, {"max_mb": nan}, {"keep_min": nan},
        {"keep_min": endless}, {"idle_min": nan}, {"upload_min": 0}, {"max_uploads": 0}, {"max_total_mb": endless},
        {"max_megapixels": nan},
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            ServerSettings(**wrong)
    with pytest.raises(BadRequest, match="a password is needed"):
        serve(ServerSettings(host="0.0.0.0"))
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    assert read_password(file, "other") == "open sesame"
    assert read_password(None, "other") == "other"
    assert read_password(None, None) == ""
    file.write_text("\n")
    with pytest.raises(BadRequest, match="is empty"):
        read_password(file, None)
    with pytest.raises(BadRequest, match="cannot be read"):
        read_password(tmp_path / "none", None)
