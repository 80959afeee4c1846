"""The print reader: a small fully convolutional network that spells a line of print, trained with CTC.

The height is folded away step by step while the width is halved only once, for narrow letters need frames of their own.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ecgimg.digitization.text.line_recognition import ALPHABET
from ecgimg.train.conv_block import conv_block


class _Context(nn.Module):
    """Residual look at the neighbouring frames."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.look = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.look(x)))


class PrintReader(nn.Module):
    """Speller of lines.

    Parameters
    ----------
    widths : tuple of int
        Channels at the full, 1/2, 1/4 and 1/8 of the height.
    frame : int
        Channels of a frame, once the height is gone.
    dilations : tuple of int
        Of the looks at neighbouring frames.
    dropout : float
        Share of the last features that training leaves out.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (10, 28, 48, 64),
        frame: int = 96,
        dilations: tuple[int, ...] = (1, 2),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.widths = widths
        self.stem = conv_block(1, widths[0])
        self.stages = nn.ModuleList([conv_block(a, b) for a, b in pairwise(widths)])
        self.gather = nn.Conv2d(widths[-1], frame, 3, padding=(0, 1))
        self.contexts = nn.Sequential(*(_Context(frame, dilation) for dilation in dilations))
        self.drop = nn.Dropout(dropout)
        self.head = nn.Conv1d(frame, 1 + len(ALPHABET), 1)

    def forward(self, line: Tensor) -> Tensor:
        """Map (batch, 1, 24, w) of 0-1 to logits (batch, w // 2, 1 + characters); the first class is the blank."""
        x = self.stem(line)  # (b, w0, 24, w)
        for number, stage in enumerate(self.stages):
            x = stage(nn.functional.max_pool2d(x, 2 if number == 0 else (2, 1)))
        x = torch.relu(self.gather(x)).squeeze(2)  # (b, w3, 3, w / 2) to (b, frame, w / 2)
        logits: Tensor = self.head(self.drop(self.contexts(x)))
        return logits.transpose(1, 2)
