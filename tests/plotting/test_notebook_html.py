"""The HTML that notebooks show."""

from __future__ import annotations

import re
from base64 import b64decode

import numpy as np
import pytest

from ecgimg.plotting import plot_leads
from ecgimg.plotting.notebook_html import bullets, card, paragraph, percentage, picture, table


def test_text_is_escaped():
    """Whatever text is shown is escaped."""
    text = "<script>&\"'"
    html = card(text, paragraph(text), bullets([text]), table([[text, text], [text, text]]))
    assert html.count("&lt;script&gt;&amp;&quot;&#x27;") == 7
    assert "<script" not in html


def test_empty_list():
    """A list of nothing is nothing."""
    assert bullets([]) == ""


def test_table_has_headings():
    """The first row and the first column of a table are headings."""
    html = table([["lead", "I", "II"], ["seconds", "2.5", "10.0"]])
    assert re.findall(r'<th scope="(\w+)"[^>]*>([^<]*)', html) == [
        ("col", "lead"), ("col", "I"), ("col", "II"), ("row", "seconds"),
    ]  # fmt: skip
    assert re.findall(r"<td[^>]*>([^<]*)", html) == ["2.5", "10.0"]


def test_picture_holds_the_plot():
    """A picture holds the whole plot, shrinks to the page, and loads nothing."""
    plot = plot_leads(np.zeros((1, 100), np.float32), 100.0, ("II",))
    html = picture(plot)
    assert b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode() == plot.svg
    assert f'alt="{plot.title}"' in html
    assert "max-width:100%" in html
    assert "http" not in html


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "<1 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.994, ">99 %"), (1.0, ">99 %")]
)
def test_percentage(share, text):
    """A percentage never claims to be certain."""
    assert percentage(share) == text
