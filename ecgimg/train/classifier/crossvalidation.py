"""Out-of-fold predictions: every record classified by networks that never saw its patient."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS
from ecgimg.errors import BadRequest
from ecgimg.evaluate.shown_records import layout_masks
from ecgimg.train.classifier.measured_views import measure_views
from ecgimg.train.classifier.training import Stage, learn, make_network, predict_logits
from ecgimg.train.export import load_weights

Logits = NDArray[np.float32]
Folds = tuple[int, ...]

FOLD_GROUPS: tuple[Folds, ...] = ((1, 2), (3, 4), (5, 6), (7, 8), (9,))
"""Which folds are held back together: five trainings instead of nine, each on at least seven folds."""


def cross_validate(
    out: Path,
    name: str,
    data: LabelledRecords,
    stage: Stage,
    layouts: Sequence[str],
    *,
    initial: tuple[Path, int] | None = None,
    views: Path | None = None,
    seeds: Sequence[int] = (0,),
    groups: Sequence[Folds] = FOLD_GROUPS,
    jobs: int = 1,
    device: str = "cpu",
) -> dict[str, Logits]:
    """Train a network for every group of folds and seed, on the other folds; what is finished is not done again.

    `initial` are weights to start from, and the place of the network in their file; `views` is the file of
    `measure_views`, for a network that reads what was measured. Only records whose gain is known are predicted; the
    others teach. Patients of the held-back folds are left out of the training whatever their fold.

    Returns
    -------
    mapping of layout to (records, labels)
        The mean logit over seeds; NaN where a record was not predicted.
    """
    if not set(data.folds.tolist()) & {fold for group in groups for fold in group}:
        raise BadRequest("the records have no folds: the table of labels needs a column strat_fold")
    out.mkdir(parents=True, exist_ok=True)
    # one file that all processes open, in place of a copy of the records sent to each
    shared = out / "records.npz"
    with atomic_path(shared) as temporary:
        np.savez(temporary, **vars(data))
    work = partial(
        _one_fold, out=out, shared=shared, name=name, stage=stage, layouts=tuple(layouts), initial=initial,
        views=views, device=device,
    )  # fmt: skip
    tasks = [(group, seed) for seed, group in product(seeds, groups)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(work, tasks))
    predictions = {layout: np.full((len(data), len(LABELS)), np.nan, np.float32) for layout in layouts}
    for path in done:
        with np.load(path) as parts:
            for layout, logits in predictions.items():
                rows = parts["rows"]
                # NaN where no seed has predicted yet
                logits[rows] = np.nan_to_num(logits[rows]) + parts[layout] / len(seeds)
    return predictions


def _one_fold(
    task: tuple[Folds, int], *, out: Path, shared: Path, name: str, stage: Stage, layouts: Sequence[str],
    initial: tuple[Path, int] | None, views: Path | None, device: str,
) -> Path:  # fmt: skip
    """Train for one group of folds and one seed, and predict what was held back; returns the file of predictions."""
    group, seed = task
    folder = out / f"folds-{'-'.join(map(str, group))}-seed-{seed}"
    target = folder / "held_back.npz"
    if target.is_file():
        return target
    # the processes share the cores: each takes one thread
    torch.set_num_threads(1)
    with np.load(shared) as parts:
        data = LabelledRecords(**parts)
    held_back_rows = np.isin(data.folds, group)
    # a patient's other records are as good as the record itself for a network that knows the patient
    is_teaching = ~held_back_rows & ~np.isin(data.patients, data.patients[held_back_rows])
    teaching = data.subset(is_teaching)
    measured = measure_views(data, views) if views is not None else None
    rows = np.flatnonzero(held_back_rows & data.gain_known)
    torch.manual_seed(seed)  # of the weights to begin with
    network = make_network(name)
    if initial is not None:
        load_weights(network, *initial)
    own = Stage(**{**vars(stage), "seed": seed})
    taught_views = measured.subset(is_teaching) if measured is not None else None
    learn(network, teaching, None, own, folder, device=device, views=taught_views)
    predictions = {}
    for layout in layouts:
        # masks by the place among all records: those in which they were measured
        shown = np.where(layout_masks(layout, len(data))[rows], data.signals_mv[rows], np.nan)
        inputs = measured.of_layout(layout).subset(rows) if measured is not None else None
        predictions[layout] = predict_logits(network, shown, device, measured=inputs)
    torch.save(network.state_dict(), folder / "network.pt")
    with atomic_path(target) as temporary:
        np.savez(temporary, allow_pickle=False, rows=rows, **predictions)
    return target
