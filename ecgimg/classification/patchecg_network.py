"""PatchECG: a transformer over the patches of an ECG that were printed (after arXiv 2508.09165).

    patch (2, 128) ─ convolutions ─┐
    lead, seconds ── embeddings ───┴─ + ─ [class, tokens] ─ blocks ─ [class ‖ mean of tokens] ─ linear ─ logits

Torch is needed here and for training only; the shipped network runs on ONNX Runtime.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgimg.classification.tokens import PATCH, WINDOW
from ecgimg.classification.trained_classifier import TOKEN_INPUTS


class PatchEncoder(nn.Module):
    """Convolutions over a patch and its margins, which keep the order of what they find: (n, 2, 128) → (n, width)."""

    def __init__(self, width: int, channels: tuple[int, int]) -> None:
        super().__init__()
        first, second = channels
        self.strokes = nn.Conv1d(2, first, 16, stride=8, padding=4)
        self.waves = nn.Conv1d(first, second, 3, stride=2, padding=1)
        self.norm_strokes, self.norm_waves = nn.GroupNorm(1, first), nn.GroupNorm(1, second)
        self.gather = nn.Linear(second * (WINDOW // 16), width)

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, 2, 128) to (n, width)."""
        x = functional.relu(self.norm_strokes(self.strokes(patches)))  # (n, first, 16)
        x = functional.relu(self.norm_waves(self.waves(x)))  # (n, second, 8)
        gathered: Tensor = self.gather(x.flatten(1))
        return gathered


class Block(nn.Module):
    """Pre-norm attention among the tokens that are there, and a perceptron on each."""

    def __init__(self, width: int, heads: int, expansion: int, drop_path: float) -> None:
        super().__init__()
        self.heads, self.drop_path = heads, drop_path
        self.norm_attention, self.norm_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """Map (b, t, width) with the keys that count, (b, 1, 1, t) bool."""
        x = x + self._stochastic_depth(self._attend(self.norm_attention(x), keys))
        return x + self._stochastic_depth(self.narrow(functional.gelu(self.widen(self.norm_perceptron(x)))))

    def _attend(self, x: Tensor, keys: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.query_key_value(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (b, heads, t, width / heads)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(2, 3)  # (b, heads, t, t)
        bias = torch.zeros_like(keys, dtype=scores.dtype).masked_fill(~keys, float("-inf"))
        # The softmax is computed in float32 even where the rest runs in half precision.
        with torch.autocast(x.device.type, enabled=False):
            weights = (scores + bias).softmax(dim=3)
        projected: Tensor = self.project((weights @ value).transpose(1, 2).reshape(batch, tokens, width))
        return projected

    def _stochastic_depth(self, change: Tensor) -> Tensor:
        """Leave the change out for some records of a batch in training (stochastic depth, Huang 2016)."""
        if not self.training or self.drop_path == 0:
            return change
        share = 1 - self.drop_path
        return change * change.new_empty(len(change), 1, 1).bernoulli_(share).div_(share)


class PatchECG(nn.Module):
    """The classifier.

    Parameters
    ----------
    outputs : int
        Logits.
    leads : int
        Leads that have an embedding.
    width, depth, heads, expansion
        Of the transformer; depth 0 is the mean of the patches' embeddings, without attention.
    channels : tuple of int
        Of the patch encoder.
    dropout, drop_path : float
        In training: share of features, and of the deepest block's changes, that are left out.
    """

    inputs = TOKEN_INPUTS

    def __init__(
        self, outputs: int, *, leads: int = 12, width: int = 128, depth: int = 4, heads: int = 2, expansion: int = 2,
        channels: tuple[int, int] = (24, 64), dropout: float = 0.1, drop_path: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.settings = {
            "outputs": outputs, "leads": leads, "width": width, "depth": depth, "heads": heads,
            "expansion": expansion, "channels": list(channels),
        }  # fmt: skip
        self.encoder = PatchEncoder(width, channels)
        self.lead = nn.Embedding(leads, width)
        self.time = nn.Linear(2 * len(_PERIODS_S), width)
        self.classifier = nn.Parameter(torch.zeros(width))
        self.hidden = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList([Block(width, heads, expansion, drop_path * (k + 1) / depth) for k in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(2 * width, outputs)
        self.reconstruct = nn.Linear(width, PATCH)
        self.drop = nn.Dropout(dropout)
        nn.init.normal_(self.lead.weight, std=0.3)
        nn.init.normal_(self.classifier, std=0.3)

    def forward(self, values: Tensor, lead: Tensor, time_s: Tensor, present: Tensor) -> Tensor:
        """Map tokens (see `Tokens`; at least one present a record) to logits (batch, outputs)."""
        x = self._embedded(values) + self._place(lead, time_s)
        whole, tokens = self._transform(x, present)
        weights = (present.to(x.dtype) / present.sum(dim=1, keepdim=True).clamp(min=1).to(x.dtype)).unsqueeze(2)
        mean = (tokens * weights).sum(dim=1)
        logits: Tensor = self.head(self.drop(torch.cat([whole, mean], dim=1)))
        return logits

    def fill_in(
        self, values: Tensor, lead: Tensor, time_s: Tensor, present: Tensor, asked_lead: Tensor, asked_time_s: Tensor
    ) -> Tensor:
        """Guess patches that are hidden, at (batch, asked) leads and times, in mV: (batch, asked, PATCH).

        The pretext of the pretraining. What is asked for attends to what is seen, and is itself seen by nothing but
        what else is asked for.
        """
        visible = self._embedded(values) + self._place(lead, time_s)
        asked = self.hidden + self._place(asked_lead, asked_time_s)
        there = torch.cat([present, present.new_ones(asked_lead.shape)], dim=1)
        _, tokens = self._transform(torch.cat([visible, asked.to(visible.dtype)], dim=1), there)
        guess: Tensor = self.reconstruct(tokens[:, values.shape[1] :])
        return guess

    def _embedded(self, values: Tensor) -> Tensor:
        batch, tokens = values.shape[:2]
        embedded: Tensor = self.encoder(values.flatten(0, 1)).view(batch, tokens, -1)
        return embedded

    def _place(self, lead: Tensor, time_s: Tensor) -> Tensor:
        periods = torch.tensor(_PERIODS_S, device=time_s.device)
        phase = time_s.unsqueeze(2) * (2 * math.pi / periods)
        place: Tensor = self.lead(lead) + self.time(
            torch.cat([phase.sin(), phase.cos()], dim=2).to(self.time.weight.dtype)
        )
        return place

    def _transform(self, x: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        batch = x.shape[0]
        x = torch.cat([self.classifier.to(x.dtype).expand(batch, 1, -1), x], dim=1)
        keys = torch.cat([present.new_ones(batch, 1), present], dim=1)[:, None, None]
        for block in self.blocks:
            x = block(x, keys)
        x = self.norm(x)
        return x[:, 0], x[:, 1:]


_PERIODS_S = (1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
