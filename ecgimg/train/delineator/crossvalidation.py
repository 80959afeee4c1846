"""Cross-validate the delineator: each annotated record is measured by a network that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ecgimg.errors import BadRequest
from ecgimg.evaluate.measuring.annotated_records import DelineationScores, score_annotated
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.inference.onnx_sessions import open_network_file
from ecgimg.measurement.delineation.delineator import INPUTS
from ecgimg.record import EcgRecord
from ecgimg.train.delineator.data import split_folds
from ecgimg.train.delineator.training import DelineatorTraining, Sources, taught, train_on
from ecgimg.train.train_network import RunOptions

AnnotatedRecord = tuple[str, EcgRecord, tuple[AnnotatedWave, ...]]


def cross_validate(
    out: Path,
    annotated: Sequence[AnnotatedRecord],
    sources: Sources,
    settings: DelineatorTraining,
    options: RunOptions,
    folds: int = 5,
) -> DelineationScores:
    """Train a network for each fold in ``out/fold_K``, and score each on the records of its fold.

    A run that was stopped goes on where it was when called again alike.

    Parameters
    ----------
    annotated : sequence of (name, record, waves)
        Split at random into `folds`; `sources.annotated` is not used.

    Raises
    ------
    BadRequest
        For fewer records than folds.
    """
    if len(annotated) < folds:
        raise BadRequest(f"{len(annotated)} annotated records cannot be split into {folds} folds; give more")
    scores = DelineationScores()
    for number, names in enumerate(split_folds([name for name, _, _ in annotated], folds, settings.seed)):
        test = [item for item in annotated if item[0] in names]
        train = [taught(*item) for item in annotated if item[0] not in names]
        own = Sources(train, sources.simulated, sources.weak)
        held_back = [taught(*item) for item in test]
        # another seed for each fold, so that they do not draw the same crops
        path = train_on(
            out / f"fold_{number}", own, held_back, replace(settings, seed=settings.seed + number + 1), options
        )
        score_annotated(test, open_network_file(path, INPUTS), scores)
    return scores
