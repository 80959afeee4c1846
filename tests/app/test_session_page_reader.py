"""The service: one reading at a time for a session, links to its files, and limits."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

import layouts
from ecgimg import BadRequest
from ecgimg.app import process_page
from ecgimg.app.http.sessions import Sessions
from ecgimg.app.server_settings import ServerSettings
from ecgimg.app.session_page_reader import READING, PageService, Step
from ecgimg.app.web_page import result_html
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import UnknownLayout
from ecgimg.isolation import Limits, Worker, WorkerPool
from ecgimg.reasons import ReasonCode
from tests.app.samples import SAMPLES
from tests.app.uploading import uploaded

LAYOUTS = Path(layouts.__file__).parent


@pytest.fixture
def service(tmp_path) -> Iterator[PageService]:
    made = PageService(ServerSettings(), Sessions(tmp_path / "service", keep_s=60, idle_s=3600))
    yield made
    made.workers.close()


def test_desk_links(sessions, read_photo):
    """A link gives only files that were made for its page, to whoever has the token."""
    service = PageService(ServerSettings(root_path="/ecg"), sessions)
    session = sessions.get_or_create("anna")
    session.pages[1] = read_photo
    assert service.link("anna", read_photo) == f"/ecg/files/{session.token}/1.0"
    assert service.linked_file(session.token, "1.0", "csv") == process_page.download_path(read_photo, "csv")
    assert service.linked_file(session.token, "1", "overlay.jpg") is not None
    assert service.linked_file("guess", "1.0", "csv") is None
    assert service.all_pages_file("guess", "zip") is None
    assert service.all_pages_file(session.token, "csv") is None
    for page, name in (
        ("2.0", "csv"), ("x", "csv"), ("-1", "csv"), ("1.0", "pixels.npy"), ("1.0", "../page-1/original.jpg"),
    ):  # fmt: skip
        assert service.linked_file(session.token, page, name) is None


def test_pages_of_lost_session(service):
    """Whatever is asked of a session that has ended is answered in the same sentence."""
    for ask in (
        lambda: service.reading("anna", 1),
        lambda: service.neighbour("anna", 1, 1),
        lambda: service.remove("anna", 1),
        lambda: next(service.correct("anna", 1, Corrections())),
    ):
        with pytest.raises(BadRequest, match="your pages were deleted; add them again"):
            ask()
    assert service.readings("anna") == ()


def test_pages_one_after_the_other(service, read_photo, tmp_path):
    """Pages are gone through and removed; numbers stay, and no number is given twice."""
    session = service.sessions.get_or_create("anna")
    for number in (1, 2, 3):
        folder = tmp_path / f"page-{number}"
        folder.mkdir()
        session.pages[number] = replace(read_photo, page=replace(read_photo.page, number=number, folder=folder))
    session.last_number = 3
    for number, step, shown in ((1, 1, 2), (3, 1, 3), (1, -1, 1)):
        assert service.neighbour("anna", number, step).page.number == shown
    assert service.remove("anna", 2).page.number == 3
    assert not (tmp_path / "page-2").exists()
    assert service.neighbour("anna", 1, 1).page.number == 3
    assert service.remove("anna", 3).page.number == 1
    (page,) = service._open(session, SAMPLES / "too-close.jpg", "a.jpg", 0)
    assert page.number == 4
    assert service.remove("anna", 1) is None


def test_all_pages(service, read_photo):
    """All pages are one zip of their files, and one PDF of their reports."""
    session = service.sessions.get_or_create("anna")
    session.pages |= {1: read_photo, 2: replace(read_photo, downloads=())}
    with zipfile.ZipFile(service.all_pages_file(session.token, "zip")) as archive:
        assert sorted(archive.namelist()) == [f"ecg-page-1.{suffix}" for suffix in ("csv", "dcm", "json", "pdf", "zip")]
    session.pages[2] = read_photo
    with (
        pypdfium2.PdfDocument(process_page.download_path(read_photo, "report")) as one,
        pypdfium2.PdfDocument(service.all_pages_file(session.token, "report")) as joined,
    ):
        assert len(joined) == 2 * len(one)


def test_own_layout(service):
    """A layout of one's own is chosen by its name; what is none, or has a name that is taken, is refused."""
    text = (LAYOUTS / "3x4+II.yaml").read_text().replace("name: 3x4+II", "name: 3x4+II-clinic")
    layout = service.add_layout("anna", uploaded(service.sessions, content=text.encode(), name="mine.yaml"))
    assert layout.name == "3x4+II-clinic"
    own = service.own_layouts("anna")
    assert list(own) == ["3x4+II-clinic"]
    assert service.own_layouts("bert") == {}
    assert Corrections(layout=str(own[layout.name])).summary() == {"layout": "3x4+II-clinic"}
    for content, name, reason in (
        (b"rows: 3", "mine.yaml", "the layout file: "), (b"x", "mine.txt", "a layout is a YAML file"),
        ((LAYOUTS / "3x4.yaml").read_bytes(), "mine.yaml", "give yours another name"),
    ):  # fmt: skip
        with pytest.raises((BadRequest, UnknownLayout), match=reason):
            service.add_layout("anna", uploaded(service.sessions, content=content, name=name))


def test_layout_by_path(service, read_photo):
    """No file is named from outside, and no layout of another session."""
    service.sessions.get_or_create("anna").pages[1] = read_photo
    with pytest.raises(BadRequest, match="there is no layout"):
        next(service.correct("anna", 1, Corrections(layout=str(LAYOUTS / "3x4.yaml"))))


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
