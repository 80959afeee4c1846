"""Which patches a finding rests on: by how much its logit falls when each is hidden.

The network reads whatever patches there are, so a patch can simply be hidden, its samples in its neighbours' margins
too, which is what the deletion test of an explanation does. That is as cheap as a batch of records, needs no gradients
at run time, and unlike attention rollout or gradient × input it is no approximation for single patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.tokens import FS_HZ, PATCH
from ecgimg.classification.weights import Classifier

Signals = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PatchWeights:
    """The patches of one record that hold a value.

    Parameters
    ----------
    lead, patch : (patches,) int
        Row of the record, and number along it.
    weights : mapping of label to (patches,)
        By how much its logit falls without the patch.
    """

    lead: NDArray[np.intp]
    patch: NDArray[np.intp]
    weights: Mapping[str, NDArray[np.float64]]

    @property
    def start_s(self) -> NDArray[np.float64]:
        """Where each patch begins, (patches,) seconds."""
        return np.asarray(self.patch * (PATCH / FS_HZ), np.float64)


def explain(classifier: Classifier, signals_mv: Signals, labels: Sequence[str]) -> PatchWeights:
    """Hide every patch of one record (12, samples) at 100 Hz in turn, which must hold some value."""
    padded = np.pad(signals_mv, ((0, 0), (0, -signals_mv.shape[1] % PATCH)), constant_values=np.nan)
    known = np.isfinite(padded).reshape(len(padded), -1, PATCH).any(axis=2)
    lead, patch = np.nonzero(known)
    # One copy of the record for each patch, all in one batch.
    less = np.repeat(signals_mv[None], len(lead), axis=0)
    for row, (where, number) in enumerate(zip(lead, patch, strict=True)):
        less[row, where, number * PATCH : (number + 1) * PATCH] = np.nan
    fall = classifier.logits(signals_mv[None]) - classifier.logits(less)
    fall64: NDArray[np.float64] = np.nan_to_num(fall).astype(
        np.float64
    )  # without its only patch a record shows nothing
    return PatchWeights(lead, patch, {label: fall64[:, classifier.labels.index(label)] for label in labels})


def without_patches(signals_mv: Signals, weights: PatchWeights, gone: NDArray[np.intp]) -> Signals:
    """Return a record (12, samples) without some of its patches, given by their place in `weights`."""
    less = signals_mv.copy()
    for where, number in zip(weights.lead[gone], weights.patch[gone], strict=True):
        less[where, number * PATCH : (number + 1) * PATCH] = np.nan
    return less
