"""Training by several processes: joined under ``torchrun``, the first of which writes and decides when to stop."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
from torch import nn

_PATIENCE = timedelta(hours=2)
"""Other processes wait so long for the first, which simulates the hearts."""


def join_processes(device: str) -> str:
    """Join the processes that ``torchrun`` started, if it did; returns the device of this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return device
    # NCCL joins GPUs only, Gloo also processors
    on_gpu = torch.device(device).type == "cuda"
    torch.distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    return f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else device


def is_first() -> bool:
    """Return whether this process is the one that writes: the only one, or the first that ``torchrun`` started."""
    return int(os.environ.get("RANK", "0")) == 0


def wait_for_all() -> None:
    """Wait for the other processes that ``torchrun`` started: what the first has written is there for them to read."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def value_of_first(value: float, network: nn.Module) -> float:
    """Return the first process's value: processes that train together stop after the same step, whatever the clock."""
    if not torch.distributed.is_initialized():
        return value
    # as a tensor on the network's device, which is where the processes can talk
    shared = torch.tensor(value, dtype=torch.float64, device=next(network.parameters()).device)
    torch.distributed.broadcast(shared, 0)
    return float(shared)
