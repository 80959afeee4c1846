"""Write a trained network in the two forms that are shipped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def export_network(
    network: nn.Module,
    target: Path,
    inputs: Mapping[str, tuple[Tensor, Mapping[int, str]]],
    output: tuple[str, Mapping[int, str]],
    settings: Mapping[str, Any],
) -> Path:
    """Write `target` (``.onnx``, for use) and a ``.safetensors`` beside it (for fine-tuning); returns `target`.

    Parameters
    ----------
    inputs : mapping of name to (example, axes)
        In the network's own order; `axes` are those that may have any length, by name.
    output : (name, axes)
    settings : mapping
        What the network was made with, kept in the safetensors file.
    """
    from safetensors.torch import save_file

    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    dynamic: dict[str, Any] = {name: dict(axes) for name, (_, axes) in inputs.items()}
    dynamic[output[0]] = dict(output[1])
    examples = tuple(example for example, _ in inputs.values())
    torch.onnx.export(
        network, examples, str(target), input_names=list(inputs), output_names=[output[0]], dynamic_axes=dynamic,
        opset_version=17, dynamo=False,
    )  # fmt: skip
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(
        weights, str(target.with_suffix(".safetensors")), {key: json.dumps(value) for key, value in settings.items()}
    )
    return target
