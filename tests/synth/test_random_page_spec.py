"""Random page specs."""

from __future__ import annotations

import numpy as np

from ecgimg.scale_text_parser import agreed, find_mentions
from layouts import load_layouts
from synth.header_footer import make_header_footer
from synth.page_geometry import make_page_geometry
from synth.random_page_spec import make_random_page_spec


def test_random_page_spec_fits():
    """Every random page fits its paper."""
    for layout in load_layouts("all"):
        for seed in range(40):
            spec = make_random_page_spec(layout, np.random.default_rng(seed), "photo")
            plan = make_page_geometry(spec)
            right = max(cell.box_mm[2] for cell in plan.cells)
            assert right <= spec.size_mm[0]
            assert spec.layout.leads == layout.leads


def test_random_page_spec_with_chest_gain():
    """A chest gain of its own is printed on the page."""
    specs = [make_random_page_spec(load_layouts("all")[5], np.random.default_rng(seed)) for seed in range(300)]
    apart = [spec for spec in specs if spec.chest_gain_mm_mv is not None]
    assert apart
    for spec in apart:
        texts = make_header_footer(spec, np.random.default_rng(0))[0]
        mentions = [mention for text in texts for mention in find_mentions(text.text)]
        assert agreed(mentions, "gain") == spec.gain_mm_mv
        assert agreed(mentions, "chest") == spec.chest_gain_mm_mv
