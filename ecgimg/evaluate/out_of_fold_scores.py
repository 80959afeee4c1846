"""Score the out-of-fold predictions that training leaves, and compare networks on the same records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.special import expit

from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.errors import BadRequest
from ecgimg.evaluate.layout_robustness import LayoutScores, Model, groups_of, paired_difference, summarize
from ecgimg.evaluate.probability_calibration import calibrate

Floats = NDArray[np.float64]


def read_out_of_fold(path: Path, data: LabelledRecords) -> tuple[LabelledRecords, tuple[str, ...], dict[str, Floats]]:
    """Read ``out_of_fold.npz``: its records that are in `data` and were predicted, the labels, and layout → logits.

    Raises
    ------
    BadRequest
        When the file cannot be read, or shares no record with `data`.
    """
    ids, labels, logits = _read_predictions(path)
    # Records of folds that a run did not hold out have NaN.
    predicted = np.isfinite(next(iter(logits.values()))).all(axis=1)
    row_of = {ids[row]: row for row in np.flatnonzero(predicted).tolist()}
    chosen = np.array([name in row_of for name in data.ids.tolist()], bool)
    if not chosen.any():
        raise BadRequest(f"{path} predicts none of these records")
    records = data.subset(chosen)
    rows = np.array([row_of[name] for name in records.ids.tolist()])
    return records, labels, {name: values[rows] for name, values in logits.items()}


def _read_predictions(path: Path) -> tuple[list[str], tuple[str, ...], dict[str, Floats]]:
    """Return the ids of all records of the file, the labels, and layout → logits (records, labels)."""
    try:
        with np.load(path) as parts:
            logits = {name: parts[name].astype(np.float64) for name in parts.files if name not in ("ids", "labels")}
            return parts["ids"].tolist(), tuple(parts["labels"].tolist()), logits
    except (OSError, KeyError, ValueError) as error:
        raise BadRequest(f"{path} holds no out-of-fold predictions: {error}") from None


def summarize_out_of_fold(
    path: Path, data: LabelledRecords, calibrating: LabelledRecords | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the scores of each layout, as `summarize` gives them.

    Probabilities are calibrated, and thresholds chosen, on the records `calibrating`, which may not be those that are
    scored if calibration is to be judged; without them they are the network's own, cut at 0.5.
    """
    records, labels, logits = read_out_of_fold(path, data)
    slope, offset, cuts = np.ones(len(labels)), np.zeros(len(labels)), np.full(len(labels), 0.5)
    if calibrating is not None:
        known, _, others = read_out_of_fold(path, calibrating)
        cards = calibrate(known, others).values()
        slope, offset = (np.array([getattr(card, name) for card in cards]) for name in ("slope", "offset"))
        cuts = np.array([card.thresholds["youden"] if card.thresholds else 0.5 for card in cards])
    # The predictions exist already: this model is never called.
    model = Model(path.stem, lambda *_: np.zeros((0, 0)), labels, cuts)
    for layout, values in logits.items():
        scores = LayoutScores(layout, np.asarray(expit(slope * values + offset)), np.zeros(len(records), bool))
        yield summarize(model, records, scores)


def comparison_table(first: Path, others: Sequence[Path], data: LabelledRecords, group: int = 0) -> Table:
    """Return by how much the macro AUROC of `first` exceeds that of others on each layout, with 95 % intervals.

    `group` counts the groups of `groups_of`: 0 is the subclasses with enough positives.
    """
    records, labels, logits = read_out_of_fold(first, data)
    name, members = list(groups_of(labels, records).items())[group]
    at = [labels.index(label) for label in members]
    table = Table("layout", "less than", f"{name}: difference", "95 %", box=None)
    for other in others:
        same, _, rival = read_out_of_fold(other, records)
        if len(same) != len(records):
            raise BadRequest(f"{other} does not predict all records that {first} predicts")
        for layout, difference in _differences(records, members, at, logits, rival):
            gain, (low, high) = difference
            table.add_row(layout, other.parent.name, f"{gain:+.4f}", f"{low:+.4f} to {high:+.4f}")
    return table


def _differences(
    data: LabelledRecords, members: Sequence[str], at: Sequence[int], first: Mapping[str, Floats],
    second: Mapping[str, Floats],
) -> Iterator[tuple[str, tuple[float, tuple[float, float]]]]:  # fmt: skip
    for layout in first:
        if layout in second:
            yield layout, paired_difference(data, members, first[layout][:, at], second[layout][:, at])
