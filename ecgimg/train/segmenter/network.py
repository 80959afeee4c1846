"""The segmenter: a small U-Net that marks trace, lead names, calibration pulse, ruling and other print.

Half resolution from the first layer on, few channels there, and a pixel shuffle at the end that gives the full
resolution back: what two idle cores can afford on a whole page.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ecgimg.train.conv_block import conv_block

CLASSES = ("trace", "label", "pulse", "grid", "other")
STRIDE = 32
"""Height and width must be multiples of this."""


class Segmenter(nn.Module):
    """U-Net over RGB pictures.

    Parameters
    ----------
    widths : tuple of int
        Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the resolution.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 24, 40, 64, 96)) -> None:
        super().__init__()
        self.widths = widths
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.first = conv_block(widths[0], widths[0])
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([nn.Sequential(conv_block(a, b), conv_block(b, b)) for a, b in pairs])
        self.shrink = nn.MaxPool2d(2)
        self.lateral = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in reversed(pairs)])
        self.up = nn.ModuleList([conv_block(a, a) for a, _ in reversed(pairs)])
        self.head = nn.Conv2d(widths[0], 4 * len(CLASSES), 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Map (batch, 3, height, width) of 0-1 to logits (batch, classes, height, width)."""
        x = self.first(self.stem(image - 0.5))  # (b, w0, h/2, w/2)
        skips = [x]
        for stage in self.down:
            x = stage(self.shrink(x))
            skips.append(x)
        x = skips.pop()  # (b, w4, h/32, w/32)
        for lateral, up in zip(self.lateral, self.up, strict=True):
            x = nn.functional.interpolate(lateral(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = up(x + skips.pop())
        return nn.functional.pixel_shuffle(self.head(x), 2)  # (b, classes, h, w)


def n_parameters(network: nn.Module) -> int:
    """Count the trainable numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
