"""Which ink is where, pixel by pixel: one bit a trace, so that traces that overlap stay separate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path

# Four of the 32 bits are kinds of print, the others are traces; the layouts here need 15 at most.
MAX_TRACES = 28
BITS = {
    "label": np.uint32(1 << 28),
    "pulse": np.uint32(1 << 29),
    "grid": np.uint32(1 << 30),
    "other": np.uint32(1 << 31),
}


@dataclass(frozen=True, eq=False)
class Masks:
    """Ink of a page in its picture.

    Parameters
    ----------
    bits : (height, width) uint32
        Bit k: the trace of the k-th cell in reading order. Bits 28 to 31: label, pulse, grid, other print.
    """

    bits: NDArray[np.uint32]

    def trace(self, index: int | None = None) -> NDArray[np.bool_]:
        """Return where the trace of one cell is, or with None where any is, (height, width) bool."""
        trace_bits = np.uint32((1 << MAX_TRACES) - 1) if index is None else np.uint32(1 << index)
        return np.asarray((self.bits & trace_bits) != 0)

    def kind(self, name: str) -> NDArray[np.bool_]:
        """Return where ``"label"``, ``"pulse"``, ``"grid"`` or ``"other"`` print is, (height, width) bool."""
        return np.asarray((self.bits & BITS[name]) != 0)

    def save(self, path: Path) -> None:
        """Write as NPZ, one packed plane of bits for each kind of ink that is there."""
        planes: dict[str, Any] = {f"bit{bit}": np.packbits(self.bits & np.uint32(1 << bit) > 0) for bit in self._used()}
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, shape=np.array(self.bits.shape), **planes)

    def _used(self) -> list[int]:
        # Planes without ink are left out: most pages use few of the 32.
        present = int(np.bitwise_or.reduce(self.bits, axis=None))
        return [bit for bit in range(32) if present >> bit & 1]


def load_masks(path: str | Path) -> Masks:
    """Read masks as `Masks.save` writes them.

    Parameters
    ----------
    path : str or Path
        ``STEM.masks.npz``.

    Returns
    -------
    Masks
    """
    with np.load(path) as packed:
        height, width = (int(size) for size in packed["shape"])
        bits = np.zeros(height * width, np.uint32)
        for name in packed.files:
            if name.startswith("bit"):
                plane = np.unpackbits(packed[name], count=height * width).astype(np.uint32)
                bits |= plane << np.uint32(int(name[3:]))
    return Masks(bits.reshape(height, width))
