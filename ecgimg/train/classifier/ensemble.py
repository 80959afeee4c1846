"""Several networks as one, whose mean logit is the answer, and the three files of a classifier that holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ecgimg._atomic_files import atomic_path
from ecgimg._version import __version__
from ecgimg.classification.labels import LABELS
from ecgimg.classification.measured_inputs import measured_inputs
from ecgimg.classification.trained_classifier import TOKEN_INPUTS, ClassifierCard, Digests, LabelCard, network_inputs
from ecgimg.measurement import Measurements
from ecgimg.train.export import export_network


class Ensemble(nn.Module):
    """The mean logit of some networks, the labels only."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the networks take, each input once."""
        return tuple(dict.fromkeys(name for network in self.networks for name in network.inputs))

    def forward(self, *given: Tensor) -> Tensor:
        """Map what `inputs` names to logits (batch, labels)."""
        by_name = dict(zip(self.inputs, given, strict=True))
        logits = [network(*(by_name[name] for name in network.inputs))[:, : len(LABELS)] for network in self.networks]
        return torch.stack(logits).mean(dim=0)


def export_classifier(out: Path, network: Ensemble, cards: Mapping[str, LabelCard], records: int) -> Path:
    """Write the three files of a classifier into `out`; returns the JSON, which is written last."""
    settings = {f"network_{k}": dict(part.settings) for k, part in enumerate(network.networks)}
    inputs = _example_inputs(network)
    onnx = export_network(network, out / "classifier.onnx", inputs, ("logits", {0: "batch"}), settings, half=True)
    # by these, a classifier whose files do not belong together is refused
    files = {"onnx": onnx, "safetensors": onnx.with_suffix(".safetensors")}
    digests = {kind: hashlib.sha256(path.read_bytes()).hexdigest() for kind, path in files.items()}
    card = ClassifierCard(
        schema_name="ecgimg-classifier",
        schema_version=1,
        version=__version__,
        records=records,
        networks=[dict(part.settings) for part in network.networks],
        sha256=Digests(**digests, card=""),
        labels=dict(cards),
    )
    # the digest of the card covers everything but itself
    card = card.model_copy(update={"sha256": Digests(**digests, card=card.digest())})
    with atomic_path(out / "classifier.json") as temporary:
        temporary.write_text(card.model_dump_json(indent=1), encoding="utf-8")
    return out / "classifier.json"


def _example_inputs(network: Ensemble) -> dict[str, tuple[Tensor, dict[int, str]]]:
    """Return an array, and its axes of any length, for each input of a network."""
    # any two records will do: the exporter follows what happens to their shapes
    nothing = measured_inputs([Measurements()] * 2)
    signals = np.random.default_rng(0).normal(size=(2, 12, 300)).astype(np.float32)
    example = network_inputs(signals, network.inputs, nothing)
    more_axes = {"channels": {2: "samples"}, **{name: {1: "tokens"} for name in TOKEN_INPUTS}}
    return {
        name: (torch.from_numpy(values), {0: "batch", **more_axes.get(name, {})}) for name, values in example.items()
    }
