"""What PatchECG is compared with, trained in the same loop with the same masks on the same records."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgimg.classification.patchecg_network import PatchECG
from ecgimg.classification.tokens import WINDOW
from ecgimg.classification.trained_classifier import CHANNEL_INPUTS


class ResNet(nn.Module):
    """A 1-D residual network over the whole canvas, with 0 where nothing is known and a mask channel for each lead.

    Parameters
    ----------
    outputs : int
    widths : tuple of int
        Channels of the stages, each of two blocks and half as long as the one before.
    """

    inputs = CHANNEL_INPUTS

    def __init__(self, outputs: int, *, widths: tuple[int, ...] = (48, 96, 160, 224), dropout: float = 0.2) -> None:
        super().__init__()
        self.settings = {"outputs": outputs, "widths": list(widths)}
        self.stem = nn.Sequential(nn.Conv1d(24, widths[0], 15, 2, 7), nn.BatchNorm1d(widths[0]), nn.ReLU())
        blocks = []
        for before, width in pairwise((widths[0], *widths)):
            blocks += [ResidualBlock(before, width, 2), ResidualBlock(width, width, 1)]
        self.blocks = nn.Sequential(*blocks)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], outputs)

    def forward(self, channels: Tensor) -> Tensor:
        """Map (batch, 24, samples), mV with 0 where nothing is known and the leads' masks, to logits."""
        x = self.blocks(self.stem(channels))  # (b, width, samples / 32)
        logits: Tensor = self.head(self.drop(torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)))
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut, which is averaged and widened where the block shortens or widens."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(before, width, 7, stride, 3, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 7, 1, 3, bias=False), nn.BatchNorm1d(width),
        )  # fmt: skip
        same = stride == 1 and before == width
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.AvgPool1d(stride, ceil_mode=True), nn.Conv1d(before, width, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, before, samples) to (batch, width, samples / stride)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class PublishedEncoder(nn.Module):
    """The published patch encoder: a small convolutional network with squeeze and excitation (Hu 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(2, 64, 7, 2, 3), nn.BatchNorm1d(64), nn.ReLU(),
            nn.Conv1d(64, 128, 5, 2, 2), nn.BatchNorm1d(128), nn.ReLU(),
            nn.Conv1d(128, 192, 3, 2, 1), nn.BatchNorm1d(192), nn.ReLU(),
        )  # fmt: skip
        self.excite = nn.Sequential(nn.Linear(192, 24), nn.ReLU(), nn.Linear(24, 192), nn.Sigmoid())
        self.gather = nn.Linear(192, width)

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, 2, 128) to (n, width)."""
        margin = (WINDOW - 64) // 2
        x = self.convolutions(patches[..., margin:-margin])  # (n, 192, 8): the patch alone, as published
        x = x * self.excite(x.mean(dim=2)).unsqueeze(2)
        gathered: Tensor = self.gather(functional.relu(x).mean(dim=2))
        return gathered


def published(outputs: int) -> PatchECG:
    """PatchECG in the published configuration (21.7 M parameters), its attention mask repaired."""
    network = PatchECG(outputs, width=768, depth=3, heads=8, expansion=4, drop_path=0.0)
    # the published configuration has another encoder of patches, and else is the same network
    network.encoder = PublishedEncoder(768)
    return network


def mean_of_patches(outputs: int) -> PatchECG:
    """PatchECG without attention: the mean of its patches' embeddings."""
    return PatchECG(outputs, depth=0)
