"""Find the patches that a finding rests on by occlusion: by how much its logit falls when a patch is hidden.

The network reads whatever patches there are, so a patch can be hidden like one that the page does not show. That costs
no more than a batch of records, and needs no gradients. Unlike attention rollout or gradient × input, it is exact for
single patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.measured_inputs import measured_inputs
from ecgimg.classification.tokens import FS_HZ, PATCH
from ecgimg.classification.trained_classifier import Classifier
from ecgimg.measurement import Measurements

Signals = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PatchWeights:
    """The patches of one record that hold a value.

    Parameters
    ----------
    lead, patch : (patches,) int
        Row of the record, and number of the patch along it.
    weights : mapping of label to (patches,)
        By how much the label's logit falls without the patch.
    """

    lead: NDArray[np.intp]
    patch: NDArray[np.intp]
    weights: Mapping[str, NDArray[np.float64]]

    @property
    def start_s(self) -> NDArray[np.float64]:
        """(patches,) seconds at which each patch begins."""
        return np.asarray(self.patch * (PATCH / FS_HZ), np.float64)


def occlude_patches(
    classifier: Classifier, signals_mv: Signals, labels: Sequence[str], measured: Measurements | None = None
) -> PatchWeights:
    """Hide each patch of one record in turn, and weigh it by the fall of the logits.

    What was measured stays as it is: the patches are those that the networks of the signal look at.

    Parameters
    ----------
    signals_mv : (12, samples) float32
        At 100 Hz, NaN where nothing is known; some value must be known.
    measured : Measurements, optional
        Of the record; without them nothing that was measured is known.
    """
    padded = np.pad(signals_mv, ((0, 0), (0, -signals_mv.shape[1] % PATCH)), constant_values=np.nan)
    has_value = np.isfinite(padded).reshape(len(padded), -1, PATCH).any(axis=2)
    lead, patch = np.nonzero(has_value)
    occluded = np.repeat(signals_mv[None], len(lead), axis=0)  # (patches, 12, samples): one copy for each patch
    for copy, row, number in zip(occluded, lead, patch, strict=True):
        copy[row, number * PATCH : (number + 1) * PATCH] = np.nan
    inputs = measured_inputs([measured or Measurements()])
    repeated = inputs.subset(np.zeros(len(occluded), np.intp))
    fall = classifier.logits(signals_mv[None], inputs) - classifier.logits(occluded, repeated)
    fall64 = np.nan_to_num(fall).astype(np.float64)  # without its only patch a record has no logits
    return PatchWeights(lead, patch, {label: fall64[:, classifier.labels.index(label)] for label in labels})


def without_patches(signals_mv: Signals, weights: PatchWeights, hidden: NDArray[np.intp]) -> Signals:
    """Return a record (12, samples) without some of its patches, given by their indices in `weights`."""
    occluded = signals_mv.copy()
    for row, number in zip(weights.lead[hidden], weights.patch[hidden], strict=True):
        occluded[row, number * PATCH : (number + 1) * PATCH] = np.nan
    return occluded
