"""The app's functions for programs: named endpoints that take a file and give JSON and files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from ecgimg.app.desk import Desk
from ecgimg.app.http.middleware import SESSION_HEADER
from ecgimg.app.service import Reading, download_path
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, EcgImgError
from layouts import load_layouts

SOMETHING_WRONG = "something went wrong with this page; try another picture of it"
LOG = logging.getLogger("ecgimg.app")
_KNOWN = ("rotate_deg", "corners_px", "leads")


def add_endpoints(desk: Desk) -> None:
    """Add ``/digitize``, ``/classify`` and ``/layouts`` to the page being built; none of them is seen on it."""

    def digitize(
        file: str,
        page: float,
        layout: str,
        speed_mm_s: float,
        gain_mm_mv: float,
        corrections: dict[str, Any],
        request: gr.Request,
    ) -> tuple[dict[str, Any], list[str]]:
        """Digitize one page of a picture or PDF.

        Zero for speed and gain leaves them as found; corrections are rotate_deg, corners_px and leads.

        Gives what was read (schema ``ecgimg-digitization``) and the files: report, CSV, WFDB, DICOM and JSON.
        """
        reading = _read(desk, request, file, page, layout, speed_mm_s, gain_mm_mv, corrections)
        return reading.found.summary(), [str(download_path(reading, kind)) for kind in reading.downloads]

    def classify(
        file: str,
        page: float,
        layout: str,
        speed_mm_s: float,
        gain_mm_mv: float,
        corrections: dict[str, Any],
        request: gr.Request,
    ) -> dict[str, Any]:
        """Digitize one page of a picture or PDF and classify it; gives the schema ``ecgimg-findings``."""
        reading = _read(desk, request, file, page, layout, speed_mm_s, gain_mm_mv, corrections)
        return {**reading.findings.summary(), "digitization": reading.found.summary()}

    def layouts() -> dict[str, str]:
        """Give the names of the layouts that a page may be read as, and what each looks like."""
        return {layout.name: layout.description for layout in load_layouts("all")}

    with gr.Column(visible=False):
        inputs = [
            local_file(label="file"),
            gr.Number(1, label="page", precision=0),
            gr.Textbox("auto", label="layout"),
            gr.Number(0, label="speed_mm_s"),
            gr.Number(0, label="gain_mm_mv"),
            gr.JSON({}, label="corrections"),
        ]
        told, written = gr.JSON(label="told"), local_file(label="files", file_count="multiple")
        button = gr.Button()
    work: dict[str, Any] = {"concurrency_id": "reading", "concurrency_limit": desk.settings.workers}
    button.click(digitize, inputs, [told, written], api_name="digitize", **work)
    button.click(classify, inputs, told, api_name="classify", **work)
    button.click(layouts, None, told, api_name="layouts")


def local_file(**how: Any) -> gr.File:
    """Return a component for files of the asking session alone, which `Guard` makes sure of.

    An input is the path of an upload: nothing is opened or copied. The component's own methods are replaced, since a
    subclass counts as a component that brings scripts of its own.
    """
    file = gr.File(**how)
    example = {"path": "page.jpg", "meta": {"_type": "gradio.FileData"}}
    file.preprocess = lambda payload: None if payload is None else str(payload.path)
    file.example_payload = file.example_value = lambda: example  # not an address on the web, as usual
    return file


def key_of(request: gr.Request) -> str:
    """Return the key of the asking session, as `Guard` tells it."""
    return str(request.headers[SESSION_HEADER.decode()])


def _read(
    desk: Desk,
    request: gr.Request,
    file: str,
    page: float,
    layout: str,
    speed_mm_s: float | None,
    gain_mm_mv: float | None,
    corrections: Mapping[str, Any] | None,
) -> Reading:
    """Read a page for a program; what is wrong with the request is told as one sentence."""
    try:
        asked = _asked(corrections or {}, layout, speed_mm_s, gain_mm_mv)
        if not file:
            raise BadRequest("no file was sent; send a picture or a PDF")
        return desk.read_once(key_of(request), Path(file), int(page), asked)
    except EcgImgError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except Exception as error:  # what went wrong inside is told to nobody outside, nor the log: it may name files
        LOG.error("a page could not be handled: %s", type(error).__name__)
        raise gr.Error(SOMETHING_WRONG, print_exception=False) from None


def _asked(told: Mapping[str, Any], layout: str, speed_mm_s: float | None, gain_mm_mv: float | None) -> Corrections:
    unknown = [name for name in told if name not in _KNOWN]
    if unknown:
        raise BadRequest(f"there is no correction {unknown[0]!r}; choose from {', '.join(_KNOWN)}")
    try:
        corners = tuple((float(x), float(y)) for x, y in told["corners_px"]) if told.get("corners_px") else None
        leads = {str(read): str(true) for read, true in dict(told.get("leads") or {}).items()}
        rotate_deg = float(told.get("rotate_deg") or 0.0)
    except (TypeError, ValueError):
        raise BadRequest(
            "corrections are rotate_deg (a number), corners_px (four [x, y]) and leads (a name for each name)"
        ) from None
    return Corrections(rotate_deg, corners, layout or "auto", speed_mm_s or None, gain_mm_mv or None, leads)  # type: ignore[arg-type]
