"""The page in the browser: its components, and which request changes which of them; `PageService` does the work."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ecgimg.app.api_endpoints import LOG, SOMETHING_WRONG, add_endpoints, key_of
from ecgimg.app.http.uploads import PAGES_GONE
from ecgimg.app.process_page import Reading, sample_pages
from ecgimg.app.session_page_reader import PageService, Step
from ecgimg.app.web_page import intro, layout_pictures, result_html
from ecgimg.app.web_page.comparison_block import ComparisonBlock
from ecgimg.app.web_page.corrections import (
    AS_FOUND,
    GAINS,
    SPEEDS,
    TURNS,
    as_found_choices,
    corner_value,
    corrections_of,
    scale_choice,
)
from ecgimg.app.web_page.theme import CLOSED, CORNERS_HTML, DROP_HTML, LIGHT_ONLY, static_text
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, EcgImgError
from ecgimg.leads import KNOWN_LEADS
from ecgimg.reporting.verdict_text import lead_rows
from layouts import load_layout, load_layouts

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
        self.samples = gr.HTML(intro.samples(sample_pages()), js_on_load=static_text("samples.js"), elem_id="samples")

    def _add_result(self) -> None:
        with gr.Row(visible=False, elem_id="page-row") as self.page_row:
            self.previous = gr.Button("Previous", elem_id="previous", size="sm", min_width=90, scale=0)
            self.pages = _choice_of_any("Page", [], None, "pages")
            self.next = gr.Button("Next", elem_id="next", size="sm", min_width=70, scale=0)
            self.remove = gr.Button("Remove this page", elem_id="remove", size="sm", min_width=140, scale=0)
        self.result = gr.HTML(js_on_load=static_text("viewer.js"), elem_id="result")
        # Hidden and open, so that all of it is in place before there is a page: what is made only when a person opens
        # it may come too late or never, and a page that is shown must not close what they have just opened.
        self.correct = gr.Accordion("Correct this page", visible="hidden", open=True, elem_id="correct")
        with self.correct:
            self._add_corrections()

    def _add_corrections(self) -> None:
        with gr.Row():
            self.layout = _choice_of_any("Layout", [AS_FOUND, *_layouts({})], AS_FOUND, "layout")
            self.turn = _choice_of_any("Turn the picture", TURNS, 0, "turn")
        self.layout_pictures = gr.HTML(
            layout_pictures.gallery(()), js_on_load=static_text("layouts.js"), elem_id="layout-pictures"
        )
        with gr.Row():
            self.speed = _choice_of_any("Paper speed, mm/s", [AS_FOUND, *SPEEDS], AS_FOUND, "speed")
            self.gain = _choice_of_any("Gain, mm/mV", [AS_FOUND, *GAINS], AS_FOUND, "gain")
        with gr.Row():
            self.lead_read = _choice_of_any("Lead with the wrong label", [], None, "lead-read")
            self.lead_true = _choice_of_any("Its true label", KNOWN_LEADS, None, "lead-true")
        self.corners = gr.HTML(
            html_template=CORNERS_HTML, js_on_load=static_text("corners.js"), value="", elem_id="corners"
        )
        with gr.Row():
            self.again = gr.Button("Read the page again", variant="primary", elem_id="again")
            self.restart = gr.Button("Undo all corrections", elem_id="undo")

    # ---- handlers ----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        shared = [
            self.status, self.page_row, self.previous, self.pages, self.next, self.result, self.correct, self.layout,
            self.layout_pictures, self.turn, self.speed, self.gain, self.lead_read, self.lead_true, self.corners,
        ]  # fmt: skip
        quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        work: dict[str, Any] = {
            "api_visibility": "private", "concurrency_id": "reading", "show_progress": "minimal",
            "concurrency_limit": self.service.settings.workers, "show_progress_on": self.status,
        }  # fmt: skip
        # the page sends one after the other; the framework would drop what comes while it still ends the one before
        added = self.drop.upload(self.add_files, None, shared, trigger_mode="multiple", **work)
        sample_added = self.samples.select(self.add_sample, None, shared, trigger_mode="multiple", **work)
        resumed = self.status.select(self.resume, None, shared, **quick)
        self.pages.input(self.show_page, self.pages, shared, **quick)
        self.previous.click(self.show_previous, self.pages, shared, **quick)
        self.next.click(self.show_next, self.pages, shared, **quick)
        removed = self.remove.click(self.remove_page, self.pages, shared, **quick)
        self.layout_pictures.select(self.choose_layout, None, shared, **quick)
        self.layout_pictures.upload(self.add_layout, None, shared, **quick)
        panel = [self.layout, self.turn, self.speed, self.gain, self.corners, self.lead_read, self.lead_true]
        read_again = self.again.click(self.read_again, [self.pages, *panel], shared, **work)
        started_over = self.restart.click(self.start_over, self.pages, shared, **work)
        self.comparison.refresh_after(added, sample_added, resumed, removed, read_again, started_over)
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

    def resume(self, request: gr.Request, event: gr.EventData) -> Update:
        """Show the pages of the browser page that was here before it was loaded again, or say that they are gone."""
        key = key_of(request)
        self.service.sessions.hand_over(str(event.key), key)
        readings = {reading.page.number: reading for reading in self.service.readings(key)}
        if not readings:
            return {self.status: result_html.message(PAGES_GONE) if event.page else ""}
        number = int(event.page) if str(event.page).isdecimal() else 0
        own = self.service.own_layouts(key)
        pictures = {self.layout_pictures: layout_pictures.gallery(own.values())} if own else {}
        return {**self._shown(key, readings.get(number) or readings[min(readings)]), **pictures}

    def show_page(self, number: Any, request: gr.Request) -> Update:
        """Show another page of those that were read."""
        return self._instead(request, lambda key: self.service.reading(key, _whole(number)))

    def show_previous(self, number: Any, request: gr.Request) -> Update:
        """Show the page before the shown one."""
        return self._instead(request, lambda key: self.service.neighbour(key, _whole(number), -1))

    def show_next(self, number: Any, request: gr.Request) -> Update:
        """Show the page after the shown one."""
        return self._instead(request, lambda key: self.service.neighbour(key, _whole(number), 1))

    def remove_page(self, number: Any, request: gr.Request) -> Update:
        """Delete the shown page, and show one beside it."""
        return self._instead(request, lambda key: self.service.remove(key, _whole(number)))

    def _instead(self, request: gr.Request, find: Callable[[str], Reading | None]) -> Update:
        """Show another page in place of the shown one, or why there is none."""
        key = key_of(request)
        try:
            reading = find(key)
        except EcgImgError as error:
            return {self.status: result_html.message(str(error))}
        if reading is None:
            return {self.status: "", self.page_row: gr.update(visible=False), self.result: "",
                    self.correct: gr.update(visible="hidden")}  # fmt: skip
        return {self.status: "", **self._shown(key, reading)}

    def choose_layout(self, event: gr.EventData) -> Update:
        """Choose the layout whose picture was clicked."""
        return {self.layout: str(event.layout)}

    def add_layout(self, request: gr.Request, event: gr.EventData) -> Update:
        """Take a person's own layout file, and choose it."""
        key = key_of(request)
        try:
            layout = self.service.add_layout(key, Path(str(event.files[0]["path"])))
        except EcgImgError as error:
            return {self.status: result_html.message(str(error))}
        own = self.service.own_layouts(key)
        return {
            self.status: "",
            self.layout: gr.update(choices=[AS_FOUND, *_layouts(own)], value=layout.name),
            self.layout_pictures: layout_pictures.gallery(own.values()),
        }

    def read_again(
        self,
        number: Any,
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
            reading = self.service.reading(key, _whole(number))
            corrections = corrections_of(
                reading, layout, turn_deg, speed, gain, corners, lead_read, lead_true, self.service.own_layouts(key)
            )
        except EcgImgError as error:
            yield {self.status: result_html.message(str(error))}
            return
        yield from self._working(key, self.service.correct(key, _whole(number), corrections))

    def start_over(self, number: Any, request: gr.Request) -> Iterator[Update]:
        """Read the shown page again without any correction."""
        key = key_of(request)
        yield from self._working(key, self.service.correct(key, _whole(number), Corrections()))

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
                    yield self._more(key) if shown else self._shown(key, item)
                    shown = True
            yield {self.status: ""}  # the bar goes when all pages are there
        except EcgImgError as error:
            yield {self.status: result_html.message(str(error))}
        except Exception as error:  # nothing of a person's file may reach the log, so not the message
            LOG.error("a page could not be handled: %s", type(error).__name__)
            yield {self.status: result_html.message(SOMETHING_WRONG)}

    def _more(self, key: str) -> Update:
        """Offer a page that was read while another one is shown."""
        return {self.pages: gr.update(choices=self._choices(key)), self.next: gr.update(interactive=True)}

    def _navigation(self, key: str, number: int) -> Update:
        choices = self._choices(key)
        numbers = [choice[1] for choice in choices]
        if number not in numbers:  # the session ended while the page was read
            raise BadRequest(PAGES_GONE)
        return {
            self.page_row: gr.update(visible=True),
            self.previous: gr.update(interactive=number != numbers[0]),
            self.pages: gr.update(choices=choices, value=number),
            self.next: gr.update(interactive=number != numbers[-1]),
        }

    def _choices(self, key: str) -> list[tuple[str, int]]:
        readings = self.service.readings(key)
        return [
            (
                f"{reading.page.number}. {reading.page.name} ({_STATUS_WORDS[reading.digitization.status]})",
                reading.page.number,
            )
            for reading in readings
        ]

    def _shown(self, key: str, reading: Reading) -> Update:
        link = self.service.link(key, reading)
        corrections = reading.corrections
        can_correct = reading.page.failure is None
        opened = reading.digitization.status == "refused" or bool(reading.digitization.corrections)
        choices, own = as_found_choices(reading), self.service.own_layouts(key)
        all_link = f"{self.service.session_link(key)}/all" if len(self.service.readings(key)) > 1 else ""
        return {
            **self._navigation(key, reading.page.number),
            self.result: result_html.result(reading, link, all_link),
            self.correct: gr.update(visible=can_correct or "hidden", **({"open": True} if opened else {})),
            self.layout: gr.update(
                choices=[choices["layout"], *_layouts(own)], value=corrections.layout_name or AS_FOUND
            ),
            self.turn: round(corrections.rotate_deg),
            self.speed: gr.update(choices=[choices["speed"], *SPEEDS], value=scale_choice(corrections.speed_mm_s)),
            self.gain: gr.update(choices=[choices["gain"], *GAINS], value=scale_choice(corrections.gain_mm_mv)),
            self.lead_read: gr.update(choices=[row.lead for row in lead_rows(reading.digitization)], value=None),
            self.lead_true: None,
            self.corners: corner_value(reading, link) if can_correct else gr.skip(),
        }


def _layouts(own: Mapping[str, Path]) -> list[tuple[str, str]]:
    """Return the choices of layouts, a person's own ones first."""
    layouts = [*map(load_layout, own.values()), *load_layouts("all")]
    return [(f"{layout.name}: {layout.description.rstrip('.')}", layout.name) for layout in layouts]


def _choice_of_any(label: str, choices: Sequence[Any], value: Any, name: str) -> gr.Dropdown:
    """Return a list to choose from, whose value is checked by its handler.

    The framework knows only the choices of a browser that has not been away, and calls all others errors.
    """
    box = gr.Dropdown(list(choices), value=value, label=label, filterable=False, min_width=240, elem_id=name)
    box.preprocess = lambda payload: payload
    return box


def _whole(number: Any) -> int:
    """Return the number of a page, 0 for whatever else a browser sends."""
    return number if isinstance(number, int) else 0
