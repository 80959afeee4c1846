"""The delineator: a one-dimensional U-shaped network over each lead, whose leads hear of each other.

The leads share their weights and are joined by means over those that are known, so that neither their number nor their
order matters. A U over time as in Ronneberger et al. 2015 (U-Net); distances to both ends of a wave from each of its
moments as in Tian et al. 2019 (FCOS).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from ecgimg.measurement.delineation.delineator import N_CLASSES, N_WAVES

WIDTHS = (24, 32, 48, 64, 64)
"""Channels at 125, 62.5, 31, 16 and 8 Hz."""

_JOINED = (2, 3, 4)  # levels at which the leads hear of each other: from a step of 32 ms on, waves of leads coincide
_DILATIONS = (1, 2, 4)  # at the lowest level: together they see four seconds to each side, thus the rhythm
N_OUTPUTS = N_CLASSES + 4 * N_WAVES


def _convolution(
    before: int, after: int, width: int, *, stride: int = 1, dilation: int = 1, bias: bool = True
) -> nn.Conv2d:
    """Return a convolution over time of (rows, channels, 1, steps): ONNX Runtime is faster in two dimensions."""
    padding = dilation * (width - 1) // 2
    return nn.Conv2d(before, after, (1, width), (1, stride), (0, padding), (1, dilation), bias=bias)


class _Block(nn.Module):
    """Two convolutions with a way past them."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _convolution(width, width, 5, dilation=dilation, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = _convolution(width, width, 5, dilation=dilation, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.first_norm(self.first(x)))
        joined: Tensor = self.act(x + self.second_norm(self.second(y)))
        return joined


class _Join(nn.Module):
    """Tell each lead the mean of all leads that are known at that moment."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.told = _convolution(width, width, 1)
        self.heard = _convolution(2 * width, width, 1)
        self.act = nn.GELU()

    def forward(self, x: Tensor, known: Tensor, records: int) -> Tensor:
        rows, width, _, steps = x.shape
        leads = rows // records
        told = (self.act(self.told(x)) * known).view(records, leads, width, steps)  # (records, leads, width, steps)
        count = known.view(records, leads, 1, steps).sum(1, keepdim=True).clamp(min=1)
        mean = (told.sum(1, keepdim=True) / count).expand(-1, leads, -1, -1).reshape(rows, width, 1, steps)
        joined: Tensor = x + self.heard(torch.cat([x, mean], dim=1))
        return joined


class Delineator(nn.Module):
    """Map signals and what is known of them, both (records, leads, samples), to (records, leads, 16, samples / 2).

    Samples are a multiple of 32. The outputs are those that `ecgimg.measurement.delineation.delineator.decode` takes.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        top = len(widths) - 1
        self.stem = _convolution(2, widths[0], 11, stride=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.down_blocks = nn.ModuleList([_Block(width) for width in widths])
        pairs = list(pairwise(widths))
        self.shrink = nn.ModuleList([_convolution(fine, coarse, 4, stride=2) for fine, coarse in pairs])
        self.down_joins = nn.ModuleList([_Join(widths[level]) for level in _JOINED])
        self.middle = nn.ModuleList([_Block(widths[top], dilation) for dilation in _DILATIONS])
        self.widen = nn.ModuleList([_convolution(coarse, fine, 1) for fine, coarse in pairs])
        self.up_blocks = nn.ModuleList([_Block(width) for width in widths[:top]])
        self.up_joins = nn.ModuleList([_Join(widths[level]) for level in _JOINED if level < top])
        self.head = _convolution(widths[0], N_OUTPUTS, 1)
        self.act = nn.GELU()

    def forward(self, signals: Tensor, known: Tensor) -> Tensor:
        """See the class."""
        records, leads, samples = signals.shape
        x = torch.stack([signals, known], dim=2).view(records * leads, 2, 1, samples)
        x = self.act(self.stem_norm(self.stem(x)))
        seen = [max_pool2d(known.reshape(records * leads, 1, 1, samples), (1, 2))]
        skips = []
        for level, block in enumerate(self.down_blocks):
            x = block(x)
            if level in _JOINED:
                x = self.down_joins[_JOINED.index(level)](x, seen[-1], records)
            if level < len(self.shrink):
                skips.append(x)
                x = self.act(self.shrink[level](x))
                seen.append(max_pool2d(seen[-1], (1, 2)))
        for block in self.middle:
            x = block(x)
        for level in reversed(range(len(skips))):
            x = interpolate(self.widen[level](x), scale_factor=(1.0, 2.0), mode="nearest") + skips[level]
            x = self.up_blocks[level](x)
            if level in _JOINED:
                x = self.up_joins[_JOINED.index(level)](x, seen[level], records)
        answers: Tensor = self.head(x).view(records, leads, N_OUTPUTS, samples // 2)
        return answers
