"""Pages drawn for the tests of digitization, and how well they were read."""

from __future__ import annotations

import cv2
import numpy as np

from ecgimg.digitization import digitize_image
from layouts import load_layout, visible_window
from synth import HeartSpec, PageSpec, make_page, simulate
from synth.degradation import Degradation
from synth.page_map import flat_map


def simulated_record():
    """Return the heart that clean pages show."""
    return simulate(HeartSpec(rate_bpm=66), np.random.default_rng(2)).record


def clean_page(layout="3x4+II", record=None, **settings):
    """Draw a page without degradation; `settings` are those of its spec."""
    layout = load_layout(layout) if isinstance(layout, str) else layout
    spec = PageSpec(layout=layout, **{"vendor": "ge", "separator": "tick", **settings})
    record = record or simulated_record()
    degradation = Degradation(kind="none", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px)
    return make_page(spec, degradation, record, np.random.SeedSequence(3))


def snr_db(page, digitization, max_shift_ms: float = 4.0) -> float:
    """Return the power of what the page shows over that of the error, the offset of each lead removed.

    The caps of strokes leave the start of the columns unsure by a few ms. The best shift of all leads together is
    therefore taken, up to `max_shift_ms`.
    """
    truth = page.truth.record.select(digitization.record.leads)
    shown = visible_window(page.truth.layout, truth.leads, 500.0, digitization.record.n_samples)
    best = -np.inf
    reach = round(max_shift_ms / 2)
    for shift in range(-reach, reach + 1):
        read = np.roll(digitization.record.signals, shift, axis=1)
        power = error = 0.0
        for row in range(len(truth.leads)):
            known = shown[row] & np.isfinite(read[row])
            if known.sum() > 100:
                a, b = truth.signals[row, known], read[row, known]
                power += float(((a - a.mean()) ** 2).sum())
                error += float(((a - a.mean() - b + b.mean()) ** 2).sum())
        best = max(best, 10 * np.log10(power / error))
    return best


def read_page(page, **given):
    """Digitize the picture of a drawn page, with what is given by hand."""
    return digitize_image(page.image, **given)


def ink_of_rows(n_rows=3, beats=8):
    """Draw rows with tall complexes at the same times on a page of 2,000 x 800 px; returns the ink."""
    ink = np.zeros((800, 2000), np.uint8)
    x = np.arange(60, 1940)
    for row in range(n_rows):
        y = 150 + 230 * row + 3 * np.sin(x / 60)
        for beat in range(beats):
            y = y - 110 * np.clip(1 - np.abs(x - 150 - 230 * beat) / 9, 0, None)
        cv2.polylines(ink, [np.stack([x, y], axis=1).round().astype(np.int32).reshape(-1, 1, 2)], False, 255, 3)
    return ink


def burnt_out(image):
    """Return the picture burnt out towards the right: its ink 40 to 12 levels darker than the paper."""
    strength = np.linspace(0.16, 0.05, image.shape[1])[None, :, None]
    return np.clip(np.rint(255 - (255 - image.astype(float)) * strength), 0, 255).astype(np.uint8)
