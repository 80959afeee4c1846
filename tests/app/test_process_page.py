"""Pages are opened and read within limits, and their files are written."""

from __future__ import annotations

import json
import zipfile

import numpy as np
from PIL import Image

from ecgimg import STANDARD_LEADS, read_record
from ecgimg.app import process_page
from ecgimg.app.process_page import PageLimits
from ecgimg.app.web_page import result_html
from ecgimg.classification import predict
from ecgimg.measurement import page_numbers
from tests.app.samples import SAMPLES


def test_read_sheet_writes_all_files(read_photo):
    """A page is read, and all its files are written."""
    assert read_photo.digitization.status == "ok"
    assert read_photo.downloads == tuple(process_page.FORMATS)
    record = read_record(process_page.download_path(read_photo, "csv"))
    assert record.leads == STANDARD_LEADS
    dicom = read_record(process_page.download_path(read_photo, "dicom"))
    assert np.array_equal(np.isfinite(dicom.signals), np.isfinite(record.signals))
    with zipfile.ZipFile(process_page.download_path(read_photo, "wfdb")) as archive:
        assert sorted(archive.namelist()) == ["ecg-page-1.dat", "ecg-page-1.hea"]
    told = json.loads(process_page.download_path(read_photo, "json").read_text())
    assert told["findings"]["notice"] == "research use only, not a medical device"
    assert told["measurements"]["schema"] == "ecgimg-measurements"
    assert 90 < told["measurements"]["global"]["rate_bpm"]["value"] < 120
    for name in ("original.jpg", "overlay.jpg", "paper.svg", "corners.jpg", "evidence-1.jpg"):
        assert (read_photo.page.folder / name).stat().st_size > 1000


def test_read_sheet_that_is_refused(tmp_path):
    """A refused page has no downloads, and the advice says what to do."""
    (page,) = process_page.store_pages(SAMPLES / "too-close.jpg", "x.jpg", tmp_path, 1, PageLimits())
    reading = process_page.read_page(page)
    assert reading.digitization.status == "refused"
    assert reading.downloads == ()
    assert any("left edge with the lead labels" in line for line in reading.advice)
    assert "What to do" in result_html.result(reading, "")


def test_read_page_that_cannot_be_measured(tmp_path, monkeypatch):
    """A fault of the measurement leaves the page read, classified and written."""

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(predict, "measure_record", fail)
    monkeypatch.setattr(page_numbers, "measure", fail)
    (page,) = process_page.store_pages(SAMPLES / "scan.jpg", "x.jpg", tmp_path, 1, PageLimits())
    reading = process_page.read_page(page)
    assert reading.digitization.status == "ok"
    assert reading.findings.findings
    assert reading.downloads == tuple(process_page.FORMATS)
    assert "An internal error occurred: ZeroDivisionError." in result_html.result(reading, "")


def test_open_sheets_of_damaged_file(tmp_path):
    """A file that cannot be opened is told by its own name, not by its path."""
    bad = tmp_path / "in-1" / "page.pdf"
    bad.parent.mkdir()
    bad.write_bytes(b"%PDF-1.7 nothing")
    (page,) = process_page.store_pages(bad, "scan.pdf", tmp_path, 1, PageLimits())
    assert "scan.pdf is damaged" in page.failure.text
    assert str(tmp_path) not in page.failure.text
    assert "could not be read" in result_html.result(process_page.read_page(page), "")


def test_open_sheets_over_limits(tmp_path):
    """Files of too many bytes, pixels or pages are refused."""
    photo = SAMPLES / "photo.jpg"
    for settings, wanted in (
        (PageLimits(max_mb=0.05), "larger than 0.05 MB"),
        (PageLimits(max_megapixels=0.5), "more than 0.5 megapixels"),
    ):
        (page,) = process_page.store_pages(photo, "x.jpg", tmp_path, 1, settings)
        assert wanted in page.failure.text
    tiff = tmp_path / "pages.tif"
    page = Image.new("RGB", (400, 300), "white")
    page.save(tiff, save_all=True, append_images=[page, page])
    (page,) = process_page.store_pages(tiff, "x.tif", tmp_path, 1, PageLimits(max_pages=2))
    assert "has 3 pages, and at most 2" in page.failure.text
    assert [each.name for each in process_page.store_pages(tiff, "x.tif", tmp_path, 1, PageLimits())] == [
        "x.tif, page 1", "x.tif, page 2", "x.tif, page 3",
    ]  # fmt: skip
