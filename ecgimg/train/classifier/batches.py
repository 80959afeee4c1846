"""The batches of a training: which records, how disturbed, and what is shown of them, by seed and step alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS, SUBCLASSES
from ecgimg.classification.measured_inputs import NUMBER_NAMES
from ecgimg.classification.tokens import PATCH
from ecgimg.classification.trained_classifier import network_inputs
from ecgimg.leads import STANDARD_LEADS
from ecgimg.train.classifier.layout_masks import disturbed, random_mask
from ecgimg.train.classifier.measured_views import MeasuredViews
from layouts import load_layouts

Signals = NDArray[np.float32]
Batch = tuple[tuple[Tensor, ...], Tensor, Tensor]
"""What a network takes, the targets, and their weights, both (batch, outputs)."""

_SUBCLASS_WEIGHT, _FACT_WEIGHT = 1.5, 0.5  # in the loss, over 1 for any other label
_AGE_YEARS = (60.0, 18.0)  # mean and spread, by which ages are scaled to about -2 to 2
_GAIN_SPREAD = {True: 0.04, False: 0.2}  # of the leads' gains (logarithm), by whether the record's gain is known
_BATCHES_TOGETHER = 4
_NUMBER_ERROR = 0.02  # of a number, as a share of it
_HIDDEN_SHARES = (0.0, 0.0, 0.15, 0.4)  # of the leads of a record
_UNKNOWN_SHARE = 0.02  # of the records of which nothing is known
# of each number: the lead that it is of, -1 for the record, and whether it is a voltage
_LEAD_OF = np.array([STANDARD_LEADS.index(name.partition(".")[0]) if "." in name else -1 for name in NUMBER_NAMES])
_IS_MV = np.array([name.endswith(("_mv", "_mv_ms", "_mv_s")) for name in NUMBER_NAMES])


@dataclass(frozen=True, eq=False)
class Taught:
    """Targets and weights of all records, (records, labels and the two facts)."""

    targets: NDArray[np.float32]
    weights: NDArray[np.float32]

    def of(self, records: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Return those of some records."""
        return torch.from_numpy(self.targets[records]), torch.from_numpy(self.weights[records])


def taught(data: LabelledRecords) -> Taught:
    """Return what records teach: their labels, age and sex, each where it is known."""
    years = (np.nan_to_num(data.age_years) - _AGE_YEARS[0]) / _AGE_YEARS[1]
    facts = np.stack([years, np.nan_to_num(data.male)], axis=1)
    facts_known = np.stack([np.isfinite(data.age_years), np.isfinite(data.male)], axis=1)
    label_weight = [_SUBCLASS_WEIGHT if label in SUBCLASSES else 1.0 for label in LABELS]
    weights = np.concatenate([data.known, facts_known], axis=1) * np.array([*label_weight, *[_FACT_WEIGHT] * 2])
    return Taught(np.concatenate([data.targets, facts], axis=1).astype(np.float32), weights.astype(np.float32))


def as_tensors(parts: Mapping[str, NDArray[Any]], device: str = "cpu") -> tuple[Tensor, ...]:
    """Return the inputs of a network as tensors, in their order."""
    return tuple(torch.from_numpy(part).to(device) for part in parts.values())


def shuffled_records(n: int, first: int, count: int, seed: tuple[int, int]) -> NDArray[np.intp]:
    """Return records `first` to `first + count` of an endless row of shuffled epochs of `n` records."""
    epochs = range(first // n, (first + count - 1) // n + 1)
    row = [np.random.default_rng([*seed, 1, epoch]).permutation(n) for epoch in epochs]
    start = first - epochs[0] * n
    return np.concatenate(row)[start : start + count]


class MeasuredBatches:
    """Batches of what was measured, each record in one of its views.

    The numbers are changed as another reading of the page would change them: the gain of the page and of each lead,
    errors, leads that are hidden, and now and then nothing at all that is known. Usual beats are moved in time, too.
    """

    def __init__(self, data: LabelledRecords, views: MeasuredViews, size: int, seed: int, rank: int) -> None:
        self.views, self.size, self.seed, self.rank = views, size, seed, rank
        self.gain_spread = np.where(data.gain_known, _GAIN_SPREAD[True], _GAIN_SPREAD[False])
        self.taught = taught(data)

    def of_step(self, step: int) -> Batch:
        """Return the batch of a step."""
        rng = np.random.default_rng([self.seed, self.rank, step])
        count = self.views.numbers.shape[1]
        records = shuffled_records(count, step * self.size, self.size, (self.seed, self.rank))
        view = rng.integers(len(self.views.numbers), size=len(records))
        numbers = self.views.numbers[view, records].astype(np.float64)
        beats = self.views.beats[view, records].astype(np.float64)
        gain = np.exp(rng.normal(0, 0.06, (len(records), 1)))
        lead_gain = gain * np.exp(rng.normal(0, 1, (len(records), 12)) * self.gain_spread[records][:, None])
        numbers = np.where(_IS_MV, numbers * np.where(_LEAD_OF < 0, gain, lead_gain[:, _LEAD_OF]), numbers)
        beats = self._moved(beats * lead_gain[:, :, None], rng)
        numbers = numbers * (1 + rng.normal(0, _NUMBER_ERROR, numbers.shape))
        # most records keep all their leads
        is_hidden = rng.random((len(records), 12)) < rng.choice(_HIDDEN_SHARES, (len(records), 1))
        numbers[(_LEAD_OF >= 0) & is_hidden[:, _LEAD_OF]] = np.nan
        beats[is_hidden] = np.nan
        is_unknown = rng.random(len(records)) < _UNKNOWN_SHARE
        numbers[is_unknown], beats[is_unknown] = np.nan, np.nan
        given = {"numbers": numbers.astype(np.float32), "beats": beats.astype(np.float32)}
        return (as_tensors(given), *self.taught.of(records))

    @staticmethod
    def _moved(beats: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return beats moved by up to 20 ms, with noise and another zero level."""
        lags = rng.integers(-2, 3, len(beats))
        moved = np.stack([np.roll(beat, int(lag), axis=1) for beat, lag in zip(beats, lags, strict=True)])
        noise = rng.normal(0, 1, beats.shape) * rng.uniform(0, 0.02, (len(beats), 1, 1))
        return np.asarray(moved + noise + rng.normal(0, 0.02, (*beats.shape[:2], 1)))


class SignalBatches:
    """Batches of signals.

    Four batches are drawn together and sorted by how many patches they show, so that little is padding.
    """

    def __init__(self, data: LabelledRecords, inputs: tuple[str, ...], size: int, seed: int, rank: int) -> None:
        self.data, self.size, self.seed, self.rank = data, size, seed, rank
        self.layouts = load_layouts("all")
        self.inputs = inputs
        self.taught = taught(data)
        self._drawn: tuple[int, list[Batch]] = (-1, [])

    def of_step(self, step: int) -> Batch:
        """Return the batch of a step."""
        number = step // _BATCHES_TOGETHER
        if self._drawn[0] != number:
            self._drawn = number, self._together(number)
        return self._drawn[1][step % _BATCHES_TOGETHER]

    def _together(self, number: int) -> list[Batch]:
        rng = np.random.default_rng([self.seed, self.rank, number])
        count = _BATCHES_TOGETHER * self.size
        records = shuffled_records(len(self.data), number * count, count, (self.seed, self.rank))
        shown = [self._shown(int(record), rng) for record in records]
        # whole patches, as many as the longest record of the four batches has
        samples = -(-max(signals.shape[1] for signals in shown) // PATCH) * PATCH
        canvas = np.full((len(shown), 12, samples), np.nan, np.float32)
        for place, signals in zip(canvas, shown, strict=True):
            place[:, : signals.shape[1]] = signals
        patches = np.isfinite(canvas).reshape(len(shown), 12, -1, PATCH).any(axis=3).sum(axis=(1, 2))
        # stable, so that the order does not depend on the sorting of equal counts
        parts = np.array_split(np.argsort(patches, kind="stable"), _BATCHES_TOGETHER)
        return [
            (as_tensors(network_inputs(canvas[part], self.inputs)), *self.taught.of(records[part]))
            for part in (parts[k] for k in rng.permutation(_BATCHES_TOGETHER))
        ]

    def _shown(self, record: int, rng: np.random.Generator) -> Signals:
        data = self.data
        spread = _GAIN_SPREAD[bool(data.gain_known[record])]
        signals = disturbed(data.signals_mv[record], rng, lead_gain_spread=spread)
        shown = np.where(random_mask(self.layouts, signals.shape[1], rng), signals, np.float32(np.nan))
        # where the mask hides all that the record has, it is shown whole
        return shown if np.isfinite(shown).any() else signals
