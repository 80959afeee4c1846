"""Weights and their card: what was changed, lacks something or is of another kind is refused."""

from __future__ import annotations

import contextlib
import json
import shutil
from importlib.resources import files

import pytest
from pydantic import ValidationError

from ecgimg import BadWeights
from ecgimg.classification import load_classifier
from ecgimg.classification.labels import LABELS
from ecgimg.classification.trained_classifier import ClassifierCard


@pytest.fixture
def copied(tmp_path, classifier):
    folder = files("ecgimg") / "weights"
    for suffix in (".json", ".onnx"):
        shutil.copy(str(folder / f"patchecg{suffix}"), tmp_path)
    return tmp_path / "patchecg.json"


def test_load_copied_weights(copied):
    """Copied weights load."""
    assert load_classifier(copied.with_suffix(".onnx")).labels == LABELS


def test_load_changed_weights(copied):
    """Changed weights are refused."""
    content = bytearray(copied.with_suffix(".onnx").read_bytes())
    content[len(content) // 2] ^= 1
    copied.with_suffix(".onnx").write_bytes(bytes(content))
    with pytest.raises(BadWeights, match="changed or damaged"):
        load_classifier(copied)


def signed(card: dict) -> dict:
    """Give a changed card the digest of what it says now, where it can be read at all."""
    with contextlib.suppress(ValidationError):
        card["sha256"]["card"] = ClassifierCard.model_validate(card).digest()
    return card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card["labels"].update(HICCUPS=card["labels"].pop("SR")), "HICCUPS"),
        (lambda card: card["labels"].pop("SR"), "outputs for"),
        (lambda card: card.update(schema_name="other"), "schema_name"),
    ],
)
def test_load_weights_of_other_kind(copied, change, message):
    """Weights of another kind are refused."""
    card = json.loads(copied.read_text(encoding="utf-8"))
    change(card)
    copied.write_text(json.dumps(signed(card)), encoding="utf-8")
    with pytest.raises(BadWeights, match=message):
        load_classifier(copied)


def reordered(card: dict) -> None:
    card["labels"] = dict(sorted(card["labels"].items()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (reordered, "was changed"),
        (lambda card: card["labels"]["SR"].update(slope=2.0), "was changed"),
        (lambda card: card["labels"]["SR"].update(slope=1e9), "slope"),
        (lambda card: card["labels"]["SR"].update(offset=float("nan")), "offset"),
        (lambda card: card["labels"]["SR"]["thresholds"].pop("sens90"), "labels.SR"),
        (lambda card: card["sha256"].pop("onnx"), "sha256.onnx"),
        (lambda card: card.pop("labels"), "labels"),
        (lambda card: card["labels"].clear(), "labels"),
    ],
)
def test_load_changed_card(copied, change, message):
    """A card that was changed or lacks something is refused."""
    card = json.loads(copied.read_text(encoding="utf-8"))
    change(card)
    copied.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(BadWeights, match=message):
        load_classifier(copied)


@pytest.mark.parametrize("content", ["[" * 100_000, "", "[]", '{"labels": ' + '{"a": ' * 5000 + "1" + "}" * 5001])
def test_load_other_json(copied, content):
    """A file that is no card is refused."""
    copied.write_text(content, encoding="utf-8")
    with pytest.raises(BadWeights, match="does not describe a classifier"):
        load_classifier(copied)


def test_load_missing_weights(tmp_path):
    """Missing weights are named."""
    with pytest.raises(BadWeights, match="there is no"):
        load_classifier(tmp_path / "none.onnx")
