"""Degradations of a page's picture."""

from __future__ import annotations

import numpy as np
import pytest

import synth
from layouts import load_layout
from synth.degradation import KINDS


@pytest.mark.parametrize("degradation", KINDS)
def test_take_picture_of_every_kind(degradation):
    """Every kind of degradation gives a page whose masks lie on its traces."""
    page = next(synth.pages(n=1, degradation=degradation, seed=3, masks=True, layouts="3x4+II"))
    height, width, channels = page.image.shape
    assert (width, height) == page.truth.size_px
    assert channels == 3
    assert page.masks.bits.shape == (height, width)
    inked = [trace for trace in page.truth.traces if (~trace.hidden).mean() > 0.5]
    assert len(inked) >= 8
    for index, trace in enumerate(page.truth.traces):
        seen = np.rint(trace.points_px[~trace.hidden]).astype(int)
        if len(seen):
            hit = page.masks.trace(index)[seen[:, 1], seen[:, 0]].mean()
            assert hit > 0.7


def test_take_picture_with_glare():
    """A trace under glare is hidden, and its pixels are bright."""
    found = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        spec = synth.make_random_page_spec(load_layout("3x4+II"), rng, "photo")
        degradation = synth.make_random_degradation(spec, "photo", rng)
        if not degradation.light.glare > 0.75:
            continue
        record = synth.simulate(synth.HeartSpec(), np.random.default_rng(1)).record
        page = synth.make_page(spec, degradation, record, np.random.SeedSequence(seed))
        traces = page.truth.traces
        burnt = [t.points_px[t.hidden & np.isfinite(t.points_px).all(axis=1)] for t in traces]
        burnt = np.rint(np.concatenate(burnt)).astype(int)
        inside = ((burnt >= 0) & (burnt < page.truth.size_px)).all(axis=1)
        if inside.sum() > 50:
            found += 1
            values = page.image[burnt[inside, 1], burnt[inside, 0]].astype(float)
            assert np.median(values.max(axis=1)) > 200
        if found == 3:
            return
    pytest.fail("no page with glare over its traces was drawn")
