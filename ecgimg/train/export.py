"""Write a trained network in the two forms that are shipped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def export_network(
    network: nn.Module,
    target: Path,
    example: Tensor,
    names: tuple[str, str],
    axes: tuple[Mapping[int, str], Mapping[int, str]],
    settings: Mapping[str, int | Sequence[int]],
) -> Path:
    """Write `target` (``.onnx``, for use) and a ``.safetensors`` beside it (for fine-tuning); returns `target`.

    Parameters
    ----------
    example : Tensor
        An input of the network, of any size along `axes`.
    names, axes : of the input and of the output
        What they are called, and which of their axes may have any length.
    settings : mapping
        What the network was made with, kept in the safetensors file.
    """
    from safetensors.torch import save_file

    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    dynamic: dict[str, Any] = {name: dict(axis) for name, axis in zip(names, axes, strict=True)}
    torch.onnx.export(
        network, (example,), str(target), input_names=[names[0]], output_names=[names[1]], dynamic_axes=dynamic,
        opset_version=17, dynamo=False,
    )  # fmt: skip
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(
        weights, str(target.with_suffix(".safetensors")), {key: json.dumps(value) for key, value in settings.items()}
    )
    return target
