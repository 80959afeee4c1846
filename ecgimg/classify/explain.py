"""Which patches a finding rests on: by how much its logit falls when each is taken away.

The network reads whatever patches there are, so a patch can simply be left out, which is what the deletion test of an
explanation does. That is as cheap as a batch of records, needs no gradients at run time, and unlike attention rollout
or gradient × input it is no approximation for single patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classify.tokens import Tokens, tokenize
from ecgimg.classify.weights import Classifier

_BATCH = 48


@dataclass(frozen=True, eq=False)
class PatchWeights:
    """The patches of one record: lead (n,), middle (n,) in seconds, and label → fall of the logit (n,)."""

    lead: NDArray[np.int64]
    time_s: NDArray[np.float32]
    weights: Mapping[str, NDArray[np.float64]]


def explain(classifier: Classifier, signals_mv: NDArray[np.float32], labels: Sequence[str]) -> PatchWeights:
    """Take every patch of one record (1, 12, samples) at 100 Hz away in turn; it must hold some value."""
    tokens = tokenize(signals_mv)
    whole = classifier.of_tokens(tokens)[0]
    count = int(tokens.present[0].sum())
    falls = [
        whole - classifier.of_tokens(_without(tokens, np.arange(start, min(start + _BATCH, count))))
        for start in range(0, count, _BATCH)
    ]
    fall = np.concatenate(falls).astype(np.float64)
    weights = {label: fall[:, classifier.labels.index(label)] for label in labels}
    return PatchWeights(tokens.lead[0, :count], tokens.time_s[0, :count], weights)


def without_patches(tokens: Tokens, gone: NDArray[np.bool_]) -> Tokens:
    """Return one record's tokens without those where `gone` (tokens,) is True."""
    kept = ~gone
    return Tokens(tokens.values[:, kept], tokens.lead[:, kept], tokens.time_s[:, kept], tokens.present[:, kept])


def _without(tokens: Tokens, gone: NDArray[np.intp]) -> Tokens:
    """Return a batch: the record without each of the patches `gone`, if others are left."""
    n = len(gone)
    present = np.repeat(tokens.present, n, axis=0)
    if tokens.present.sum() > 1:
        present[np.arange(n), gone] = False
    return Tokens(
        np.repeat(tokens.values, n, axis=0),
        np.repeat(tokens.lead, n, axis=0),
        np.repeat(tokens.time_s, n, axis=0),
        present,
    )
