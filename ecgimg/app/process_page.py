"""Process one page of the app: open, digitize as corrected, measure, classify and draw it, write its downloads."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg._pictures import as_jpeg
from ecgimg.classification.trained_classifier import shipped_classifier
from ecgimg.digitization import Digitization
from ecgimg.digitization.correct import Corrections, digitize_corrected
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.upright import turn_upright
from ecgimg.errors import EcgImgError, UnreadablePage
from ecgimg.formats import write_record
from ecgimg.formats.pages import count_pages, open_pages
from ecgimg.formats.vector_pdf import VectorPage
from ecgimg.inference.onnx_sessions import load_network
from ecgimg.isolation import run_to_end
from ecgimg.measurement import Measurements
from ecgimg.measurement.page_numbers import measure_page
from ecgimg.reasons import Reason, reason_of
from ecgimg.reporting import Report, measurements_summary, report_page
from ecgimg.reporting.evidence import MOST_EXPLAINED
from ecgimg.reporting.evidence_figure import draw_on_page
from ecgimg.reporting.pdf import write_pdf
from ecgimg.reporting.verdict_text import advice

Image8 = NDArray[np.uint8]

FORMATS = {"csv": "csv", "wfdb": "zip", "dicom": "dcm", "report": "pdf", "json": "json"}
"""The downloads of a page, and the suffix of each."""

DOWNLOAD_PREFIX = "ecg-page-"  # nothing of the person's file name reaches a download's name
VIEW_SIDE_PX = 2400  # longer side of a picture that is shown: print of an A4 page stays legible when enlarged
_CORNERS_SIDE_PX = 1000  # of the picture on which corners are dragged
_SAMPLES = Path(__file__).parent.parent / "samples"


@dataclass(frozen=True)
class PageLimits:
    """What may be opened: the largest file, the largest page, and the most pages of a file."""

    max_mb: float = 50.0
    max_megapixels: float = 60.0
    max_pages: int = 40


@dataclass(frozen=True, eq=False)
class StoredPage:
    """A page as it was opened, kept on disk: its pixels in `pixels`, an array file.

    Parameters
    ----------
    name : str
        What the person called the file, with the page's number where it has several.
    folder : Path
        Where everything made of it is written.
    failure : Reason or None
        Why it could not be opened.
    """

    name: str
    number: int
    folder: Path
    size_px: tuple[int, int] = (0, 0)
    vector: VectorPage | None = None
    failure: Reason | None = None

    @property
    def image(self) -> Image8:
        """(height, width, 3) uint8 RGB."""
        return np.asarray(np.load(self.folder / "pixels.npy"), np.uint8)


@dataclass(frozen=True, eq=False)
class Reading:
    """A page as read: digitization, measurements and findings, and the pictures and files written beside it."""

    page: StoredPage
    corrections: Corrections
    digitization: Digitization
    measurements: Measurements
    findings: Report
    advice: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    version: int = 0


def sample_pages() -> dict[str, Path]:
    """Return the bundled sample pages by name."""
    return {path.stem: path for path in sorted(_SAMPLES.iterdir()) if path.suffix in (".jpg", ".png", ".pdf", ".tif")}


def store_pages(path: Path, name: str, folder: Path, first: int, limits: PageLimits) -> Iterator[StoredPage]:
    """Open every page of a file and keep it in a folder of its own; one that cannot be opened has a failure.

    Parameters
    ----------
    name : str
        What the person called the file.
    first : int
        Number of its first page in the session, from 1.
    """
    number = first
    try:
        pages = _count_within_limits(path, limits)
        for page in open_pages(path, max_pixels=round(limits.max_megapixels * 1e6)):
            page_name = f"{name}, page {page.number}" if pages > 1 else name
            yield _store(StoredPage(page_name, number, folder / f"page-{number}", vector=page.vector), page.image)
            number += 1
    except EcgImgError as error:
        # the person's name of the file, not where it lies on the server
        failure = reason_of(type(error)(str(error).replace(str(path), name).replace(path.name, name)))
        yield StoredPage(name, number, folder / f"page-{number}", failure=failure)


def _count_within_limits(path: Path, limits: PageLimits) -> int:
    """Return how many pages a file has; `UnreadablePage` where it exceeds the limits."""
    if path.stat().st_size > limits.max_mb * 1e6:
        raise UnreadablePage(f"the file is larger than {limits.max_mb:g} MB; save it smaller or split it")
    pages = count_pages(path)
    if pages > limits.max_pages:
        raise UnreadablePage(f"the file has {pages} pages, and at most {limits.max_pages} can be added; split the file")
    return pages


def _store(page: StoredPage, image: Image8) -> StoredPage:
    page.folder.mkdir(parents=True, exist_ok=True)
    np.save(page.folder / "pixels.npy", image)
    write_jpeg(image, page.folder / "corners.jpg", _CORNERS_SIDE_PX)
    return replace(page, size_px=(image.shape[1], image.shape[0]))


def read_page(page: StoredPage, corrections: Corrections | None = None) -> Reading:
    """Read a page as corrected, measure and classify it, and write its pictures and downloads.

    Raises
    ------
    BadRequest
        For corrections that cannot be applied.
    """
    reading: Reading = run_to_end(reading_steps(page, corrections or Corrections()))
    return reading


def reading_steps(page: StoredPage, corrections: Corrections) -> Generator[str, None, Reading]:
    """Do what `read_page` does, and yield what is being done before each step of it."""
    if page.failure is not None:
        return refused_reading(page, corrections, page.failure)
    yield "reading the page"
    picture, digitization = digitize_corrected(page.image, corrections, page.vector)
    yield "looking for findings"
    findings = report_page(digitization, explain=True)
    measurements = measure_page(digitization, findings.measurements)
    yield "drawing"
    reading = Reading(page, corrections, digitization, measurements, findings, advice(digitization, picture))
    # a page that was photographed sideways is shown upright
    upright, upright_digitization = turn_upright(picture, digitization)
    overlay = draw_overlay(upright, upright_digitization)
    write_jpeg(upright, page.folder / "original.jpg")
    write_jpeg(overlay, page.folder / "overlay.jpg")
    reading = replace(reading, evidence=_write_figures(upright, reading, upright_digitization))
    yield "writing the downloads"
    return replace(reading, downloads=_write_downloads(reading, upright, upright_digitization))


def refused_reading(page: StoredPage, corrections: Corrections, reason: Reason) -> Reading:
    """Return the reading of a page that could not be read within the limits."""
    digitization = Digitization("refused", (reason,))
    findings = Report((reason,), digitization=digitization)
    return Reading(page, corrections, digitization, Measurements((reason,)), findings, advice(digitization))


def load_networks() -> None:
    """Load the networks ahead of the first page, whose reader would else wait for them."""
    for name in ("segmenter.onnx", "stroke_reader.onnx", "label_reader.onnx", "print_reader.onnx", "delineator.onnx"):
        load_network(name)
    shipped_classifier()


def _write_figures(upright: Image8, reading: Reading, digitization: Digitization) -> tuple[str, ...]:
    """Write the leads on paper and the evidence; returns the keys of the findings whose evidence was drawn.

    Parameters
    ----------
    upright, digitization : (height, width, 3) uint8 RGB, Digitization
        The page as it is shown, and the reading in its pixels.
    """
    folder, record = reading.page.folder, reading.digitization.record
    if record is None:
        return ()
    record.plot(seconds=record.duration_s).save(folder / "paper.svg")
    keys = tuple(reading.findings.evidence)[:MOST_EXPLAINED]
    findings = replace(reading.findings, digitization=digitization)
    for number, key in enumerate(keys, start=1):
        write_jpeg(draw_on_page(upright, findings, key), folder / f"evidence-{number}.jpg")
    return keys


def _write_downloads(reading: Reading, upright: Image8, upright_digitization: Digitization) -> tuple[str, ...]:
    """Write every download that a page allows, with the page upright in the report; returns their kinds."""
    digitization = reading.digitization
    if digitization.record is None:
        return ()
    results = {
        "digitization": digitization.summary(),
        "measurements": measurements_summary(reading.measurements),
        "findings": reading.findings.summary(),
    }
    with atomic_path(download_path(reading, "json")) as temporary:
        temporary.write_text(json.dumps(results, indent=1), encoding="utf-8")
    # what is measured of the leads that were not classified is printed, too
    report = replace(reading.findings, measurements=reading.measurements, digitization=upright_digitization)
    write_pdf(report, download_path(reading, "report"), upright)
    write_record(digitization.record, download_path(reading, "csv"))
    write_record(digitization.record, download_path(reading, "dicom"))
    _write_wfdb_zip(reading, reading.page.folder / "wfdb")
    return tuple(FORMATS)


def download_path(reading: Reading, kind: str) -> Path:
    """Return where a download lies: its name tells the page's number and nothing of the person's file."""
    return reading.page.folder / f"{DOWNLOAD_PREFIX}{reading.page.number}.{FORMATS[kind]}"


def _write_wfdb_zip(reading: Reading, folder: Path) -> None:
    assert reading.digitization.record is not None
    target = download_path(reading, "wfdb")
    write_record(reading.digitization.record, folder / f"{target.stem}.hea")
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    shutil.rmtree(folder)


def write_jpeg(picture: Image8, path: Path, longest_px: int = VIEW_SIDE_PX) -> None:
    """Write a picture for looking at, no larger than `longest_px` on its longer side."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(as_jpeg(picture, longest_px))
