"""What every answer carries, and the login."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from ecgimg.app.http.login import Login
from ecgimg.app.server_settings import ServerSettings
from tests.app.app_server import served

httpx = pytest.importorskip("httpx", reason="the app's packages are not installed")
if find_spec("gradio") is None:
    pytest.skip("the app's packages are not installed", allow_module_level=True)


def test_login_against_guessing(clock):
    """After too many wrong passwords even the right one waits."""
    login = Login(ServerSettings(user="ecg", password="word"), clock)
    assert login("ecg", "word")
    assert not login("someone", "word")
    assert not any(login("ecg", f"guess {n}") for n in range(9))
    assert not login("ecg", "word")
    clock.now = 61
    assert login("ecg", "word")


def test_login_in_words(tmp_path):
    """The login page says what is wrong, and when it is closed."""
    with served(tmp_path / "files", password="open sesame") as app:
        page = httpx.get(app.url)
        assert page.status_code == 200
        assert "The user or the password is wrong. Try again." in page.text
        assert "Research use only, not a medical device." in page.text
        answers = [httpx.post(app.url + "login", data={"username": "ecg", "password": "guess"}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [400] * 10 + [429]
        assert answers[-1].text == "After ten wrong tries the login is closed for a minute. Try again then."


def test_headers_of_every_answer(app):
    """Every answer forbids the page to load or send anything elsewhere."""
    for path in ("", "theme.css", "config", "health", "files/none/1/csv", "nothing"):
        headers = httpx.get(app.url + path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_page_names_no_other_machine(app):
    """The page has no address of another machine."""
    page = httpx.get(app.url).text + httpx.get(app.url + "theme.css").text
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\"'\\ <]*", page))
    assert not {address for address in addresses if not re.search(r"127\.0\.0\.1|www\.w3\.org/2000/svg", address)}
    assert "fonts.googleapis" not in page
    assert '"analytics_enabled": false' in page.replace('":false', '": false')


def test_login_and_end_of_server(tmp_path):
    """With a password nothing is open without it, and no file is left when the server ends."""
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
