"""Write a trained network in the two forms that are shipped, and take its weights up again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ecgimg._atomic_files import atomic_paths
from ecgimg.errors import BadWeights


def export_network(
    network: nn.Module,
    target: Path,
    inputs: Mapping[str, tuple[Tensor, Mapping[int, str]]],
    output: tuple[str, Mapping[int, str]],
    settings: Mapping[str, Any],
    *,
    half: bool = False,
) -> Path:
    """Write `target` (``.onnx``, for use) and a ``.safetensors`` beside it (for fine-tuning); returns `target`.

    Parameters
    ----------
    inputs : mapping of name to (example, axes)
        In the network's own order; `axes` are those that may have any length, by name.
    output : (name, axes)
    settings : mapping
        What the network was made with, kept in the safetensors file.
    half : bool
        Round large weights to 16 bits, in `network` itself too, and store them so: files of half the size which
        compute in 32 bits all the same.
    """
    from safetensors.torch import save_file

    # the exporter traces one memory layout, and knows no training layers
    network = network.cpu().to(memory_format=torch.contiguous_format).eval()
    if half:
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(_rounded(weight))
    dynamic: dict[str, Any] = {name: dict(axes) for name, (_, axes) in inputs.items()}
    dynamic[output[0]] = dict(output[1])
    examples = tuple(example for example, _ in inputs.values())
    # tensors that share memory, or lie transposed, cannot be stored
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    if half:
        weights = {name: value.half() if _is_large(value) else value for name, value in weights.items()}
    notes = {key: json.dumps(value) for key, value in settings.items()}
    # both files or none: fine-tuning must not start from other weights than those in use
    with atomic_paths(target.with_suffix(".safetensors"), target) as (kept, used):
        torch.onnx.export(
            network, examples, str(used), input_names=list(inputs), output_names=[output[0]], dynamic_axes=dynamic,
            opset_version=17, dynamo=False,
            do_constant_folding=not half,
            training=torch.onnx.TrainingMode.PRESERVE if half else torch.onnx.TrainingMode.EVAL,
        )  # fmt: skip
        if half:
            _store_halves(used)
        save_file(weights, str(kept), notes)
    return target


def load_weights(network: nn.Module, path: Path, place: int = 0) -> None:
    """Take weights from a safetensors file: of one network, or of the one at `place` in a shipped classifier.

    Raises
    ------
    BadWeights
        Where the file cannot be read, or holds another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    prefix = f"networks.{place}."
    try:
        weights = load_file(path)
        own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        network.load_state_dict(own or weights)
    except (OSError, SafetensorError) as error:
        raise BadWeights(f"{path} is not a readable safetensors file ({error})") from None
    except RuntimeError:
        raise BadWeights(f"{path} holds the weights of another network, or of other labels") from None


_LARGE = 1000  # numbers: below it, half the precision saves nothing worth having


def _is_large(weight: Tensor) -> bool:
    return bool(weight.is_floating_point() and weight.numel() > _LARGE)


def _rounded(weight: Tensor) -> Tensor:
    return weight.half().float() if _is_large(weight) else weight


def _store_halves(path: Path) -> None:
    """Store the large constants of an ONNX file in 16 bits, with a cast before their use."""
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for constant in list(graph.initializer):
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype == np.float32 and values.size > _LARGE:
            name = constant.name
            graph.initializer.remove(constant)
            graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            cast = onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)
            graph.node.insert(0, cast)
    onnx.save(model, str(path))
