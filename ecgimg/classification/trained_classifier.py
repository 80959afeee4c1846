"""Load a trained classifier: the network, what its outputs mean, how they are calibrated, and where to cut them.

A classifier is ``NAME.json`` with the digests of ``NAME.onnx`` (to use) and ``NAME.safetensors`` (to fine-tune) beside
it. Nothing that could run code is ever read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import expit

from ecgimg.classification.labels import LABELS
from ecgimg.classification.measured_inputs import MeasuredInputs, measure_signals
from ecgimg.classification.tokens import CANVAS, tokenize
from ecgimg.errors import BadRequest, BadWeights, MissingWeights
from ecgimg.inference.onnx_sessions import open_network
from ecgimg.measurement.order_statistics import known_median
from ecgimg.reasons import Reason, ReasonCode

OPERATING_POINTS = ("likely", "possible", "youden", "sens90", "spec90")
"""Where a probability counts as a finding: half or a fifth of such findings are right (on records that no network saw),
most sensitivity + specificity, 90 % sensitivity, or 90 % specificity."""

_LEAST_POSITIVES, _LEAST_AUROC = 20, 0.80  # of a label that is judged

Chance = Annotated[float, Field(ge=0, le=1)]


class LabelCard(BaseModel):
    """What is known of one output: how to calibrate it, where to cut it, and on how many records that rests.

    ``probability = sigmoid(slope · logit + offset)``; thresholds are of that probability, None where too few positives
    were there to choose them, or where no probability is high enough.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slope: float = Field(ge=0.01, le=100)
    offset: float = Field(ge=-100, le=100)
    thresholds: dict[str, Chance | None] | None
    positives: int = Field(ge=0)
    auroc: Chance | None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.thresholds is not None and set(self.thresholds) != set(OPERATING_POINTS):
            raise ValueError(f"thresholds are of {', '.join(OPERATING_POINTS)}")
        return self


class Digests(BaseModel):
    """SHA-256 of a classifier's files, and of all that its card says besides: labels, their order and calibration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    onnx: str
    safetensors: str
    card: str


class ClassifierCard(BaseModel):
    """The content of ``NAME.json``.

    Parameters
    ----------
    schema_name, schema_version
        ``ecgimg-classifier``, 1.
    version : str
        Of ecgimg, which trained it.
    records : int
        How many it was trained on.
    networks : list of dict
        The settings of the networks whose mean is the answer.
    sha256 : Digests
        Of its files and of the card.
    labels : dict of str to LabelCard
        In the order of the outputs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_name: Literal["ecgimg-classifier"]
    schema_version: Literal[1]
    version: str
    records: int = Field(ge=0)
    networks: list[dict[str, str | int | list[int]]]
    sha256: Digests
    labels: Annotated[dict[str, LabelCard], Field(min_length=1, max_length=1000)]

    def digest(self) -> str:
        """Return the SHA-256 of the card without the digests, labels in their order."""
        # The order of labels is the order of outputs, so keys are not sorted.
        content = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Classifier:
    """A network and its card.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    card : ClassifierCard
        What its outputs mean, how they are calibrated, and where they are cut.
    """

    session: onnxruntime.InferenceSession
    card: ClassifierCard

    @property
    def labels(self) -> tuple[str, ...]:
        """What the outputs mean, in their order."""
        return tuple(self.card.labels)

    @property
    def is_measuring(self) -> bool:
        """Whether a network reads what was measured, too."""
        return "numbers" in self._inputs

    def logits(
        self, signals_mv: NDArray[np.float32], measured: MeasuredInputs | None = None, batch: int = 32
    ) -> NDArray[np.float32]:
        """Return (records, labels) for records (records, 12, samples) at 100 Hz, NaN where nothing is known.

        Records with about as many patches share a batch. One without any value gets NaN.

        Parameters
        ----------
        measured : MeasuredInputs, optional
            Of the same records; where it is not given and a network reads it, the signals are measured here.
        """
        logits = np.full((len(signals_mv), len(self.labels)), np.nan, np.float32)
        # Sorted by length, a batch needs little padding.
        counts = np.isfinite(signals_mv).sum(axis=(1, 2))
        order = np.argsort(counts, kind="stable")[int((counts == 0).sum()) :]
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            own = measured.subset(chosen) if measured is not None else None
            (batch_logits,) = self.session.run(None, network_inputs(signals_mv[chosen], self._inputs, own))
            logits[chosen] = batch_logits
        return logits

    @cached_property
    def _inputs(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.session.get_inputs())

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return calibrated probabilities of logits (…, labels)."""
        cards = self.card.labels.values()
        slope, offset = (np.array([getattr(card, name) for card in cards]) for name in ("slope", "offset"))
        return np.asarray(expit(slope * logits.astype(np.float64) + offset), np.float64)

    def unlearned(self) -> dict[str, Reason]:
        """Return the labels that are not judged, as training could not carry them, each with the reason."""
        reasons = {}
        for label, card in self.card.labels.items():
            if card.positives < _LEAST_POSITIVES:
                reasons[label] = ReasonCode.TOO_FEW_TO_LEARN.reason()
            elif card.auroc is not None and card.auroc < _LEAST_AUROC:
                reasons[label] = ReasonCode.TOLD_TOO_POORLY.reason()
        return reasons

    def thresholds(self, operating_point: str) -> Mapping[str, float | None]:
        """Return label → the probability from which it counts as a finding."""
        return {
            label: card.thresholds[operating_point] if card.thresholds else None
            for label, card in self.card.labels.items()
        }


TOKEN_INPUTS = ("values", "lead", "time_s", "present")
CHANNEL_INPUTS = ("channels",)
MEASURED_INPUTS = ("numbers", "beats")


def network_inputs(
    signals_mv: NDArray[np.float32], inputs: Collection[str], measured: MeasuredInputs | None = None
) -> dict[str, NDArray[Any]]:
    """Return what networks take of records (batch, 12, samples) mV, NaN where nothing is known, by name.

    The tokens; ``channels`` (batch, 24, samples): mV with 0 where nothing is known, and the leads' masks, on a
    canvas of ten seconds or more; and what was measured of the records. Leads are about their medians, so that the
    offset of a recorder says nothing.
    """
    feed: dict[str, NDArray[Any]] = {}
    signals_mv = signals_mv - known_median(signals_mv, axis=2)[..., None].astype(np.float32)
    if "values" in inputs:
        feed |= vars(tokenize(signals_mv))
    if "channels" in inputs:
        known = np.isfinite(signals_mv)
        channels = np.concatenate([np.where(known, signals_mv, np.float32(0)), known.astype(np.float32)], axis=1)
        feed["channels"] = np.pad(channels, ((0, 0), (0, 0), (0, max(CANVAS - channels.shape[2], 0))))
    if "numbers" in inputs:
        feed |= vars(measured if measured is not None else measure_signals(signals_mv))
    return feed


def check_operating_point(operating_point: str) -> None:
    """Refuse an operating point that is none of `OPERATING_POINTS` (`BadRequest`)."""
    if operating_point not in OPERATING_POINTS:
        raise BadRequest(f"there is no operating point {operating_point!r}; choose from {', '.join(OPERATING_POINTS)}")


@cache
def shipped_classifier() -> Classifier:
    """Load the classifier that travels with the package.

    Returns
    -------
    Classifier

    Raises
    ------
    MissingWeights
        When the weights are not where they were installed.
    """
    with as_file(files("ecgimg") / "weights") as folder:
        if not (folder / "patchecg.json").is_file():
            raise MissingWeights("patchecg.json")
        return load_classifier(folder / "patchecg.json")


def load_classifier(path: str | Path) -> Classifier:
    """Load a classifier by any of its three files.

    Parameters
    ----------
    path : str or Path
        ``NAME.json``, ``NAME.onnx`` or ``NAME.safetensors``.

    Returns
    -------
    Classifier

    Raises
    ------
    BadWeights
        When a file is missing, is not what the card describes, or names labels that are not known here.
    """
    path = Path(path)
    card = _read_card(path.with_suffix(".json"))
    unknown = [label for label in card.labels if label not in LABELS]
    if unknown:
        raise BadWeights(f"{path} names labels that are not known here ({', '.join(unknown[:3])}); train it again")
    if card.digest() != card.sha256.card:
        raise BadWeights(f"{path.with_suffix('.json')} was changed after it was written; copy or train it again")
    content = _checked(path.with_suffix(".onnx"), card.sha256.onnx)
    try:
        session = open_network(content, arena=True)
    except Exception:  # onnxruntime raises a kind of its own for each way to be wrong
        raise BadWeights(f"{path.with_suffix('.onnx')} is no network that can be run; copy or train it again") from None
    outputs = session.get_outputs()[0].shape[-1]
    if outputs != len(card.labels):
        raise BadWeights(f"{path} has {outputs} outputs for {len(card.labels)} labels; its files are not of one kind")
    return Classifier(session, card)


def _read_card(path: Path) -> ClassifierCard:
    try:
        return ClassifierCard.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise BadWeights(f"there is no {path}; weights are NAME.json, NAME.onnx and NAME.safetensors") from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise BadWeights(f"{path} does not describe a classifier ({where[:200]}); copy or train it again") from None
    except (ValueError, RecursionError):
        raise BadWeights(f"{path} does not describe a classifier (it is no JSON); copy or train it again") from None


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        raise BadWeights(f"{path} is missing beside its JSON; copy both again") from None
    # The bytes that are checked are those that run: the file is read once.
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadWeights(f"{path} is not the file that its JSON describes (it was changed or damaged); copy it again")
    return content
