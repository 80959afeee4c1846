"""The labels are where the ink is, after any degradation, measured without asking the label map.

Two measurements: isolated dots put on the paper in place of the traces, found by their centre of mass (200 random
pages, all layouts, all kinds of degradation); and the traces themselves, measured across
their stroke wherever they run alone.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from layouts import load_layouts
from synth import HeartSpec, make_page, simulate
from synth.degradation import degrade_page
from synth.page import fit_canvas
from synth.page_drawing import draw_page
from synth.page_spec import GridStyle
from synth.random_degradation import choose_kind, make_random_degradation
from synth.random_page_spec import make_random_page_spec
from tests.synth.labels.measure import dot_errors_px, dotted_page, measurable, stroke_errors_px

LAYOUTS = [layout for layout in load_layouts("all") if not layout.has_consecutive_rows]  # their hearts last longer
CHUNK = 20


@pytest.mark.parametrize("chunk", [0, *(pytest.param(chunk, marks=pytest.mark.slow) for chunk in range(1, 10))])
def test_accuracy_of_dots(chunk, heart_record):
    """Dots are where the truth says, to a quarter of a pixel."""
    errors = []
    for index in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        rng = np.random.default_rng([2026, index])
        kind = choose_kind("mixed", rng)
        spec = make_random_page_spec(LAYOUTS[index % len(LAYOUTS)], rng, kind)
        degradation = measurable(make_random_degradation(spec, kind, rng))
        drawn = draw_page(spec, fit_canvas(heart_record, spec), rng)
        drawn, places_mm = dotted_page(drawn)
        taken = degrade_page(drawn, degradation, np.random.SeedSequence(index))
        errors.append(dot_errors_px(taken.image, taken.lost, degradation.page_map.page_to_image(places_mm)))
    errors = np.concatenate(errors)
    assert len(errors) > 100 * CHUNK
    assert np.median(errors) <= 0.25
    assert np.percentile(errors, 99) <= 1.0


@pytest.mark.parametrize("kind", ["none", "scan", "photo", "screen", "aged"])
def test_accuracy_of_traces(kind):
    """Traces are where the truth says, to a quarter of a pixel."""
    # a noiseless heart: noise finer than the pen is wide has no stroke of its own to measure
    heart = HeartSpec(rate_bpm=72, muscle_mv=0, mains_mv=0, baseline_wander_mv=0.1)
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "V8", "V9", "V4R")
    record = simulate(heart, np.random.default_rng(3), leads=leads).record
    errors = []
    for index, layout in enumerate(LAYOUTS[::2]):
        rng = np.random.default_rng([7, index])
        spec = make_random_page_spec(layout, rng, kind)
        spec = dataclasses.replace(
            spec, grid=GridStyle(style="none"), vendor="plain", header=False, print_scale=False, separator="none"
        )
        page = make_page(
            spec, measurable(make_random_degradation(spec, kind, rng)), record, np.random.SeedSequence(index)
        )
        errors.append(stroke_errors_px(page))
    errors = np.concatenate(errors)
    assert len(errors) > 5000
    assert np.median(errors) <= 0.25
    assert np.percentile(errors, 99) <= 1.0


def test_accuracy_of_shifted_dots(heart_record):
    """The measurement sees a shift of the labels."""
    rng = np.random.default_rng(1)
    spec = make_random_page_spec(LAYOUTS[5], rng, "scan")
    degradation = measurable(make_random_degradation(spec, "scan", rng))
    drawn, places_mm = dotted_page(draw_page(spec, fit_canvas(heart_record, spec), rng))
    taken = degrade_page(drawn, degradation, np.random.SeedSequence(1))
    shifted = degradation.page_map.page_to_image(places_mm) + np.array([0.6, 0.0])
    assert np.median(dot_errors_px(taken.image, taken.lost, shifted)) > 0.5
