"""Masks of a page's ink."""

from __future__ import annotations

import numpy as np

import synth
from ecgimg import EcgRecord
from layouts import load_layout
from tests.synth.plain_pages import clean, plain


def test_masks_of_overlapping_traces():
    """Overlapping traces keep masks of their own."""
    signals = np.zeros((12, 5000), np.float32)
    signals[0, 600:640] = -6.0  # lead I falls through the rows below
    page = clean(plain(), EcgRecord(signals, 500.0), masks=True)
    both = page.masks.trace(0) & page.masks.trace(4)
    assert both.any()
    crossing = np.argwhere(both)[0]
    assert np.array_equal(page.masks.trace()[tuple(crossing)], True)


def test_masks_are_the_ink(heart_record):
    """Masks of traces and labels are the ink of the page."""
    page = clean(
        plain(pulse="none", separator="none"), heart_record.select(load_layout("12x1").record_leads), masks=True
    )
    ink = (255 - page.image.min(axis=2)) > 150
    traced = page.masks.trace() | page.masks.kind("label")
    assert (ink & ~traced).sum() < 0.01 * ink.sum()
    assert (traced & ((255 - page.image.min(axis=2)) < 40)).sum() < 0.01 * traced.sum()


def test_masks_round_trip(drawn):
    """Masks survive the disk."""
    page = next(synth.pages(n=1, seed=11, masks=True))
    assert np.array_equal(synth.load_masks(drawn / "page-000000.masks.npz").bits, page.masks.bits)
