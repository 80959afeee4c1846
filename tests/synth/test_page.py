"""A record becomes a page."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRecord, EcgRecord
from tests.synth.plain_pages import clean, plain


def test_make_page_refusals():
    """A record without values and one that lacks leads are refused."""
    spec = plain()
    with pytest.raises(BadRecord, match="no value at all"):
        clean(spec, EcgRecord(np.full((12, 5000), np.nan), 500.0))
    with pytest.raises(BadRecord, match="no lead V1, V2"):
        clean(spec, EcgRecord(np.zeros((6, 5000)), 500.0, ("I", "II", "III", "aVR", "aVL", "aVF")))


def test_make_page_of_short_record():
    """A short record is drawn as far as it goes."""
    page = clean(plain("12x1"), EcgRecord(np.zeros((12, 2000)), 500.0))
    assert page.truth.record.n_samples == 5000
    trace = page.truth.traces[0]
    assert not trace.hidden[:2000].any()
    assert trace.hidden[2000:].all()
