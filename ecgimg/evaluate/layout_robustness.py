"""How robust a classifier is to the layout of the page: the same records, shown as each layout shows them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS, SUBCLASSES, SUPERCLASSES
from ecgimg.classification.tokens import FS_HZ
from ecgimg.classification.trained_classifier import Classifier, load_classifier, shipped_classifier
from ecgimg.errors import BadRequest, EcgImgError
from ecgimg.evaluate import classifier_metrics as metrics
from ecgimg.evaluate.shown_records import iter_shown, measure_in_processes

Floats = NDArray[np.float64]
Signals = NDArray[np.float32]

ENTRY_POINTS = "ecgimg.classifiers"
# With fewer positives the AUROC of a label is too uncertain to compare models by.
MIN_POSITIVES = 20
_BOOTSTRAP_DRAWS = 500
# Records that a model is given at a time, so that its memory stays small.
_BATCH = 256


@dataclass(frozen=True, eq=False)
class Model:
    """A classifier under test.

    Parameters
    ----------
    predict : callable (signals_mv, mask, fs_hz) -> (records, labels)
        `signals_mv` are (records, 12, samples) float32 in mV, 256 records at most and ten seconds long. The leads are
        in the order of `STANDARD_LEADS`. `mask`, of the same shape, is True where a value is known; elsewhere
        `signals_mv` is 0 and never NaN. `fs_hz` is 100.0, to which records of any rate are resampled. The result are
        probabilities from 0 to 1, a row for each record.
    labels : tuple of str
        What the columns mean, from `LABELS`.
    thresholds : (labels,)
        From which probability a label counts as present.
    """

    name: str
    predict: Callable[[Signals, NDArray[np.bool_], float], NDArray[np.floating[Any]]]
    labels: tuple[str, ...]
    thresholds: Floats


@dataclass(frozen=True, eq=False)
class LayoutScores:
    """Predictions (records, labels) for one layout, and the records whose page was refused (via page)."""

    layout: str
    probabilities: Floats
    unread: NDArray[np.bool_]


def find_model(name: str | None, jobs: int = 1) -> Model:
    """Return the shipped classifier, one by the path of its weights, or a plug-in.

    A classifier of ours measures its records in `jobs` processes.

    A plug-in is a callable ``(signals_mv, mask, fs_hz) -> probabilities`` as `Model` describes it, named
    ``module:name`` or by an entry point of the group ``ecgimg.classifiers``. It may have an attribute ``labels``;
    without one its columns must be those of `LABELS` or of the 23 subclasses. It may have ``thresholds``, one for each
    label, from which on it is present.

    Raises
    ------
    BadRequest, BadWeights
    """
    if name is None:
        return _as_model("PatchECG", shipped_classifier(), jobs)
    if Path(name).suffix in {".json", ".onnx", ".safetensors"}:
        return _as_model(Path(name).stem, load_classifier(name), jobs)
    plugin = _load_plugin(name)
    try:
        labels = tuple(getattr(plugin, "labels", ()))
        thresholds = getattr(plugin, "thresholds", None)
        cut = np.full(len(labels), 0.5) if thresholds is None else np.asarray(thresholds, np.float64)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"the model {name!r} needs labels that are names, and thresholds that are numbers") from error
    unknown = [label for label in labels if label not in LABELS]
    if unknown:
        raise BadRequest(f"the model {name!r} names labels that are not known here: {', '.join(map(str, unknown[:4]))}")
    if len(set(labels)) != len(labels) or (thresholds is not None and cut.shape != (len(labels),)):
        raise BadRequest(f"the model {name!r} needs each label once, and one threshold for each of its labels")
    return Model(name, plugin, labels, cut)


def _load_plugin(name: str) -> Callable[..., Any]:
    """Import a plug-in by ``module:name`` or entry point; `BadRequest` whatever its module raises."""
    plugins = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    try:
        if name in plugins:
            plugin = plugins[name].load()
        else:
            module, _, attribute = name.partition(":")
            plugin = getattr(import_module(module), attribute)
    except Exception as error:
        known = f"; entry points are {', '.join(plugins)}" if plugins else ""
        raise BadRequest(
            f"the model {name!r} is no weights file (.json, .onnx), entry point, or module:name that can be imported "
            f"({_one_line(error)}){known}"
        ) from error
    if not callable(plugin):
        raise BadRequest(f"the model {name!r} cannot be called with (signals_mv, mask, fs_hz)")
    return plugin  # type: ignore[no-any-return]


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(": .")


def _as_model(name: str, classifier: Classifier, jobs: int) -> Model:
    def predict(signals_mv: Signals, mask: NDArray[np.bool_], _fs_hz: float) -> Floats:
        seen = np.where(mask, signals_mv, np.nan).astype(np.float32)
        measured = measure_in_processes(seen, jobs) if classifier.is_measuring else None
        return classifier.probabilities(classifier.logits(seen, measured))

    cuts = classifier.thresholds("youden")
    thresholds = np.array([0.5 if cut is None else cut for cut in cuts.values()])
    return Model(name, predict, classifier.labels, thresholds)


def score_layout(model: Model, layout: str, signals_mv: Signals) -> LayoutScores:
    """Classify the records that `iter_shown` gives for one layout.

    A page that was refused gets the mean of the others' probabilities.
    """
    return LayoutScores(layout, *_predicted(model, signals_mv))


def evaluate_layouts(
    model: Model,
    data: LabelledRecords,
    layouts: str,
    *,
    via: str = "mask",
    degradation: str = "photo",
    seed: int = 0,
    jobs: int = 1,
) -> Iterator[LayoutScores]:
    """Classify every record as each layout shows it, in turn; arguments and errors of `iter_shown`."""
    for layout, signals_mv in iter_shown(data, layouts, via=via, degradation=degradation, seed=seed, jobs=jobs):
        yield score_layout(model, layout, signals_mv)


def _predicted(model: Model, signals: Signals) -> tuple[Floats, NDArray[np.bool_]]:
    """Return probabilities (records, labels), and which records showed nothing."""
    mask = np.isfinite(signals)
    unread = np.asarray(~mask.any(axis=(1, 2)), bool)
    filled = np.where(mask, signals, np.float32(0))
    readable = np.flatnonzero(~unread)
    parts = [
        _called(model, filled[rows], mask[rows])
        for rows in np.array_split(readable, max(-(-len(readable) // _BATCH), 1))
        if len(rows)
    ]
    if not parts:
        raise BadRequest("no record shows anything in this layout, or no page could be read")
    if len({part.shape[1] for part in parts}) > 1:
        raise BadRequest(f"the model {model.name!r} returns another number of columns for other records")
    predicted = np.concatenate(parts)
    probabilities = np.empty((len(signals), predicted.shape[1]))
    # A page that was not read gets the mean: it ranks neither high nor low.
    probabilities[readable], probabilities[unread] = predicted, predicted.mean(axis=0)
    return probabilities, unread


def _called(model: Model, signals_mv: Signals, mask: NDArray[np.bool_]) -> Floats:
    """Return what a model gives for some records, (records, labels); `BadRequest` where it raises or gives no such."""
    try:
        returned = model.predict(signals_mv, mask, FS_HZ)
    except EcgImgError:
        raise
    except Exception as error:
        raise BadRequest(
            f"the model {model.name!r} failed on signals_mv of shape {signals_mv.shape} ({_one_line(error)})"
        ) from error
    try:
        values = np.asarray(returned)
    except (TypeError, ValueError):  # rows of different lengths
        values = np.empty(())
    is_right = values.ndim == 2 and len(values) == len(signals_mv) and values.size > 0 and values.dtype.kind in "biuf"
    # NaN is within no range
    if not is_right or not (values.min() >= 0 and values.max() <= 1):
        shown = f"an array of shape {values.shape}" if values.ndim else f"a {type(returned).__name__}"
        raise BadRequest(
            f"the model {model.name!r} must return finite probabilities from 0 to 1 of shape (records, labels), here "
            f"({len(signals_mv)}, labels); it returns {shown}"
        )
    return values.astype(np.float64)


# ---------------------------------------------------------------- scores


def labels_of(model: Model, scores: LayoutScores) -> tuple[str, ...]:
    """Return what the columns mean (`BadRequest` where a plug-in does not say and it cannot be told)."""
    width = scores.probabilities.shape[1]
    for labels in (model.labels, LABELS, SUBCLASSES):
        if len(labels) == width:
            return labels
    raise BadRequest(f"the model {model.name!r} returns {width} columns; give it an attribute labels that names them")


def groups_of(labels: Sequence[str], data: LabelledRecords) -> dict[str, list[str]]:
    """Return the groups of labels that are averaged: those of `labels` that have a positive, or enough of them."""
    positives = dict(zip(LABELS, (data.targets & data.known).sum(axis=0).tolist(), strict=True))
    subclasses = [label for label in SUBCLASSES if label in labels and positives[label]]
    groups = {
        f"subclass ≥{MIN_POSITIVES}": [k for k in subclasses if positives[k] >= MIN_POSITIVES],
        "subclass": subclasses,
        "superclass": [label for label in SUPERCLASSES if label in labels and positives[label]],
        "AFIB": [label for label in ("AFIB",) if label in labels and positives[label]],
    }
    return {name: members for name, members in groups.items() if members}


def summarize(
    model: Model, data: LabelledRecords, scores: LayoutScores, *, times: int = _BOOTSTRAP_DRAWS, seed: int = 0
) -> dict[str, Any]:
    """Return the scores of one layout.

    For each group of labels AUROC with a 95 % interval over patients, AUPRC, macro F and calibration error; for each
    label its positives, AUROC and AUPRC.
    """
    labels = labels_of(model, scores)
    columns = {label: k for k, label in enumerate(labels)}
    draws = metrics.resampled(data.patients, times, np.random.default_rng([seed, 2]))
    summary: dict[str, Any] = {"layout": scores.layout, "records": len(data), "unread": int(scores.unread.sum())}
    summary["groups"] = {
        name: _group_scores(model, data, scores, members, columns, draws)
        for name, members in groups_of(labels, data).items()
    }
    by_label = {label: _label_scores(data, label, scores.probabilities[:, columns[label]]) for label in labels}
    # A label without positives has no AUROC.
    summary["labels"] = {label: values for label, values in by_label.items() if values["positives"]}
    return summary


def _label_scores(data: LabelledRecords, label: str, probability: Floats) -> dict[str, float]:
    """Return positives, AUROC and AUPRC of one label, over the records where it is known."""
    at = LABELS.index(label)
    known = data.known[:, at]
    positive = data.targets[known, at]
    return {
        "positives": int(positive.sum()),
        "auroc": metrics.auroc(probability[known], positive),
        "auprc": metrics.auprc(probability[known], positive),
    }


def _group_scores(
    model: Model, data: LabelledRecords, scores: LayoutScores, members: Sequence[str], columns: Mapping[str, int],
    draws: Sequence[NDArray[np.intp]],
) -> dict[str, Any]:  # fmt: skip
    at, own = [LABELS.index(label) for label in members], [columns[label] for label in members]
    positive, known, probabilities = data.targets[:, at], data.known[:, at], scores.probabilities[:, own]
    cut = model.thresholds[own] if len(model.thresholds) == len(columns) else np.full(len(own), 0.5)
    flagged = (probabilities >= cut).astype(np.float64)
    # The same draws for all scores, so that layouts can be compared.
    spread = [metrics.macro(metrics.auroc, probabilities[draw], positive[draw], known[draw]) for draw in draws]
    return {
        "labels": len(members),
        "auroc": metrics.macro(metrics.auroc, probabilities, positive, known),
        "auroc_95": metrics.interval(np.array(spread)),
        "auprc": metrics.macro(metrics.auprc, probabilities, positive, known),
        "macro_f": metrics.macro(lambda flags, truth: metrics.f_score(flags > 0.5, truth), flagged, positive, known),
        "calibration_error": metrics.macro(metrics.calibration_error, probabilities, positive, known),
    }


def paired_difference(
    data: LabelledRecords,
    members: Sequence[str],
    first: Floats,
    second: Floats,
    *,
    times: int = _BOOTSTRAP_DRAWS,
    seed: int = 0,
) -> tuple[float, tuple[float, float]]:
    """Return by how much the macro AUROC of `first` exceeds that of `second`, with its 95 % interval over patients.

    Both are probabilities (records, members).
    """
    at = [LABELS.index(label) for label in members]
    positive, known = data.targets[:, at], data.known[:, at]

    def difference(rows: NDArray[np.intp] | slice) -> float:
        truth = positive[rows], known[rows]
        return metrics.macro(metrics.auroc, first[rows], *truth) - metrics.macro(metrics.auroc, second[rows], *truth)

    draws = metrics.resampled(data.patients, times, np.random.default_rng([seed, 2]))
    return difference(slice(None)), metrics.interval(np.array([difference(draw) for draw in draws]))


def paired_differences(
    data: LabelledRecords, first: tuple[Model, LayoutScores], second: tuple[Model, LayoutScores], *, seed: int = 0
) -> dict[str, tuple[float, tuple[float, float]]]:
    """Return, for each group of labels that both models have, by how much the macro AUROC of the first is higher.

    With the 95 % interval over patients. Both are scores of the same layout.
    """
    labels = [labels_of(model, scores) for model, scores in (first, second)]
    common = [label for label in labels[0] if label in labels[1]]
    differences = {}
    for name, members in groups_of(common, data).items():
        columns = [
            scores.probabilities[:, [own.index(label) for label in members]]
            for own, (_, scores) in zip(labels, (first, second), strict=True)
        ]
        differences[name] = paired_difference(data, members, columns[0], columns[1], seed=seed)
    return differences


def save_predictions(labels: Sequence[str], data: LabelledRecords, scores: LayoutScores, folder: Path) -> Path:
    """Write ``<layout>.csv``: ``ecg_id`` and the probability of each label."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["ecg_id", *labels])
    for name, row in zip(data.ids, scores.probabilities, strict=True):
        table.writerow([name, *(f"{value:.6f}" for value in row)])
    with atomic_path(folder / f"{scores.layout}.csv") as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    return folder / f"{scores.layout}.csv"
