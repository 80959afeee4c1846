"""Sessions with a clock that the tests set, and a page that was read."""

from __future__ import annotations

import pytest

from ecgimg.app import process_page
from ecgimg.app.http.sessions import Sessions
from ecgimg.app.http.uploads import UploadLimits
from ecgimg.app.process_page import PageLimits
from tests.app.clock import Clock
from tests.app.samples import SAMPLES


@pytest.fixture(scope="session")
def read_photo(tmp_path_factory) -> process_page.Reading:
    folder = tmp_path_factory.mktemp("session")
    (page,) = process_page.store_pages(SAMPLES / "photo.jpg", "Smith John.jpg", folder, 1, PageLimits())
    return process_page.read_page(page)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path, clock) -> Sessions:
    limits = UploadLimits(age_s=600, files=3, session_bytes=1000, total_bytes=2400, file_bytes=900)
    return Sessions(tmp_path / "root", keep_s=60, idle_s=3600, limits=limits, clock=clock)
