"""A record as tokens: one for each patch of a lead on which anything was printed, and none for the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FS_HZ = 100.0
"""Samples a second that the network reads."""
CANVAS = 1000
"""Samples of the canvas of ten seconds."""
PATCH = 64
"""Samples of a patch: 0.64 s."""
MARGIN = 32
"""Samples before and after a patch that its token sees too, so that every complex stands whole in some token."""
WINDOW = PATCH + 2 * MARGIN


@dataclass(frozen=True, eq=False)
class Tokens:
    """The patches of a batch of records.

    Parameters
    ----------
    values : (batch, tokens, 2, WINDOW) float32
        Millivolt with 0 where nothing is known, and 1 where it is known: the patch and its margins.
    lead : (batch, tokens) int64
        Row of the record that the patch comes from.
    time_s : (batch, tokens) float32
        Middle of the patch on the canvas.
    present : (batch, tokens) bool
        False where a record has fewer patches than the longest of its batch.
    """

    values: NDArray[np.float32]
    lead: NDArray[np.int64]
    time_s: NDArray[np.float32]
    present: NDArray[np.bool_]


def tokenize(signals_mv: NDArray[np.float32]) -> Tokens:
    """Cut records (batch, leads, samples) at `FS_HZ`, NaN where nothing is known, into the patches that hold a value.

    Partial patches are kept, with their true validity. What lies under NaN never matters, and a record has the same
    tokens whatever canvas it stands on, since empty patches give none.
    """
    batch, leads, samples = signals_mv.shape
    patches = -(-samples // PATCH)
    # The margins of the first and the last patch lie outside the record: unknown, like any gap.
    padded = np.full((batch, leads, patches * PATCH + 2 * MARGIN), np.nan, np.float32)
    padded[..., MARGIN : MARGIN + samples] = signals_mv
    known = np.isfinite(padded)
    filled = np.where(known, padded, np.float32(0))
    inside = np.asarray(known[..., MARGIN:-MARGIN].reshape(batch, leads * patches, PATCH).any(axis=2), bool)
    count = max(int(inside.sum(axis=1).max()), 1)
    order = np.argsort(~inside, axis=1, kind="stable")[:, :count]  # the patches that hold a value come first
    rows = np.arange(batch)[:, None]
    values = np.stack([_windows(filled)[rows, order], _windows(known)[rows, order].astype(np.float32)], axis=2)
    present = inside[rows, order]
    # Padding tokens are 0, so that a record gives the same logits in any batch.
    values *= present[:, :, None, None]
    return Tokens(
        values,
        order // patches,
        ((order % patches + 0.5) * (PATCH / FS_HZ)).astype(np.float32),
        present,
    )


def _windows(padded: NDArray[np.generic]) -> NDArray[np.generic]:
    """View (batch, leads, samples) as (batch, leads · patches, WINDOW)."""
    view = sliding_window_view(padded, WINDOW, axis=2)[:, :, ::PATCH]
    return view.reshape(len(padded), -1, WINDOW)
