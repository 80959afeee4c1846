"""The app as it is served: headers, addresses, closed paths, login, endpoints for programs, and what is left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ecgimg.app import service
from tests.app_server import Served, served
from tests.waiting import wait_until

httpx = pytest.importorskip("httpx", reason="the app's packages are not installed")
if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)

PHOTO = Path(service.__file__).parent.parent / "samples" / "photo.jpg"


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("app") / "files", "--keep-min", "0", "--max-mb", "1") as running:
        yield running


def test_every_answer_forbids_the_outside(app):
    for path in ("", "theme.css", "config", "health", "files/none/1/csv", "nothing"):
        headers = httpx.get(app.url + path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_the_page_names_no_other_machine(app):
    page = httpx.get(app.url).text + httpx.get(app.url + "theme.css").text
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\"'\\ <]*", page))
    assert not {address for address in addresses if not re.search(r"127\.0\.0\.1|www\.w3\.org/2000/svg", address)}
    assert "fonts.googleapis" not in page
    assert '"analytics_enabled": false' in page.replace('":false', '": false')


def test_paths_that_lead_elsewhere_are_closed(app):
    for path in (
        "gradio_api/file=https://example.org/x.jpg", "gradio_api/proxy=https://example.org/", "docs", "openapi.json",
        "monitoring", "gradio_api/runs",
    ):  # fmt: skip
        assert httpx.get(app.url + path).status_code == 404, path
    for path in ("gradio_api/file=/etc/passwd", f"gradio_api/file={PHOTO}"):
        assert httpx.get(app.url + path).status_code in (403, 404), path
    assert httpx.get(app.url, headers={"host": "attacker.example:80"}).status_code == 421


def test_files_above_the_limit_are_not_taken(app):
    big = httpx.post(app.session() + "upload", files={"files": ("big.jpg", b"\xff" * 1_100_000)})
    assert big.status_code == 413


@pytest.fixture
def client(app, tmp_path):
    from gradio_client import Client

    made = Client(app.url, verbose=False, download_files=tmp_path / "downloads")
    yield made
    made.close()


def test_endpoints_for_programs(app, client):
    from gradio_client import handle_file

    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {
        "/digitize", "/classify", "/layouts",
    }  # fmt: skip
    assert "3x4+II" in client.predict(api_name="/layouts")
    told, files = client.predict(
        handle_file(PHOTO), corrections={"leads": {"V1": "V2"}}, speed_mm_s=25, api_name="/digitize"
    )
    assert told["status"] == "ok"
    assert told["corrections"] == {"speed_mm_s": 25, "leads": {"V1": "V2"}}
    assert sorted(Path(file).suffix for file in files) == [".csv", ".dcm", ".json", ".pdf", ".zip"]
    assert all(Path(file).stat().st_size > 1000 for file in files)
    findings = client.predict(handle_file(PHOTO), api_name="/classify")
    assert "AFIB" in findings["present"]
    assert findings["digitization"]["layout"] == "3x4+II"


def test_what_is_wrong_with_a_request_is_one_sentence(app, client):
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


def test_nothing_is_left_when_a_session_ends(app, client):
    from gradio_client import handle_file

    client.predict(handle_file(PHOTO), api_name="/digitize")
    assert any(name.endswith(".csv") for name in app.left())
    client.close()
    assert wait_until(lambda: not app.left()), app.left()


def test_a_login_where_a_password_is_set_and_nothing_left_at_the_end(tmp_path):
    with served(tmp_path / "files", password="open sesame") as app:
        assert httpx.get(app.url + "config").status_code == 401
        wrong = httpx.post(app.url + "login", data={"username": "ecg", "password": "open"})
        assert wrong.status_code == 400
        with httpx.Client() as person:
            right = person.post(app.url + "login", data={"username": "ecg", "password": "open sesame"})
            assert right.status_code == 200
            session = app.url.rstrip("/") + person.get(app.url + "config").json()["api_prefix"]
            assert person.post(f"{session}/upload", files={"files": ("a.jpg", b"x")}).status_code == 200
            assert httpx.post(f"{session}/upload", files={"files": ("a.jpg", b"x")}).status_code == 401
        assert app.left()
    assert not list(app.folder.rglob("*"))


def test_nothing_of_a_person_s_file_is_logged(app, client, tmp_path):
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    file = tmp_path / "Smith-John-1948.pdf"
    file.write_bytes(b"%PDF-1.7 damaged")
    with pytest.raises(AppError, match="is damaged"):
        client.predict(handle_file(file), api_name="/digitize")
    assert "research use only" in app.log.read_text()
    assert "Smith" not in app.log.read_text()
