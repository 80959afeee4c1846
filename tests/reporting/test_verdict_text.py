"""Advice beside a page that was refused or limited."""

from __future__ import annotations

import numpy as np

from ecgimg.digitization import Digitization
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import verdict_text


def test_advice_on_picture():
    """A page that was refused has the advice of its reason, and a dark or small picture has more."""
    refused = Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))
    assert verdict_text.advice(refused) == ReasonCode.NO_TRACE_FOUND.advice
    dark = np.full((600, 800, 3), 20, np.uint8)
    lines = verdict_text.advice(refused, dark)
    assert any("dark" in line for line in lines)
    assert any("800 × 600" in line for line in lines)


def test_advice_on_limits():
    """A page that was read with limits has what mends the gravest of them, and nothing about its picture."""
    reasons = (ReasonCode.GAIN_ASSUMED.reason(gain_mm_mv=10), ReasonCode.CHEST_GAIN_UNREAD.reason())
    lines = verdict_text.advice(Digitization("limited", reasons), np.zeros((60, 80, 3), np.uint8))
    assert lines == (*ReasonCode.GAIN_ASSUMED.advice, *ReasonCode.CHEST_GAIN_UNREAD.advice)


def test_sentences():
    """A sentence has a capital and a full stop, and the name of a file keeps its case."""
    assert verdict_text.as_sentence("the page is empty") == "The page is empty."
    assert verdict_text.as_sentence("t.txt is no picture") == "t.txt is no picture."
    assert verdict_text.as_sentence(" ") == ""


def test_own_layout_in_words():
    """A layout of one's own is called so."""
    by_hand = {"layout": "3x4-clinic"}
    page = Digitization("ok", layout="3x4-clinic", speed_mm_s=25.0, gain_mm_mv=10.0, corrections=by_hand)
    assert verdict_text.verdict_of(page).facts[0] == "Layout 3x4-clinic: a layout of your own, set by hand."


def test_verdict_of_limited_page():
    """Limits and corrections by hand are told apart."""
    reasons = (ReasonCode.CHEST_GAIN_UNREAD.reason(), ReasonCode.CORRECTED_BY_HAND.reason(correction="layout 3x4"))
    page = Digitization("limited", reasons, speed_mm_s=25, gain_mm_mv=10, chest_gain_mm_mv=10)
    verdict = verdict_text.verdict_of(page)
    assert verdict.limits == (reasons[0].text,)
    assert verdict.corrected == ("Corrected by hand: layout 3x4.",)
