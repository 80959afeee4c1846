"""Train the delineator on annotated records and simulated hearts: its settings, batches, loss, scores and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool1d, cross_entropy, max_pool1d

from ecgimg.errors import BadRequest
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement.delineation.delineator import FLOOR, N_CLASSES, N_WAVES, UNIT_S
from ecgimg.measurement.delineation.model import KINDS, Floats, P
from ecgimg.measurement.delineation.network_input import MULTIPLE, RATE_HZ, SAMPLES_PER_STEP, normalize
from ecgimg.record import EcgRecord
from ecgimg.resample import resample
from ecgimg.train.delineator.augment import disturbed, shown
from ecgimg.train.delineator.data import UNKNOWN, TaughtRecord, make_target, simulated_hearts, stretched, unmarked
from ecgimg.train.delineator.network import WIDTHS, Delineator
from ecgimg.train.export import export_network
from ecgimg.train.train_network import RunOptions, Settings, Task, train_network

_CROP = 32 * MULTIPLE  # samples: 4.1 s
_STRETCH = 0.2  # logarithm of how much slower or faster a record is played at most
_WINDOWS = 12  # most of a crop: 176 beats a minute
_P_STEPS = 6  # of a P wave at least: 48 ms
_WEAK_WEIGHT = 0.1  # of what the rhythm tells, in the loss
_HELD_BACK = 20  # simulated hearts that training never sees


@dataclass(frozen=True)
class DelineatorTraining(Settings):
    """How long and how: all that decides the weights besides the records.

    Parameters
    ----------
    hearts : int
        Simulated hearts to learn from.
    batch : int
        Crops a step.
    simulated_share : float
        Share of the crops that show a simulated heart, where there are annotated records.
    weak_share : float
        Share of the crops that show a record of `Sources.weak`, where there are some.
    """

    steps: int = 1500
    learning_rate: float = 3e-3
    weight_decay: float = 2e-2
    hearts: int = 1000
    batch: int = 8
    widths: tuple[int, ...] = WIDTHS
    simulated_share: float = 0.25
    weak_share: float = 0.15


@dataclass(frozen=True, eq=False)
class Sources:
    """The records that a training draws from: annotated, simulated, and those of which only the rhythm is known."""

    annotated: Sequence[TaughtRecord] = ()
    simulated: Sequence[TaughtRecord] = ()
    weak: Sequence[TaughtRecord] = ()


def taught(name: str, record: EcgRecord, waves: Sequence[AnnotatedWave]) -> TaughtRecord:
    """Return an annotated record as the network learns from it."""
    rows = []
    for wave in waves:
        lead = record.leads.index(wave.lead)
        if wave.onset_s is None or wave.end_s is None:
            rows.append(unmarked(lead, wave.peak_s))
        else:
            rows.append((float(lead), float(KINDS[wave.kind]), wave.onset_s, wave.end_s))
    signals = np.nan_to_num(resample(record, RATE_HZ).signals)
    return TaughtRecord(name, signals, np.array(rows, np.float64).reshape(-1, 4))


def make_sources(
    out: Path, annotated: Sequence[TaughtRecord], weak: Sequence[TaughtRecord], settings: DelineatorTraining, jobs: int
) -> tuple[Sources, list[TaughtRecord]]:
    """Return the records to train on, and simulated hearts that are held back.

    Parameters
    ----------
    out : Path
        Folder in whose ``pool`` the simulated hearts are kept.
    weak : sequence of TaughtRecord
        See `weak_labels`.

    Raises
    ------
    BadRequest
        For an annotated record of another number of leads than the simulated hearts.
    """
    for record in annotated:
        if len(record.signals_mv) != len(STANDARD_LEADS):
            raise BadRequest(
                f"record {record.name} has {len(record.signals_mv)} leads; the delineator learns from records of "
                f"{len(STANDARD_LEADS)}, and hides leads itself"
            )
    hearts = simulated_hearts(out / "pool", settings.hearts + _HELD_BACK, settings.seed, jobs)
    return Sources(annotated, hearts[_HELD_BACK:], weak), hearts[:_HELD_BACK]


def train_on(
    out: Path, sources: Sources, held_back: Sequence[TaughtRecord], settings: DelineatorTraining, options: RunOptions
) -> Path:
    """Train on these records, scored on those held back."""

    def loss_of_step(network: Delineator, step: int) -> Tensor:
        rng = np.random.default_rng([settings.seed, step])
        batch = _stack([_crop(_draw(sources, settings, rng), rng) for _ in range(settings.batch)]).to(options.device)
        return delineation_loss(network(batch.signals, batch.known), batch)

    def make() -> Delineator:
        return Delineator(settings.widths)

    def scores(network: Delineator) -> dict[str, float]:
        return evaluate(network, held_back)

    return train_network(out, Task(make, loss_of_step, scores, export, log_every=250), settings, options)


@dataclass(frozen=True, eq=False)
class _Batch:
    """What a step learns from.

    Input (b, leads, samples), kinds (b, leads, steps), distances (b, leads, 2, steps), flags (b,), windows (b, n, 2).
    """

    signals: Tensor
    known: Tensor
    kinds: Tensor
    distances: Tensor
    shows_no_p: Tensor
    p_windows: Tensor

    def to(self, device: str) -> _Batch:
        return _Batch(*(value.to(device) for value in vars(self).values()))


def _draw(sources: Sources, settings: DelineatorTraining, rng: Generator) -> TaughtRecord:
    """Return a record of one of the sources."""
    pool = sources.annotated
    if sources.weak and rng.random() < settings.weak_share:
        pool = sources.weak
    elif not pool or (sources.simulated and rng.random() < settings.simulated_share):
        pool = sources.simulated
    return pool[int(rng.integers(len(pool)))]


def _crop(record: TaughtRecord, rng: Generator) -> _Batch:
    """Return a disturbed crop of a record."""
    record = stretched(record, float(np.exp(rng.uniform(-_STRETCH, _STRETCH))))
    leads, samples = record.signals_mv.shape
    first = int(rng.integers(0, max(samples - _CROP, 0) // SAMPLES_PER_STEP + 1)) * SAMPLES_PER_STEP
    signals = record.signals_mv[:, first : first + _CROP]
    signals = np.pad(signals, ((0, 0), (0, _CROP - signals.shape[1])), mode="edge")
    target = make_target(record.waves, leads, first / RATE_HZ, _CROP // SAMPLES_PER_STEP)
    seen = shown(leads, _CROP, rng)
    values, known = normalize(np.where(seen, disturbed(signals, rng), np.nan))
    is_seen = seen.reshape(leads, -1, SAMPLES_PER_STEP).any(axis=2)
    kinds = np.where(is_seen, target.kinds, UNKNOWN)
    return _Batch(
        torch.from_numpy(values), torch.from_numpy(known), torch.from_numpy(kinds),
        torch.from_numpy(target.distances), torch.tensor(record.shows_no_p),
        torch.from_numpy(_window_steps(record.p_windows_s - first / RATE_HZ)),
    )  # fmt: skip


def _window_steps(windows_s: Floats) -> NDArray[np.int64]:
    """Return first and last step (`_WINDOWS`, 2) of the windows that lie within a crop; -1 for none."""
    steps = np.full((_WINDOWS, 2), -1, np.int64)
    span_s = _CROP / RATE_HZ
    inside = windows_s[(windows_s[:, 0] >= 0) & (windows_s[:, 1] < span_s)][:_WINDOWS]
    steps[: len(inside)] = (inside * RATE_HZ / SAMPLES_PER_STEP).astype(np.int64)
    return steps


def _stack(crops: Sequence[_Batch]) -> _Batch:
    return _Batch(*(torch.stack([vars(crop)[name] for crop in crops]) for name in vars(crops[0])))


def delineation_loss(answers: Tensor, batch: _Batch) -> Tensor:
    """Return the cross-entropy of the kinds, the mean errors of both ends, and the likelihood of the errors expected.

    Mean absolute errors make the network give medians of what annotators mark, which are free of bias over records.
    """
    logits = answers[:, :, :N_CLASSES]
    known = (batch.kinds != UNKNOWN).sum().clamp(min=1)
    # a sum, as the mean of a batch of which nothing is known would be no number
    loss = cross_entropy(logits.permute(0, 2, 1, 3), batch.kinds, ignore_index=UNKNOWN, reduction="sum") / known
    shape = (*answers.shape[:2], N_WAVES, 2, answers.shape[3])
    distances = answers[:, :, N_CLASSES : N_CLASSES + 2 * N_WAVES].reshape(shape)
    log_errors = answers[:, :, N_CLASSES + 2 * N_WAVES :].reshape(shape)
    for kind in range(1, N_CLASSES):
        chosen = batch.kinds == kind
        if chosen.any():
            # (waves' steps, 2): to onset and to end
            error = (distances[:, :, kind - 1] - batch.distances).permute(0, 1, 3, 2)[chosen].abs()
            expected = log_errors[:, :, kind - 1].permute(0, 1, 3, 2)[chosen].exp() + FLOOR
            # detached: the expected error follows the error, and never pulls the ends
            loss = loss + 2 * error.mean() + 0.1 * (error.detach() / expected + expected.log()).mean()
    return loss + _WEAK_WEIGHT * _rhythm_loss(logits.softmax(dim=2)[:, :, P], batch)


def _rhythm_loss(p: Tensor, batch: _Batch) -> Tensor:
    """Return the loss of the probabilities of P waves (b, leads, steps) against what the rhythm tells.

    Fibrillation has none anywhere. In sinus rhythm each window holds one, in those half of the known leads that show
    it best, for some steps.
    """
    loss = p.new_zeros(())
    if batch.shows_no_p.any():
        loss = loss - torch.log1p(-p[batch.shows_no_p].clamp(max=0.999)).mean()
    known = max_pool1d(batch.known, SAMPLES_PER_STEP)
    misses = []
    for row, number in torch.nonzero(batch.p_windows[:, :, 0] >= 0).tolist():
        first, last = batch.p_windows[row, number].tolist()
        leads = known[row, :, first:last].min(dim=1).values > 0
        if leads.any() and last - first > _P_STEPS:
            shown = avg_pool1d(p[row, leads, first:last], _P_STEPS, 1).max(dim=1).values
            best = shown.topk((len(shown) + 1) // 2).values
            misses.append(-torch.log(best.clamp(min=1e-4)).mean())
    return loss + torch.stack(misses).mean() if misses else loss


def evaluate(network: Delineator, records: Sequence[TaughtRecord]) -> dict[str, float]:
    """Return the share of steps whose kind is right, and the mean errors of onsets and ends (ms) of each wave."""
    device = next(network.parameters()).device
    right, errors_ms = [], {kind: [] for kind in KINDS}  # type: ignore[var-annotated]
    for record in records:
        leads, samples = record.signals_mv.shape
        n = samples // MULTIPLE * MULTIPLE
        values, known = normalize(record.signals_mv[:, :n])
        inputs = (torch.from_numpy(rows)[None].to(device) for rows in (values, known))
        answers = network(*inputs)[0].cpu().numpy()
        target = make_target(record.waves, leads, 0.0, n // SAMPLES_PER_STEP)
        is_known = target.kinds != UNKNOWN
        right.append((answers[:, :N_CLASSES].argmax(axis=1) == target.kinds)[is_known])
        for name, kind in KINDS.items():
            first = N_CLASSES + 2 * (kind - 1)
            error = np.abs(answers[:, first : first + 2] - target.distances).mean(axis=1)
            errors_ms[name].append(1000 * UNIT_S * error[target.kinds == kind])
    means = {f"{name.lower()}_ms": _mean(np.concatenate(values)) for name, values in errors_ms.items()}
    return {"right": _mean(np.concatenate(right)), **means}


def _mean(values: NDArray[np.generic]) -> float:
    """Return the mean; NaN where there is none, as of P waves in records of atrial fibrillation."""
    return float(values.mean()) if len(values) else float("nan")


def export(network: Delineator, out: Path) -> Path:
    """Write the network, for any number of leads and samples (a multiple of 32)."""
    size = {0: "records", 1: "leads", 2: "samples"}
    example = torch.zeros(1, 3, 4 * MULTIPLE)
    return export_network(
        network, out / "delineator.onnx", {"signals": (example, size), "known": (torch.ones_like(example), size)},
        ("answers", {0: "records", 1: "leads", 3: "steps"}), {"widths": list(network.widths)}, half=True,
    )  # fmt: skip
