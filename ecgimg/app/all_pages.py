"""All pages of a session in one file: their downloads as a zip, their reports as one PDF."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ecgimg._atomic_files import atomic_path
from ecgimg.app.process_page import DOWNLOAD_PREFIX, Reading, download_path

ALL_PAGES = {"zip": f"{DOWNLOAD_PREFIX}all.zip", "report": f"{DOWNLOAD_PREFIX}all.pdf"}
"""The downloads of all pages together, and the file name of each."""

_pdfium_lock = threading.Lock()  # PDFium is not safe in threads


def write_zip(readings: Sequence[Reading], path: Path) -> None:
    """Write every download of every page, under the names that they have by themselves."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for reading in readings:
            for kind in reading.downloads:
                file = download_path(reading, kind)
                archive.write(file, file.name)


def write_joined_report(readings: Sequence[Reading], path: Path) -> None:
    """Write the PDF reports of all pages, one behind the other."""
    import pypdfium2

    with _pdfium_lock, atomic_path(path) as temporary:
        joined = pypdfium2.PdfDocument.new()
        for reading in readings:
            if "report" in reading.downloads:
                with pypdfium2.PdfDocument(download_path(reading, "report")) as report:
                    joined.import_pages(report)
        joined.save(temporary)
        joined.close()
