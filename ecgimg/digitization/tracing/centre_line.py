"""Read the centre line of a row out of its ink by a network, the stroke reader.

A pen is wide: it widens narrow waves, fills the inside of steep ones, and stands beyond every tip by half its width.
How the ink of neighbouring columns lies tells where the pen's middle went. A small convolutional network, trained on
drawn pages whose trace is known, says so at four places a column, with the error that it expects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.tracing.ink_along_path import RowInk
from ecgimg.inference.onnx_sessions import load_network

SUB_COLUMNS = (-0.375, -0.125, 0.125, 0.375)
"""Where in a column (px from its middle) the network says how high the trace is."""

# The shipped network was trained with these, so they change only with it.
_REACH = 8  # columns to each side whose edges are features
_NEAR = 2  # columns to each side whose other measures are features
_USUAL_PX_PER_MM = 8.0
_MOST_OFF_WIDTHS = 3  # of a stroke, by which the centre of the ink may lie off its middle

N_FEATURES = 2 * (2 * _REACH + 1) + 6 * (2 * _NEAR + 1) + 5
"""Features of a column that the network takes."""


def stroke_features(row: RowInk) -> NDArray[np.float32]:
    """Return (features, n) float32: the ink around each column, in widths of a stroke about its own middle."""
    middle = (row.upper + row.lower) / 2
    width = row.stroke_width_px
    features = [
        np.arcsinh((_shifted(edge, k) - middle) / width)
        for edges, reach in (((row.upper, row.lower), _REACH), ((row.run_upper, row.run_lower), _NEAR))
        for edge in edges
        for k in range(-reach, reach + 1)
    ]
    for values in (row.fill, row.above, row.below, row.has_ink.astype(np.float64)):
        features += [_shifted(values, k) for k in range(-_NEAR, _NEAR + 1)]
    ones = np.ones(len(middle))
    features += [
        np.clip((row.centre - middle) / width, -_MOST_OFF_WIDTHS, _MOST_OFF_WIDTHS), row.is_shared.astype(np.float64),
        row.certainty, ones * np.log(width), ones * np.log(row.px_per_mm / _USUAL_PX_PER_MM),
    ]  # fmt: skip
    return np.stack(features).astype(np.float32)


def _shifted(values: Floats, by: int) -> Floats:
    """Return ``values[c + by]``, the last one repeated beyond the ends."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def decode_heights(row: RowInk, answers: NDArray[np.float32]) -> Floats:
    """Turn the network's answers (2 × places + 1, n) into heights (n, places) px.

    At each place: a share of the way from the upper to the lower edge, and an offset in widths of a stroke.
    """
    places = len(SUB_COLUMNS)
    share = answers[:places].T.astype(np.float64)
    offset = answers[places : 2 * places].T.astype(np.float64)
    span = (row.lower - row.upper)[:, None]
    return row.upper[:, None] + share * span + offset * row.stroke_width_px


def read_centre_line(row: RowInk) -> tuple[Floats, Floats]:
    """Return the heights (n, places) px of the trace, and the error (n,) px that is to be expected of them."""
    session = load_network("stroke_reader.onnx")
    answers = session.run(["answers"], {"features": stroke_features(row)[None]})[0][0]
    return decode_heights(row, answers), np.exp(answers[-1].astype(np.float64)) * row.px_per_mm
