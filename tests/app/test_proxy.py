"""The app below a path of another address."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.app.app_server import proxied, served
from tests.app.samples import PHOTO

if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


@pytest.mark.slow
@pytest.mark.parametrize("password", ["", "open sesame"])
def test_program_behind_proxy(tmp_path, password):
    """A program's photo goes through a proxy in one step, with and without a password."""
    from gradio_client import Client, handle_file

    with served(tmp_path / "files", "--root-path", "/ecg", password=password) as app, proxied(app.url, "/ecg") as url:
        client = Client(
            url,
            auth=("ecg", password) if password else None,
            verbose=False,
            download_files=tmp_path / "downloads",
        )
        told, files = client.predict(handle_file(PHOTO), api_name="/digitize")
        client.close()
    assert told["status"] == "ok"
    assert len(files) == 5
