"""The part of the page that compares two of its ECGs, which should be of one person."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from ecgimg.app.api_endpoints import LOG, SOMETHING_WRONG, key_of
from ecgimg.app.process_page import Reading
from ecgimg.app.session_page_reader import PageService
from ecgimg.app.web_page import result_html
from ecgimg.comparison import Comparison, compare_reports
from ecgimg.errors import BadRequest, EcgImgError
from ecgimg.plotting.notebook_html import picture

_HINT = (
    "Two pages of one person. A change is marked where it is larger than what both numbers may err. A physician says "
    "whether it matters."
)


class ComparisonBlock:
    """Two pages to choose, and what changed from one to the other; hidden until two pages were read."""

    def __init__(self, service: PageService) -> None:
        self.service = service
        self.panel = gr.Accordion("Compare two ECGs of one person", visible="hidden", open=True, elem_id="compare")
        with self.panel:
            with gr.Row():
                self.old = gr.Dropdown([], label="Old ECG", filterable=False, min_width=240, elem_id="compare-old")
                self.new = gr.Dropdown([], label="New ECG", filterable=False, min_width=240, elem_id="compare-new")
            button = gr.Button("Compare", elem_id="compare-run")
            self.result = gr.HTML(elem_id="comparison")
        button.click(
            self.compare, [self.old, self.new], self.result, api_visibility="private", show_progress="minimal",
        )  # fmt: skip

    def refresh_after(self, *events: Any) -> None:
        """Offer the pages that are there whenever one of some events has been handled."""
        for event in events:
            event.then(
                self.refresh, None, [self.panel, self.old, self.new, self.result], api_visibility="private",
                show_progress="hidden",
            )  # fmt: skip

    def refresh(self, request: gr.Request) -> tuple[Any, Any, Any, str]:
        """Return the pages to choose from, the first against the last, and no result, which may be of old readings."""
        readings = [reading for reading in self.service.readings(key_of(request)) if _is_read(reading)]
        choices = [(f"{reading.page.number}. {reading.page.name}", reading.page.number) for reading in readings]
        first, last = (choices[place][1] if choices else None for place in (0, -1))
        panel = gr.update(visible=True if len(choices) > 1 else "hidden")
        return panel, gr.update(choices=choices, value=first), gr.update(choices=choices, value=last), ""

    def compare(self, old: int | None, new: int | None, request: gr.Request) -> str:
        """Return what changed from one page to another, or what is wrong with the choice."""
        key = key_of(request)
        try:
            if old == new:
                raise BadRequest("both are the same page; choose two")
            reports = [self.service.reading(key, int(number or 0)).findings for number in (old, new)]
            return comparison_html(compare_reports(*reports))
        except EcgImgError as error:
            return result_html.message(str(error))
        except Exception as error:  # nothing of a person's file may reach the log, so not the message
            LOG.error("two pages could not be compared: %s", type(error).__name__)
            return result_html.message(SOMETHING_WRONG)


def _is_read(reading: Reading) -> bool:
    return reading.digitization.record is not None


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as a card: statements, the picture of the beats, and the table of numbers."""
    statements = "".join(
        f"<li><strong>{escape(statement.fate.capitalize())}:</strong> {escape(statement.text)}</li>"
        for statement in comparison.statements
    )
    lacking = "".join(f'<p class="ecg-hint">{escape(sentence)}</p>' for sentence in comparison.lacking_leads)
    beats = picture(comparison.plot()) if comparison.leads else "<p>Neither page shows a beat.</p>"
    return (
        f'<section class="ecg-card"><h2>What changed</h2><p class="ecg-hint">{_HINT}</p><ul>{statements}</ul>'
        f"{lacking}{beats}{_table('Measurement', comparison.rows())}{_lead_details(comparison.lead_rows())}</section>"
    )


def _table(title: str, rows: Sequence[tuple[str, str, str, str, str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in (title, "Old", "New", "Change"))
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(old)}</td><td>{escape(new)}</td>'
        f"<td><b>{escape(change)}</b> <small>{escape(worth)}</small></td></tr>"
        for name, old, new, change, worth in rows
    )
    return f'<table class="ecg-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _lead_details(rows: Sequence[tuple[str, str, str, str, str]]) -> str:
    """Return what changed in single leads, which opens by a click; nothing where nothing did."""
    summary = f"Leads: what changed by more than its error ({len(rows)})"
    return f"<details><summary>{summary}</summary>{_table('Lead', rows)}</details>" if rows else ""
