"""The app's functions for programs: named endpoints that take a file and give JSON and files."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from ecgimg.app.http.middleware import SESSION_HEADER
from ecgimg.app.process_page import Reading, download_path
from ecgimg.app.session_page_reader import PageService
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, EcgImgError
from ecgimg.reporting import measurements_summary
from layouts import load_layouts

# one sentence for every fault of our own: what it was about must not get out
SOMETHING_WRONG = "something went wrong with this page; try another picture of it"
LOG = logging.getLogger("ecgimg.app")
_CORRECTIONS = ("rotate_deg", "corners_px", "leads")


def add_endpoints(service: PageService) -> None:
    """Add ``/digitize``, ``/measure``, ``/classify`` and ``/layouts`` to the page being built, unseen."""
    endpoints = Endpoints(service)
    with gr.Column(visible=False):
        inputs = _inputs()
        result, files = gr.JSON(label="result"), local_file(label="files", file_count="multiple")
        button = gr.Button()
    # programs and people share the workers, and wait in one queue
    work: dict[str, Any] = {"concurrency_id": "reading", "concurrency_limit": service.settings.workers}
    button.click(endpoints.digitize, inputs, [result, files], api_name="digitize", **work)
    button.click(endpoints.measure, inputs, result, api_name="measure", **work)
    button.click(endpoints.classify, inputs, result, api_name="classify", **work)
    button.click(endpoints.layouts, None, result, api_name="layouts")


class Endpoints:
    """What programs call; the page's framework finds the parameters of a call by their order."""

    def __init__(self, service: PageService) -> None:
        self.service = service

    def digitize(
        self,
        file: str,
        page: float,
        layout: str,
        speed_mm_s: float,
        gain_mm_mv: float,
        corrections: dict[str, Any],
        request: gr.Request,
    ) -> tuple[dict[str, Any], list[str]]:
        """Digitize one page of a picture or PDF.

        Zero for speed and gain has them measured on the page; corrections are rotate_deg, corners_px and leads.

        Gives what was read (schema ``ecgimg-digitization``) and the files: report, CSV, WFDB, DICOM and JSON.
        """
        reading = _read(self.service, request, file, page, layout, speed_mm_s, gain_mm_mv, corrections)
        return reading.digitization.summary(), [str(download_path(reading, kind)) for kind in reading.downloads]

    def measure(
        self,
        file: str,
        page: float,
        layout: str,
        speed_mm_s: float,
        gain_mm_mv: float,
        corrections: dict[str, Any],
        request: gr.Request,
    ) -> dict[str, Any]:
        """Digitize one page of a picture or PDF and measure it; gives the schema ``ecgimg-measurements``."""
        reading = _read(self.service, request, file, page, layout, speed_mm_s, gain_mm_mv, corrections)
        return {**measurements_summary(reading.measurements), "digitization": reading.digitization.summary()}

    def classify(
        self,
        file: str,
        page: float,
        layout: str,
        speed_mm_s: float,
        gain_mm_mv: float,
        corrections: dict[str, Any],
        request: gr.Request,
    ) -> dict[str, Any]:
        """Digitize one page of a picture or PDF and classify it; gives the schema ``ecgimg-findings``."""
        reading = _read(self.service, request, file, page, layout, speed_mm_s, gain_mm_mv, corrections)
        return {**reading.findings.summary(), "digitization": reading.digitization.summary()}

    def layouts(self) -> dict[str, str]:
        """Give the names of the layouts that a page may be read as, and what each looks like."""
        return {layout.name: layout.description for layout in load_layouts("all")}


def _inputs() -> list[Any]:
    """Return the components of a request, in the order of the functions' parameters; their labels name them."""
    return [
        local_file(label="file"),
        gr.Number(1, label="page", precision=0),
        gr.Textbox("auto", label="layout"),
        gr.Number(0, label="speed_mm_s"),
        gr.Number(0, label="gain_mm_mv"),
        gr.JSON({}, label="corrections"),
    ]


def local_file(**options: Any) -> gr.File:
    """Return a component for files of the asking session alone, which `AccessMiddleware` makes sure of.

    An input is the path of an upload: nothing is opened or copied. The component's own methods are replaced, since a
    subclass counts as a component that brings scripts of its own.
    """
    file = gr.File(**options)
    example = {"path": "page.jpg", "meta": {"_type": "gradio.FileData"}}
    file.preprocess = lambda payload: None if payload is None else str(payload.path)
    file.example_payload = file.example_value = lambda: example  # not an address on the web, as usual
    return file


def key_of(request: gr.Request) -> str:
    """Return the key of the asking session, as `AccessMiddleware` hands it on."""
    return str(request.headers[SESSION_HEADER.decode()])


def _read(
    service: PageService,
    request: gr.Request,
    file: str,
    page: float,
    layout: str,
    speed_mm_s: float | None,
    gain_mm_mv: float | None,
    corrections: Mapping[str, Any] | None,
) -> Reading:
    """Read a page for a program; what is wrong with the request is said in one sentence."""
    try:
        parsed = _parse_corrections(corrections or {}, layout, speed_mm_s, gain_mm_mv)
        if not file:
            raise BadRequest("no file was sent; send a picture or a PDF")
        return service.read_once(key_of(request), Path(file), int(page), parsed)
    except EcgImgError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except Exception as error:  # neither a program nor the log may learn names of files from it
        LOG.error("a page could not be handled: %s", type(error).__name__)
        raise gr.Error(SOMETHING_WRONG, print_exception=False) from None


def _parse_corrections(
    values: Mapping[str, Any], layout: str, speed_mm_s: float | None, gain_mm_mv: float | None
) -> Corrections:
    unknown = [name for name in values if name not in _CORRECTIONS]
    if unknown:
        raise BadRequest(f"there is no correction {unknown[0]!r}; choose from {', '.join(_CORRECTIONS)}")
    try:
        corners = tuple((float(x), float(y)) for x, y in values["corners_px"]) if values.get("corners_px") else None
        leads = {str(read): str(true) for read, true in dict(values.get("leads") or {}).items()}
        rotate_deg = float(values.get("rotate_deg") or 0.0)
    except (TypeError, ValueError):
        raise BadRequest(
            "corrections are rotate_deg (a number), corners_px (four [x, y]) and leads (a name for each name)"
        ) from None
    return Corrections(rotate_deg, corners, layout or "auto", speed_mm_s or None, gain_mm_mv or None, leads)  # type: ignore[arg-type]
