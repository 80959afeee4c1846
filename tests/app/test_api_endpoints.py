"""The endpoints for programs, as a program calls them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.app.app_server import Served, served
from tests.app.samples import PHOTO
from tests.waiting import wait_until

if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app") / "files", "--keep-min", "0", "--max-mb", "1") as running:
        yield running


@pytest.fixture
def client(app, tmp_path):
    from gradio_client import Client

    made = Client(app.url, verbose=False, download_files=tmp_path / "downloads")
    yield made
    made.close()


def test_endpoints_of_program(app, client):
    """A program lists layouts, digitizes with corrections, measures, and classifies."""
    from gradio_client import handle_file

    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {
        "/digitize", "/measure", "/classify", "/layouts",
    }  # fmt: skip
    assert "3x4+II" in client.predict(api_name="/layouts")
    told, files = client.predict(
        handle_file(PHOTO), corrections={"leads": {"V1": "V2"}}, speed_mm_s=25, api_name="/digitize"
    )
    assert told["status"] == "ok"
    assert told["corrections"] == {"speed_mm_s": 25, "leads": {"V1": "V2"}}
    assert sorted(Path(file).suffix for file in files) == [".csv", ".dcm", ".json", ".pdf", ".zip"]
    assert all(Path(file).stat().st_size > 1000 for file in files)
    measured = client.predict(handle_file(PHOTO), api_name="/measure")
    assert measured["schema"] == "ecgimg-measurements"
    assert 90 < measured["global"]["rate_bpm"]["value"] < 120
    assert measured["digitization"]["layout"] == "3x4+II"
    findings = client.predict(handle_file(PHOTO), api_name="/classify")
    assert "AFIB" in findings["present"]
    assert findings["digitization"]["layout"] == "3x4+II"


def test_endpoints_refusals(app, client):
    """What is wrong with a request is one sentence, and addresses are not fetched."""
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError, ValidationError

    for arguments, wanted in (
        ({"page": 2}, "has no page 2"),
        ({"layout": "/etc/hosts.yaml"}, "there is no layout"),
        ({"corrections": {"colour": 1}}, "there is no correction 'colour'"),
        ({"corrections": {"corners_px": [1, 2]}}, "corrections are rotate_deg"),
        ({"speed_mm_s": 1}, "the speed must be between"),
    ):
        with pytest.raises(AppError, match=wanted):
            client.predict(handle_file(PHOTO), **arguments, api_name="/digitize")
    address = {"path": "https://example.org/x.jpg", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(ValidationError, match="addresses are not fetched"):
        client.predict(address, api_name="/digitize")


def test_endpoints_leave_no_file(app, client):
    """No file is left when a program's session ends."""
    from gradio_client import handle_file

    client.predict(handle_file(PHOTO), api_name="/digitize")
    assert any(name.endswith(".csv") for name in app.left())
    client.close()
    assert wait_until(lambda: not app.left()), app.left()


def test_endpoints_log_no_file_name(app, client, tmp_path):
    """Nothing of a person's file is logged."""
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    file = tmp_path / "Smith-John-1948.pdf"
    file.write_bytes(b"%PDF-1.7 damaged")
    with pytest.raises(AppError, match="is damaged"):
        client.predict(handle_file(file), api_name="/digitize")
    assert "research use only" in app.log.read_text()
    assert "Smith" not in app.log.read_text()
