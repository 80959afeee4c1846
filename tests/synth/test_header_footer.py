"""Headers and footers of devices."""

from __future__ import annotations

import numpy as np
import pytest

from synth.header_footer import make_header_footer
from tests.synth.plain_pages import plain


@pytest.mark.parametrize("vendor", ["plain", "ge", "philips", "mindray", "schiller", "nihon-kohden", "edan", "monitor"])
def test_header_footer_of_vendor(vendor):
    """The print of every vendor tells the true scale, and no one's name."""
    spec = plain(vendor=vendor, header=True, print_scale=True, speed_mm_s=12.5, gain_mm_mv=20)
    texts, _ = make_header_footer(spec, np.random.default_rng(2))
    footer = " ".join(text.text for text in texts if text.y_mm > spec.plot_mm[3])
    assert "12.5" in footer
    assert "20" in footer or "x2.0" in footer
    header = [text for text in texts if text.y_mm < spec.plot_mm[1]]
    assert header
    names = [text.text for text in header if "name" in text.text.lower()]
    assert all("sample patient" in name.lower() or name.strip().endswith(":") for name in names)


def test_header_footer_left_out():
    """Header and footer are left out when asked."""
    texts, boxes = make_header_footer(plain(vendor="philips"), np.random.default_rng(2))
    assert texts == []
    assert boxes == []
