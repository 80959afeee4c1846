"""Reasons: every code has a text that can be filled, and advice where something can be done."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

import ecgimg
from ecgimg.errors import BadOutput, MissingExtra, PasswordProtected, UnknownLayout, UnreadablePage
from ecgimg.reasons import Reason, ReasonCode, Severity, reason_of, texts

ERRORS = (
    UnreadablePage("page.png is empty"),
    PasswordProtected("locked"),
    BadOutput("cannot write out: No space left on device; choose a folder that can be written"),
    MissingExtra("pyedflib", "formats", "writing EDF"),
    UnknownLayout("There is no layout '9x9'"),
)
SOURCES = [
    path.read_text(encoding="utf-8") for path in Path(ecgimg.__file__).parent.rglob("*.py") if path.name != "reasons.py"
]


@pytest.mark.parametrize("code", ReasonCode)
def test_code_is_found_somewhere(code):
    """Every code is given by some module: none outlives its cause."""
    own = {reason_of(error).code for error in ERRORS}  # which `reason_of` gives
    assert code in own or any(re.search(rf"\.{code.name}\b", source) for source in SOURCES)


@pytest.mark.parametrize("code", ReasonCode)
def test_text_is_one_plain_sentence(code):
    """A text begins with a capital, ends with a full stop, and names no option of the command line."""
    if code.text in ("{error}",):
        return
    assert re.fullmatch(r"(\{seconds:\.1f\}|[A-Z]).*[.}]", code.text)
    assert "--" not in code.text + " ".join(code.advice)
    assert all(re.fullmatch(r"[A-Z].*\.", line) for line in code.advice)


@pytest.mark.parametrize("code", ReasonCode)
def test_refusal_has_advice(code):
    """Whoever is refused is told what would help, unless the error says it."""
    own_advice = {reason_of(error).code for error in ERRORS} | {ReasonCode.PAGE_NOT_READ, ReasonCode.NO_ECG}
    assert code.advice or code.severity is not Severity.ERROR or code in own_advice


def test_summary_of_reason():
    """A reason is written as code, severity, text and advice."""
    reason = ReasonCode.GAIN_ASSUMED.reason(gain_mm_mv=10.0)
    summary = reason.summary()
    assert summary["code"] == "gain_assumed"
    assert summary["severity"] == "warning"
    assert summary["text"] == "Neither a calibration pulse nor a printed gain was found; 10 mm/mV is assumed."
    assert summary["advice"] == list(reason.advice)


def test_code_by_name():
    """A code is found by what the files hold, and travels between processes."""
    assert ReasonCode.named("no_trace_found") is ReasonCode.NO_TRACE_FOUND
    with pytest.raises(KeyError):
        ReasonCode.named("no_such_code")
    assert pickle.loads(pickle.dumps(ReasonCode.NO_ECG)) is ReasonCode.NO_ECG


@pytest.mark.parametrize("code", ReasonCode)
def test_text_without_quotes(code):
    """A text that may quote others gives way to the title of its code; the numbers of a page stay."""
    values = {
        "error": "jane",
        "detail": "jane",
        "text": "jane",
        "correction": "jane",
        "leads": "V1",
        "lead": "II",
        "layout": "6x2",
        "expected": "6 rows",
        "shown": "4 rows",
        "seen": "3x4+II",
        "limit": "7 s",
    }
    numbers = dict.fromkeys(
        (
            "rows",
            "seconds",
            "measured_s",
            "speed_mm_s",
            "agreement_db",
            "gain_mm_mv",
            "pulse_mm",
            "least_s",
            "count",
            "least",
            "pages",
            "across",
            "down",
        ),
        7,
    )
    reason = code.reason(**values, **numbers)
    assert "jane" not in reason.text_without_quotes
    assert reason.text_without_quotes == (code.title if "jane" in reason.text else reason.text)


def test_reason_of_error():
    """An error's message becomes a reason's text, and a locked PDF has a code of its own."""
    assert [reason_of(error).code.value for error in ERRORS] == [
        "unreadable_file", "password_protected", "output_not_written", "package_missing", "unknown_layout",
    ]  # fmt: skip
    assert reason_of(ERRORS[0]) == Reason(ReasonCode.UNREADABLE_FILE, "page.png is empty")


def test_texts_are_joined():
    """Texts follow each other as sentences do."""
    both = (ReasonCode.NO_TRACE_FOUND.reason(), ReasonCode.CHEST_GAIN_UNREAD.reason())
    assert texts(both) == f"{both[0].text} {both[1].text}"
