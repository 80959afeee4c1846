"""The label reader: a plain convolutional network that names the lead printed in a crop.

The width is kept to the end, since what tells I from II from III is how many strokes stand where.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ecgimg.digitization.text.label_recognition import CLASSES
from ecgimg.train.conv_block import conv_block


class LabelReader(nn.Module):
    """Classifier of crops.

    Parameters
    ----------
    widths : tuple of int
        Channels at the full, 1/2, 1/4 and 1/8 of the resolution.
    dropout : float
        Share of the last features that training leaves out.
    """

    def __init__(self, widths: tuple[int, ...] = (12, 24, 40, 56), dropout: float = 0.2) -> None:
        super().__init__()
        self.widths = widths
        self.stem = conv_block(1, widths[0])
        self.shrink = nn.MaxPool2d(2)
        self.stages = nn.ModuleList([conv_block(a, b) for a, b in pairwise(widths)])
        self.last = conv_block(widths[-1], widths[-1])
        self.gather = nn.Conv2d(widths[-1], 64, (4, 1))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(64 * 12, len(CLASSES))

    def forward(self, crop: Tensor) -> Tensor:
        """Map (batch, 1, 32, 96) of 0-1 to logits (batch, classes)."""
        x = self.stem(crop)  # (b, w0, 32, 96)
        for stage in self.stages:
            x = stage(self.shrink(x))
        x = self.last(x)  # (b, w3, 4, 12)
        x = torch.relu(self.gather(x)).flatten(1)  # (b, 64 · 12)
        logits: Tensor = self.head(self.drop(x))
        return logits
