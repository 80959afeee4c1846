"""Train the stroke reader on rows traced off synthetic pages: its settings, batches, loss, scores and export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgimg.digitization.tracing.centre_line import N_FEATURES, SUB_COLUMNS, stroke_features
from ecgimg.digitization.tracing.ink_along_path import RowInk
from ecgimg.train.export import export_network
from ecgimg.train.stroke_reader.data import STROKE_FIELDS, TaughtRow, draw_stroke_pool
from ecgimg.train.stroke_reader.network import StrokeReader
from ecgimg.train.train_network import RunOptions, Settings, Task, train_network

_HELD_BACK = 0.05  # share of the rows that training never sees
_WINDOW = 256  # columns of a row that are shown at a time
_KNEE_MM = 2.0  # error from which the loss grows linearly: a row traced along another's trace must not decide
_FLOOR_MM = 0.01  # least expected error, so that its likelihood has a bound


@dataclass(frozen=True)
class StrokeTraining(Settings):
    """How long and how: all that decides the weights besides the pool."""

    steps: int = 8000
    batch: int = 32
    pages: int = 700


@dataclass(frozen=True, eq=False)
class _Batch:
    """Features (b, f, n), edges upper and lower (b, 1, n) px, pen and px a mm (b, 1, 1), truth (b, places, n) px."""

    features: Tensor
    upper: Tensor
    lower: Tensor
    pen: Tensor
    px_per_mm: Tensor
    truth: Tensor


def train_stroke_reader(out: Path, records: Path | None, settings: StrokeTraining, options: RunOptions) -> Path:
    """Train on rows of synthetic pages, segmented by the shipped segmenter and traced by the digitizer's own tracer.

    The pages are traced through their true map; three of four show a record of `records`. See `train_network`.

    Raises
    ------
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    rows = draw_stroke_pool(out / "pool", records, pages=settings.pages, seed=settings.seed, jobs=options.jobs)
    held_back = max(int(len(rows) * _HELD_BACK), 1)

    def loss_of_step(network: StrokeReader, step: int) -> Tensor:
        rng = np.random.default_rng([settings.seed, step])
        batch = _batch(rows[held_back:], settings.batch, rng)
        return stroke_loss(network(batch.features.to(options.device)), batch)

    def scores(network: StrokeReader) -> dict[str, float]:
        return evaluate(network, rows[:held_back])

    return train_network(out, Task(StrokeReader, loss_of_step, scores, export, log_every=250), settings, options)


def stroke_loss(answers: Tensor, batch: _Batch) -> Tensor:
    """Pseudo-Huber loss of the heights in mm, and the Laplace likelihood of the error that is to be expected."""
    error_mm = _error_mm(answers, batch)
    known = torch.isfinite(error_mm)
    error_mm = torch.where(known, error_mm, 0.0)
    fit_loss = torch.sqrt(1 + (error_mm / _KNEE_MM) ** 2) - 1
    spread = torch.exp(answers[:, -1:]) + _FLOOR_MM
    # detached: the expected error follows the error, and never pulls the heights
    likelihood = error_mm.detach().abs() / spread + torch.log(spread)
    n = known.sum().clamp(min=1)
    return (40 * fit_loss * known).sum() / n + 0.1 * (likelihood * known).sum() / n


def _error_mm(answers: Tensor, batch: _Batch) -> Tensor:
    """Return predicted less true height (b, places, n), NaN where the truth is not known."""
    places = len(SUB_COLUMNS)
    share, offset = answers[:, :places], answers[:, places : 2 * places]
    height = batch.upper + share * (batch.lower - batch.upper) + offset * batch.pen
    return (height - batch.truth) / batch.px_per_mm


def evaluate(network: StrokeReader, rows: Sequence[TaughtRow]) -> dict[str, float]:
    """Return the median error (µV at 10 mm/mV), and the SNR (dB) over the rows that were not trained on."""
    errors, snr = [], []
    for row in rows:
        batch = _stack([row])
        error = _error_mm(network(batch.features), batch).numpy()[0]
        truth = row.heights_px.T / row.strokes.px_per_mm
        known = np.isfinite(error)
        if known.sum() > 200:
            errors.append(np.abs(error[known]))
            power = ((truth[known] - truth[known].mean()) ** 2).sum()
            snr.append(10 * np.log10(power / max((error[known] ** 2).sum(), 1e-9)))
    return {
        "median_uv": float(100 * np.median(np.concatenate(errors))),
        "snr_db": float(np.median(snr)),
        "snr_db_low": float(np.percentile(snr, 10)),
    }


def _batch(rows: Sequence[TaughtRow], count: int, rng: np.random.Generator) -> _Batch:
    return _stack([_window(rows[int(index)], rng) for index in rng.integers(len(rows), size=count)])


def _window(row: TaughtRow, rng: np.random.Generator) -> TaughtRow:
    """Cut a window at random, and mirror it in time, in height, both or not."""
    start = int(rng.integers(max(len(row.strokes.upper) - _WINDOW, 0) + 1))
    step = -1 if rng.random() < 0.5 else 1
    stop = start + _WINDOW
    arrays = {name: getattr(row.strokes, name)[start:stop][::step] for name in STROKE_FIELDS}
    heights = row.heights_px[start:stop][::step, ::step]
    if rng.random() < 0.5:
        # up becomes down, and what is measured from above is then measured from below
        arrays["upper"], arrays["lower"], arrays["centre"] = -arrays["lower"], -arrays["upper"], -arrays["centre"]
        arrays["run_upper"], arrays["run_lower"] = -arrays["run_lower"], -arrays["run_upper"]
        arrays["above"], arrays["below"] = arrays["below"], arrays["above"]
        heights = -heights
    return TaughtRow(replace(row.strokes, **arrays), heights)


def _stack(rows: Sequence[TaughtRow]) -> _Batch:
    n = max(max(len(row.strokes.upper) for row in rows), 8)

    def padded(values: NDArray[np.floating]) -> NDArray[np.float32]:
        extra = [(0, 0)] * (values.ndim - 1) + [(0, n - values.shape[-1])]
        return np.pad(values, extra, constant_values=np.nan).astype(np.float32)

    def stacked(pick: Callable[[RowInk], NDArray[np.floating]]) -> Tensor:
        return torch.from_numpy(np.nan_to_num(np.stack([padded(pick(row.strokes)) for row in rows])))

    def scale(pick: Callable[[RowInk], float]) -> Tensor:
        return torch.tensor([pick(row.strokes) for row in rows], dtype=torch.float32).view(-1, 1, 1)

    return _Batch(
        stacked(stroke_features), stacked(lambda s: s.upper[None]), stacked(lambda s: s.lower[None]),
        scale(lambda s: s.stroke_width_px), scale(lambda s: s.px_per_mm),
        torch.from_numpy(np.stack([padded(row.heights_px.T) for row in rows])),
    )  # fmt: skip


def export(network: StrokeReader, out: Path) -> Path:
    """Write the network, for rows of any number of columns."""
    size = {0: "batch", 2: "columns"}
    return export_network(
        network, out / "stroke_reader.onnx", {"features": (torch.zeros(1, N_FEATURES, 64), size)}, ("answers", size),
        {"width": network.width},
    )  # fmt: skip
