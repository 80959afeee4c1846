"""Steep strokes are refined to where their ink is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS
from ecgimg.digitization.tracing.ink_along_path import PathRuns, map_ink, measure_row_ink
from ecgimg.digitization.tracing.subpixel_refinement import refine_steep_strokes
from tests.digitization.printed_rows import PX_PER_MM


def drawn_trace(height_px, width=300, rows=160, pen_px=3.0):
    """Draw a flat trace with a peak of `height_px`, and measure its ink; returns ink, strokes and the true heights."""
    x = np.arange(0, width, 0.25)
    y = 120 + 2 * np.sin(x / 40) - height_px * np.clip(1 - np.abs(x - 150.6) / 2.5, 0, None)
    picture = np.zeros((rows, width), np.uint8)
    points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, [points], False, 255, 2, cv2.LINE_AA, 4)
    page = SimpleNamespace(darkness=picture.astype(np.float32), segmentation=SimpleNamespace(trace=picture))
    ink = map_ink(page)
    columns = np.arange(2, width - 2)
    inked = ink.share[:, columns] > 0.5
    top = inked.argmax(axis=0).astype(np.float64)
    bottom = rows - 1 - inked[::-1].argmax(axis=0).astype(np.float64)
    none = np.zeros(len(columns), bool)
    strokes = measure_row_ink(ink, PathRuns(columns, top, bottom, top, bottom, none), pen_px, PX_PER_MM)
    return ink, strokes, np.interp(columns[:, None] + np.array(SUB_COLUMNS), x, y)


def test_refine_steep_complex():
    """A steep complex is refined to where its ink is."""
    ink, strokes, truth = drawn_trace(60.0)
    read_px = truth + 0.25 * np.clip(118 - truth, 0, None)  # the peak is read too low
    refined = refine_steep_strokes(ink, strokes, read_px, np.full(len(read_px), 3.0))
    near = slice(140, 157)
    before, after = (np.sqrt(((heights - truth)[near] ** 2).mean()) for heights in (read_px, refined))
    assert after < 0.5 * before
    assert truth.min() < refined.min() < read_px.min() - 3


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_refine_spike_and_paler_line(share):
    """A spike as narrow as the stroke is refined to its tip, and a paler line is no spike."""
    ink, strokes, truth = drawn_trace(0.0)
    spike = np.zeros_like(ink.share)
    spike[90:120, 150:152] = share
    ink = replace(ink, share=np.maximum(ink.share, spike))
    upper = strokes.upper.copy()
    upper[148:150] = 90
    strokes = replace(strokes, upper=upper)
    refined = refine_steep_strokes(ink, strokes, truth, np.full(len(truth), 1.0))
    assert (refined.min() < 96) == (share == 1)
    assert np.abs(refined[:140] - truth[:140]).max() < 0.5


def test_refine_flat_trace():
    """A flat trace is left as it was read."""
    ink, strokes, truth = drawn_trace(0.0)
    assert np.array_equal(refine_steep_strokes(ink, strokes, truth, np.full(len(truth), 0.1)), truth)


def test_refine_scrap_of_few_columns():
    """A scrap of a few columns is refined, too."""
    ink, strokes, _ = drawn_trace(30, width=8)
    heights = np.repeat((strokes.upper + strokes.lower)[:, None] / 2, len(SUB_COLUMNS), axis=1)
    assert refine_steep_strokes(ink, strokes, heights, np.full(len(heights), 0.1)).shape == heights.shape
