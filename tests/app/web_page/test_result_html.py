"""What the page shows of a result."""

from __future__ import annotations

import re

from ecgimg.app.web_page import result_html


def test_result_order_and_escaping(read_photo):
    """The result names no file, has its parts in order, and escapes what it shows."""
    shown = result_html.result(read_photo, "/files/token/1.0")
    assert "Smith" not in shown
    assert shown.index("ecg-verdict") < shown.index("overlay.jpg") < shown.index("paper.svg") < shown.index("ecg-leads")
    assert shown.index("ecg-leads") < shown.index("ecg-findings") < shown.index("ecg-downloads")
    assert result_html.progress("reading the page", 0, 1, "<b>.jpg").count("&lt;b&gt;") == 1
    assert "<" not in re.sub(r"</?p[^>]*>", "", result_html.message("a <script>"))
