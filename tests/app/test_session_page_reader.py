"""The service: one reading at a time for a session, links to its files, and limits."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from ecgimg import BadRequest
from ecgimg.app import process_page
from ecgimg.app.http.sessions import Sessions
from ecgimg.app.server_settings import ServerSettings
from ecgimg.app.session_page_reader import READING, PageService, Step
from ecgimg.app.web_page import result_html
from ecgimg.isolation import Limits, Worker, WorkerPool
from ecgimg.reasons import ReasonCode
from tests.app.samples import SAMPLES
from tests.app.uploading import uploaded


@pytest.fixture
def service(tmp_path) -> Iterator[PageService]:
    made = PageService(ServerSettings(), Sessions(tmp_path / "service", keep_s=60, idle_s=3600))
    yield made
    made.workers.close()


def test_desk_links(sessions, read_photo):
    """A link gives only files that were made for its page, to whoever has the token."""
    service = PageService(ServerSettings(root_path="/ecg"), sessions)
    session = sessions.get_or_create("anna")
    session.pages.append(read_photo)
    assert service.link("anna", read_photo) == f"/ecg/files/{session.token}/1.0"
    assert service.linked_file(session.token, "1.0", "csv") == process_page.download_path(read_photo, "csv")
    assert service.linked_file(session.token, "1", "overlay.jpg") is not None
    assert service.linked_file("guess", "1.0", "csv") is None
    for page, name in (
        ("2.0", "csv"), ("x", "csv"), ("-1", "csv"), ("1.0", "pixels.npy"), ("1.0", "../page-1/original.jpg"),
    ):  # fmt: skip
        assert service.linked_file(session.token, page, name) is None


def test_desk_while_busy(service):
    """A session's pages are read one at a time."""
    work = service.add_sample("anna", "photo")
    assert isinstance(next(work), Step)
    with pytest.raises(BadRequest, match="still being read"):
        next(service.add_sample("anna", "photo"))
    work.close()
    assert isinstance(next(service.add_sample("anna", "photo")), Step)


def test_desk_deletes_read_uploads(service):
    """An upload is deleted when its pages are read."""
    photo = (SAMPLES / "photo.jpg").read_bytes()
    upload = uploaded(service.sessions, content=photo)
    readings = [item for item in service.add("anna", [(upload, "photo.jpg")]) if not isinstance(item, Step)]
    assert [reading.digitization.status for reading in readings] == ["ok"]
    assert not upload.exists()
    with pytest.raises(BadRequest, match="no longer here"):
        next(service.add("anna", [(upload, "photo.jpg")]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "codes"),
    [
        (Limits(0.01, 2), {ReasonCode.TIME_LIMIT_EXCEEDED}),
        (Limits(30, 1), {ReasonCode.MEMORY_LIMIT_EXCEEDED, ReasonCode.TIME_LIMIT_EXCEEDED}),
    ],
)
def test_page_over_limits(service, monkeypatch, limits, codes):
    """A page over the limits on time or memory is refused, and the next one is read."""
    noise = np.random.default_rng(0).random((4800, 4800)) < 0.5
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=1)
    service.workers = WorkerPool(lambda: Worker(limits, prepare=process_page.load_networks), 1)
    (reading,) = [
        item
        for item in service.add("anna", [(uploaded(service.sessions, content=buffer.getvalue()), "a.png")])
        if not isinstance(item, Step)
    ]
    assert reading.digitization.status == "refused"
    assert reading.digitization.reasons[0].code in codes
    assert "could not be read" in result_html.result(reading, "")
    service.workers = WorkerPool(lambda: Worker(READING, prepare=process_page.load_networks), 1)
    *_, reading = service.add_sample("anna", "photo")
    assert reading.digitization.status == "ok"
    service.workers.close()
