"""The app without a browser: corrections, paper, report, service, sessions, what is served, and the endpoints."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ecgimg import STANDARD_LEADS, BadRequest, EcgRecord, paper, read_record
from ecgimg.app import service
from ecgimg.app.desk import READING, Desk, Step
from ecgimg.app.http.middleware import Login
from ecgimg.app.http.session_keys import Keys
from ecgimg.app.http.sessions import Sessions, UploadLimits, own_folder
from ecgimg.app.page import messages, views
from ecgimg.app.page.corrections import corrections_of
from ecgimg.app.service import PageLimits
from ecgimg.app.settings import AppSettings, read_password
from ecgimg.digitization import Digitization, LeadReading
from ecgimg.digitization.correct import Corrections, corrected_picture, digitize_corrected, rename_leads, renamed_again
from ecgimg.isolation import Limits, Worker, WorkerPool

SAMPLES = Path(service.__file__).parent.parent / "samples"


def picture(name: str) -> np.ndarray:
    with Image.open(SAMPLES / name) as image:
        return np.array(image.convert("RGB"))


# ---- corrections -----------------------------------------------------------------------------------------------------


def test_corrections_that_can_not_be_are_refused():
    with pytest.raises(BadRequest, match="speed must be between"):
        Corrections(speed_mm_s=0)
    with pytest.raises(BadRequest, match="gain must be between"):
        Corrections(gain_mm_mv=1000)
    with pytest.raises(BadRequest, match="no lead 'V19'"):
        Corrections(leads={"V19": "V1"})
    with pytest.raises(BadRequest, match="both be V3"):
        Corrections(leads={"V1": "V3", "V2": "V3"})
    with pytest.raises(BadRequest, match="enclose no page"):
        Corrections(corners_px=((0, 0), (0, 10), (10, 10), (10, 0)))
    with pytest.raises(BadRequest, match="far outside"):
        corrected_picture(np.zeros((90, 120, 3), np.uint8), Corrections(corners_px=((-900, 0), (9, 0), (9, 9), (0, 9))))
    with pytest.raises(BadRequest, match="too little"):
        corrected_picture(np.zeros((90, 120, 3), np.uint8), Corrections(corners_px=((0, 0), (9, 0), (9, 9), (0, 9))))


def test_corners_undo_the_perspective_and_a_turn_is_clockwise():
    image = np.full((100, 200, 3), 255, np.uint8)
    image[20:30, 40:60] = 0
    cut = corrected_picture(image, Corrections(corners_px=((30, 10), (130, 10), (130, 70), (30, 70))))
    assert cut.shape == (60, 100, 3)
    assert cut[15, 20].max() < 60
    turned = corrected_picture(image, Corrections(rotate_deg=90))
    assert turned.shape == (200, 100, 3)
    assert turned[50, 75].max() == 0
    tilted = corrected_picture(image, Corrections(rotate_deg=30))
    assert tilted.shape[0] > 150
    assert tilted[0, 0].min() == 255


def page_of(leads: tuple[str, ...]) -> Digitization:
    signals = np.arange(len(leads), dtype=np.float32)[:, None] * np.ones((1, 10), np.float32)
    box = np.zeros((4, 2))
    return Digitization(
        "ok",
        "",
        EcgRecord(signals, 500.0, leads),
        lead_confidence={lead: index / 20 for index, lead in enumerate(leads)},
        readings=tuple(LeadReading(lead, 1, 0, 0, 0.0, 1.0, box, box) for lead in leads),
    )


def test_renaming_onto_a_name_that_is_taken_swaps():
    found = page_of(STANDARD_LEADS)
    named = rename_leads(found, {"V1": "V2"})
    assert named.record is not None
    assert named.record.leads == STANDARD_LEADS
    assert named.record.lead("V2")[0] == STANDARD_LEADS.index("V1")
    assert named.record.lead("V1")[0] == STANDARD_LEADS.index("V2")
    assert named.lead_confidence["V2"] == found.lead_confidence["V1"]
    assert named.readings[6].lead == "V2"
    assert named.readings[7].lead == "V1"


def test_renaming_three_in_a_ring_and_to_a_lead_that_is_not_there():
    ring = rename_leads(page_of(STANDARD_LEADS), {"V1": "V2", "V2": "V3"}).record
    assert [ring.lead(name)[0] for name in ("V1", "V2", "V3")] == [8, 6, 7]
    right = rename_leads(page_of(STANDARD_LEADS), {"V4": "V4R"}).record
    assert right.leads == (*STANDARD_LEADS, "V4R")
    assert right.lead("V4R")[0] == 9
    assert np.isnan(right.lead("V4")).all()


def test_renaming_again_is_said_of_the_new_names():
    once = renamed_again({}, {"V1": "V2"})
    assert once == {"V1": "V2", "V2": "V1"}
    assert renamed_again(once, {"V2": "V1"}) == {}
    assert renamed_again(once, {"V2": "V3"}) == {"V1": "V3", "V2": "V1", "V3": "V2"}


def test_a_correction_is_noted_in_the_outputs():
    made = Corrections(layout="3x4+II", speed_mm_s=25.0, leads={"V1": "V2", "V2": "V1"})
    seen, found = digitize_corrected(picture("photo.jpg"), made)
    assert seen.shape == picture("photo.jpg").shape
    told = found.summary()
    assert told["corrections"] == {"layout": "3x4+II", "speed_mm_s": 25.0, "leads": {"V1": "V2", "V2": "V1"}}
    assert "layout set by hand: 3x4+II" in told["warnings"]
    assert "leads named by hand: V1 is V2, V2 is V1" in told["warnings"]
    assert messages.verdict_of(found).corrected
    assert Digitization("ok", "").summary()["corrections"] == {}


# ---- paper and report ------------------------------------------------------------------------------------------------


def test_paper_is_drawn_at_true_scale_with_gaps_left():
    signals = np.full((12, 5000), np.nan, np.float32)
    signals[0, 1000:2000] = 0.0
    signals[0, 1500] = 1.0
    page = paper.lay_out(EcgRecord(signals, 500.0))
    assert page.size_mm == (297.0, 210.0)
    trace = page.lines_mm[1]
    assert trace[-1, 0] - trace[0, 0] == pytest.approx(999 / 500 * 25, abs=0.01)
    assert np.ptp(trace[:, 1]) == pytest.approx(10.0, abs=0.02)
    assert len(page.lines_mm) == 13  # twelve pulses and one trace
    pulse = page.lines_mm[0]
    assert np.ptp(pulse[:, 1]) == pytest.approx(10.0)
    assert sum(words.text == "not on the page" for words in page.lettering) == 11


def test_paper_is_one_well_formed_svg_in_millimetres():
    record = EcgRecord(np.zeros((12, 5000), np.float32), 500.0)
    root = ElementTree.fromstring(paper.draw_svg(record, "a <title>"))
    assert root.get("width") == "297mm"
    assert root.get("viewBox") == "0 0 297 210"
    text = "".join(root.itertext())
    assert paper.NOTICE in text
    assert "25 mm/s" in text
    assert all(lead in text for lead in STANDARD_LEADS)


# ---- service ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read_photo(tmp_path_factory) -> service.Reading:
    folder = tmp_path_factory.mktemp("session")
    (sheet,) = service.open_sheets(SAMPLES / "photo.jpg", "Smith John.jpg", folder, 1, PageLimits())
    return service.read_sheet(sheet)


def test_a_page_is_read_and_all_its_files_are_written(read_photo):
    assert read_photo.found.status == "ok"
    assert read_photo.downloads == tuple(service.FORMATS)
    record = read_record(service.download_path(read_photo, "csv"))
    assert record.leads == STANDARD_LEADS
    dicom = read_record(service.download_path(read_photo, "dicom"))
    assert np.array_equal(np.isfinite(dicom.signals), np.isfinite(record.signals))
    with zipfile.ZipFile(service.download_path(read_photo, "wfdb")) as archive:
        assert sorted(archive.namelist()) == ["ecg-page-1.dat", "ecg-page-1.hea"]
    told = json.loads(service.download_path(read_photo, "json").read_text())
    assert told["findings"]["notice"] == "research use only, not a medical device"
    for name in ("original.jpg", "overlay.jpg", "paper.svg", "corners.jpg", "evidence-1.jpg"):
        assert (read_photo.sheet.folder / name).stat().st_size > 1000


def test_the_report_is_true_to_size_and_says_what_it_is_on_every_page(read_photo):
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(service.download_path(read_photo, "report")) as document:
        assert len(document) == 2
        for page in document:
            assert page.get_size() == pytest.approx((297 / 25.4 * 72, 210 / 25.4 * 72), abs=0.1)
            assert paper.NOTICE in page.get_textpage().get_text_range()
        first = document[0].get_textpage().get_text_range()
        assert "The page was read" in first
        assert "atrial fibrillation" in first
        assert "Smith" not in first


def test_the_result_names_no_file_and_escapes_what_it_shows(read_photo):
    shown = views.result(read_photo, "/files/token/1.0")
    assert "Smith" not in shown
    assert shown.index("ecg-verdict") < shown.index("overlay.jpg") < shown.index("paper.svg") < shown.index("ecg-leads")
    assert shown.index("ecg-leads") < shown.index("ecg-findings") < shown.index("ecg-downloads")
    assert views.progress("reading the page", 0, 1, "<b>.jpg").count("&lt;b&gt;") == 1
    assert "<" not in re.sub(r"</?p[^>]*>", "", views.message("a <script>"))


def test_a_page_that_can_not_be_read_says_what_to_do(tmp_path):
    (sheet,) = service.open_sheets(SAMPLES / "too-close.jpg", "x.jpg", tmp_path, 1, PageLimits())
    reading = service.read_sheet(sheet)
    assert reading.found.status == "refused"
    assert reading.downloads == ()
    assert any("left edge with the lead names" in line for line in reading.advice)
    assert "What to do" in views.result(reading, "")


def test_every_reason_to_refuse_has_advice():
    source = "".join(path.read_text() for path in (Path(service.__file__).parent.parent / "digitization").rglob("*.py"))
    starts = ("neither ECG ruling", "no ECG trace", "no known layout", "a single strip", "s long", "no lead name could")
    for start in (*starts, "neither lead names"):
        assert start in source
        assert messages.advice(f"because {start}"), start
    dark = np.full((600, 800, 3), 20, np.uint8)
    assert any("dark" in line for line in messages.advice("no ECG trace was found", dark))
    assert any("800 × 600" in line for line in messages.advice("no ECG trace was found", dark))


def test_files_that_can_not_be_opened_are_told_by_their_own_name(tmp_path):
    bad = tmp_path / "in-1" / "page.pdf"
    bad.parent.mkdir()
    bad.write_bytes(b"%PDF-1.7 nothing")
    (sheet,) = service.open_sheets(bad, "scan.pdf", tmp_path, 1, PageLimits())
    assert "scan.pdf is damaged" in sheet.error
    assert str(tmp_path) not in sheet.error
    assert "could not be read" in views.result(service.read_sheet(sheet), "")


def test_limits_on_bytes_pixels_and_pages(tmp_path):
    photo = SAMPLES / "photo.jpg"
    for settings, wanted in (
        (PageLimits(max_mb=0.05), "larger than 0.05 MB"),
        (PageLimits(max_megapixels=0.5), "more than 0.5 megapixels"),
    ):
        (sheet,) = service.open_sheets(photo, "x.jpg", tmp_path, 1, settings)
        assert wanted in sheet.error
    tiff = tmp_path / "pages.tif"
    page = Image.new("RGB", (400, 300), "white")
    page.save(tiff, save_all=True, append_images=[page, page])
    (sheet,) = service.open_sheets(tiff, "x.tif", tmp_path, 1, PageLimits(max_pages=2))
    assert "more than 2 pages" in sheet.error
    assert [each.name for each in service.open_sheets(tiff, "x.tif", tmp_path, 1, PageLimits())] == [
        "x.tif, page 1", "x.tif, page 2", "x.tif, page 3",
    ]  # fmt: skip


def test_layouts_from_outside_are_names_only(read_photo):
    with pytest.raises(BadRequest, match="there is no layout"):
        service.read_sheet(read_photo.sheet, Corrections(layout="/etc/passwd.yaml"))


def test_the_panel_of_corrections(read_photo):
    corners = json.dumps({"corners": [[0, 0], [1, 0], [1, 1], [0, 1]]})
    made = corrections_of(read_photo, "3x4", 90, "50", "as found", corners, "V1", "V2")
    width, height = read_photo.sheet.size_px
    assert made == Corrections(
        90.0, ((-0.5, -0.5), (width - 0.5, -0.5), (width - 0.5, height - 0.5), (-0.5, height - 0.5)), "3x4", 50.0, None,
        {"V1": "V2", "V2": "V1"},
    )  # fmt: skip
    with pytest.raises(BadRequest, match="choose both"):
        corrections_of(read_photo, "as found", 0, "as found", "as found", "", "V1", None)
    with pytest.raises(BadRequest, match="corners can not be understood"):
        corrections_of(read_photo, "as found", 0, "as found", "as found", "{", None, None)


# ---- sessions --------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path, clock) -> Sessions:
    limits = UploadLimits(age_s=600, files=3, session_bytes=1000, total_bytes=2400, file_bytes=900)
    return Sessions(tmp_path / "root", keep_s=60, idle_s=3600, limits=limits, clock=clock)


def uploaded(sessions: Sessions, key: str = "anna", content: bytes = b"x" * 100, name: str = "Smith.JPG") -> Path:
    with sessions.receive(key, name) as writer:
        writer.write(content)
    return writer.path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_upload_keeps_nothing_of_its_name_but_the_suffix(sessions):
    path = uploaded(sessions)
    assert path.suffix == ".jpg"
    assert "Smith" not in str(path)
    assert uploaded(sessions, name="a.b/../c d.p d f").suffix == ""
    assert sessions.uploaded("anna", path).read_bytes() == b"x" * 100


def test_a_session_that_ends_takes_its_files_along(sessions, clock):
    anna, bert = uploaded(sessions), uploaded(sessions, "bert")
    sessions.close("anna")
    clock.now = 59
    sessions.sweep()
    assert anna.is_file()
    clock.now = 60
    sessions.sweep()
    assert not anna.exists()
    assert bert.is_file()
    sessions.end()
    assert not sessions.root.exists()


def test_uploads_that_are_never_read_die_by_age(sessions, clock):
    path = uploaded(sessions)
    clock.now = 599
    sessions.of("anna")
    sessions.sweep()
    assert path.is_file()
    clock.now = 600
    sessions.sweep()
    assert files_below(sessions.root) == []
    with pytest.raises(BadRequest, match="no longer here"):
        sessions.uploaded("anna", path)


def test_uploads_die_by_count_and_by_bytes_the_oldest_first(sessions, clock):
    paths = []
    for clock.now in range(4):
        paths.append(uploaded(sessions))
    assert [path.is_file() for path in paths] == [False, True, True, True]
    large = uploaded(sessions, content=b"x" * 890)
    assert [path.is_file() for path in (*paths, large)] == [False, False, False, True, True]


def test_uploads_that_are_too_much_are_refused_and_leave_nothing(sessions):
    with pytest.raises(BadRequest, match="larger than"):
        uploaded(sessions, content=b"x" * 901)
    for key in ("anna", "bert"):
        uploaded(sessions, key, b"x" * 800)
    with pytest.raises(BadRequest, match="as many files as it may"):
        uploaded(sessions, "carl", b"x" * 900)
    assert sorted(path.stat().st_size for path in files_below(sessions.root)) == [800, 800]
    sessions.delete("anna")
    sessions.sweep()
    uploaded(sessions, "carl", b"x" * 900)


def test_where_all_hold_too_much_closed_sessions_go_first_and_then_those_used_longest_ago(sessions, clock):
    for clock.now, key in enumerate(("anna", "bert", "carl")):
        (sessions.of(key).folder / "made").write_bytes(b"x" * 1000)
    sessions.close("bert")
    sessions.sweep()
    assert [sessions.existing(key) is not None for key in ("anna", "bert", "carl")] == [True, False, True]


def test_too_many_sessions_are_refused(sessions):
    object.__setattr__(sessions.limits, "sessions", 2)
    uploaded(sessions, "anna")
    uploaded(sessions, "bert")
    with pytest.raises(BadRequest, match="come again"):
        sessions.of("carl")


def test_what_libraries_leave_in_the_folder_is_deleted_when_it_is_old(sessions):
    left, fresh = sessions.root / "hash" / "left.png", sessions.root / "fresh"
    left.parent.mkdir()
    for path in (left, fresh):
        path.write_bytes(b"x")
    os.utime(left.parent, (0, 0))
    sessions.sweep()
    assert not left.parent.exists()
    assert fresh.exists()


def test_keys_are_told_from_guesses_and_from_old_ones(clock):
    keys = Keys(valid_s=100, clock=clock)
    key = keys.issue()
    assert keys.is_valid(key)
    changed = ("A" if key[0] != "A" else "B") + key[1:]
    for wrong in (changed, key[:-1], key + "A", "", "é" * 48, "=" * 48, Keys(clock=clock).issue()):
        assert not keys.is_valid(wrong), wrong
    clock.now = 100
    assert not keys.is_valid(key)


def test_a_session_that_is_used_again_goes_on_until_it_is_idle(sessions, clock):
    folder = sessions.of("anna").folder
    sessions.close("anna")
    clock.now = 50
    assert sessions.of("anna").folder == folder
    clock.now = 3000
    sessions.sweep()
    assert folder.is_dir()
    clock.now = 3650
    sessions.sweep()
    assert not folder.exists()


def test_folders_of_killed_processes_are_deleted_and_those_of_living_ones_are_not(tmp_path):
    killed = tmp_path / "ecgimg-app-killed"
    killed.mkdir()
    with own_folder(tmp_path) as first:
        assert not killed.exists()
        with own_folder(tmp_path) as second:
            assert first.is_dir()
            assert second.is_dir()
        assert not second.exists()
    assert list(tmp_path.iterdir()) == []


def test_only_a_session_s_own_uploads_are_read(sessions, tmp_path):
    own, foreign = uploaded(sessions), uploaded(sessions, "bert")
    outside = tmp_path / "secret.jpg"
    outside.write_bytes(b"x")
    link = own.with_name("link.jpg")
    link.symlink_to(outside)
    swapped = uploaded(sessions)
    swapped.unlink()
    swapped.symlink_to(outside)
    replaced = uploaded(sessions)
    replaced.unlink()
    os.mkfifo(replaced)
    for path in (outside, foreign, link, swapped, replaced, own.parent, own.parent / ".." / "uploads" / own.name):
        with pytest.raises(BadRequest, match="no longer here"):
            sessions.uploaded("anna", path)
    assert sessions.uploaded("anna", own) == own


def test_links_give_only_what_was_made_for_the_page(sessions, read_photo):
    desk = Desk(AppSettings(root_path="/ecg"), sessions)
    session = sessions.of("anna")
    session.pages.append(read_photo)
    assert desk.link("anna", read_photo) == f"/ecg/files/{session.token}/1.0"
    assert desk.file(session.token, "1.0", "csv") == service.download_path(read_photo, "csv")
    assert desk.file(session.token, "1", "overlay.jpg") is not None
    assert desk.file("guess", "1.0", "csv") is None
    for page, name in (
        ("2.0", "csv"), ("x", "csv"), ("-1", "csv"), ("1.0", "pixels.npy"), ("1.0", "../page-1/original.jpg"),
    ):  # fmt: skip
        assert desk.file(session.token, page, name) is None


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    made = Desk(AppSettings(), Sessions(tmp_path / "desk", keep_s=60, idle_s=3600))
    yield made
    made.workers.close()


def test_one_person_s_work_is_done_one_at_a_time(desk):
    work = desk.add_sample("anna", "photo")
    assert isinstance(next(work), Step)
    with pytest.raises(BadRequest, match="still being read"):
        next(desk.add_sample("anna", "photo"))
    work.close()
    assert isinstance(next(desk.add_sample("anna", "photo")), Step)


def test_uploads_are_gone_when_their_pages_are_read(desk):
    photo = (SAMPLES / "photo.jpg").read_bytes()
    upload = uploaded(desk.sessions, content=photo)
    readings = [item for item in desk.add("anna", [(upload, "photo.jpg")]) if not isinstance(item, Step)]
    assert [reading.found.status for reading in readings] == ["ok"]
    assert not upload.exists()
    with pytest.raises(BadRequest, match="no longer here"):
        next(desk.add("anna", [(upload, "photo.jpg")]))


@pytest.mark.parametrize(("limits", "reason"), [(Limits(0.01, 2), "more than 30 s"), (Limits(30, 1), "to read|GB")])
def test_a_page_that_takes_too_much_is_refused_and_the_next_is_read(desk, monkeypatch, limits, reason):
    noise = np.random.default_rng(0).random((4800, 4800)) < 0.5
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=1)
    desk.workers = WorkerPool(lambda: Worker(limits, prepare=service.warm_up), 1)
    (reading,) = [
        item
        for item in desk.add("anna", [(uploaded(desk.sessions, content=buffer.getvalue()), "a.png")])
        if not isinstance(item, Step)
    ]
    assert reading.found.status == "refused"
    assert re.search(reason, reading.found.reason)
    assert "could not be read" in views.result(reading, "")
    desk.workers = WorkerPool(lambda: Worker(READING, prepare=service.warm_up), 1)
    *_, reading = desk.add_sample("anna", "photo")
    assert reading.found.status == "ok"
    desk.workers.close()


def test_programs_keep_their_last_calls_only(sessions):
    session = sessions.of("program")
    folders = [session.new_call() for _ in range(10)]
    assert [folder.is_dir() for folder in folders] == [False] * 2 + [True] * 8


def test_login_lets_nobody_guess(clock):
    login = Login(AppSettings(user="ecg", password="word"), clock)
    assert login("ecg", "word")
    assert not login("someone", "word")
    assert not any(login("ecg", f"guess {n}") for n in range(9))
    assert not login("ecg", "word")
    clock.now = 61
    assert login("ecg", "word")


def test_settings_that_can_not_work_are_refused(tmp_path):
    from ecgimg.app.http.server import serve

    nan, endless = float("nan"), float("inf")
    for wrong in (
        {"workers": 0}, {"port": 70000}, {"root_path": "ecg"}, {"keep_min": -1}, {"max_mb": nan}, {"keep_min": nan},
        {"keep_min": endless}, {"idle_min": nan}, {"upload_min": 0}, {"max_uploads": 0}, {"max_total_mb": endless},
        {"max_megapixels": nan},
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            AppSettings(**wrong)
    with pytest.raises(BadRequest, match="a password is needed"):
        serve(AppSettings(host="0.0.0.0"))
    file = tmp_path / "password"
    file.write_text("open sesame\n")
    assert read_password(file, "other") == "open sesame"
    assert read_password(None, "other") == "other"
    assert read_password(None, None) == ""
    file.write_text("\n")
    with pytest.raises(BadRequest, match="is empty"):
        read_password(file, None)
    with pytest.raises(BadRequest, match="can not be read"):
        read_password(tmp_path / "none", None)
