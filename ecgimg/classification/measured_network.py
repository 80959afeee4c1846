"""The network that reads what was measured: numbers, and the usual beat of every lead.

    numbers (n) ─ scale, known? ─ linear ───────────────────────────┐
    beats (12, 96) ─ zeros, known? ─ convolutions over time ─ linear ┴─ ‖ ─ residual block ─ linear ─ logits

Torch is needed here and for training only; the shipped network runs on ONNX Runtime.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ecgimg.classification.measured_inputs import BEAT_SAMPLES, NUMBER_NAMES
from ecgimg.classification.trained_classifier import MEASURED_INPUTS
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement.order_statistics import known_quantile

_LARGEST = 5.0  # scaled number, mV of a beat: what lies beyond tells no more
_LEAST_SPREAD = 1e-6
_CHANNELS = (64, 96, 96)


class MeasuredNetwork(nn.Module):
    """The classifier of measurements.

    Parameters
    ----------
    outputs : int
        Logits.
    width : int
        Of what is made of numbers and of beats.
    dropout : float
        In training: share of features that are left out.
    """

    inputs = MEASURED_INPUTS

    def __init__(self, outputs: int, *, width: int = 192, dropout: float = 0.3) -> None:
        super().__init__()
        self.settings = {"outputs": outputs, "width": width, "numbers": len(NUMBER_NAMES), "channels": list(_CHANNELS)}
        # of the training's numbers: their medians, and half of the spread of the middle two thirds
        self.register_buffer("center", torch.zeros(len(NUMBER_NAMES)))
        self.register_buffer("scale", torch.ones(len(NUMBER_NAMES)))
        self.numbers = nn.Linear(2 * len(NUMBER_NAMES), width)
        first, second, third = _CHANNELS
        self.strokes = nn.Conv1d(2 * len(STANDARD_LEADS), first, 7, 2, 3)
        self.waves = nn.Conv1d(first, second, 5, 2, 2)
        self.beat = nn.Conv1d(second, third, 3, 2, 1)
        self.norms = nn.ModuleList([nn.BatchNorm1d(channels) for channels in _CHANNELS])
        self.gather = nn.Linear(third * (BEAT_SAMPLES // 8), width)
        self.skip, self.hidden = nn.Linear(2 * width, width), nn.Linear(2 * width, width)
        self.head = nn.Linear(width, outputs)
        self.drop, self.drop_numbers = nn.Dropout(dropout), nn.Dropout(dropout / 3)

    def fit_scale(self, numbers: NDArray[np.float32]) -> None:
        """Scale numbers (…, n) by their median and half of the spread of their middle two thirds, in training.

        Weights that were trained already keep their scale.
        """
        if bool((self.scale != 1).any()):
            return
        columns = numbers.reshape(-1, numbers.shape[-1]).astype(np.float64)
        low, middle, high = (known_quantile(columns, share, axis=0) for share in (0.16, 0.5, 0.84))
        spread = (high - low) / 2
        self.center.copy_(torch.from_numpy(np.nan_to_num(middle).astype(np.float32)))
        self.scale.copy_(torch.from_numpy(np.where(spread > _LEAST_SPREAD, spread, 1.0).astype(np.float32)))

    def forward(self, numbers: Tensor, beats: Tensor) -> Tensor:
        """Map numbers (batch, n) and beats (batch, 12, 96) mV, NaN where not known, to logits (batch, outputs)."""
        scaled = _known_first((numbers - self.center) / self.scale)
        first = functional.gelu(self.numbers(self.drop_numbers(scaled)))
        x = _known_first(beats)  # (batch, 24, 96)
        for layer, norm in zip((self.strokes, self.waves, self.beat), self.norms, strict=True):
            x = functional.relu(norm(layer(x)))
        second = functional.gelu(self.gather(self.drop(x.flatten(1))))
        both = torch.cat([first, second], dim=1)
        mixed = self.skip(both) + functional.gelu(self.hidden(self.drop(both)))
        logits: Tensor = self.head(self.drop(mixed))
        return logits


def _known_first(values: Tensor) -> Tensor:
    """Return values with 0 where they are not known, and beside them along the second axis 1 where they are."""
    is_known = ~torch.isnan(values)
    filled = torch.where(is_known, values, torch.zeros_like(values)).clamp(-_LARGEST, _LARGEST)
    return torch.cat([filled, is_known.to(values.dtype)], dim=1)
