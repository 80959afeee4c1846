"""The stroke reader: a one-dimensional convolutional network over the columns of a row."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgimg.digitization.tracing.centre_line import N_FEATURES, SUB_COLUMNS

_STEPS = (1, 2, 4, 1)
"""Columns from one tap of each layer to the next: together they see a whole complex."""


class StrokeReader(nn.Module):
    """Map (batch, features, columns) to (batch, 2 × places + 1, columns).

    For each place of a column a share 0-1 of the way from upper to lower edge and an offset in widths of the pen, and
    last the logarithm of the error (mm) to be expected in the column.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.width = width
        self.first = nn.Conv1d(N_FEATURES, width, 1)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 5, padding=2 * step, dilation=step) for step in _STEPS])
        self.head = nn.Conv1d(width, 2 * len(SUB_COLUMNS) + 1, 1)
        self.act = nn.GELU()

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        x = self.act(self.first(features))
        for layer in self.layers:
            x = x + self.act(layer(x))
        share, offset, error = self.head(x).split([len(SUB_COLUMNS), len(SUB_COLUMNS), 1], dim=1)
        return torch.cat([torch.sigmoid(share), offset, error], dim=1)
