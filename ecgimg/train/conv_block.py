"""The convolutional block that all networks over pictures are built of."""

from __future__ import annotations

from torch import nn


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """Return a 3 × 3 convolution, normalized and rectified, which keeps height and width."""
    # without bias: the normalization that follows has one
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
