"""What is measured of the training's records, as some layouts show them: measured once, before the training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.measured_inputs import MeasuredInputs
from ecgimg.evaluate.shown_records import layout_masks, measure_in_processes

VIEWS: tuple[tuple[str, int], ...] = (("12x1", 0), ("3x4+II", 0), ("random", 0), ("random", 1))
"""The layouts that each record is measured in, and the seeds of the random ones."""


@dataclass(frozen=True, eq=False)
class MeasuredViews:
    """What was measured of some records in each of `VIEWS`.

    Parameters
    ----------
    numbers : (views, records, numbers) float32
    beats : (views, records, 12, samples) float16
    """

    numbers: NDArray[np.float32]
    beats: NDArray[np.float16]

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> MeasuredViews:
        """Return the records at indices, or where a mask is True."""
        return MeasuredViews(self.numbers[:, chosen], self.beats[:, chosen])

    def of_layout(self, layout: str) -> MeasuredInputs:
        """Return what was measured in the first view of a layout."""
        return self.of_view([name for name, _ in VIEWS].index(layout))

    def of_view(self, view: int) -> MeasuredInputs:
        """Return what was measured in one view."""
        return MeasuredInputs(self.numbers[view], self.beats[view].astype(np.float32))


def measure_views(data: LabelledRecords, file: Path, jobs: int = 1) -> MeasuredViews:
    """Measure every record in every view, or open `file` where it holds the same records already.

    A record takes about 70 ms of a core in each view.
    """
    if file.is_file():
        with np.load(file) as parts:
            if parts["ids"].tolist() == data.ids.tolist():
                return MeasuredViews(parts["numbers"], parts["beats"])
    views = [_measure_view(data, layout, seed, jobs) for layout, seed in VIEWS]
    made = MeasuredViews(
        np.stack([view.numbers for view in views]), np.stack([view.beats.astype(np.float16) for view in views])
    )
    with atomic_path(file) as temporary, temporary.open("wb") as target:
        np.savez(target, ids=data.ids, numbers=made.numbers, beats=made.beats)
    return made


def _measure_view(data: LabelledRecords, layout: str, seed: int, jobs: int) -> MeasuredInputs:
    is_shown = layout_masks(layout, len(data), seed)
    return measure_in_processes(np.where(is_shown, data.signals_mv, np.float32(np.nan)), jobs)
