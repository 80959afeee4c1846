"""The page in the browser: its components, and which request changes which of them; `PageService` does the work."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ecgimg.app.api_endpoints import LOG, SOMETHING_WRONG, add_endpoints, key_of
from ecgimg.app.process_page import Reading, sample_pages
from ecgimg.app.session_page_reader import PageService, Step
from ecgimg.app.web_page import intro, result_html
from ecgimg.app.web_page.comparison_block import ComparisonBlock
from ecgimg.app.web_page.corrections import (
    AS_FOUND,
    GAINS,
    SPEEDS,
    TURNS,
    as_found_choices,
    corner_value,
    corrections_of,
    layout_choice,
    scale_choice,
)
from ecgimg.app.web_page.theme import CLOSED, CORNERS_HTML, DROP_HTML, LIGHT_ONLY, static_text
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import EcgImgError
from ecgimg.leads import KNOWN_LEADS
from ecgimg.reporting.verdict_text import lead_rows
from layouts import load_layouts

_STATUS_WORDS = {"ok": "read", "limited": "read, with limits", "refused": "not read"}


Update = dict[Any, Any]


class BrowserPage:
    """The components of the page, and the handlers that fill them from a service."""

    def __init__(self, service: PageService) -> None:
        self.service = service
        self.blocks = gr.Blocks(title="ecgimg", analytics_enabled=False)
        with self.blocks:
            gr.HTML(intro.header(service.settings.keep_min))
            self._add_input()
            self._add_result()
            self.comparison = ComparisonBlock(service)
            add_endpoints(service)
            self._connect()
            self.blocks.unload(self.leave)

    # ---- components --------------------------------------------------------------------------------------------------

    def _add_input(self) -> None:
        self.drop = gr.HTML(html_template=DROP_HTML, js_on_load=static_text("drop.js"), elem_id="drop")
        self.status = gr.HTML(js_on_load=static_text("status.js"), elem_id="status")
        gr.HTML(intro.limits(self.service.settings))
        self.samples = gr.HTML(intro.samples(sample_pages()), js_on_load=static_text("samples.js"))

    def _add_result(self) -> None:
        self.pages = gr.Dropdown([], label="Page", visible=False, filterable=False, elem_id="pages")
        self.result = gr.HTML(js_on_load=static_text("viewer.js"), elem_id="result")
        # Hidden and open, so that all of it is in place before there is a page: what is made only when a person opens
        # it may come too late or never, and a page that is shown must not close what they have just opened.
        self.correct = gr.Accordion("Correct this page", visible="hidden", open=True, elem_id="correct")
        with self.correct:
            self._add_corrections()

    def _add_corrections(self) -> None:
        def choice(label: str, choices: Sequence[Any], value: Any, name: str) -> gr.Dropdown:
            return gr.Dropdown(list(choices), value=value, label=label, filterable=False, min_width=240, elem_id=name)

        with gr.Row():
            self.layout = choice("Layout", [AS_FOUND, *_layouts()], AS_FOUND, "layout")
            self.turn = choice("Turn the picture", TURNS, 0, "turn")
        with gr.Row():
            self.speed = choice("Paper speed, mm/s", [AS_FOUND, *SPEEDS], AS_FOUND, "speed")
            self.gain = choice("Gain, mm/mV", [AS_FOUND, *GAINS], AS_FOUND, "gain")
        with gr.Row():
            self.lead_read = choice("The lead read as", [], None, "lead-read")
            self.lead_true = choice("is really lead", KNOWN_LEADS, None, "lead-true")
        self.corners = gr.HTML(
            html_template=CORNERS_HTML, js_on_load=static_text("corners.js"), value="", elem_id="corners"
        )
        with gr.Row():
            self.again = gr.Button("Read the page again", variant="primary", elem_id="again")
            self.restart = gr.Button("Undo all corrections", elem_id="undo")

    # ---- handlers ----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        shared = [
            self.status, self.pages, self.result, self.correct, self.layout, self.turn, self.speed,
            self.gain, self.lead_read, self.lead_true, self.corners,
        ]  # fmt: skip
        work: dict[str, Any] = {
            "api_visibility": "private", "concurrency_id": "reading", "show_progress": "minimal",
            "concurrency_limit": self.service.settings.workers, "show_progress_on": self.status,
        }  # fmt: skip
        added = self.drop.upload(self.add_files, None, shared, **work)
        sample_added = self.samples.select(self.add_sample, None, shared, **work)
        self.pages.input(self.show_page, self.pages, shared, api_visibility="private", show_progress="hidden")
        panel = [self.layout, self.turn, self.speed, self.gain, self.corners, self.lead_read, self.lead_true]
        read_again = self.again.click(self.read_again, [self.pages, *panel], shared, **work)
        started_over = self.restart.click(self.start_over, self.pages, shared, **work)
        self.comparison.refresh_after(added, sample_added, read_again, started_over)
        self.blocks.load(None, js=LIGHT_ONLY, api_visibility="private")
        self.blocks.load(None, None, self.correct, js=CLOSED, api_visibility="private")

    def add_files(self, request: gr.Request, event: gr.EventData) -> Iterator[Update]:
        """Read the pages of files that were dropped, chosen or photographed."""
        key = key_of(request)
        files = [(Path(str(file["path"])), str(file.get("name", "page"))) for file in event.files]
        yield from self._working(key, self.service.add(key, files))

    def add_sample(self, request: gr.Request, event: gr.EventData) -> Iterator[Update]:
        """Read a bundled sample page."""
        key = key_of(request)
        yield from self._working(key, self.service.add_sample(key, str(event.sample)))

    def show_page(self, number: int | None, request: gr.Request) -> Update:
        """Show another page of those that were read."""
        try:
            return self._shown(key_of(request), self.service.reading(key_of(request), int(number or 0)))
        except EcgImgError as error:
            return {self.status: result_html.message(str(error))}

    def read_again(
        self,
        number: int | None,
        layout: str,
        turn_deg: float,
        speed: str,
        gain: str,
        corners: str,
        lead_read: str | None,
        lead_true: str | None,
        request: gr.Request,
    ) -> Iterator[Update]:
        """Read the shown page again, as the panel says."""
        key = key_of(request)
        try:
            reading = self.service.reading(key, int(number or 0))
            corrections = corrections_of(reading, layout, turn_deg, speed, gain, corners, lead_read, lead_true)
        except EcgImgError as error:
            yield {self.status: result_html.message(str(error))}
            return
        yield from self._working(key, self.service.correct(key, int(number or 0), corrections))

    def start_over(self, number: int | None, request: gr.Request) -> Iterator[Update]:
        """Read the shown page again without any correction."""
        key = key_of(request)
        yield from self._working(key, self.service.correct(key, int(number or 0), Corrections()))

    def leave(self, request: gr.Request) -> None:
        """Let go of a session whose browser page was closed."""
        self.service.sessions.note_closed(key_of(request))

    def _working(self, key: str, work: Generator[Step | Reading, None, None]) -> Iterator[Update]:
        """Show each step of some work, its first reading as soon as it is there, and what went wrong."""
        shown = False
        try:
            for item in work:
                if isinstance(item, Step):
                    yield {self.status: result_html.progress(item.what, item.done, item.total, item.name)}
                else:
                    # whoever looks at the first page is not torn away by the next
                    yield {self.pages: self._choices(key)} if shown else self._shown(key, item)
                    shown = True
            yield {self.status: ""}  # the bar goes when all pages are there
        except EcgImgError as error:
            yield {self.status: result_html.message(str(error))}
        except Exception as error:  # nothing of a person's file may reach the log, so not the message
            LOG.error("a page could not be handled: %s", type(error).__name__)
            yield {self.status: result_html.message(SOMETHING_WRONG)}

    def _choices(self, key: str, number: int | None = None) -> Any:
        readings = self.service.readings(key)
        choices = [
            (
                f"{reading.page.number}. {reading.page.name} ({_STATUS_WORDS[reading.digitization.status]})",
                reading.page.number,
            )
            for reading in readings
        ]
        kept: dict[str, Any] = {} if number is None else {"value": number}
        return gr.update(choices=choices, visible=len(choices) > 1, **kept)

    def _shown(self, key: str, reading: Reading) -> Update:
        link = self.service.link(key, reading)
        corrections = reading.corrections
        can_correct = reading.page.failure is None
        opened = reading.digitization.status == "refused" or bool(reading.digitization.corrections)
        choices = as_found_choices(reading)
        return {
            self.pages: self._choices(key, reading.page.number),
            self.result: result_html.result(reading, link),
            self.correct: gr.update(visible=can_correct or "hidden", **({"open": True} if opened else {})),
            self.layout: gr.update(choices=[choices["layout"], *_layouts()], value=layout_choice(corrections.layout)),
            self.turn: round(corrections.rotate_deg),
            self.speed: gr.update(choices=[choices["speed"], *SPEEDS], value=scale_choice(corrections.speed_mm_s)),
            self.gain: gr.update(choices=[choices["gain"], *GAINS], value=scale_choice(corrections.gain_mm_mv)),
            self.lead_read: gr.update(choices=[row.lead for row in lead_rows(reading.digitization)], value=None),
            self.lead_true: None,
            self.corners: corner_value(reading, link) if can_correct else gr.skip(),
        }


def _layouts() -> list[tuple[str, str]]:
    return [(f"{layout.name}: {layout.description.rstrip('.')}", layout.name) for layout in load_layouts("all")]
