"""Load the shipped networks, once per process, on ONNX Runtime."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import onnxruntime

from ecgimg.errors import BadWeights, MissingWeights
from ecgimg.inference.threads import onnx_threads

_ERRORS_ONLY = 3  # severity from which ONNX Runtime logs


@cache
def load_network(name: str, *, arena: bool = False) -> onnxruntime.InferenceSession:
    """Load a network of ``ecgimg/weights`` by its file name.

    Parameters
    ----------
    name : str
    arena : bool
        See `open_network`.

    Raises
    ------
    MissingWeights
        Where the folder has no such file.
    """
    try:
        content = (files("ecgimg") / "weights" / name).read_bytes()
    except FileNotFoundError:
        raise MissingWeights(name) from None
    return open_network(content, arena=arena)


def open_network(content: bytes, *, arena: bool = False) -> onnxruntime.InferenceSession:
    """Open a network with as many threads as this process may use.

    Parameters
    ----------
    content : bytes
        The network as ONNX.
    arena : bool
        Whether memory is kept from one call to the next. That is faster, but an arena keeps the size of the largest
        page that it ever saw.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.enable_cpu_mem_arena = arena
    options.intra_op_num_threads = onnx_threads()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def open_network_file(path: Path, inputs: tuple[str, ...]) -> onnxruntime.InferenceSession:
    """Open a network that a person names.

    Parameters
    ----------
    path : Path
    inputs : tuple of str
        Names of the inputs that it must have.

    Raises
    ------
    BadWeights
        Where the file cannot be read, or holds no such network.
    """
    try:
        session = open_network(path.read_bytes())
    except Exception as error:  # ONNX Runtime's own errors have no other base
        reason = " ".join(str(error).split())[:120].rstrip(".")
        raise BadWeights(f"{path} is not a readable ONNX network ({reason})") from None
    own = tuple(item.name for item in session.get_inputs())
    if own != inputs:
        raise BadWeights(f"{path} is another network: it takes {', '.join(own)}, but should take {', '.join(inputs)}")
    return session
